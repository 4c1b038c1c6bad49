"""Profile of Firth's penalised likelihood: the test and the limits of one coefficient.

The profile at b is the maximum over all other coefficients with this one held at b. A
limit is where it has fallen by half a chi-squared quantile (Heinze and Schemper 2001),
found on its signed root, which is close to a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.firth import PenalizedPeak, maximize_penalized
from fahrstats.kernels.newton import PartialLikelihood

FloatArray = NDArray[np.float64]

_MAX_STEPS = 60
_CLOSE = 1e-5
"""Relative distance of the signed root from its target that one more step squares."""

_LEVEL = 1e-14
"""Gain per event that counts as none where the height of the profile is wanted."""

_LONGEST = 4.0
"""Longest step, in distances already gone, so that no step leaves the data behind."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Test and limits of one coefficient.

    Attributes
    ----------
    lr_statistic : float
        Twice the fall of the profile at zero.
    low, high : ndarray of shape (n_levels,)
        Where it has fallen as far as wanted; missing where that was not found.
    """

    lr_statistic: float
    low: FloatArray
    high: FloatArray


def profile_coefficient(
    likelihood: PartialLikelihood, peak: PenalizedPeak, j: int, roots: FloatArray
) -> Profile:
    """Profile coefficient j of the penalised likelihood with this ``peak``.

    ``roots`` are the normal quantiles of the limits wanted, ascending.
    """
    at_zero = _hold(likelihood, peak, j, 0.0)
    fall = max(0.0, peak.log_likelihood - at_zero.log_likelihood)
    low, high = np.full(roots.size, np.nan), np.full(roots.size, np.nan)
    for limits, side in ((low, -1), (high, 1)):
        here = peak
        for level, root in enumerate(roots):
            limit, here = _find_limit(likelihood, peak, here, j, side, float(root))
            limits[level] = limit
            if np.isnan(limit):
                break
    return Profile(2 * fall, low, high)


def _hold(
    likelihood: PartialLikelihood, near: PenalizedPeak, j: int, value: float
) -> PenalizedPeak:
    """Maximise with coefficient j held, the others starting along the ridge."""
    is_free = np.arange(near.beta.size) != j
    along = near.cov[:, j] / near.cov[j, j]
    start = near.beta + along * (value - near.beta[j])
    start[j] = value
    held = maximize_penalized(likelihood, start=start, is_free=is_free, close=_LEVEL)
    if held.log_likelihood > -np.inf:
        return held
    start = np.where(is_free, near.beta, value)
    return maximize_penalized(likelihood, start=start, is_free=is_free, close=_LEVEL)


def _find_limit(
    likelihood: PartialLikelihood,
    peak: PenalizedPeak,
    here: PenalizedPeak,
    j: int,
    side: int,
    root: float,
) -> tuple[float, PenalizedPeak]:
    """Walk from ``here`` to where the signed root of the profile is ``root``.

    Returns the limit, missing if it was not found, and the profile next to it.
    """
    top, centre = peak.log_likelihood, peak.beta[j]
    size = root * float(np.sqrt(peak.cov[j, j]))
    if here is not peak:
        size = abs(here.beta[j] - centre) * root / _root(top, here)
    inside, outside = 0.0, np.inf
    for _ in range(_MAX_STEPS):
        there = _hold(likelihood, here, j, centre + side * size)
        gone = _root(top, there)
        slope = -side * there.slope[j] / gone if there.slope.size and gone > 0 else 0.0
        wanted = size + (root - gone) / slope if slope > 0 else np.nan
        if abs(gone - root) < _CLOSE * root and there.has_converged:
            return float(centre + side * wanted), there
        if gone < root:
            inside, here = size, there
        else:
            outside = size
        if not inside < wanted < outside:
            wanted = (inside + outside) / 2 if np.isfinite(outside) else 2 * size
        size = min(wanted, _LONGEST * size)
    return np.nan, here


def _root(top: float, there: PenalizedPeak) -> float:
    """Square root of twice the fall of the profile."""
    return float(np.sqrt(2 * max(0.0, top - there.log_likelihood)))
