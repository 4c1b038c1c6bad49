r"""The largest of several correlated normal statistics: adjusted p values and limits.

With :math:`Z = L U R`, where the rows of L have length one, U is uniform on the unit
sphere of the rank r of the correlation and :math:`R^2` is chi-squared on r degrees of
freedom and independent of U,

.. math:: P(\max_i |Z_i| \ge t) = E\,P(\chi^2_r \ge t^2 / \max_i (L U)_i^2),

a mean over directions alone. It needs no inverse, so differences of all pairs, whose
correlation is singular, are no special case; it is smooth in t, and a single statistic
keeps its own p value exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.stats import chi2, norm, qmc

FloatArray = NDArray[np.float64]

_DIRECTIONS = 2**15
"""Points of a scrambled Sobol sequence: p is right to a relative 0.001 around 0.05."""

_SEED = 20240607

_AT_ONCE = 128
"""Statistics whose coordinates in all directions are held at a time, 32 MiB."""

_PLACES = 256
"""Sizes at which p is found where there are more statistics, to be read between."""

_TINY = np.finfo(np.float64).tiny

_CONFOUNDED = 1e-9
"""Eigenvalue of a correlation matrix that rounding alone can leave."""


@dataclass(frozen=True, slots=True, eq=False)
class LargestStatistic:
    """Distribution of the largest absolute value of m normal statistics.

    Attributes
    ----------
    reach : ndarray
        Largest absolute coordinate of each direction on the sphere.
    rank : int
        Rank r of the correlation.
    m : int
        Number of statistics.
    """

    reach: FloatArray
    rank: int
    m: int


def largest_statistic(cov: FloatArray) -> LargestStatistic:
    """Describe the largest of m statistics of covariance ``cov``, shape (m, m).

    The diagonal must be positive; the rank may be any.
    """
    spread = np.sqrt(np.diag(cov))
    values, vectors = np.linalg.eigh(cov / np.outer(spread, spread))
    kept = values > _CONFOUNDED
    return _largest_of_root(vectors[:, kept] * np.sqrt(values[kept]))


def largest_of_draws(draws: FloatArray) -> LargestStatistic:
    """Describe the largest of m statistics from b draws of them, shape (b, m).

    Every statistic must vary over the draws that have it. Where a draw does not have
    it, it counts as its mean, which makes it less correlated with others than it is,
    and what is said of all together more cautious.
    """
    is_known = np.isfinite(draws)
    mean = np.where(is_known, draws, 0.0).sum(axis=0) / is_known.sum(axis=0)
    unit = np.where(is_known, draws - mean, 0.0)
    unit /= np.linalg.norm(unit, axis=0)
    if len(unit) > unit.shape[1]:
        return largest_statistic(unit.T @ unit)
    values, vectors = np.linalg.eigh(unit @ unit.T)
    return _largest_of_root(unit.T @ vectors[:, values > _CONFOUNDED])


def _largest_of_root(root: FloatArray) -> LargestStatistic:
    """Describe the largest of m statistics whose correlation is L L', of L (m, r)."""
    m, rank = root.shape
    root = root / np.linalg.norm(root, axis=1, keepdims=True)
    points = qmc.Sobol(rank, seed=_SEED).random(_DIRECTIONS)
    direction = norm.ppf(points)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = np.concatenate(
        [
            np.abs(part @ root.T).max(axis=1)
            for part in np.array_split(direction, 1 + m // _AT_ONCE)
        ]
    )
    return LargestStatistic(reach=reach, rank=rank, m=m)


def single_step_p(largest: LargestStatistic, statistic: FloatArray) -> FloatArray:
    """Probability that the largest statistic is at least each of these, in size.

    Kept between the p value alone and Sidak's bound, which hold for any correlation.

    References
    ----------
    Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363. Sidak (1967),
    JASA 62:626-633.
    """
    size = np.abs(np.asarray(statistic, np.float64))
    squared = size**2
    if size.size > _PLACES:
        places = np.linspace(size.min(), size.max(), _PLACES)
        log_p = [np.log(max(_beyond(largest, t**2), _TINY)) for t in places]
        p_value = np.exp(PchipInterpolator(places, log_p)(size))
    else:
        p_value = np.array([_beyond(largest, t2) for t2 in squared])
    alone = chi2.sf(squared, 1)
    return np.asarray(np.clip(p_value, alone, sidak_p(alone, largest.m)))


def joint_critical_value(largest: LargestStatistic, conf_level: float) -> float:
    """Size that the largest statistic exceeds with probability 1 - ``conf_level``."""
    low = chi2.isf(1 - conf_level, 1)
    high = sidak_critical_value(largest.m, conf_level) ** 2
    if _beyond(largest, low) <= 1 - conf_level:
        return float(np.sqrt(low))
    if _beyond(largest, high) >= 1 - conf_level:
        return float(np.sqrt(high))
    squared = brentq(lambda t2: _beyond(largest, t2) - (1 - conf_level), low, high)
    return float(np.sqrt(squared))


def sidak_p(p_value: FloatArray, m: int) -> FloatArray:
    """Adjust p values for m tests, whatever their correlation (Sidak 1967)."""
    with np.errstate(divide="ignore"):  # a p value of 1
        return np.asarray(-np.expm1(m * np.log1p(-p_value)))


def sidak_critical_value(m: int, conf_level: float) -> float:
    """Size within which m statistics stay at least so often as ``conf_level``."""
    return float(np.sqrt(chi2.isf(-np.expm1(np.log(conf_level) / m), 1)))


def _beyond(largest: LargestStatistic, squared: float) -> float:
    """Mean over directions of the radius' probability to carry them so far."""
    return float(chi2.sf(squared / largest.reach**2, largest.rank).mean())


def holm(p_values: FloatArray) -> FloatArray:
    """Adjust p values for their number, whatever their correlation.

    The i-th smallest of m is multiplied by m - i + 1, and is no smaller than the one
    before. Missing ones stay missing and are not counted.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6:65-70.
    """
    order = np.argsort(p_values)  # missing ones last
    n_left = np.count_nonzero(~np.isnan(p_values)) - np.arange(order.size)
    adjusted = np.empty(order.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * n_left), 1.0)
    return adjusted
