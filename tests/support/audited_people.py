"""A cohort to audit: groups of several sizes, a missing group, a missing marker."""

from __future__ import annotations

import numpy as np
import pandas as pd

RACES = ["White", "Black", "Other", "Rare"]
"""Levels in their order, which is not that of the alphabet."""

FORMULA = "Surv(time, event) ~ marker + age + sex"
HORIZON = 4.0


def people(seed: int, n: int = 400) -> pd.DataFrame:
    """Tied times, a marker with an effect, and groups by sex, race and site."""
    rng = np.random.default_rng(seed)
    marker, age = rng.normal(size=n), rng.normal(60, 8, n).round()
    sex = rng.choice(["women", "men"], n)
    race = rng.choice(RACES, n, p=[0.55, 0.25, 0.18, 0.02]).astype(object)
    race[rng.random(n) < 0.12] = None
    hazard = 0.12 * np.exp(0.6 * marker + 0.03 * (age - 60) + 0.2 * (sex == "men"))
    death, lost = rng.exponential(1 / hazard), rng.uniform(1, 9, n)
    marker[rng.random(n) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "time": np.ceil(8 * np.minimum(death, lost)) / 8,
            "event": (death <= lost).astype(int),
            "marker": marker,
            "age": age,
            "sex": pd.Categorical(sex, ["women", "men"]),
            "race": pd.Categorical(race, RACES),
            "site": rng.choice(["north", "south"], n),
            "clinic": rng.integers(0, 60, n),
            "risk": (-np.expm1(-4 * hazard) * 0.8).clip(0.01, 0.99),
        }
    )
