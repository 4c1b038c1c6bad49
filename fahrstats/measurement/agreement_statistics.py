"""How far and how often a score changes between two photos, with intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, nct, norm, t
from statsmodels.stats.proportion import proportion_confint

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

WITHIN_95 = float(norm.isf(0.025))
"""Standard deviations on either side of the mean between which 95% of changes lie."""

ROUNDING = 1e-9
"""Share of a border, or of values, by which a number may be off from rounding."""


class Estimate(NamedTuple):
    """A number, its standard error and its limits, missing where there are none."""

    estimate: float
    std_error: float = np.nan
    conf_low: float = np.nan
    conf_high: float = np.nan


def mean_change(change: FloatArray, tail: float) -> Estimate:
    """Estimate the mean of changes, with Student's interval.

    Parameters
    ----------
    change
        Shape (n,), n at least 2; so below.
    tail
        Probability beyond each limit; so below.
    """
    mean, se = float(change.mean()), float(spread(change) / np.sqrt(change.size))
    reach = float(t.isf(tail, change.size - 1)) * se
    return Estimate(mean, se, mean - reach, mean + reach)


def mean_absolute_change(change: FloatArray, tail: float) -> Estimate:
    """Estimate the mean size of changes, with Student's interval of its logarithm.

    Sizes are skewed, which the logarithm of their mean is not.
    """
    size = np.abs(change)
    mean, se = float(size.mean()), float(spread(size) / np.sqrt(size.size))
    if mean == 0:
        return Estimate(0.0, 0.0, 0.0, 0.0)
    factor = float(np.exp(t.isf(tail, size.size - 1) * se / mean))
    return Estimate(mean, se, mean / factor, mean * factor)


def sd_change(change: FloatArray, tail: float) -> Estimate:
    """Estimate the standard deviation of changes, with the chi-squared interval."""
    return _root(float(spread(change)), change.size - 1, tail)


def limits_of_agreement(change: FloatArray, tail: float) -> tuple[Estimate, Estimate]:
    """Estimate between which two values 95% of changes lie, with exact intervals.

    References
    ----------
    Bland and Altman (1999), Statistical Methods in Medical Research 8:135-160, for the
    limits and their standard error; Carkeet (2015), Optometry and Vision Science
    92:e71-e80, for the intervals, by the noncentral t distribution.
    """
    n, mean, sd = change.size, float(change.mean()), float(spread(change))
    se = sd * np.sqrt(1 / n + WITHIN_95**2 / (2 * (n - 1)))
    away = WITHIN_95 * np.sqrt(n)
    near, far = (sd / np.sqrt(n) * float(nct.ppf(p, n - 1, away)) for p in _ends(tail))
    reach = WITHIN_95 * sd
    return (
        Estimate(mean - reach, se, mean - far, mean - near),
        Estimate(mean + reach, se, mean + near, mean + far),
    )


def repeatability_coefficient(change: FloatArray, tail: float) -> Estimate:
    """Estimate below what size 95% of changes lie, if they are due to chance.

    It is 1.96 sqrt(2) times the standard deviation within subjects, whose square is
    half the mean squared change, on n degrees of freedom; a shift of the mean is part
    of it, and makes the interval somewhat too wide.

    References
    ----------
    Bland and Altman (1999), section 3.
    """
    root = _root(float(np.sqrt(np.mean(change**2))), change.size, tail)
    return Estimate(*(WITHIN_95 * number for number in root))


def share(is_so: BoolArray, tail: float) -> Estimate:
    """Estimate a share of pairs, with Wilson's interval."""
    n, found = is_so.size, float(is_so.mean())
    low, high = proportion_confint(int(is_so.sum()), n, 2 * tail, method="wilson")
    return Estimate(found, float(np.sqrt(found * (1 - found) / n)), low, high)


def spread(values: FloatArray) -> float:
    """Return the standard deviation, exactly 0 where values are equal to rounding."""
    sd = float(values.std(ddof=1))
    return sd if sd > ROUNDING * float(np.abs(values).max()) else 0.0


def _root(sd: float, df: int, tail: float) -> Estimate:
    """Estimate a standard deviation from its degrees of freedom."""
    low, high = (sd * np.sqrt(df / chi2.isf(p, df)) for p in _ends(tail))
    return Estimate(sd, sd / np.sqrt(2 * df), float(low), float(high))


def _ends(tail: float) -> tuple[float, float]:
    return tail, 1 - tail
