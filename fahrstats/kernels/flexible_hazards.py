r"""Proportional hazards whose log cumulative hazard is a spline of log time.

Royston and Parmar's model: with B the natural cubic spline of log t and its constant,

.. math::

    \log H(t \mid z) = B(\log t) \gamma + z' \beta,
    \qquad
    \ell = \sum_{events} \left[ \log\{B'(\log t) \gamma\} - \log t + \log H \right]
    - \sum_{rows} H .

Every part is concave in :math:`(\gamma, \beta)`, so Newton's method from a feasible
start finds the one maximum. Without knots between the outer two it is Weibull's model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.natural_spline import natural_spline, natural_spline_slope
from fahrstats.kernels.newton import climb

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FlexibleHazard:
    """A fitted model.

    Attributes
    ----------
    knots : ndarray of shape (k,)
        Knots on the scale of log time.
    gamma : ndarray of shape (k,)
        Coefficients of the constant and of the k - 1 columns of the spline.
    beta : ndarray of shape (q,)
        Log hazard ratios.
    log_likelihood : float
        The maximum.
    has_converged : bool
        Whether it is one.
    """

    knots: FloatArray
    gamma: FloatArray
    beta: FloatArray
    log_likelihood: float
    has_converged: bool

    def risk(self, Z: FloatArray, times: FloatArray) -> FloatArray:
        """Risk of the event by each time for rows Z (m, q), shape (m, n_times)."""
        baseline = _basis(np.log(times), self.knots) @ self.gamma
        return -np.expm1(-np.exp((Z @ self.beta)[:, None] + baseline))


def fit_flexible_hazard(
    time: FloatArray, event: BoolArray, Z: FloatArray, n_knots: int
) -> FlexibleHazard:
    """Fit the model to n rows with covariates Z (n, q), best standardised.

    Knots are quantiles of the log event times, from the first to the last, each once.

    References
    ----------
    Royston and Parmar (2002), Statistics in Medicine 21:2175-2197.
    """
    log_time = np.log(time)
    knots = np.unique(np.quantile(log_time[event], np.linspace(0, 1, n_knots)))
    if knots.size == 1:
        knots = np.append(knots, knots + 1.0)
    likelihood = _Likelihood(
        columns=np.column_stack([_basis(log_time, knots), Z]),
        slopes=_slopes(log_time[event], knots, Z.shape[1]),
        event=event,
        log_time=float(log_time[event].sum()),
    )
    start = np.zeros(likelihood.columns.shape[1])
    start[:2] = np.log(event.sum() / time.sum()), 1.0  # exponential, no covariate
    n_events = int(event.sum())
    peak = climb(likelihood, start, float(n_events), n_events)
    return FlexibleHazard(
        knots=knots,
        gamma=peak.beta[: knots.size],
        beta=peak.beta[knots.size :],
        log_likelihood=peak.sums.log_likelihood,
        has_converged=peak.has_converged,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """The likelihood at some coefficients.

    ``hazard`` (n,) is the cumulative hazard of every row, ``rate`` (d,) the slope of
    the log cumulative hazard at every event.
    """

    log_likelihood: float
    hazard: FloatArray
    rate: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """Likelihood of n rows, d of them events, with k + q columns.

    ``slopes`` (d, k + q) are derivatives of ``columns`` by log time at the events, and
    ``log_time`` is their summed log time.
    """

    columns: FloatArray
    slopes: FloatArray
    event: BoolArray
    log_time: float

    def at(self, beta: FloatArray) -> _Point:
        """Evaluate it; minus infinity where a hazard is not above 0."""
        log_hazard, rate = self.columns @ beta, self.slopes @ beta
        if not (rate > 0).all():
            return _Point(-np.inf, np.empty(0), rate)
        with np.errstate(over="ignore"):
            hazard = np.exp(log_hazard)
        of_events = np.log(rate).sum() + log_hazard[self.event].sum() - self.log_time
        return _Point(float(of_events - hazard.sum()), hazard, rate)

    def gradient(self, point: _Point) -> FloatArray:
        """Return its first derivative."""
        of_slopes = (self.slopes / point.rate[:, None]).sum(axis=0)
        return np.asarray(of_slopes + (self.event - point.hazard) @ self.columns)

    def information(self, point: _Point) -> FloatArray:
        """Return minus its second derivative."""
        of_slopes = self.slopes / point.rate[:, None]
        weighted = self.columns * point.hazard[:, None]
        return np.asarray(of_slopes.T @ of_slopes + self.columns.T @ weighted)


def _basis(log_time: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the constant and the spline, shape (n, k)."""
    constant = np.ones(log_time.size)
    if knots.size == 2:
        return np.column_stack([constant, log_time])
    return np.column_stack([constant, natural_spline(log_time, knots)])


def _slopes(log_time: FloatArray, knots: FloatArray, q: int) -> FloatArray:
    """Return derivatives by log time of the basis, and of q covariates: 0."""
    first, others = np.zeros((log_time.size, 1)), np.zeros((log_time.size, q))
    of_spline = np.ones((log_time.size, 1))
    if knots.size > 2:
        of_spline = natural_spline_slope(log_time, knots)
    return np.hstack([first, of_spline, others])
