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
    Z = np.empty((order.size, X.shape[1]))  # numpy's large arrays get large pages
    _sort_and_scale(X, order, Z, centre, spread, _SPREAD_FLOOR)
    return Z, centre, spread


@njit(cache=True, nogil=True)
def _sort_and_scale(
    X: FloatArray,
    order: NDArray[np.int64],
    Z: FloatArray,
    centre: FloatArray,
    spread: FloatArray,
    floor: float,
) -> None:
    """Fill Z with sorted, standardised columns, and their centre and spread."""
    n, p = Z.shape
    for i in range(n):
        row = X[order[i]]
        for a in range(p):
            Z[i, a] = row[a]
            centre[a] += row[a]
    centre /= n
    rest = np.zeros(p)
    for i in range(n):
        for a in range(p):
            deviation = Z[i, a] - centre[a]
            Z[i, a] = deviation
            rest[a] += deviation
            spread[a] += deviation * deviation
    rest /= n
    centre += rest
    spread[:] = np.sqrt(np.maximum(spread / n - rest * rest, 0.0))
    for a in range(p):
        if spread[a] <= floor * abs(centre[a]):
            spread[a] = 0.0
    inverse = np.zeros(p)
    for a in range(p):
        if spread[a] > 0:
            inverse[a] = 1 / spread[a]
    for i in range(n):
        for a in range(p):
            Z[i, a] = (Z[i, a] - rest[a]) * inverse[a]


def maximize(
    sets: RiskSets,
    blocks: TieBlocks,
    Z: FloatArray,
    *,
    efron: bool,
    null: tuple[BlockSums, FloatArray] | None = None,
) -> Peak:
    """Climb from zero to the maximum of the log partial likelihood.

    Parameters
    ----------
    sets, blocks
        Rows in the order of the kernels.
    Z
        Standardised columns in that order, shape (n, p), of full rank.
    efron
        Efron's approximation for ties; Breslow's otherwise.
    null
        Block sums and information at zero, where they are known already.
    """
    beta = np.zeros(Z.shape[1])
    if null is None:
        sums = block_sums(sets, blocks, np.zeros(Z.shape[0]), efron=efron)
        info = information(sets, blocks, sums, Z)
    else:
        sums, info = null
    log_likelihood_start = sums.log_likelihood
    score_statistic, was_close, has_converged = 0.0, False, False
    events = float(sets.weights[sets.event].sum())
    close = _CLOSE * events * min(1.0, _MOST_EVENTS / sets.event.sum())
    for iteration in range(MAX_ITERATIONS):
        slope = gradient(sums, Z)
        if iteration > 0:
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
            trial = block_sums(sets, blocks, Z @ (beta + size * direction), efron=efron)
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
