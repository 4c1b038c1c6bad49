"""The simulated cohort on which every package is timed."""

from __future__ import annotations

import numpy as np
import pandas as pd

COVARIATES = tuple(f"x{k}" for k in range(1, 13))
SCORES = ("score_a", "score_b")
EVENT_FRACTION = 0.6
LOG_HR = np.array([0.3, -0.2, 0.1, 0.15, 0, 0.05, -0.1, 0.2, 0.3, -0.3, 0.1, 0])
SHAPE, SCALE_DAYS = 1.3, 4000
HORIZONS_DAYS = (1000, 2000, 4000)
SUBGROUPS = {"sex": 2, "race": 5, "age_band": 5, "income": 5, "stage": 5, "site": 18}
"""Levels of each factor by which the cohort is audited, 40 in all."""


def simulate(n: int, seed: int = 20240607) -> pd.DataFrame:
    """Eight continuous and four binary covariates, whole-day times, 60% events.

    Times are Weibull, censoring is uniform up to the bound that leaves the wanted
    fraction of events. ``score_a`` is the linear predictor with noise, ``score_b`` the
    first covariate; neither has ties. ``risk_a`` and ``risk_b`` are the scores as
    probabilities, ``cause`` is 1 or 2 in rows with the event and 0 in others, and the
    factors of ``SUBGROUPS`` are drawn without regard to anything.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, len(COVARIATES)))
    X[:, 8:] = X[:, 8:] > 0.3
    risk = X @ LOG_HR
    event_time = SCALE_DAYS * (rng.exponential(size=n) * np.exp(-risk)) ** (1 / SHAPE)
    censoring = rng.uniform(size=n)
    low, high = 0.0, 100.0 * SCALE_DAYS
    for _ in range(50):
        bound = (low + high) / 2
        if (event_time <= bound * censoring).mean() < EVENT_FRACTION:
            low = bound
        else:
            high = bound
    time = np.ceil(np.minimum(event_time, high * censoring))
    frame = pd.DataFrame(X, columns=list(COVARIATES))
    frame = frame.assign(
        time=time,
        event=(event_time <= high * censoring).astype(np.int64),
        score_a=risk + 0.5 * rng.standard_normal(n),
        score_b=X[:, 0],
    )
    scores = frame[list(SCORES)].to_numpy()
    frame[["risk_a", "risk_b"]] = 1 / (1 + np.exp(-scores))
    frame["cause"] = frame["event"] * rng.integers(1, 3, n)
    for name, levels in SUBGROUPS.items():
        frame[name] = rng.integers(0, levels, n)
    return frame
