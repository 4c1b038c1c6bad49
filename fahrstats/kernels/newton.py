"""Maximum of the Cox partial likelihood by Newton's method with step halving."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    add_offset,
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


class Point(Protocol):
    """A log-likelihood at some coefficients, with what its derivatives need."""

    @property
    def log_likelihood(self) -> float:
        """The value that is maximised."""


PointT = TypeVar("PointT", bound=Point)


class Likelihood(Protocol[PointT]):
    """A concave log-likelihood of p coefficients."""

    def at(self, beta: FloatArray) -> PointT:
        """Evaluate it; minus infinity where it has no value."""

    def gradient(self, point: PointT) -> FloatArray:
        """Return its first derivative, shape (p,)."""

    def information(self, point: PointT) -> FloatArray:
        """Return minus its second derivative, shape (p, p)."""


@dataclass(frozen=True, slots=True, eq=False)
class PartialLikelihood:
    """Cox's partial likelihood of the rows and columns that it holds."""

    sets: RiskSets
    blocks: TieBlocks
    Z: FloatArray
    _: KW_ONLY
    efron: bool
    offset: FloatArray | None = None

    def at(self, beta: FloatArray) -> BlockSums:
        """Block sums at ``beta``, with the log-likelihood."""
        predictor = add_offset(self.Z @ beta, self.offset)
        return block_sums(self.sets, self.blocks, predictor, efron=self.efron)

    def gradient(self, point: BlockSums) -> FloatArray:
        """Return the first derivative."""
        return gradient(point, self.Z)

    def information(self, point: BlockSums) -> FloatArray:
        """Return minus the second derivative."""
        return information(self.sets, self.blocks, point, self.Z)


@dataclass(frozen=True, slots=True, eq=False)
class Peak(Generic[PointT]):
    """Where Newton's method ended.

    Attributes
    ----------
    beta : ndarray of shape (p,)
        Coefficients of the columns it was given.
    sums : BlockSums, or the point of another likelihood
        The likelihood at ``beta``, with what its derivatives need.
    information : ndarray of shape (p, p)
        Information at ``beta``.
    log_likelihood_start : float
        Log-likelihood at the starting point.
    score_statistic : float
        Rao's statistic at the starting point, chi-squared with p degrees of freedom.
    has_converged : bool
        Whether the Newton decrement vanished, and with it what the gradient promises
        for a step as large as the coefficients. Both do too where rounding took the
        information, which must be compared with what it is the difference of.
    """

    beta: FloatArray
    sums: PointT
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
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
    null: tuple[BlockSums, FloatArray] | None = None,
) -> Peak[BlockSums]:
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
        Added to the linear predictor of each row, shape (n,).
    start
        Coefficients to start from instead of zero, such as those of a fit to almost
        the same rows. The likelihood is concave: the maximum is the same.
    null
        Block sums and information at the start, where they are known already.
    """
    likelihood = PartialLikelihood(sets, blocks, Z, efron=efron, offset=offset)
    events = float(sets.weights[sets.event].sum())
    beta = np.zeros(Z.shape[1]) if start is None else start
    return climb(likelihood, beta, events, int(sets.event.sum()), known=null)


def climb(
    likelihood: Likelihood[PointT],
    beta: FloatArray,
    events: float,
    n_events: int,
    *,
    known: tuple[PointT, FloatArray] | None = None,
) -> Peak[PointT]:
    """Climb a concave log-likelihood from ``beta`` by Newton's steps, halved if needed.

    ``events``, the sum of their weights, and ``n_events`` say how much gain is none;
    ``known`` is the point at ``beta`` and its information.
    """
    if known is None:
        here = likelihood.at(beta)
        info = likelihood.information(here)
    else:
        here, info = known
    log_likelihood_start = here.log_likelihood
    score_statistic, was_close, has_converged = 0.0, False, False
    close = _CLOSE * events * min(1.0, _MOST_EVENTS / n_events)
    for iteration in range(MAX_ITERATIONS):
        slope = likelihood.gradient(here)
        if iteration > 0:
            info = likelihood.information(here)
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
            there = likelihood.at(beta + size * direction)
            slack = 1e-13 * abs(here.log_likelihood)
            if there.log_likelihood >= here.log_likelihood - slack:
                break
            size /= 2
        else:
            break
        beta, here = beta + size * direction, there
    return Peak(
        beta=beta,
        sums=here,
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
