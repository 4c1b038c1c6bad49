"""Made importance of the regions of faces, whose mean shares are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

REGIONS = (
    *("forehead", "periorbital", "eyes", "nose", "cheeks", "nasolabial", "mouth"),
    *("chin", "jaw_neck", "hair", "background"),
)
EVEN = (0.04, 0.08, 0.20, 0.10, 0.12, 0.10, 0.22, 0.05, 0.04, 0.03, 0.02)
"""Shares of a model that looks at the whole face."""


def make_importance(
    n_subjects: int,
    *,
    seed: int = 1,
    several: bool = False,
    spread: Mapping[str, float] | None = None,
    shares: Sequence[float] = EVEN,
) -> pd.DataFrame:
    """Return importance whose shares have the same means in every model.

    Shares of a face are drawn from a Dirichlet distribution around ``shares``; its
    concentration is by model in ``spread``, and the smaller it is, the more shares vary
    from face to face. A subject has one photo, or with ``several`` one to three.
    """
    rng = np.random.default_rng(seed)
    subject = np.arange(n_subjects)
    if several:
        subject = np.repeat(subject, rng.integers(1, 4, n_subjects))
    parts = []
    for model, concentration in (spread or {"faceage": 60, "other": 60}).items():
        amounts = rng.gamma(concentration * np.array(shares), size=(len(subject), 11))
        moves = rng.lognormal(0, 0.5, (len(subject), 1))
        sign = rng.choice([-1, 1], (len(subject), 11))
        changes = sign * moves * amounts / amounts.sum(axis=1, keepdims=True)
        parts.append(importance_table(changes, model, subject))
    return pd.concat(parts, ignore_index=True)


def importance_table(
    changes: np.ndarray, model: str, subject: np.ndarray | None = None
) -> pd.DataFrame:
    """Return changes, shape (n, 11), as a long table."""
    n = len(changes)
    subject = np.arange(n) if subject is None else subject
    return pd.DataFrame(
        {
            "photo": np.repeat([f"p{i:04d}.jpg" for i in range(n)], 11),
            "subject": np.repeat([f"s{i:04d}" for i in subject], 11),
            "status": "ok",
            "model": model,
            "region": np.tile(REGIONS, n),
            "importance": changes.ravel(),
        }
    )
