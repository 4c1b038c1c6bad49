r"""Meta-analysis of k estimates y with known variances v.

The random-effects model is :math:`y_i \sim N(\mu, v_i + \tau^2)`; weights are
:math:`w_i = 1 / (v_i + \tau^2)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_MAX_ITERATIONS = 500
_CLOSE = 1e-12
"""Step of tau squared, relative to the variances, that ends an iteration."""

_SLACK = 1e-14
"""Fall of the log-likelihood, as a share of it, that rounding can produce."""


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """A restricted maximum of the likelihood.

    Attributes
    ----------
    mean, variance : float
        Pooled estimate, and its variance 1 / sum of weights.
    scale : float
        Factor of Hartung and Knapp (2001): mean weighted squared deviation.
    tau_squared : float
        Variance between cohorts.
    i_squared : float
        tau squared as a share of itself and the typical variance within cohorts.
    has_converged : bool
        Whether the iteration for tau squared ended.
    """

    mean: float
    variance: float
    scale: float
    tau_squared: float
    i_squared: float
    has_converged: bool


def weighted_mean(y: FloatArray, v: FloatArray) -> tuple[float, float, float]:
    """Inverse-variance mean, its variance, and Cochran's Q about it."""
    w = 1 / v
    mean = float(w @ y / w.sum())
    return mean, float(1 / w.sum()), float(w @ (y - mean) ** 2)


def typical_variance(v: FloatArray) -> float:
    """Typical variance within cohorts (Higgins and Thompson 2002, equation 9)."""
    w = 1 / v
    # the square of the sum less the sum of squares, without cancellation
    products = 2 * float(w[1:] @ np.cumsum(w)[:-1])
    return (v.size - 1) * float(w.sum()) / products


def fit_reml(y: FloatArray, v: FloatArray) -> RandomEffects:
    """Maximise the restricted likelihood by Fisher scoring, tau squared kept >= 0.

    The likelihood can have two maxima where the variances differ much, so the iteration
    starts from the moment estimate and from zero, and the higher one counts.

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261-293.
    """
    moments = max(0.0, float(y.var(ddof=1) - v.mean()))
    peaks = [_climb(y, v, start) for start in (moments, 0.0)]
    tau_squared, _, has_converged = max(peaks, key=lambda peak: peak[1])
    mean, variance, q = weighted_mean(y, v + tau_squared)
    return RandomEffects(
        mean=mean,
        variance=variance,
        scale=q / (y.size - 1),
        tau_squared=tau_squared,
        i_squared=tau_squared / (tau_squared + typical_variance(v)),
        has_converged=has_converged,
    )


def _climb(y: FloatArray, v: FloatArray, start: float) -> tuple[float, float, bool]:
    """Return a maximum, its log-likelihood, and whether the iteration ended there."""
    tau_squared, unit = start, typical_variance(v)
    height, last = _restricted_log_likelihood(y, v, tau_squared), 0.0
    for _ in range(_MAX_ITERATIONS):
        w = 1 / (v + tau_squared)
        share = w / w.sum()
        deviation = y - share @ y
        # P = diag(w) - w w' / sum(w); sums of positive parts lose nothing to rounding
        off_diagonal = np.outer(w, share)
        np.fill_diagonal(off_diagonal, 0)
        diagonal = off_diagonal.sum(axis=1)
        gradient = w**2 @ deviation**2 - diagonal.sum()
        information = diagonal @ diagonal + (off_diagonal**2).sum()
        step = max(float(gradient / information), -tau_squared)
        if step * last < 0:  # expected information too small: steps go too far
            step /= 2
        trial = _restricted_log_likelihood(y, v, tau_squared + step)
        while trial < height - _SLACK * abs(height) and abs(step) > 0:
            step /= 2
            trial = _restricted_log_likelihood(y, v, tau_squared + step)
        tau_squared, height, last = tau_squared + step, trial, step
        if abs(step) <= _CLOSE * (unit + tau_squared):
            return tau_squared, height, True
    return tau_squared, height, False


def _restricted_log_likelihood(
    y: FloatArray, v: FloatArray, tau_squared: float
) -> float:
    """Log restricted likelihood, up to a constant."""
    _, variance, q = weighted_mean(y, v + tau_squared)
    return float(np.log(variance) - np.log(v + tau_squared).sum() - q) / 2


def tau_squared_at(y: FloatArray, v: FloatArray, q: float) -> float:
    """Find the tau squared at which Cochran's Q, which falls with it, equals ``q``.

    Zero where Q is below ``q`` from the start. Limits of the Q profile are its values
    at the quantiles of chi-squared on k - 1 degrees of freedom (Viechtbauer 2007,
    Statistics in Medicine 26:37-52).
    """
    low, high = 0.0, typical_variance(v)
    if weighted_mean(y, v)[2] <= q:
        return 0.0
    while weighted_mean(y, v + high)[2] > q:
        low, high = high, 4 * high
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if weighted_mean(y, v + middle)[2] > q:
            low = middle
        else:
            high = middle
