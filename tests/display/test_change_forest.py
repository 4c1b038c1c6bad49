"""Changes of conditions and groups, one below another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display import figures
from fahrstats.errors import DataError


def part(condition, level, mean):
    values = {"mean_change": mean, "loa_low": mean - 6, "loa_high": mean + 6}
    return [
        {
            "condition": condition,
            "subgroup": "overall" if level == "overall" else "sex",
            "level": level,
            "estimand": estimand,
            "estimate": value,
            "conf_low": value - 0.5,
            "conf_high": value + 0.5,
            "n": 40,
            "note": "not estimated: fewer than 3 pairs" if np.isnan(value) else "",
        }
        for estimand, value in values.items()
    ]


def table():
    return pd.DataFrame(
        part("makeup", "overall", -2.0)
        + part("makeup", "women", np.nan)
        + part("surgery", "overall", 0.5)
    )


def test_rows_have_names_numbers_and_reasons():
    labels = {"makeup": {"label": "Makeup, worth $5"}, "sex": {"label": "Sex"}}
    with drawn(figures.change_forest(table(), margin=1, labels=labels)) as figure:
        assert not texts_outside(figure)
        assert not overlapping(figure)
        told = [" ".join(text.split()) for text in words(figure)]
    assert {r"Makeup, worth \$5", "Sex: women", "surgery", "Change (years)"} <= {*told}
    assert "0.50 (0.00\N{EN DASH}1.00), n = 40" in told
    assert "not estimated: fewer than 3 pairs" in told


def test_bands_reach_from_limit_to_limit():
    plot = figures.change_forest(table())
    rows = plot.data.set_index(["condition", "level"])
    assert rows.loc[("makeup", "overall"), ["loa_low", "loa_high"]].tolist() == [-8, 4]
    assert rows["y"].is_monotonic_decreasing


def test_tables_that_cannot_be_drawn_are_refused():
    with pytest.raises(DataError, match="no column `note`; a forest of changes needs"):
        figures.change_forest(table().drop(columns="note"))
    several = pd.concat([table().assign(model=name) for name in "ab"])
    with pytest.raises(DataError, match="`model` has 2 values"):
        figures.change_forest(several)
    with pytest.raises(DataError, match="No mean change of the table was estimated"):
        figures.change_forest(table().iloc[3:6])
