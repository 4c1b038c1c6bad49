"""Means over people, each of whom counts once however many photos show them."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.measurement.shared_draws import FEWEST_DRAWS
from fahrstats.resampling import draw_counts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_AT_ONCE = 2**21
"""Counts of subjects that are held at a time, 16 MiB."""


def check_draws(n_boot: int, name: str = "n_boot") -> None:
    """Refuse a number of draws too small for percentiles."""
    if not isinstance(n_boot, Integral) or n_boot < FEWEST_DRAWS:
        raise DataError(
            f"`{name}` is {n_boot}; give a whole number of at least {FEWEST_DRAWS}, "
            "since limits are percentiles of the draws."
        )


def subject_means(values: FloatArray, subject: IntArray) -> FloatArray:
    """Average each column over the photos of each subject that have a value.

    Parameters
    ----------
    values
        Shape (n, c), missing where a photo has none.
    subject
        Code of each photo's subject, from 0 without gaps, shape (n,).

    Returns
    -------
    ndarray of shape (subjects, c)
        Missing where no photo of a subject has a value.
    """
    is_known = ~np.isnan(values)
    sums, counts = np.zeros((2, subject.max() + 1, values.shape[1]))
    np.add.at(sums, subject, np.where(is_known, values, 0.0))
    np.add.at(counts, subject, is_known)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts)


def resampled_means(means: FloatArray, n_boot: int, seed: int) -> FloatArray:
    """Average each column over subjects, in the data and in draws of subjects.

    Parameters
    ----------
    means
        Of each subject, shape (subjects, c), missing where there is none.
    n_boot, seed
        Draws of the bootstrap, and what decides them.

    Returns
    -------
    ndarray of shape (1 + n_boot, c)
        The data first.
    """
    n = len(means)
    is_known = ~np.isnan(means)
    known = np.where(is_known, means, 0.0)
    draws = draw_counts(seed, n_boot, n)
    size = max(1, _AT_ONCE // n)
    parts = [np.ones((1, n))]
    parts += [
        np.stack([draw() for draw in draws[at : at + size]]).astype(np.float64)
        for at in range(0, n_boot, size)
    ]
    with np.errstate(invalid="ignore"):
        return np.concatenate([(c @ known) / (c @ is_known) for c in parts])
