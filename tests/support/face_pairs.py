"""Faces scored twice, as tables made by code."""

from __future__ import annotations

import numpy as np
import pandas as pd
from tables import check_table

import fahrstats as fs


def make_tables(first, second, **columns):
    """One row a subject before, and one after."""
    who = np.arange(len(first))
    before = pd.DataFrame({"who": who, "faceage": np.asarray(first, float), **columns})
    return before, pd.DataFrame({"who": who, "faceage": np.asarray(second, float)})


def made_pairs(seed, n=60, shift=0.5, error=3.0, **columns):
    rng = np.random.default_rng(seed)
    face = rng.normal(60, 12, n)
    first, second = face + rng.normal(0, error, (2, n))
    return make_tables(first, second + shift, **columns)


def under_conditions(before, seed, shifts):
    """Photos after, of every subject under every condition."""
    rng = np.random.default_rng(seed)
    return pd.concat(
        [
            before[["who"]].assign(
                faceage=before["faceage"] + shift + rng.normal(0, 3, len(before)),
                what=what,
            )
            for what, shift in shifts.items()
        ],
        ignore_index=True,
    )


def agreed(tables, **options):
    return fs.agreement(*tables, **({"subject": "who"} | options))


def overall(result, **options):
    table = check_table(result.tidy(**options))
    return table[table["subgroup"] == "overall"].set_index("estimand")
