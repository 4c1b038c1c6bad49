"""Score residuals of the Cox partial likelihood, right for tied event times.

Also the means of the covariates over the risk sets, which Schoenfeld's residuals and
the variance of a predicted curve need.

Notation and order of rows are those of :mod:`fahrstats.kernels.partial_likelihood`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import (
    CHUNK,
    BlockSums,
    TieBlocks,
    sum_from_below,
    to_next_block,
)
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def score_residuals(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield every row's contribution to the gradient, weights included, in chunks.

    Each chunk is the sorted rows it holds and an array (rows, p), valid until the next
    one. All rows sum to the gradient. Under Efron's approximation the events of one
    block share its d denominators, so their own hazard and mean are averages over them
    (Therneau and Grambsch 2000, section 4.6); treating tied events as Breslow's is the
    error that makes robust standard errors wrong with ties.
    """
    p, n_blocks = Z.shape[1], sets.tie_start.size - 1
    data = (
        Z,
        sums.risk,
        sets.event,
        sets.tie_start,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
    )
    first = _first_blocks(blocks)
    means = hazard_weighted_means(sets, blocks, sums, Z)
    lived = sum_from_below(means, blocks.stratum_block, sums.shrink)
    if not sums.must_add_up.any():
        means = np.empty((0, p))
    at_risk, leaving, k = np.zeros(p), 0, 0
    while k < n_blocks:
        end = int(np.searchsorted(sets.tie_start, sets.tie_start[k] + CHUNK))
        end = min(max(end, k + 1), n_blocks)
        rows = slice(int(sets.tie_start[k]), int(sets.tie_start[end]))
        chunk = Z[rows] * sums.martingale[rows, None]
        leaving = _add_means(
            *data,
            sums.per_block,
            first,
            sets.weights,
            blocks.block,
            means,
            lived,
            sums.must_add_up,
            k,
            end,
            at_risk,
            leaving,
            chunk,
        )
        yield rows, chunk
        k = end


def hazard_weighted_means(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> FloatArray:
    """Return Σ w̄ m/c of every block, (n_blocks, p): all who outlive it live through it.

    m are the first moments over the d denominators c of the block.
    """
    return _moments(sets, blocks, sums, Z, sums.per_block[2], -sums.per_block[3])


def risk_set_means(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> FloatArray:
    """Return the weighted mean of Z over the risk set of every block, (n_blocks, p).

    Under Efron's approximation the average over the denominators of the block; zero
    without an event.
    """
    observed = np.add.reduceat(sets.weights * sets.event, sets.tie_start[:-1])
    weight = np.where(observed > 0, observed, 1.0)
    hazard, hazard_own = sums.per_block[0] / weight, sums.per_block[1] / weight
    return _moments(sets, blocks, sums, Z, hazard, hazard_own - hazard)


def _moments(
    sets: RiskSets,
    blocks: TieBlocks,
    sums: BlockSums,
    Z: FloatArray,
    of_risk_set: FloatArray,
    of_events: FloatArray,
) -> FloatArray:
    """Combine S1 and D1 of every block with one factor each, shape (n_blocks, p)."""
    combined = np.empty((sets.tie_start.size - 1, Z.shape[1]))
    _combine_moments(
        Z,
        sums.risk,
        sets.event,
        sets.tie_start,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
        _first_blocks(blocks),
        of_risk_set,
        of_events,
        combined,
    )
    return combined


def _first_blocks(blocks: TieBlocks) -> IntArray:
    """First block of every block's stratum, shape (n_blocks,)."""
    return np.repeat(blocks.stratum_block[:-1], np.diff(blocks.stratum_block))


@njit(cache=True, nogil=True)
def _combine_moments(
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    first: IntArray,
    of_risk_set: FloatArray,
    of_events: FloatArray,
    combined: FloatArray,
) -> None:
    """Fill ``combined`` (n_blocks, p); ``first`` is the first block of each stratum."""
    p = Z.shape[1]
    at_risk, dying = np.zeros(p), np.empty(p)
    leaving = 0
    for k in range(tie_start.size - 1):
        leaving = to_next_block(
            k,
            first[k],
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
        for a in range(p):
            combined[k, a] = of_risk_set[k] * at_risk[a] + of_events[k] * dying[a]


@njit(cache=True, nogil=True)
def _add_means(
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    per_block: FloatArray,
    first: IntArray,
    weights: FloatArray,
    block: IntArray,
    means: FloatArray,
    lived: FloatArray,
    must_add_up: NDArray[np.bool_],
    k_from: int,
    k_to: int,
    at_risk: FloatArray,
    leaving: int,
    residuals: FloatArray,
) -> int:
    """Complete the residuals of blocks k_from to k_to, given z times martingale.

    Adds the hazard-weighted means each row lived through and takes from an event the
    mean of its block; an event has lived through its own share of its block, entered
    as the difference. Returns the new ``leaving``.
    """
    p = Z.shape[1]
    dying = np.empty(p)
    for k in range(k_from, k_to):
        leaving = to_next_block(
            k,
            first[k],
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
        hazard, hazard_own = per_block[0, k], per_block[1, k]
        weight = 0.0
        for i in range(tie_start[k], tie_start[k + 1]):
            weight += weights[i] * event[i]
        for i in range(tie_start[k], tie_start[k + 1]):
            row = i - tie_start[k_from]
            for a in range(p):
                passed = lived[block[i], a] - lived[entry_block[i], a]
                if means.size and must_add_up[i]:
                    passed = means[block[i] : entry_block[i], a].sum()
                residuals[row, a] += risk[i] * passed
            if not event[i]:
                continue
            for a in range(p):
                mean = (hazard * at_risk[a] - (hazard - hazard_own) * dying[a]) / weight
                own_less_passed = (
                    per_block[4, k] * dying[a] - per_block[3, k] * at_risk[a]
                )
                residuals[row, a] += risk[i] * own_less_passed - weights[i] * mean
    return leaving
