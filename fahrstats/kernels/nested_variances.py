r"""Variance components of photos within days within subjects, by restricted likelihood.

The model is :math:`y_{ijk} = \mu + b_i + d_{ij} + e_{ijk}`, with any number of photos k
per day j and of days per subject i. ``theta`` holds the variances of b, d and e, in
this order.

A day enters through its number of photos n, their mean y and, of all days together, the
sum of squares within days. The mean has the variance v = theta_d + theta_e / n about
its subject, so that with w = 1 / v and W = sum w of a subject, the inverse of the
covariance of its means is diag(w) - theta_b w w' / (1 + theta_b W).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAX_ITERATIONS = 200
_CLOSE = 1e-11
"""Step of the variances, as a share of their sum, that ends an iteration."""

_SLACK = 1e-13
"""Rise of the deviance, as a share of it, that rounding can produce."""

_FLAT = 1e-12
"""Gain that a step promises, as a share of the deviance, which is none."""


@dataclass(frozen=True, slots=True, eq=False)
class NestedMeans:
    """Sufficient statistics of C days of S subjects; days of a subject adjoin.

    Attributes
    ----------
    n : ndarray of shape (C,)
        Photos of each day.
    mean : ndarray of shape (C,)
        Their mean.
    first : ndarray of int64, shape (S,)
        Position of each subject's first day.
    within : float
        Sum of squares about the means of the days.
    """

    n: FloatArray
    mean: FloatArray
    first: IntArray
    within: float

    @property
    def df_within(self) -> int:
        """Degrees of freedom of ``within``."""
        return int(self.n.sum()) - self.n.size


@dataclass(frozen=True, slots=True, eq=False)
class NestedPeak:
    """Where an iteration ended.

    Attributes
    ----------
    phi : ndarray of shape (q,)
        Position along the paths.
    theta : ndarray of shape (3,)
        Variances between subjects, between days, and between photos of a day.
    deviance : float
        Minus twice the restricted log-likelihood, with all its constants.
    mean : float
        Estimate of mu by generalised least squares.
    has_converged : bool
        Whether the iteration ended in a maximum.
    """

    phi: FloatArray
    theta: FloatArray
    deviance: float
    mean: float
    has_converged: bool


def climb_nested(
    means: NestedMeans, start: FloatArray, base: FloatArray, paths: FloatArray
) -> NestedPeak:
    """Maximise the restricted likelihood over theta = base + paths @ phi, phi >= 0.

    Newton's steps from phi = ``start`` (q,), with ``paths`` (3, q), or those of Fisher
    scoring where the likelihood is not concave. A variance at 0 whose likelihood falls
    stays there (an active set), so that boundaries are exact.
    """
    phi, has_converged, gain = start, False, np.inf
    deviance, mean = nested_deviance(means, base + paths @ phi)
    for _ in range(_MAX_ITERATIONS):
        theta = base + paths @ phi
        score, *curves = score_and_information(means, theta, mean)
        slope = paths.T @ score
        step = _newton_step(phi, slope, *(paths.T @ curve @ paths for curve in curves))
        gain = float(slope @ step)  # of the deviance, to second order
        has_converged = bool(np.abs(paths @ step).sum() <= _CLOSE * theta.sum())
        while True:  # until the deviance does not rise, or the step is nothing
            trial = phi + step
            height, centre = nested_deviance(means, base + paths @ trial)
            is_stuck = np.array_equal(trial, phi)
            if is_stuck or height <= deviance + _SLACK * abs(deviance):
                break
            step = step / 2
        phi, deviance, mean = trial, height, centre
        if has_converged or is_stuck:
            break
    is_flat = gain <= _FLAT * abs(deviance)
    return NestedPeak(phi, base + paths @ phi, deviance, mean, has_converged or is_flat)


def _newton_step(
    phi: FloatArray, slope: FloatArray, expected: FloatArray, observed: FloatArray
) -> FloatArray:
    """Return the step to the top of a parabola, with what would fall below 0 at 0."""
    step = np.zeros(phi.size)
    free = (phi > 0) | (slope > 0)
    while free.any():
        curve = observed
        if np.linalg.eigvalsh(observed[np.ix_(free, free)])[0] <= 0:
            curve = expected
        rest = slope - curve[:, ~free] @ step[~free]
        # least squares: paths can coincide where a share is 0
        step[free] = np.linalg.lstsq(curve[np.ix_(free, free)], rest[free])[0]
        below = free & (phi + step < 0)
        if not below.any():
            break
        step[below] = -phi[below]
        free &= ~below
    return step


def nested_deviance(means: NestedMeans, theta: FloatArray) -> tuple[float, float]:
    """Return minus twice the restricted log-likelihood, and the estimate of mu.

    The deviance is infinite where no photo varies (theta_e = 0) or all is 0.
    """
    between, days, error = theta
    if not error > 0:
        return np.inf, np.nan
    v = days + error / means.n
    w = 1 / v
    total = np.add.reduceat(w, means.first)
    centre = np.add.reduceat(w * means.mean, means.first) / total
    u = between + 1 / total
    mean = float((centre / u).sum() / (1 / u).sum())
    codes = np.repeat(
        np.arange(means.first.size), np.diff(means.first, append=means.n.size)
    )
    squares = w @ (means.mean - centre[codes]) ** 2 + ((centre - mean) ** 2 / u).sum()
    df = means.n.sum() - 1
    deviance = (
        df * np.log(2 * np.pi)
        + means.df_within * np.log(error)
        + means.within / error
        + np.log(means.n * v).sum()
        + np.log(total * u).sum()
        + np.log((1 / u).sum())
        + squares
    )
    return float(deviance), mean


def score_and_information(
    means: NestedMeans, theta: FloatArray, mean: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the restricted score (3,), expected and observed information (3, 3).

    Each component adds to the covariance of a subject's day means diag(a), with a = 1
    for days and a = 1 / n for photos, or a matrix of ones for subjects. With P the
    projected inverse covariance, the score is (y'P V_k P y - tr P V_k) / 2 and the
    expected information tr(P V_k P V_l) / 2; the observed is y'P V_k P V_l P y less it.
    """
    between, days, error = theta

    n_days = np.diff(means.first, append=means.n.size)

    def of_subjects(values: FloatArray) -> FloatArray:
        return np.asarray(np.add.reduceat(values, means.first), np.float64)

    def unmix(values: FloatArray) -> FloatArray:
        pulled = np.repeat(pull * of_subjects(w * values), n_days)
        return np.asarray(w * (values - pulled), np.float64)

    w = 1 / (days + error / means.n)
    total = of_subjects(w)
    shrink = 1 / (1 + between * total)
    pull, spent = between * shrink, total * shrink
    z = unmix(means.mean - mean)
    all_spent = spent.sum()  # 1'V^-1 1 of everyone
    # tr V^-1 V_k, 1'V^-1 V_k V^-1 1 and y'P V_k P y; then the same of pairs k, l
    trace, ones, squares = np.empty((3, 3))
    pairs, inner = np.empty((2, 3, 3))
    trace[0], ones[0] = all_spent, (spent**2).sum()
    squares[0] = (of_subjects(z) ** 2).sum()
    pairs[0, 0], inner[0, 0] = (spent**2).sum(), (spent**3).sum()
    parts = {1: np.ones(means.n.size), 2: 1 / means.n}
    weighted = {k: of_subjects(a * w**2) for k, a in parts.items()}
    for k, a in parts.items():
        trace[k] = a @ w - pull @ weighted[k]
        ones[k] = shrink**2 @ weighted[k]
        squares[k] = a @ z**2
        pairs[0, k] = pairs[k, 0] = ones[k]
        inner[0, k] = inner[k, 0] = (spent * shrink**2) @ weighted[k]
        for m, b in parts.items():
            cubes, product = of_subjects(a * b * w**3), weighted[k] * weighted[m]
            pairs[k, m] = a * b @ w**2 - 2 * pull @ cubes + pull**2 @ product
            inner[k, m] = shrink**2 @ (cubes - pull * product)
    score = (squares - trace + ones / all_spent) / 2
    expected = pairs - 2 * inner / all_spent + np.outer(ones, ones) / all_spent**2
    expected /= 2
    # V_k P y, and P of it
    q = np.stack([np.repeat(of_subjects(z), n_days), z, z / means.n])
    level = unmix(np.ones(means.n.size))
    p_q = np.stack([unmix(row) - level * (level @ row) / all_spent for row in q])
    observed = q @ p_q.T - expected
    score[2] += (means.within / error - means.df_within) / (2 * error)
    expected[2, 2] += means.df_within / (2 * error**2)
    observed[2, 2] += (2 * means.within / error - means.df_within) / (2 * error**2)
    return score, expected, observed
