"""Maximum of the Cox partial likelihood by Newton's method with step halving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    block_sums,
    gradient,
    information,
)
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]

MAX_ITERATIONS = 60
"""A monotone likelihood gains a factor e a step and needs about 25."""

_MAX_HALVINGS = 40
_CLOSE = 1e-12
"""Gain per event that a step promises after which one more reaches rounding error."""

_PROMISE = 1e-6
"""Gain per event that a gradient may promise where information is lost to rounding."""

_MOST_EVENTS = 100
"""Events beyond which that bound does not grow, so that rare columns get there too."""

_EPSILON = float(np.finfo(np.float64).eps)

_SPREAD_FLOOR = 1e-13
"""Spread over size of a column that rounding of a constant can produce."""


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """Where Newton's method ended.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients of the columns it was given.
    sums : BlockSums
        Block sums at ``beta``, with the log-likelihood.
    information : ndarray of shape (p, p)
        Information at ``beta``.
    log_likelihood_start : float
        Log-likelihood at the starting point.
    score_statistic : float
        Rao's statistic at the starting point, chi-squared with p degrees of freedom.
    has_converged : bool
        Whether the Newton decrement vanished, and with it what the gradient promises
        for a step as large as the coefficients.
    """

    beta: FloatArray
    sums: BlockSums
    information: FloatArray
    log_likelihood_start: float
    score_statistic: float
    has_converged: bool


def standardize(
    X: FloatArray, order: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sort, centre and scale the columns of X (n, p); return Z, centre and spread.

    A column that is constant up to rounding becomes 0 and has spread 0. The mean is
    taken twice, so that a column shifted by 1e9 keeps its digits.
    """
    centre, spread = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    Z = _sort_and_scale(X, order, centre, spread, _SPREAD_FLOOR)
    return Z, centre, spread


@njit(cache=True)
def _sort_and_scale(
    X: FloatArray,
    order: NDArray[np.int64],
    centre: FloatArray,
    spread: FloatArray,
    floor: float,
) -> FloatArray:
    """Return sorted, standardised columns; fill their centre and spread."""
    n, p = order.size, X.shape[1]
    Z = np.empty((n, p))
    for i in range(n):
        for a in range(p):
            Z[i, a] = X[order[i], a]
            centre[a] += Z[i, a]
    centre /= n
    rest = np.zeros(p)
    for i in range(n):
        for a in range(p):
            rest[a] += Z[i, a] - centre[a]
    centre += rest / n
    for i in range(n):
        for a in range(p):
            Z[i, a] -= centre[a]
            spread[a] += Z[i, a] * Z[i, a]
    spread[:] = np.sqrt(spread / n)
    for a in range(p):
        if spread[a] <= floor * abs(centre[a]):
            spread[a] = 0.0
    inverse = np.zeros(p)
    for a in range(p):
        if spread[a] > 0:
            inverse[a] = 1 / spread[a]
    for i in range(n):
        for a in range(p):
            Z[i, a] *= inverse[a]
    return Z


def maximize(
    sets: RiskSets,
    blocks: TieBlocks,
    Z: FloatArray,
    *,
    efron: bool,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
) -> Peak:
    """Climb to the maximum of the log partial likelihood.

    Parameters
    ----------
    sets, blocks
        Rows in the order of the kernels.
    Z
        Standardised columns in that order, shape (n, p), of full rank.
    efron
        Efron's approximation for ties; Breslow's otherwise.
    offset
        Part of the linear predictor that is not estimated, shape (n,).
    start
        Coefficients to start from, shape (p,); zero if absent.
    """
    base = np.zeros(Z.shape[0]) if offset is None else offset
    beta = np.zeros(Z.shape[1]) if start is None else start
    sums = block_sums(sets, blocks, base + Z @ beta, efron=efron)
    log_likelihood_start = sums.log_likelihood
    score_statistic, was_close, has_converged = 0.0, False, False
    events = float(sets.weights[sets.event].sum())
    close = _CLOSE * events * min(1.0, _MOST_EVENTS / sets.event.sum())
    info = np.full((beta.size, beta.size), np.nan)
    for iteration in range(MAX_ITERATIONS):
        if not np.isfinite(sums.log_likelihood):
            break
        slope = gradient(sums, Z)
        info = information(sets, blocks, sums, Z)
        direction = solve_scaled(info, slope)
        decrement = float(slope @ direction)
        if iteration == 0:
            score_statistic = decrement
        if was_close or not decrement > 0:
            has_converged = float(np.abs(slope) @ np.abs(beta)) < _PROMISE * events
            break
        was_close = decrement < close
        size = 1.0
        for _ in range(_MAX_HALVINGS):
            trial = block_sums(
                sets, blocks, base + Z @ (beta + size * direction), efron=efron
            )
            slack = 1e-13 * abs(sums.log_likelihood)
            if trial.log_likelihood >= sums.log_likelihood - slack:
                break
            size /= 2
        else:
            break
        beta, sums = beta + size * direction, trial
    return Peak(
        beta=beta,
        sums=sums,
        information=info,
        log_likelihood_start=log_likelihood_start,
        score_statistic=score_statistic,
        has_converged=has_converged,
    )


def solve_scaled(info: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a positive definite system after scaling its diagonal to 1.

    A direction without information (a diagonal that underflowed, or one that rounding
    cannot tell from the others) gets no step.
    """
    diagonal = np.diag(info)
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 0)
    scaled = info * np.outer(scale, scale)
    np.fill_diagonal(scaled, 1.0)
    right_scaled = right * scale if right.ndim == 1 else right * scale[:, None]
    solved = np.linalg.lstsq(scaled, right_scaled, rcond=_EPSILON)[0]
    rescaled = solved * scale if right.ndim == 1 else solved * scale[:, None]
    return np.asarray(rescaled, np.float64)
