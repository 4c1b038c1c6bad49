r"""What predicted ages tell of true ages that are known to lie in an interval.

Given a predicted age p, the true age a is logistic with location and scale that depend
on p,

.. math:: a = m(p) + s(p)\,\varepsilon,

m and log s natural splines with three knots. Where a is known to an interval, the
likelihood is the probability of the interval; where it is exact, the density (a grouped
regression of true on predicted age). The open end of an oldest class is no problem, no
population of ages is assumed, and the model serves only to say where in its interval an
age is likely to lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from fahrstats.errors import ConvergenceError
from fahrstats.kernels.natural_spline import natural_spline

FloatArray = NDArray[np.float64]

_KNOTS = (0.1, 0.5, 0.9)
"""Quantiles of the predicted age at which curves bend."""

N_COEFFICIENTS = 2 * len(_KNOTS)
"""Of the location and of the log scale together."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_SHARE = (_NODES + 1) / 2

NODE_WEIGHTS: FloatArray = _WEIGHTS / 2
"""Weights of the 24 ages within an interval that stand for all; their sum is 1."""

STEP = 1e-4
"""Change of a coefficient for differences along it."""

_LEAST_INFORMATION = 1e-5
"""Curvature per photo below which the likelihood runs away, level, to infinity."""

_GRADIENT = 1e-6
"""Slope of the log-likelihood per photo at which a maximum is reached."""


@dataclass(frozen=True, slots=True, eq=False)
class AgeModel:
    """Distribution of true age given predicted age, fitted to intervals.

    Attributes
    ----------
    basis : ndarray of shape (n, 3)
        Intercept and spline columns of the predicted age.
    low, high : ndarray of shape (n,)
        Interval of each true age.
    coefficients : ndarray of shape (6,)
        Of the location, then of the log scale.
    influence : ndarray of shape (n, 6)
        What counting a photo once more adds to the coefficients, to first order.
    """

    basis: FloatArray
    low: FloatArray
    high: FloatArray
    coefficients: FloatArray
    influence: FloatArray

    def ages(self, shift: FloatArray | float = 0.0) -> FloatArray:
        """Return 24 ages in each interval as its photo makes them likely, (n, 24).

        Their mean with ``NODE_WEIGHTS`` is the expected age; of an exact age, all are
        that age. ``shift`` (6,) is added to the coefficients.
        """
        location, scale = _curves(self.basis, self.coefficients + shift)
        below, above = (self.low - location) / scale, (self.high - location) / scale
        # In the far tail only the smaller side of the distribution has digits.
        is_high = below + above > 0
        start = np.where(is_high, -above, below)
        end = np.where(is_high, -below, above)
        first, last = expit(start)[:, None], expit(end)[:, None]
        within = logit(first + _SHARE * (last - first))
        ages = location[:, None] + scale[:, None] * np.where(
            is_high[:, None], -within, within
        )
        return np.clip(ages, self.low[:, None], self.high[:, None])

    def probability(
        self, first: FloatArray, last: FloatArray, shift: FloatArray | float = 0.0
    ) -> FloatArray:
        """Return how likely each true age lies between two others, shape (n,)."""
        location, scale = _curves(self.basis, self.coefficients + shift)
        is_exact = self.low == self.high
        hits = (first <= self.low) & (self.low <= last)
        start, end = np.maximum(first, self.low), np.minimum(last, self.high)
        # Photos without such ages are given the whole interval, and then nothing.
        is_empty = is_exact | (start >= end)
        a, b = (start - location) / scale, (end - location) / scale
        low, high = (self.low - location) / scale, (self.high - location) / scale
        part = _log_mass(np.where(is_empty, 0.0, a), np.where(is_empty, 1.0, b))
        whole = _log_mass(low, np.where(is_exact, low + 1, high))
        share = np.where(is_empty, 0.0, np.exp(np.minimum(part - whole, 0.0)))
        return np.where(is_exact, hits, share)


def fit_age_model(predicted: FloatArray, low: FloatArray, high: FloatArray) -> AgeModel:
    """Fit the distribution of true age given predicted age by maximum likelihood.

    Raises
    ------
    ConvergenceError
        The likelihood has no maximum, since intervals are too wide or predictions too
        alike to tell how true age depends on them.
    """
    basis = _basis(predicted)
    q = basis.shape[1]
    start = np.zeros(2 * q)
    middle = np.where(np.isfinite(high), (low + high) / 2, low)
    start[0] = middle.mean()
    start[q] = np.log(middle.std() + 1)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        value, slopes = _log_likelihood(theta, basis, low, high)
        return -value.mean(), -slopes.mean(axis=0)

    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": _GRADIENT})
    theta = found.x
    information = _information(theta, basis, low, high)
    is_peak = np.abs(loss(theta)[1]).max() < 100 * _GRADIENT
    least = np.linalg.eigvalsh(information).min() / predicted.size
    if not is_peak or least < _LEAST_INFORMATION:
        raise ConvergenceError(
            "The likelihood of ages known to intervals has no maximum: intervals are "
            "too wide, or predicted ages too alike, to tell how true age depends on "
            "them."
        )
    _, slopes = _log_likelihood(theta, basis, low, high)
    influence = np.linalg.solve(information, slopes.T).T
    return AgeModel(basis, low, high, theta, np.asarray(influence, np.float64))


def _basis(predicted: FloatArray) -> FloatArray:
    """Return an intercept and spline columns of about unit spread, shape (n, 3)."""
    knots = np.quantile(predicted, _KNOTS)
    columns = [np.ones_like(predicted)]
    if (np.diff(knots) > 0).all():
        columns += list(natural_spline(predicted, knots).T)
    elif np.ptp(predicted) > 0:
        columns.append(predicted)
    basis = np.column_stack(columns)
    basis[:, 1:] -= basis[:, 1:].mean(axis=0)
    basis[:, 1:] /= basis[:, 1:].std(axis=0)
    return basis


def _curves(basis: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return location and scale of each photo's true age."""
    q = basis.shape[1]
    return basis @ theta[:q], np.exp(basis @ theta[q:])


def _log_likelihood(
    theta: FloatArray, basis: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return each photo's log-likelihood (n,), and its gradient (n, 6)."""
    location, scale = _curves(basis, theta)
    a, b = (low - location) / scale, (high - location) / scale
    is_exact = low == high
    mass = _log_mass(a, np.where(is_exact, a + 1, b))
    at_a = np.exp(log_expit(a) + log_expit(-a) - mass)
    at_b = np.exp(log_expit(b) + log_expit(-b) - mass)
    b_at_b = np.where(np.isfinite(b), b, 0.0) * at_b
    tilt = 1 - 2 * expit(a)  # derivative of the log density
    value = np.where(is_exact, log_expit(a) + log_expit(-a) - np.log(scale), mass)
    to_location = np.where(is_exact, -tilt, at_a - at_b) / scale
    to_log_scale = np.where(is_exact, -a * tilt - 1, a * at_a - b_at_b)
    slopes = np.hstack([to_location[:, None] * basis, to_log_scale[:, None] * basis])
    return value, slopes


def _log_mass(a: FloatArray, b: FloatArray) -> FloatArray:
    """Log of F(b) - F(a) = F(b) F(-a) (1 - exp(a - b)), which no tail makes vanish."""
    return np.asarray(log_expit(b) + log_expit(-a) + np.log(-np.expm1(a - b)))


def _information(
    theta: FloatArray, basis: FloatArray, low: FloatArray, high: FloatArray
) -> FloatArray:
    """Return minus the second derivatives, by differences of the gradient."""
    columns = []
    for step in STEP * np.eye(theta.size):
        ahead = _log_likelihood(theta + step, basis, low, high)[1].sum(axis=0)
        behind = _log_likelihood(theta - step, basis, low, high)[1].sum(axis=0)
        columns.append((behind - ahead) / (2 * STEP))
    information = np.array(columns)
    return np.asarray((information + information.T) / 2)
