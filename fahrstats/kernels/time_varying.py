"""Gradient and information of terms that change with time, for the test of hazards.

A term g(t) x beside every term x, with coefficient zero: its gradient, and the blocks
of information that it shares with x and has alone (Grambsch and Therneau 1994). All are
sums of the partial likelihood in which tie block k counts g_k or g_k² times. Notation
and order of rows are those of :mod:`fahrstats.kernels.partial_likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    sum_from_below,
    to_next_block,
)
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CHUNK = 1024
"""Rows handled at a time, few enough to stay in the cache for both products."""

_LOST_DIGITS = 1e-4
"""A sum that fell to this share of what it is the difference of is added up again."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeVarying:
    """What q added terms g(t) x do to a partial likelihood.

    Attributes
    ----------
    gradient : ndarray of shape (q,)
        Derivative by the coefficients of the added terms.
    shared, own : ndarray of shape (q, q)
        Information between x and g(t) x, and of g(t) x alone.
    residuals : ndarray of shape (n_blocks, q)
        Schoenfeld residuals, unweighted and summed over the events of each block.
    """

    gradient: FloatArray
    shared: FloatArray
    own: FloatArray
    residuals: FloatArray


def time_varying_terms(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray, scale: FloatArray
) -> TimeVarying:
    """Add terms to the likelihood with block sums ``sums``; ``scale`` is g by block.

    One walk through the blocks and two products of matrices, O(n q²).
    """
    q = Z.shape[1]
    hazard = sums.per_block[0] * scale
    until = sum_from_below(
        np.column_stack([hazard, hazard * scale]), blocks.stratum_block, sums.shrink
    )
    expected = np.empty((Z.shape[0], 2))
    observed = np.zeros(Z.shape[0])
    _expect_events(
        sums.per_block,
        until,
        scale,
        sums.risk,
        sets.weights,
        sets.event,
        blocks.block,
        blocks.entry_block,
        expected,
        observed,
    )
    products = np.zeros((2, q, q))
    residuals = np.zeros((scale.size, q))
    _subtract_means(
        Z,
        sums.risk,
        sets.event,
        sets.weights,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        sums.shrink,
        sums.per_block,
        scale,
        products,
        residuals,
    )
    for start in range(0, Z.shape[0], _CHUNK):
        part = Z[start : start + _CHUNK]
        for m in range(2):
            products[m] += part.T @ (part * expected[start : start + _CHUNK, m, None])
    return TimeVarying(
        gradient=(observed - expected[:, 0]) @ Z,
        shared=products[0],
        own=products[1],
        residuals=residuals,
    )


@njit(cache=True, nogil=True)
def _expect_events(
    per_block: FloatArray,
    until: FloatArray,
    scale: FloatArray,
    risk: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    block: IntArray,
    entry_block: IntArray,
    expected: FloatArray,
    observed: FloatArray,
) -> None:
    """Fill r A with A summed with g and with g² (n, 2), and g w of events (n,)."""
    for i in range(risk.size):
        k, over = block[i], entry_block[i]
        factor = 1.0
        for m in range(2):
            factor *= scale[k]
            lived = until[k, m] - until[over, m]
            if abs(lived) < _LOST_DIGITS * abs(until[over, m]):
                lived = 0.0
                for j in range(k, over):
                    share = per_block[0, j] * scale[j]
                    lived += share if m == 0 else share * scale[j]
            if event[i]:
                lived += factor * (per_block[1, k] - per_block[0, k])
            expected[i, m] = risk[i] * lived
        if event[i]:
            observed[i] = scale[k] * weights[i]


@njit(cache=True, nogil=True)
def _subtract_means(
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    weights: FloatArray,
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    shrink: FloatArray,
    per_block: FloatArray,
    scale: FloatArray,
    products: FloatArray,
    residuals: FloatArray,
) -> None:
    """Subtract from ``products`` (2, q, q) the products of means, times g and g².

    Fills ``residuals`` (n_blocks, q) of blocks with events.
    """
    q = Z.shape[1]
    at_risk, dying = np.empty(q), np.empty(q)
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
            hazard, own = per_block[0, k], per_block[0, k] - per_block[1, k]
            c0, c1, c2 = per_block[2, k], per_block[3, k], per_block[4, k]
            if c0 == 0.0:
                continue
            d, weight = 0, 0.0
            for i in range(tie_start[k], tie_start[k + 1]):
                if event[i]:
                    d += 1
                    weight += weights[i]
                    for a in range(q):
                        residuals[k, a] += Z[i, a]
            for a in range(q):
                residuals[k, a] -= d * (hazard * at_risk[a] - own * dying[a]) / weight
                left = c0 * at_risk[a] - c1 * dying[a]
                right = c2 * dying[a] - c1 * at_risk[a]
                for b in range(a + 1):
                    product = scale[k] * (left * at_risk[b] + right * dying[b])
                    products[0, a, b] -= product
                    products[1, a, b] -= scale[k] * product
    for a in range(q):
        for b in range(a):
            products[0, b, a] = products[0, a, b]
            products[1, b, a] = products[1, a, b]
