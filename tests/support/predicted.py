"""Predicted risks of the reference of horizons, and simulated ones."""

from __future__ import annotations

import numpy as np
import pandas as pd


def with_risks(frame: pd.DataFrame, case) -> pd.DataFrame:
    """Add the risks that horizons.R makes, and untie times as it does."""
    first, second = {
        "lung": lambda d: ((d["age"] - 32) / 64, (4 * d["ph_ecog"] + 3) / 16),
        "rotterdam": lambda d: (
            (d["nodes"] + 2).clip(upper=30) / 32,
            (d["age"] - 16) / 128,
        ),
        "flchain": lambda d: (
            (d["age"] - 45) / 64,
            d["light_chain"].clip(upper=16000) / 16384,
        ),
    }[case.data](frame)
    number = np.arange(1, len(frame) + 1)
    time = frame[case.time] + (number / case.untie if case.untie else 0)
    return frame.assign(first=first, second=second, time=time)


def simulate_risks(seed: int, n: int, *, effect: float = 1.0) -> pd.DataFrame:
    """Exponential survival of two markers, their true and half-informed risks at 1.

    ``noise`` is of no effect, ``first`` and ``second`` measure the marker with errors
    of the same size, so that they are equally good.
    """
    rng = np.random.default_rng(seed)
    marker = rng.normal(size=n)
    death = rng.exponential(np.exp(-effect * marker))
    censoring = rng.exponential(2.0, n)
    risk = -np.expm1(-np.exp(effect * marker))
    return pd.DataFrame(
        {
            "time": np.minimum(death, censoring),
            "event": death <= censoring,
            "marker": marker,
            "first": marker + rng.normal(size=n),
            "second": marker + rng.normal(size=n),
            "noise": rng.normal(size=n),
            "risk": risk,
            "flat": 0.5 * risk + 0.25,
        }
    )
