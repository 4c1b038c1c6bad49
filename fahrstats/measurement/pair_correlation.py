"""How well two scores of the same faces agree or go together: correlations of pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, norm

from fahrstats.measurement.agreement_statistics import Estimate, spread

FloatArray = NDArray[np.float64]

_K = 2  # scores of a subject


def icc_agreement(first: FloatArray, second: FloatArray, tail: float) -> Estimate:
    """Estimate ICC(2,1): one score against another, shifts counting as disagreement.

    Parameters
    ----------
    first, second
        Shape (n,), n at least 3; so below.
    tail
        Probability beyond each limit; so below.

    References
    ----------
    Shrout and Fleiss (1979), Psychological Bulletin 86:420-428; McGraw and Wong (1996),
    Psychological Methods 1:30-46, ICC(A,1), for the interval.
    """
    n = first.size
    between, shift, error = _mean_squares(first, second)
    below = between + error + _K / n * (shift - error)
    if not (between + error > 0 and below > 0):
        return Estimate(np.nan)
    icc = float((between - error) / below)
    if between == 0:
        return Estimate(icc)
    if icc >= 1:
        return Estimate(icc, np.nan, icc, icc)
    a = _K * icc / (n * (1 - icc))
    b = 1 + _K * icc * (n - 1) / (n * (1 - icc))
    parts = (a * shift) ** 2 / (_K - 1) + (b * error) ** 2 / ((n - 1) * (_K - 1))
    df = (a * shift + b * error) ** 2 / parts
    rest = _K * shift + (_K * n - _K - n) * error
    low_f, high_f = f.isf(tail, n - 1, df), f.isf(tail, df, n - 1)
    low = n * (between - low_f * error) / (low_f * rest + n * between)
    high = n * (high_f * between - error) / (rest + n * high_f * between)
    return Estimate(icc, np.nan, float(low), float(high))


def icc_consistency(first: FloatArray, second: FloatArray, tail: float) -> Estimate:
    """Estimate ICC(3,1): a shift that is the same for all is no disagreement.

    References
    ----------
    As for :func:`icc_agreement`; there ICC(C,1).
    """
    between, _, error = _mean_squares(first, second)
    if not between + error > 0:
        return Estimate(np.nan)
    icc = float((between - error) / (between + error))
    if between == 0:
        return Estimate(icc)
    if error == 0:
        return Estimate(icc, np.nan, icc, icc)
    ratio, df = between / error, first.size - 1
    low, high = ratio / f.isf(tail, df, df), ratio * f.isf(tail, df, df)
    return Estimate(
        icc, np.nan, float((low - 1) / (low + 1)), float((high - 1) / (high + 1))
    )


def pearson(first: FloatArray, second: FloatArray, tail: float) -> Estimate:
    """Estimate Pearson's correlation, with Fisher's interval (from 4 pairs on)."""
    if not spread(first) * spread(second) > 0:
        return Estimate(np.nan)
    r, n = float(np.corrcoef(first, second)[0, 1]), first.size
    std_error = (1 - r**2) / np.sqrt(n - 1)
    return _fisher(r, std_error, 1 / np.sqrt(n - 3) if n > 3 else np.nan, tail)


def concordance_correlation(
    first: FloatArray, second: FloatArray, tail: float
) -> Estimate:
    """Estimate Lin's concordance correlation: how near pairs lie to equality.

    Variances divide by n, as Lin's do; the interval is that of the z-transform.

    References
    ----------
    Lin (1989), Biometrics 45:255-268, with the standard error of Lin (2000), Biometrics
    56:324-325.
    """
    n = first.size
    x, y = first - first.mean(), second - second.mean()
    vx, vy, cov = x @ x / n, y @ y / n, x @ y / n
    shift = float(second.mean() - first.mean())
    if not spread(first) * spread(second) > 0:
        return Estimate(np.nan)
    c, r = float(2 * cov / (vx + vy + shift**2)), float(cov / np.sqrt(vx * vy))
    if r == 0 or n < 3:
        return Estimate(c)
    u2 = shift**2 / np.sqrt(vx * vy)
    variance = (
        (1 - r**2) * c**2 * (1 - c**2) / r**2
        + 2 * c**3 * (1 - c) * u2 / r
        - c**4 * u2**2 / (2 * r**2)
    ) / (n - 2)
    std_error = float(np.sqrt(max(variance, 0.0)))
    of_z = std_error / (1 - c**2) if abs(c) < 1 else 0.0
    return _fisher(c, std_error, of_z, tail)


def _fisher(r: float, std_error: float, of_z: float, tail: float) -> Estimate:
    """Return a correlation with the interval of its z-transform."""
    if abs(r) >= 1:
        return Estimate(r, 0.0, r, r)
    z, reach = np.arctanh(r), norm.isf(tail) * of_z
    return Estimate(r, std_error, float(np.tanh(z - reach)), float(np.tanh(z + reach)))


def _mean_squares(first: FloatArray, second: FloatArray) -> tuple[float, float, float]:
    """Return mean squares between subjects, between both scores, and of the error."""
    n = first.size
    change, middle = second - first, (first + second) / 2
    between = _K * spread(middle) ** 2
    shift = n * float(change.mean()) ** 2 / _K
    error = spread(change) ** 2 / _K
    return between, shift, error
