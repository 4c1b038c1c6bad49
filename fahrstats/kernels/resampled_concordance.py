"""Concordance of the same rows under other weights, as a bootstrap asks for.

The order of rows and the ranks of scores do not change with the weights, so one draw is
one walk back through time. Pairs are those of :mod:`fahrstats.kernels.concordance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.concordance import (
    add,
    below,
    clear,
    compact,
    empty_tally,
    rank_within_strata,
)
from fahrstats.kernels.risk_sets import RiskSets


@dataclass(frozen=True, slots=True, eq=False)
class RankedRows:
    """Rows and scores that are ranked once and weighed many times.

    Attributes
    ----------
    risk_sets : RiskSets
        The n rows in the order of the kernels.
    rank : ndarray of int32, shape (k, n)
        Rank of every row by each score, from 0 within its stratum.
    n_ranks : ndarray of int64, shape (k, n_strata)
        Distinct values of each score in each stratum.
    """

    risk_sets: RiskSets
    rank: NDArray[np.int32]
    n_ranks: NDArray[np.int64]


def rank_rows(risk_sets: RiskSets, scores: NDArray[np.float64]) -> RankedRows:
    """Rank k scores, shape (n, k) in the order of the risk sets."""
    ranked = [
        rank_within_strata(column, risk_sets.stratum_start) for column in scores.T
    ]
    return RankedRows(
        risk_sets=risk_sets,
        rank=np.stack([rank for rank, _ in ranked]),
        n_ranks=np.stack([n_ranks for _, n_ranks in ranked]),
    )


def resampled_c_index(
    rows: RankedRows,
    weights: NDArray[np.float64],
    in_time: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Concordance of k scores under ``weights``, shape (k,), in O(k n log n).

    Parameters
    ----------
    weights
        Shape (n,), in the order of the risk sets, and in place of theirs; a row of
        weight 0 is not there. A row of weight 2 forms no pair with itself, since its
        two copies tie in time.
    in_time
        Weight of the pairs of every event, shape (n,); None where all are 1.

    Notes
    -----
    Missing without comparable pairs. Whole weights are counted in int32, and rows of
    weight 0 passed over, so a draw costs less than half of one ``rank_agreement``.
    """
    sets = rows.risk_sets
    won = np.zeros(rows.rank.shape[0])
    n_pairs = _count_won(
        rows.rank,
        rows.n_ranks,
        compact(weights),
        np.empty(0) if in_time is None else in_time,
        sets.time,
        sets.event,
        sets.stratum_start,
        sets.tie_start,
        sets.entry,
        sets.entry_order,
        won,
    )
    return won / (n_pairs or np.nan)


@njit(cache=True, nogil=True)
def _count_won(
    rank: NDArray[np.int32],
    n_ranks: NDArray[np.int64],
    weights: NDArray[np.float64],
    in_time: NDArray[np.float64],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    stratum_start: NDArray[np.int64],
    tie_start: NDArray[np.int64],
    entry: NDArray[np.float64],
    entry_order: NDArray[np.int64],
    won: NDArray[np.float64],
) -> float:
    """Add to ``won`` the pairs that each score orders rightly, ties half; return all.

    The walk of ``_compare_events`` without the influences, over rows that have weight.
    """
    k = rank.shape[0]
    tally, sums = empty_tally(n_ranks, weights)
    at_risk = np.zeros((k, tally.size), weights.dtype)
    blocks = np.zeros((k, sums.size), weights.dtype)
    zero = weights[:0].sum()
    n_pairs, tie = 0.0, 0
    for stratum in range(stratum_start.size - 1):
        last = stratum_start[stratum + 1]
        to_leave = stratum_start[stratum]
        n_at_risk, w_at_risk = 0, zero
        for j in range(k):
            clear(at_risk[j], blocks[j], n_ranks[j, stratum])
        while tie < tie_start.size - 1 and tie_start[tie] < last:
            i = tie_start[tie]
            if entry.size:
                while to_leave < last and entry[entry_order[to_leave]] >= time[i]:
                    row = entry_order[to_leave]
                    to_leave += 1
                    if weights[row] > 0:
                        for j in range(k):
                            add(at_risk[j], blocks[j], rank[j, row], -weights[row])
                        w_at_risk -= weights[row]
                        n_at_risk -= 1
            while i < tie_start[tie + 1] and not event[i]:
                if weights[i] > 0:
                    for j in range(k):
                        add(at_risk[j], blocks[j], rank[j, i], weights[i])
                    w_at_risk += weights[i]
                    n_at_risk += 1
                i += 1
            first = i
            if n_at_risk > 0:
                for i in range(first, tie_start[tie + 1]):
                    pairs = float(weights[i])
                    if in_time.size:
                        pairs *= in_time[i]
                    if pairs > 0:
                        n_pairs += pairs * w_at_risk
                        for j in range(k):
                            lower = below(at_risk[j], blocks[j], rank[j, i])
                            won[j] += pairs * (lower + 0.5 * at_risk[j, rank[j, i]])
            for i in range(first, tie_start[tie + 1]):
                if weights[i] > 0:
                    for j in range(k):
                        add(at_risk[j], blocks[j], rank[j, i], weights[i])
                    w_at_risk += weights[i]
                    n_at_risk += 1
            tie += 1
    return n_pairs
