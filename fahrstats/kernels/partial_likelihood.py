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

_CHUNK = 4096
_LOST_DIGITS = 1e-7
"""A sum that fell to this share of its largest value is added up again."""


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
    """The five sums of each tie block (see the module), and the log-likelihood.

    Attributes
    ----------
    hazard, hazard_own, c0, c1, c2 : ndarray of float64, shape (n_blocks,)
        Sums over the denominators of a block; zero where it holds no event.
    risk : ndarray of float64, shape (n,)
        Weight times exp of the linear predictor.
    must_refresh : ndarray of bool, shape (n_blocks,)
        Blocks at which running sums are added up again, see :data:`_LOST_DIGITS`.
    log_likelihood : float
        Log partial likelihood; minus infinity when a denominator overflowed.
    """

    hazard: FloatArray
    hazard_own: FloatArray
    c0: FloatArray
    c1: FloatArray
    c2: FloatArray
    risk: FloatArray
    must_refresh: NDArray[np.bool_]
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


def block_sums(
    sets: RiskSets,
    blocks: TieBlocks,
    linear_predictor: FloatArray,
    *,
    efron: bool,
    multiplier: FloatArray | None = None,
) -> BlockSums:
    """Sum the denominators of every tie block, O(n).

    The linear predictor is centred on its mid-range first, which leaves the likelihood
    as it is and lets risks span 1400 in the exponent. ``multiplier``, one number per
    block, weights the blocks as a function of time does in the test of Grambsch and
    Therneau (1994); the log-likelihood is then meaningless.
    """
    middle = (linear_predictor.max() + linear_predictor.min()) / 2
    centred = linear_predictor - middle
    with np.errstate(over="ignore", under="ignore"):
        risk = np.exp(centred) * sets.weights
    if multiplier is None:
        multiplier = np.ones(sets.tie_start.size - 1)
    sums, must_refresh, log_likelihood = _sum_blocks(
        risk,
        centred,
        sets.weights,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        multiplier,
        efron,
    )
    hazard, hazard_own, c0, c1, c2 = sums
    return BlockSums(hazard, hazard_own, c0, c1, c2, risk, must_refresh, log_likelihood)


@njit(cache=True)
def linear_predictor(Z: FloatArray, beta: FloatArray) -> FloatArray:
    """Return Z beta, shape (n,), summed in one order so that equal rows tie exactly."""
    values = np.zeros(Z.shape[0])
    for i in range(Z.shape[0]):
        for a in range(Z.shape[1]):
            values[i] += Z[i, a] * beta[a]
    return values


def hazard_lived(sets: RiskSets, blocks: TieBlocks, sums: BlockSums) -> FloatArray:
    """Return the hazard each row lived through at unit risk (A above), shape (n,)."""
    until = _sum_from_below(sums.hazard[:, None], blocks.stratum_block)[:, 0]
    lived = until[blocks.block] - until[blocks.entry_block]
    lived += np.where(sets.event, (sums.hazard_own - sums.hazard)[blocks.block], 0.0)
    return lived


def gradient(
    sets: RiskSets,
    blocks: TieBlocks,
    sums: BlockSums,
    Z: FloatArray,
    *,
    multiplier: FloatArray | None = None,
) -> FloatArray:
    """Return the first derivative of the log-likelihood, shape (p,).

    ``multiplier`` is the one ``sums`` were made with.
    """
    observed = np.where(sets.event, sets.weights, 0.0)
    if multiplier is not None:
        observed *= multiplier[blocks.block]
    return (observed - sums.risk * hazard_lived(sets, blocks, sums)) @ Z


def information(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> FloatArray:
    """Minus the second derivative of the log-likelihood, shape (p, p)."""
    expected = sums.risk * hazard_lived(sets, blocks, sums)
    moments = np.zeros((Z.shape[1], Z.shape[1]))
    for start in range(0, Z.shape[0], _CHUNK):
        part = Z[start : start + _CHUNK]
        moments += part.T @ (part * expected[start : start + _CHUNK, None])
    means = _mean_products(
        Z,
        sums.risk,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        np.stack([sums.c0, sums.c1, sums.c2]),
    )
    return moments - means


def score_residuals(
    sets: RiskSets, blocks: TieBlocks, sums: BlockSums, Z: FloatArray
) -> FloatArray:
    """Contribution of every row to the gradient, weights included, shape (n, p).

    The rows sum to the gradient. Under Efron's approximation the events of one block
    share its d denominators, so their own hazard and mean are averages over them
    (Therneau and Grambsch 2000, section 4.6); treating tied events as Breslow's is the
    error that makes robust standard errors wrong with ties.
    """
    lived = hazard_lived(sets, blocks, sums)
    residuals = (
        Z * (np.where(sets.event, sets.weights, 0.0) - sums.risk * lived)[:, None]
    )
    passed = np.zeros((sets.tie_start.size, Z.shape[1]))
    _add_block_means(
        Z,
        sums.risk,
        sets.weights,
        sets.event,
        sets.tie_start,
        blocks.stratum_block,
        blocks.entry_block,
        sets.entry_order,
        sums.must_refresh,
        np.stack([sums.hazard, sums.hazard_own, sums.c0, sums.c1, sums.c2]),
        passed[:-1],
        residuals,
    )
    passed = _sum_from_below(passed[:-1], blocks.stratum_block)
    _add_lived_means(residuals, sums.risk, passed, blocks.block, blocks.entry_block)
    return residuals


@njit(cache=True)
def _sum_from_below(values: FloatArray, stratum_block: IntArray) -> FloatArray:
    """Sum block values up to each block's time within its stratum.

    Blocks run down in time, so the sum runs from the last block of a stratum upwards.
    The result has one row more than ``values``, of zeros, for entry at the start.
    """
    n_blocks, p = values.shape
    total = np.zeros((n_blocks + 1, p))
    for stratum in range(stratum_block.size - 1):
        last = stratum_block[stratum + 1] - 1
        for k in range(last, stratum_block[stratum] - 1, -1):
            for a in range(p):
                below = total[k + 1, a] if k < last else 0.0
                total[k, a] = below + values[k, a]
    return total


@njit(cache=True)
def _sum_blocks(
    risk: FloatArray,
    linear_predictor: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    multiplier: FloatArray,
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
                if not denominator > 0.0:  # underflow, overflow or not a number
                    return sums, must_refresh, -np.inf
                log_likelihood -= mean_weight * np.log(denominator)
                share = multiplier[k] * mean_weight / denominator
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


@njit(cache=True)
def _to_next_block(
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
    at_risk: FloatArray,
    dying: FloatArray,
) -> int:
    """Bring the first moments S1 and D1 of a stratum to block k.

    ``first`` is the first block of the stratum; ``leaving`` counts the rows that have
    left the risk set in ``entry_order``, and its new value is returned.
    """
    p = at_risk.size
    dying[:] = 0.0
    for i in range(tie_start[k], tie_start[k + 1]):
        for a in range(p):
            at_risk[a] += risk[i] * Z[i, a]
        if event[i]:
            for a in range(p):
                dying[a] += risk[i] * Z[i, a]
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


@njit(cache=True)
def _mean_products(
    Z: FloatArray,
    risk: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    c: FloatArray,
) -> FloatArray:
    """Sum over blocks of c0 S1 S1' - c1 (S1 D1' + D1 S1') + c2 D1 D1', shape (p, p)."""
    p = Z.shape[1]
    at_risk, dying = np.empty(p), np.empty(p)
    total = np.zeros((p, p))
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        first, end = stratum_block[stratum], stratum_block[stratum + 1]
        at_risk[:] = 0.0
        for k in range(first, end):
            leaving = _to_next_block(
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
                at_risk,
                dying,
            )
            if c[0, k] == 0.0:
                continue
            for a in range(p):
                left = c[0, k] * at_risk[a] - c[1, k] * dying[a]
                right = c[2, k] * dying[a] - c[1, k] * at_risk[a]
                for b in range(a + 1):
                    total[a, b] += left * at_risk[b] + right * dying[b]
        while leaving < entry_order.size and entry_order[leaving] < tie_start[end]:
            leaving += 1
    for a in range(p):
        for b in range(a):
            total[b, a] = total[a, b]
    return total


@njit(cache=True)
def _add_block_means(
    Z: FloatArray,
    risk: FloatArray,
    weights: FloatArray,
    event: NDArray[np.bool_],
    tie_start: IntArray,
    stratum_block: IntArray,
    entry_block: IntArray,
    entry_order: IntArray,
    must_refresh: NDArray[np.bool_],
    sums: FloatArray,
    passed: FloatArray,
    residuals: FloatArray,
) -> None:
    """Take each event's block mean from its residual; fill hazard-weighted means.

    ``passed`` (n_blocks, p) receives Σ w̄ m_l / c_l of each block, what everyone who
    outlives the block has lived through; an event of the block has lived through its
    own share, entered here as the difference.
    """
    p = Z.shape[1]
    at_risk, dying = np.empty(p), np.empty(p)
    leaving = 0
    for stratum in range(stratum_block.size - 1):
        first, end = stratum_block[stratum], stratum_block[stratum + 1]
        at_risk[:] = 0.0
        for k in range(first, end):
            leaving = _to_next_block(
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
                at_risk,
                dying,
            )
            if sums[0, k] == 0.0:
                continue
            weight = 0.0
            for i in range(tie_start[k], tie_start[k + 1]):
                if event[i]:
                    weight += weights[i]
            for a in range(p):
                mean = sums[0, k] * at_risk[a] - (sums[0, k] - sums[1, k]) * dying[a]
                passed[k, a] = sums[2, k] * at_risk[a] - sums[3, k] * dying[a]
                own_less_passed = sums[4, k] * dying[a] - sums[3, k] * at_risk[a]
                for i in range(tie_start[k], tie_start[k + 1]):
                    if event[i]:
                        residuals[i, a] += (
                            risk[i] * own_less_passed - weights[i] * mean / weight
                        )
        while leaving < entry_order.size and entry_order[leaving] < tie_start[end]:
            leaving += 1


@njit(cache=True)
def _add_lived_means(
    residuals: FloatArray,
    risk: FloatArray,
    passed: FloatArray,
    block: IntArray,
    entry_block: IntArray,
) -> None:
    """Add risk times the means lived through between entry and exit."""
    for i in range(residuals.shape[0]):
        for a in range(residuals.shape[1]):
            lived = passed[block[i], a] - passed[entry_block[i], a]
            residuals[i, a] += risk[i] * lived
