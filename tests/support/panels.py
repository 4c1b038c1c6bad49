"""Long tables of scores under simulated changes, with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

DOSES = {"roll": (0.0, 5.0, 10.0, 15.0, 20.0, 30.0), "jpeg": (100.0, 80, 60, 40, 20, 5)}
"""Degrees, and quality: the one rises with severity, the other falls."""

SLOPES = {
    "faceage": {"roll": 0.0, "jpeg": 1.0},
    "other": {"roll": 2.0, "jpeg": 1.0},
}
"""Years per step of severity, by model and condition."""


def make_panel(
    seed: int, n: int = 60, *, per_subject: int = 2, noise: float = 1.0
) -> pd.DataFrame:
    """Make photos of subjects, whose changes share a part, under two conditions."""
    rng = np.random.default_rng(seed)
    rows = []
    for photo in range(n):
        subject = photo // per_subject
        shared = np.random.default_rng([seed, subject]).normal()
        age = rng.uniform(30, 80)
        for condition, doses in DOSES.items():
            for severity, dose in enumerate(doses):
                row = {
                    "photo": f"p{photo:03d}.jpg",
                    "subject": f"s{subject:03d}",
                    "condition": condition,
                    "severity": severity,
                    "dose": dose,
                }
                for model, slope in SLOPES.items():
                    error = noise * (0.6 * shared + 0.8 * rng.normal())
                    change = severity * (slope[condition] + 0.3 * error)
                    row[model] = age + (change if severity else 0.0)
                rows.append(row)
    return pd.DataFrame(rows)
