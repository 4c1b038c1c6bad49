"""Statistics of the error of predicted age, as functions of weighted sums.

A draw of the bootstrap is a count for every photo. All statistics but medians are then
functions of sums over photos, so that many draws, and any group in them, are one
product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fahrstats.measurement.interval_ages import NODE_WEIGHTS, AgeModel

FloatArray = NDArray[np.float64]

WITHIN = (2, 5, 10)
"""Years of error, of either sign, up to which shares of photos are counted."""

OF_ERRORS = (
    "mae",
    "mean_error",
    "rmse",
    *(f"share_within_{years}" for years in WITHIN),
)
"""Statistics of errors alone."""

OF_MEDIANS = ("median_error", "median_absolute_error")
"""Statistics that are no function of sums."""

OF_INTERVALS = (
    "mae_to_interval",
    "mae_most",
    "mean_error_least",
    "mean_error_most",
    "share_inside",
)
"""Statistics of ages known to intervals that assume nothing."""

SIZE, DISTANCE = 1, 12
"""Features whose means are the MAE, and the least that it can be."""

OF_BOTH_AGES = ("r", "r_squared", "slope", "intercept")
"""Statistics of predicted against true age, which depend on how far ages spread."""

N_FEATURES = 9 + len(WITHIN)
"""Features that errors are summarized by, without those of intervals."""

_CENTRE = 40.0
"""Years near the middle of ages, so that sums of squares lose no digits."""

_ROUNDING = 1e-9
"""Years by which an error may miss a border and still be on it; see `gap`."""

_CONSTANT = 1e-12
"""Variance, as a share of the square of an age, that rounding leaves of none."""


def exact_features(predicted: FloatArray, age: FloatArray) -> FloatArray:
    """Return what is summed over photos of known age, for each model.

    Parameters
    ----------
    predicted
        Predicted ages of k models, shape (n, k).
    age
        True age, shape (n,).

    Returns
    -------
    ndarray of shape (n, k, 12)
        1; the error's size, value, square and whether it is within 2, 5, 10 years; true
        and predicted age, their squares and product, the ages less 40.
    """
    a = np.broadcast_to(age[:, None] - _CENTRE, predicted.shape)
    p = predicted - _CENTRE
    error = p - a
    within = [np.abs(error) <= years + _ROUNDING for years in WITHIN]
    columns = [np.ones_like(error), np.abs(error), error, error**2, *within]
    return np.stack([*columns, a, p, a * a, p * p, a * p], axis=-1)


def expected_features(
    predicted: FloatArray, model: AgeModel, shift: FloatArray | float = 0.0
) -> FloatArray:
    """Return what :func:`exact_features` is expected to be, of one model, (n, 12).

    Expected over the true ages that a photo's interval and predicted age make likely.
    """
    ages = model.ages(shift)
    error = predicted[:, None] - ages
    sizes = [np.abs(error), error, error**2]
    within = [
        model.probability(
            predicted - years - _ROUNDING, predicted + years + _ROUNDING, shift
        )
        for years in WITHIN
    ]
    a, aa = (ages - _CENTRE) @ NODE_WEIGHTS, (ages - _CENTRE) ** 2 @ NODE_WEIGHTS
    p = predicted - _CENTRE
    means = [size @ NODE_WEIGHTS for size in sizes]
    columns = [np.ones_like(p), *means, *within, a, p, aa, p * p, a * p]
    return np.stack(columns, axis=-1)


def bound_features(
    predicted: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return what intervals alone say of the error, for each model, shape (n, k, 6).

    The least size the error can have (the distance to the interval), its largest size,
    its least and largest value, whether there is an interval, and whether the
    prediction is inside. What has no end is missing.
    """
    least, most = predicted - high[:, None], predicted - low[:, None]
    least = np.where(np.isfinite(least), least, np.nan)
    distance = np.maximum(np.maximum(-most, np.nan_to_num(least, nan=-np.inf)), 0.0)
    furthest = np.maximum(np.abs(least), np.abs(most))
    is_interval = np.broadcast_to((low < high)[:, None], predicted.shape)
    is_inside = is_interval & (most >= 0) & (predicted < high[:, None])
    return np.stack(
        [distance, furthest, least, most, is_interval, is_inside], axis=-1
    ).astype(np.float64)


def from_sums(sums: FloatArray) -> dict[str, FloatArray]:
    """Return every statistic but medians from sums of features, (..., 12 or 18).

    A statistic that does not exist, because there is no photo or no spread of ages, is
    missing. R squared is that of the prediction itself, 1 less the sum of squared
    errors over that of ages about their mean; it is negative where the mean age would
    have been the better prediction.
    """
    n = np.where(sums[..., 0] > 0, sums[..., 0], np.nan)
    means = np.moveaxis(sums[..., 1:], -1, 0) / n
    size, error, square, *rest = means[: N_FEATURES - 1]
    within, (a, p, aa, pp, ap) = rest[: len(WITHIN)], rest[len(WITHIN) :]
    var_age, var_predicted = _variance(aa, a), _variance(pp, p)
    cov = ap - a * p
    slope = cov / var_age
    values = (size, error, np.sqrt(square), *within)
    bounds = means[N_FEATURES - 1 :]
    if len(bounds):
        of_intervals = np.where(bounds[-2] > 0, bounds[-2], np.nan)
        bounds = np.concatenate([bounds[:-2], [bounds[-1] / of_intervals]])
    return {
        **dict(zip(OF_ERRORS, values, strict=True)),
        **dict(zip(OF_INTERVALS, bounds, strict=False)),
        "r": np.clip(cov / np.sqrt(var_age * var_predicted), -1, 1),
        "r_squared": 1 - square / var_age,
        "slope": slope,
        "intercept": p + _CENTRE - slope * (a + _CENTRE),
    }


def median_of_draws(values: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return what takes the median of ``values`` (n,) in draws, shape (b, n).

    A draw counts every value a whole number of times; its median is that of the values
    so repeated, missing where there are none.
    """
    order = np.argsort(values, kind="stable")
    ascending = values[order]

    def take(counts: FloatArray) -> FloatArray:
        up_to = counts[:, order].cumsum(axis=1)
        n = up_to[:, -1]
        middle = [
            ascending[np.minimum((up_to < place[:, None]).sum(axis=1), values.size - 1)]
            for place in ((n + 1) // 2, n // 2 + 1)
        ]
        return np.where(n > 0, (middle[0] + middle[1]) / 2, np.nan)

    return take


def _variance(mean_square: FloatArray, mean: FloatArray) -> FloatArray:
    """Return a variance; missing where values do not vary."""
    variance = mean_square - mean**2
    return np.where(variance > _CONSTANT * (1 + mean_square), variance, np.nan)
