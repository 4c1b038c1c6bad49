r"""Firth's penalised partial likelihood, finite where the likelihood is monotone.

Adds half the log determinant of the information to the log-likelihood (Firth 1993;
Heinze and Schemper 2001). The derivative of that penalty is half the contraction of the
third central moments of the covariates over each risk set with the inverse information
V. With :math:`q_i = z_i' V z_i` and risk-set means m, it needs no third-order array:

    Σ_k w̄ [ cov(q, z) - 2 cov(z) V m ]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.newton import PartialLikelihood

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAX_ITERATIONS = 200
_MAX_HALVINGS = 40
CLOSE = 1e-20
"""Gain per event that counts as none where the coefficients are wanted."""

_NEAR = 1e-12
"""The same where rounding hides if a step gains anything, so that slopes decide."""


@dataclass(frozen=True, slots=True, eq=False)
class PenalizedPeak:
    """Maximum of the penalised likelihood.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients of the columns it was given.
    log_likelihood : float
        Penalised log-likelihood.
    slope : ndarray of shape (p,)
        Its first derivative, which vanishes for coefficients that are free.
    cov : ndarray of shape (p, p)
        Inverse information.
    has_converged : bool
        Whether the penalised gradient vanished.
    """

    beta: FloatArray
    log_likelihood: float
    slope: FloatArray
    cov: FloatArray
    has_converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Penalised log-likelihood at some coefficients, its slope, inverse information."""

    value: float
    slope: FloatArray
    cov: FloatArray


def maximize_penalized(
    likelihood: PartialLikelihood,
    *,
    start: FloatArray | None = None,
    is_free: NDArray[np.bool_] | None = None,
    close: float = CLOSE,
) -> PenalizedPeak:
    """Climb by the method of Broyden, Fletcher, Goldfarb and Shanno.

    The first step matrix is the inverse information, which the penalty makes wrong by
    up to a factor of two; later ones learn from the slopes.

    Parameters
    ----------
    likelihood
        Of standardised columns of full rank in the order of the kernels.
    start
        Coefficients to start from, shape (p,); zero if not given.
    is_free
        Coefficients that may move, shape (p,); all if not given. The penalty is that
        of all columns, so that a coefficient held at its estimate changes nothing
        (Heinze and Schemper 2001).
    close
        Gain per event that the next step promises, below which there is none to make.
    """
    p = likelihood.Z.shape[1]
    beta = np.zeros(p) if start is None else start
    free = np.ones(p, np.bool_) if is_free is None else is_free
    sets = likelihood.sets
    here = _evaluate(likelihood, beta)
    if here.value == -np.inf:
        return PenalizedPeak(beta, here.value, here.slope, here.cov, False)
    curvature = _inverse_of_part(here.cov, free)
    events = float(sets.weights[sets.event].sum())
    has_converged = False
    for _ in range(_MAX_ITERATIONS):
        step = curvature @ here.slope[free]
        gain = float(here.slope[free] @ step)
        has_converged = gain < close * events
        if has_converged:
            break
        slack = 1e-13 * abs(here.value)
        for _ in range(_MAX_HALVINGS):
            moved = beta.copy()
            moved[free] += step
            there = _evaluate(likelihood, moved)
            if there.value >= here.value - slack:
                break
            step /= 2
        if not there.value >= here.value - slack:
            has_converged = gain < _NEAR * events
            break
        if gain < _NEAR * events:
            left = there.slope[free] @ curvature @ there.slope[free]
            has_converged = not left < gain
            if has_converged:
                break
        change = (here.slope - there.slope)[free]
        curvature = _learn(curvature, step, change, _inverse_of_part(there.cov, free))
        beta, here = moved, there
    return PenalizedPeak(beta, here.value, here.slope, here.cov, has_converged)


def _inverse_of_part(cov: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    """Invert the information of the free coefficients, given the inverse of all."""
    if free.all():
        return cov
    held = ~free
    across = cov[np.ix_(free, held)]
    rest = cov[np.ix_(free, free)] - across @ np.linalg.solve(
        cov[np.ix_(held, held)], across.T
    )
    return np.asarray(rest, np.float64)


def _learn(
    curvature: FloatArray, step: FloatArray, change: FloatArray, start: FloatArray
) -> FloatArray:
    """Update an inverse curvature by one step; start again where it bends upwards."""
    along = step @ change
    if not along > 0:
        return start
    project = np.eye(step.size) - np.outer(step, change) / along
    learned = project @ curvature @ project.T + np.outer(step, step) / along
    return np.asarray(learned, np.float64)


def _evaluate(likelihood: PartialLikelihood, beta: FloatArray) -> _Point:
    """Evaluate the penalised log-likelihood; minus infinity where it has no value."""
    sets, blocks, Z = likelihood.sets, likelihood.blocks, likelihood.Z
    sums = likelihood.at(beta)
    nowhere = _Point(-np.inf, beta, np.empty((0, 0)))
    if not np.isfinite(sums.log_likelihood):
        return nowhere
    info = likelihood.information(sums)
    sign, log_determinant = np.linalg.slogdet(info)
    if not (sign > 0 and np.isfinite(log_determinant)):
        return nowhere
    cov = np.asarray(np.linalg.inv(info), np.float64)
    slope = likelihood.gradient(sums) + 0.5 * _penalty_slope(
        Z,
        ((Z @ cov) * Z).sum(axis=1),
        cov,
        sums.risk,
        sets.weights,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
        likelihood.efron,
    )
    return _Point(sums.log_likelihood + float(log_determinant) / 2, slope, cov)


@njit(cache=True, nogil=True)
def _penalty_slope(
    Z: FloatArray,
    q: FloatArray,
    V: FloatArray,
    risk: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    efron: bool,
) -> FloatArray:
    """Gradient of the log determinant of the information, shape (p,), O(n p²).

    Running sums hold 1, z, q, qz and the lower triangle of zz' in one array, weighted
    by risk, for the risk set and for the events of the block.
    """
    p = Z.shape[1]
    width = 2 + 2 * p + p * (p + 1) // 2
    at_risk, dying, row = np.zeros(width), np.zeros(width), np.zeros(width)
    slope = np.zeros(p)
    work = np.empty((3, p))
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        at_risk[:] = 0.0
        for k in range(stratum_block[stratum], stratum_block[stratum + 1]):
            dying[:] = 0.0
            d, weight = 0, 0.0
            if shrink.size:
                at_risk *= shrink[k]
            for i in range(tie_start[k], tie_start[k + 1]):
                _fill_moments(row, Z[i], q[i], risk[i])
                at_risk += row
                if event[i]:
                    dying += row
                    d += 1
                    weight += weights[i]
            while leaving < entry_order.size and entry_block[entry_order[leaving]] <= k:
                i = entry_order[leaving]
                _fill_moments(row, Z[i], q[i], risk[i])
                at_risk -= row
                leaving += 1
            if must_refresh[k]:
                at_risk[:] = 0.0
                for i in range(tie_start[stratum_block[stratum]], tie_start[k + 1]):
                    if entry_block[i] > k:
                        _fill_moments(row, Z[i], q[i], risk[i])
                        at_risk += row
            for death in range(d):
                share = death / d if efron else 0.0
                _add_skew(slope, at_risk, dying, share, V, weight / d, work)
        while (
            leaving < entry_order.size
            and entry_order[leaving] < (tie_start[stratum_block[stratum + 1]])
        ):
            leaving += 1
    return slope


@njit(cache=True, nogil=True)
def _add_skew(
    slope: FloatArray,
    at_risk: FloatArray,
    dying: FloatArray,
    share: float,
    V: FloatArray,
    weight: float,
    work: FloatArray,
) -> None:
    """Add ``weight`` times cov(q, z) - 2 cov(z) V m of one denominator to ``slope``.

    The denominator is the risk set less a ``share`` of its events; ``work``, (3, p),
    is overwritten.
    """
    p = slope.size
    mean, direction, curve = work[0], work[1], work[2]
    inverse = 1 / (at_risk[0] - share * dying[0])
    for a in range(p):
        mean[a] = (at_risk[1 + a] - share * dying[1 + a]) * inverse
    along = 0.0
    for a in range(p):
        direction[a] = 0.0
        curve[a] = 0.0
        for b in range(p):
            direction[a] += V[a, b] * mean[b]
        along += direction[a] * mean[a]
    k = 2 + 2 * p
    for a in range(p):
        for b in range(a):
            second = (at_risk[k] - share * dying[k]) * inverse
            curve[a] += second * direction[b]
            curve[b] += second * direction[a]
            k += 1
        curve[a] += (at_risk[k] - share * dying[k]) * inverse * direction[a]
        k += 1
    mean_q = (at_risk[1 + p] - share * dying[1 + p]) * inverse
    for a in range(p):
        skew = (at_risk[2 + p + a] - share * dying[2 + p + a]) * inverse
        skew -= mean_q * mean[a] + 2 * (curve[a] - mean[a] * along)
        slope[a] += weight * skew


@njit(cache=True, nogil=True)
def _fill_moments(row: FloatArray, z: FloatArray, q: float, risk: float) -> None:
    """Write risk times (1, z, q, qz, lower triangle of zz') into ``row``."""
    p = z.size
    row[0] = risk
    row[p + 1] = risk * q
    k = 2 + 2 * p
    for a in range(p):
        scaled = risk * z[a]
        row[1 + a] = scaled
        row[2 + p + a] = scaled * q
        for b in range(a + 1):
            row[k] = scaled * z[b]
            k += 1
