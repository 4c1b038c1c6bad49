"""Simulated cohorts for tests of fitted models."""

from __future__ import annotations

import numpy as np
import pandas as pd


def simulate(seed: int, n: int = 120, *, days: int = 60) -> pd.DataFrame:
    """Tied whole-day times, two covariates with effects, groups and weights."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    hazard = np.exp(0.7 * x - 0.5 * z)
    death, censoring = rng.exponential(1 / hazard), rng.exponential(1.5, n)
    time = np.ceil(days * np.minimum(death, censoring) / 2)
    return pd.DataFrame(
        {
            "time": time,
            "entry": np.floor(time * rng.random(n) * (rng.random(n) < 0.5)),
            "event": death <= censoring,
            "x": x,
            "z": z,
            "site": rng.choice(["north", "south", "west"], n),
            "w": rng.integers(1, 4, n),
        }
    )


def spared(data: pd.DataFrame) -> pd.DataFrame:
    """Add a column that is 1 for half of the censored and for nobody with the event."""
    return data.assign(spared=(~data["event"] & (np.arange(len(data)) % 2 == 0)) * 1.0)
