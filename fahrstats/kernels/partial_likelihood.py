r"""Cox partial likelihood: its value, gradient, information and score residuals.

Notation follows Therneau and Grambsch (2000), chapters 2 and 3. Rows come in the order
of :class:`~fahrstats.kernels.risk_sets.RiskSets`; tie block k holds the rows of one
stratum whose follow-up ends at :math:`t_k`. With :math:`r_i = w_i \exp(z_i'\beta)`,
sums over the risk set are :math:`S_0, S_1`, sums over the d events of the block
:math:`D_0, D_1`. Efron's approximation (Efron 1977) gives the block d denominators
:math:`c_l = S_0 - f_l D_0` with :math:`f_l = l/d`, Breslow's d times :math:`S_0`. Both
are one computation, since every quantity needs only five sums over l per block::

    hazard  = w̄ Σ 1/c     hazard_own = w̄ Σ (1 - f)/c
    c0 = w̄ Σ 1/c²         c1 = w̄ Σ f/c²         c2 = w̄ Σ f²/c²

where w̄ is the mean weight of the block's events and all f are 0 for Breslow. Writing
:math:`A_i` for the hazard that row i lived through,

    gradient    = Σ z_i (w_i δ_i - r_i A_i)
    information = Σ r_i A_i z_i z_i'
                  - Σ_k (c0 S1 S1' - c1 (S1 D1' + D1 S1') + c2 D1 D1')

so the second-moment sums over risk sets, the usual O(n p²) loop, become one product of
matrices. Columns of Z must be centred and of unit spread for this to keep its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CHUNK = 4096
"""Rows handled at a time where all at once would take memory."""

_LOST_DIGITS = 1e-4
"""A sum that fell to this share of its largest value is added up again."""

_SAFE_RANGE = 600.0
"""Range of the linear predictor within which no square of a risk can overflow."""

_SMALLEST = 1e-150
"""Denominator whose square can still be divided by."""


@dataclass(frozen=True, slots=True, eq=False)
class TieBlocks:
    """Where every row stands among the tie blocks; made once per data set.

    Attributes
    ----------
    block : ndarray of int64, shape (n,)
        Tie block of each row.
    entry_block : ndarray of int64, shape (n,)
        First block (walking down in time) that is over when the row enters, or the
        number of blocks when it was at risk from the start.
    stratum_block : ndarray of int64, shape (n_strata + 1,)
        First block of each stratum, and the number of blocks.
    """

    block: IntArray
    entry_block: IntArray
    stratum_block: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class BlockSums:
    """The five sums of each tie block (see the module), and what follows from them.

    Attributes
    ----------
    per_block : ndarray of float64, shape (5, n_blocks)
        ``hazard``, ``hazard_own``, ``c0``, ``c1``, ``c2``; zero without an event.
    risk : ndarray of float64, shape (n,)
        Weight times exp of the linear predictor, in the units of the row's block.
    expected : ndarray of float64, shape (n,)
        Risk times the hazard that the row lived through, r A in the module.
    martingale : ndarray of float64, shape (n,)
        Weighted event minus ``expected``.
    must_refresh : ndarray of bool, shape (n_blocks,)
        Blocks at which running sums are added up again, see :data:`_LOST_DIGITS`.
    must_add_up : ndarray of bool, shape (n,) or (0,)
        With delayed entry, rows for which the hazard until entry dwarfs the hazard
        lived through, so that this is added up block by block.
    shrink : ndarray of float64, shape (n_blocks,) or (0,)
        Factor that brings risks in units of the previous block to those of this one.
        Empty where all blocks share one unit, which they do unless the linear
        predictor spans more than :data:`_SAFE_RANGE`.
    log_likelihood : float
        Log partial likelihood; minus infinity where float64 cannot hold a denominator.
    """

    per_block: FloatArray
    risk: FloatArray
    expected: FloatArray
    martingale: FloatArray
    must_refresh: NDArray[np.bool_]
    must_add_up: NDArray[np.bool_]
    shrink: FloatArray
    log_likelihood: float


def find_tie_blocks(sets: RiskSets) -> TieBlocks:
    """Locate every row, and its entry, among the blocks of tied times."""
    n, n_blocks = sets.time.size, sets.tie_start.size - 1
    sizes = np.diff(sets.tie_start)
    stratum_block = np.searchsorted(sets.tie_start, sets.stratum_start)
    entry_block = np.full(n, n_blocks, np.int64)
    if sets.entry.size:
        block_time = sets.time[sets.tie_start[:-1]]
        for first, last in pairwise(stratum_block):
            rows = slice(sets.tie_start[first], sets.tie_start[last])
            over = np.searchsorted(-block_time[first:last], -sets.entry[rows], "left")
            entry_block[rows] = np.where(over < last - first, first + over, n_blocks)
    return TieBlocks(
        block=np.repeat(np.arange(n_blocks), sizes),
        entry_block=entry_block,
        stratum_block=stratum_block.astype(np.int64),
    )


@np.errstate(over="ignore", under="ignore", invalid="ignore")
def block_sums(
    sets: RiskSets,
    blocks: TieBlocks,
    linear_predictor: FloatArray,
    *,
    efron: bool,
) -> BlockSums:
    """Sum the denominators of every tie block, O(n).

    Risks are relative to the middle of the linear predictor, or, where it spans too
    much for that, to its largest value among the rows of the stratum that outlast each
    block, so that any span is held. (With delayed entry that largest value can leave
    the risk set, and a span above 1400 has no likelihood here.)
    """
    lowest, highest = linear_predictor.min(), linear_predictor.max()
    shrink = np.empty(0)
    if highest - lowest <= _SAFE_RANGE or sets.entry.size:
        centred = linear_predictor - (lowest + highest) / 2
    else:
        level, shrink = _running_maximum(
            linear_predictor, sets.tie_start, blocks.stratum_block
        )
        centred = linear_predictor - level[blocks.block]
    risk = np.exp(centred) * sets.weights
    sums, must_refresh, log_likelihood = _sum_blocks(
        risk,
        centred,
        sets.weights,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        shrink,
        efron,
    )
    expected, martingale = np.empty(risk.size), np.empty(risk.size)
    must_add_up = np.zeros(sets.entry.size, np.bool_)
    _expect_events(
        sums,
        sum_from_below(sums[:1].T, blocks.stratum_block, shrink)[:, 0],
        risk,
        sets.weights,
        sets.event,
        blocks.block,
        blocks.entry_block,
        must_add_up,
        expected,
        martingale,
    )
    return BlockSums(
        sums,
        risk,
        expected,
        martingale,
        must_refresh,
        must_add_up,
        shrink,
        log_likelihood,
    )


@njit(cache=True, nogil=True)
def linear_predictor(Z: FloatArray, beta: FloatArray) -> FloatArray:
    """Return Z beta, shape (n,), summed in one order so that equal rows tie exactly."""
    values = np.zeros(Z.shape[0])
    for i in range(Z.shape[0]):
        for a in range(Z.shape[1]):
            values[i] += Z[i, a] * beta[a]
    return values


def add_offset(predictor: FloatArray, offset: FloatArray | None) -> FloatArray:
    """Add the part of the linear predictor that has no coefficient, if there is one."""
    return predictor if offset is None else predictor + offset


def gradient(sums: BlockSums, Z: FloatArray) -> FloatArray:
    """Return the first derivative of the log-likelihood, shape (p,)."""
    return np.asarray(sums.martingale @ Z, np.float64)


def information(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> FloatArray:
    """Return minus the second derivative of the log-likelihood, shape (p, p)."""
    moments = np.zeros((Z.shape[1], Z.shape[1]))
    for start in range(0, Z.shape[0], CHUNK):
        part = Z[start : start + CHUNK]
        moments += part.T @ (part * sums.expected[start : start + CHUNK, None])
    moments -= _mean_products(
        Z,
        sums.risk,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
        sums.per_block,
    )
    return moments


@njit(cache=True, nogil=True)
def _running_maximum(
    linear_predictor: FloatArray, tie_start: IntArray, stratum_block: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the largest value met so far in the stratum, and exp of its last rise."""
    n_blocks = tie_start.size - 1
    level, shrink = np.empty(n_blocks), np.ones(n_blocks)
    for stratum in range(stratum_block.size - 1):
        first = stratum_block[stratum]
        highest = -np.inf
        for k in range(first, stratum_block[stratum + 1]):
            for i in range(tie_start[k], tie_start[k + 1]):
                highest = max(highest, linear_predictor[i])
            level[k] = highest
            if k > first:
                shrink[k] = np.exp(level[k - 1] - highest)
    return level, shrink


@njit(cache=True, nogil=True)
def sum_from_below(
    values: FloatArray, stratum_block: IntArray, shrink: FloatArray
) -> FloatArray:
    """Sum block values up to each block's time within its stratum.

    Blocks run down in time, so the sum runs from the last block of a stratum upwards.
    The result has one row more than ``values``, of zeros, for entry at the start.
    """
    n_blocks, p = values.shape
    total = np.zeros((n_blocks + 1, p))
    for stratum in range(stratum_block.size - 1):
        last = stratum_block[stratum + 1] - 1
        for k in range(last, stratum_block[stratum] - 1, -1):
            factor = shrink[k + 1] if shrink.size and k < last else 1.0
            for a in range(p):
                below = factor * total[k + 1, a] if k < last else 0.0
                total[k, a] = below + values[k, a]
    return total


@njit(cache=True, nogil=True)
def _expect_events(
    per_block: FloatArray,
    hazard_until: FloatArray,
    risk: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    block: IntArray,
    entry_block: IntArray,
    must_add_up: NDArray[np.bool_],
    expected: FloatArray,
    martingale: FloatArray,
) -> None:
    """Fill in r A, the martingale residual and ``must_add_up`` of every row.

    O(n), and the length of follow-up in blocks for rows that must be added up.
    """
    for i in range(risk.size):
        before = hazard_until[entry_block[i]]
        lived = hazard_until[block[i]] - before
        if abs(lived) < _LOST_DIGITS * abs(before):
            must_add_up[i] = True
            lived = per_block[0, block[i] : entry_block[i]].sum()
        observed = 0.0
        if event[i]:
            lived += per_block[1, block[i]] - per_block[0, block[i]]
            observed = weights[i]
        expected[i] = risk[i] * lived
        martingale[i] = observed - expected[i]


@njit(cache=True, nogil=True)
def _sum_blocks(
    risk: FloatArray,
    linear_predictor: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    shrink: FloatArray,
    efron: bool,
) -> tuple[FloatArray, NDArray[np.bool_], float]:
    """Return block sums (5, n_blocks), blocks to refresh, and the log-likelihood."""
    n_blocks = tie_start.size - 1
    sums = np.zeros((5, n_blocks))
    must_refresh = np.zeros(n_blocks, np.bool_)
    log_likelihood = 0.0
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        first = stratum_block[stratum]
        at_risk, largest = 0.0, 0.0
        for k in range(first, stratum_block[stratum + 1]):
            d, dying, weight, observed = 0, 0.0, 0.0, 0.0
            if shrink.size:
                at_risk *= shrink[k]
                largest *= shrink[k]
            for i in range(tie_start[k], tie_start[k + 1]):
                at_risk += risk[i]
                if event[i]:
                    d += 1
                    dying += risk[i]
                    weight += weights[i]
                    observed += weights[i] * linear_predictor[i]
            largest = max(largest, at_risk)
            while leaving < entry_order.size and entry_block[entry_order[leaving]] <= k:
                at_risk -= risk[entry_order[leaving]]
                leaving += 1
            if at_risk < _LOST_DIGITS * largest:
                must_refresh[k] = True
                at_risk = 0.0
                for i in range(tie_start[first], tie_start[k + 1]):
                    if entry_block[i] > k:
                        at_risk += risk[i]
                largest = at_risk
            if d == 0:
                continue
            log_likelihood += observed
            mean_weight = weight / d
            for death in range(d):
                f = death / d if efron else 0.0
                denominator = at_risk - f * dying
                if not denominator > _SMALLEST:  # or not a number
                    return sums, must_refresh, -np.inf
                log_likelihood -= mean_weight * np.log(denominator)
                share = mean_weight / denominator
                sums[0, k] += share
                sums[1, k] += (1.0 - f) * share
                sums[2, k] += share / denominator
                sums[3, k] += f * share / denominator
                sums[4, k] += f * f * share / denominator
        while (
            leaving < entry_order.size
            and entry_order[leaving] < (tie_start[stratum_block[stratum + 1]])
        ):
            leaving += 1
    return sums, must_refresh, log_likelihood


@njit(cache=True, nogil=True)
def to_next_block(
    k: int,
    first: int,
    leaving: int,
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: bool,
    shrink: FloatArray,
    at_risk: FloatArray,
    dying: FloatArray,
) -> int:
    """Bring the first moments S1 and D1 to block k, from zero where k is ``first``.

    ``first`` is the first block of the stratum; ``leaving`` counts the rows done with
    in ``entry_order``, and its new value is returned.
    """
    p = at_risk.size
    dying[:] = 0.0
    if k == first:
        at_risk[:] = 0.0
        while leaving < entry_order.size and entry_order[leaving] < tie_start[k]:
            leaving += 1  # entered before any event of an earlier stratum
    elif shrink.size and shrink[k] != 1.0:
        at_risk *= shrink[k]
    for i in range(tie_start[k], tie_start[k + 1]):
        r, z = risk[i], Z[i]
        for a in range(p):
            at_risk[a] += r * z[a]
        if event[i]:
            for a in range(p):
                dying[a] += r * z[a]
    while leaving < entry_order.size and entry_block[entry_order[leaving]] <= k:
        i = entry_order[leaving]
        for a in range(p):
            at_risk[a] -= risk[i] * Z[i, a]
        leaving += 1
    if must_refresh:
        at_risk[:] = 0.0
        for i in range(tie_start[first], tie_start[k + 1]):
            if entry_block[i] > k:
                for a in range(p):
                    at_risk[a] += risk[i] * Z[i, a]
    return leaving


@njit(cache=True, nogil=True)
def _mean_products(
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    per_block: FloatArray,
) -> FloatArray:
    """Sum over blocks of c0 S1 S1' - c1 (S1 D1' + D1 S1') + c2 D1 D1', shape (p, p)."""
    p = Z.shape[1]
    at_risk, dying = np.empty(p), np.empty(p)
    total = np.zeros((p, p))
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        first, end = stratum_block[stratum], stratum_block[stratum + 1]
        for k in range(first, end):
            leaving = to_next_block(
                k,
                first,
                leaving,
                Z,
                risk,
                event,
                tie_start,
                entry_block,
                entry_order,
                must_refresh[k],
                shrink,
                at_risk,
                dying,
            )
            if per_block[2, k] == 0.0:
                continue
            for a in range(p):
                left = per_block[2, k] * at_risk[a] - per_block[3, k] * dying[a]
                right = per_block[4, k] * dying[a] - per_block[3, k] * at_risk[a]
                for b in range(a + 1):
                    total[a, b] += left * at_risk[b] + right * dying[b]
    for a in range(p):
        for b in range(a):
            total[b, a] = total[a, b]
    return total
