"""Where a curve of changes over severities passes a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def isotonic(values: FloatArray, weights: FloatArray) -> FloatArray:
    r"""Return the least-squares curve that does not fall, along the last axis.

    .. math:: \hat{g}_i = \max_{a \le i} \min_{b \ge i} \mathrm{mean}(y_a, ..., y_b),

    with weighted means: quick for few severities and many draws. Values (..., s) are
    finite, or the whole curve is missing; weights (s,) are positive.

    References
    ----------
    Robertson, Wright and Dykstra (1988), Order Restricted Statistical Inference.
    """
    s = weights.size
    total = np.cumsum(np.append(0.0, weights))
    zero = np.zeros((*values.shape[:-1], 1))
    sums = np.cumsum(np.concatenate([zero, values * weights], axis=-1), axis=-1)
    fitted = np.empty_like(values)
    for i in range(s):
        largest = np.full(values.shape[:-1], -np.inf)
        for a in range(i + 1):
            means = (sums[..., i + 1 :] - sums[..., a, None]) / (
                total[i + 1 :] - total[a]
            )
            largest = np.maximum(largest, means.min(axis=-1))
        fitted[..., i] = largest
    return fitted


def passing_severity(
    values: FloatArray, weights: FloatArray, severity: FloatArray, limit: float
) -> FloatArray:
    """Return the severity at which a monotone curve first reaches a limit.

    The curve begins at 0 at severity 0, the photo itself, is the isotonic fit of the
    values at the severities, and straight between them. Infinite where it stays below
    the limit.

    Parameters
    ----------
    values
        Sizes of change, from 0 on, shape (..., s); curves with a missing value have no
        answer.
    weights
        Photos behind each value, shape (s,).
    severity
        Ascending from above 0, shape (s,).
    limit
        Above 0.
    """
    zero = np.zeros((*values.shape[:-1], 1))
    curve = np.concatenate([zero, isotonic(values, weights)], axis=-1)
    place = np.append(0.0, severity)
    is_beyond = curve >= limit
    after = np.maximum(is_beyond.argmax(axis=-1), 1)[..., None]
    high = np.take_along_axis(curve, after, -1)[..., 0]
    low = np.take_along_axis(curve, after - 1, -1)[..., 0]
    after = after[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (limit - low) / (high - low)
        found = place[after - 1] + part * (place[after] - place[after - 1])
    found = np.where(is_beyond.any(axis=-1), found, np.inf)
    return np.asarray(np.where(np.isnan(curve).any(axis=-1), np.nan, found))


def dose_at(severity: FloatArray, places: FloatArray, doses: FloatArray) -> FloatArray:
    """Return the dose at a severity, straight between those of the panel.

    Beyond the panel it is infinite, in the direction that doses take; missing where a
    dose next to the severity is.

    Parameters
    ----------
    severity
        Any shape.
    places, doses
        Severities of the panel from 0 on, and their doses, shape (s + 1,).
    """
    beyond = np.inf if doses[-1] > doses[-2] else -np.inf
    after = np.clip(np.searchsorted(places, severity), 1, places.size - 1)
    finite = np.where(np.isfinite(severity), severity, places[-1])
    part = (finite - places[after - 1]) / (places[after] - places[after - 1])
    inside = doses[after - 1] + part * (doses[after] - doses[after - 1])
    inside = np.where(np.isnan(severity), np.nan, inside)
    return np.asarray(np.where(np.isposinf(severity), beyond, inside))
