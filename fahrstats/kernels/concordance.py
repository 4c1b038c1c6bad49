"""Concordance of scores with survival: pair counts and each row's influence.

Of two rows, the one with the event at t is comparable with the other if that one is at
risk at t and is not an event at t: whoever is censored at t has outlasted it. Scores
rise with risk, so a pair is concordant when the event has the higher score. Scores
that tie count one half; pairs of events that tie in time count nowhere. Pairs are
formed within strata, and a pair weighs the product of its rows' weights, times a weight
that depends on the time of its event. These are the rules of ``concordance`` in R's
survival package with ``reverse = TRUE``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.kernels.time_weights import PairWeights, weight_influence

PAIRS = ("concordant", "discordant", "tied_score", "tied_time", "tied_both")
"""What a column of :attr:`Agreement.counts` counts; the first three are comparable."""

_BITS = 3  # eight ranks a block, so that its float64 weights fill one cache line


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How well k scores order n rows of survival.

    Attributes
    ----------
    c_index : ndarray of shape (k,)
        (concordant + tied_score / 2) / comparable; NaN without comparable pairs.
    counts : ndarray of shape (k, 5)
        Weighted pairs, in the order of ``PAIRS``.
    influence : ndarray of shape (n, k)
        Infinitesimal jackknife: the row's weight times the derivative of ``c_index``
        with respect to that weight, weights in time being taken as known. Rows are in
        the order of the risk sets.
    influence_estimated : ndarray of shape (n, k)
        The whole derivative, with what the row changes in the weights in time;
        ``influence`` itself where all pairs weigh alike.
    """

    c_index: NDArray[np.float64]
    counts: NDArray[np.float64]
    influence: NDArray[np.float64]
    influence_estimated: NDArray[np.float64]


def rank_agreement(
    risk_sets: RiskSets,
    scores: NDArray[np.float64],
    pair_weights: PairWeights | None = None,
) -> Agreement:
    """Count pairs and derive the influence of every row, in O(k n log n).

    Parameters
    ----------
    risk_sets
        The n rows in the order of the kernels.
    scores
        Shape (n, k) or (n,), finite, rows **in the order of the risk sets**
        (``X[risk_sets.order]``), higher meaning earlier events. Ties are exact.
    pair_weights
        Weights in time; None where all pairs weigh alike.

    Notes
    -----
    ``influence.T @ influence`` is the covariance of the k statistics where rows are
    independent; with clusters, sum the rows of each cluster first. For two scores,
    ``influence[:, 0] - influence[:, 1]`` is the influence on their difference.

    The derivative of the weighted number of concordant pairs with respect to the
    weight of row i is the weight of the rows it is concordant with, so two walks
    suffice: one meets the rows that outlast an event, one the events a row outlasts.
    """
    columns = scores.reshape(risk_sets.time.size, -1)
    n, k = columns.shape
    in_time = np.empty(0) if pair_weights is None else pair_weights.weight
    weights = compact(risk_sets.weights)
    of_events = weights
    if pair_weights is not None:
        of_events = compact(risk_sets.weights * in_time)
    counts = np.zeros((k, len(PAIRS)))
    influence = np.empty((n, k))
    of_weights = np.zeros((n, k if in_time.size else 0))
    c_index = np.full(k, np.nan)
    order = (
        risk_sets.time,
        risk_sets.event,
        risk_sets.stratum_start,
        risk_sets.tie_start,
        risk_sets.entry,
        risk_sets.entry_order,
    )
    for j in range(k):
        rank, n_ranks = rank_within_strata(columns[:, j], risk_sets.stratum_start)
        won, compared = np.zeros(n), np.zeros(n)
        _compare_events(
            rank, n_ranks, weights, in_time, *order, won, compared, counts[j]
        )
        n_pairs = counts[j, :3].sum()
        if n_pairs > 0:
            c_index[j] = (counts[j, 0] + counts[j, 2] / 2) / n_pairs
        share = risk_sets.weights / (n_pairs or np.nan)
        if pair_weights is not None:
            excess = share * (won - c_index[j] * compared)
            of_weights[:, j] = weight_influence(risk_sets, pair_weights, excess)
        _compare_survivors(rank, n_ranks, of_events, *order, won, compared)
        won -= c_index[j] * compared
        won *= share
        influence[:, j] = won
    return Agreement(
        c_index=c_index,
        counts=counts,
        influence=influence,
        influence_estimated=influence + of_weights if in_time.size else influence,
    )


def rank_within_strata(
    score: NDArray[np.float64], stratum_start: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Rank scores from 0, equal scores sharing a rank; also the ranks per stratum."""
    column = np.ascontiguousarray(score)
    ranked: tuple[NDArray[np.int32], NDArray[np.int64]] = _number_ranks(
        np.argsort(column), column, stratum_start
    )
    return ranked


def compact(weights: NDArray[np.float64]) -> NDArray[np.int32] | NDArray[np.float64]:
    """Return whole weights as int32, whose sums are exact and half the size."""
    if weights.sum() < np.iinfo(np.int32).max and (weights == np.rint(weights)).all():
        return weights.astype(np.int32)
    return weights


@njit(cache=True, nogil=True)
def _number_ranks(
    ascending: NDArray[np.int64],
    score: NDArray[np.float64],
    stratum_start: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Assign ranks within strata; ``ascending`` sorts ``score`` over all of them."""
    n, n_strata = score.size, stratum_start.size - 1
    stratum = np.zeros(n if n_strata > 1 else 0, np.int32)
    for s in range(1, n_strata):
        stratum[stratum_start[s] : stratum_start[s + 1]] = s
    rank = np.empty(n, np.int32)
    n_ranks = np.zeros(n_strata, np.int64)
    highest = np.empty(n_strata)
    for row in ascending:
        s = stratum[row] if n_strata > 1 else 0
        if n_ranks[s] == 0 or score[row] != highest[s]:
            n_ranks[s] += 1
            highest[s] = score[row]
        rank[row] = n_ranks[s] - 1
    return rank, n_ranks


@njit(cache=True, nogil=True)
def _compare_events(
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
    compared: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> None:
    """Compare every event with those who outlast it, walking back through time.

    Adds to ``won[i]`` the weight of the rows that event i rightly places above, ties
    counting half, to ``compared[i]`` that of all it is comparable with, and fills
    ``counts``. ``in_time`` weighs the pairs of every event, or is empty; events of
    weight 0 are passed over.
    """
    at_risk, blocks = empty_tally(n_ranks, weights)
    outlasting = np.empty_like(weights)  # by event, weight of equal score
    zero = weights[:0].sum()
    n_ties = tie_start.size - 1
    tie = 0
    for stratum in range(n_ranks.size):
        clear(at_risk, blocks, n_ranks[stratum])
        last = stratum_start[stratum + 1]
        to_leave = stratum_start[stratum]
        n_at_risk, w_at_risk = 0, zero
        while tie < n_ties and tie_start[tie] < last:
            i = tie_start[tie]
            if entry.size:
                while to_leave < last and entry[entry_order[to_leave]] >= time[i]:
                    row = entry_order[to_leave]
                    add(at_risk, blocks, rank[row], -weights[row])
                    w_at_risk -= weights[row]
                    n_at_risk -= 1
                    to_leave += 1
            while i < tie_start[tie + 1] and not event[i]:
                add(at_risk, blocks, rank[i], weights[i])
                w_at_risk += weights[i]
                n_at_risk += 1
                i += 1
            first = i
            scale = 1.0
            if in_time.size and first < tie_start[tie + 1]:
                scale = in_time[first]
            for i in range(first, tie_start[tie + 1]):
                same = at_risk[rank[i]]
                outlasting[i] = same
                # Rows that leave may leave rounding of their weights: count rows.
                if n_at_risk > 0 and scale > 0:
                    lower = below(at_risk, blocks, rank[i])
                    won[i] += scale * (lower + 0.5 * same)
                    compared[i] += scale * w_at_risk
                    pairs = scale * weights[i]
                    counts[0] += pairs * lower
                    counts[1] += pairs * (w_at_risk - lower - same)
                    counts[2] += pairs * same
            w_tied = zero
            for i in range(first, tie_start[tie + 1]):
                tied = at_risk[rank[i]] - outlasting[i]
                counts[3] += scale * weights[i] * (w_tied - tied)
                counts[4] += scale * weights[i] * tied
                w_tied += weights[i]
                add(at_risk, blocks, rank[i], weights[i])
                w_at_risk += weights[i]
                n_at_risk += 1
            tie += 1


@njit(cache=True, nogil=True)
def _compare_survivors(
    rank: NDArray[np.int32],
    n_ranks: NDArray[np.int64],
    weights: NDArray[np.float64],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    stratum_start: NDArray[np.int64],
    tie_start: NDArray[np.int64],
    entry: NDArray[np.float64],
    entry_order: NDArray[np.int64],
    won: NDArray[np.float64],
    compared: NDArray[np.float64],
) -> None:
    """Compare every row with the events it outlasts, walking forward through time.

    Adds to ``won[j]`` the weight of the events since its entry that rightly have a
    higher score than row j, ties counting half, and to ``compared[j]`` that of all.
    Only events use their ``weights``, which hold the weights in time.
    """
    events, blocks = empty_tally(n_ranks, weights)
    zero = weights[:0].sum()
    tie = tie_start.size - 2
    for stratum in range(n_ranks.size - 1, -1, -1):
        clear(events, blocks, n_ranks[stratum])
        first = stratum_start[stratum]
        to_enter = stratum_start[stratum + 1] - 1
        w_events = zero
        while tie >= 0 and tie_start[tie] >= first:
            i = tie_start[tie]
            if entry.size:
                while to_enter >= first and entry[entry_order[to_enter]] < time[i]:
                    j = entry_order[to_enter]
                    lower = below(events, blocks, rank[j])
                    won[j] -= w_events - lower - 0.5 * events[rank[j]]
                    compared[j] -= w_events
                    to_enter -= 1
            while i < tie_start[tie + 1] and not event[i]:
                i += 1
            for j in range(i, tie_start[tie + 1]):
                lower = below(events, blocks, rank[j])
                won[j] += w_events - lower - 0.5 * events[rank[j]]
                compared[j] += w_events
            for j in range(i, tie_start[tie + 1]):
                add(events, blocks, rank[j], weights[j])
                w_events += weights[j]
            for j in range(tie_start[tie], i):
                lower = below(events, blocks, rank[j])
                won[j] += w_events - lower - 0.5 * events[rank[j]]
                compared[j] += w_events
            tie -= 1


@njit(cache=True, nogil=True)
def empty_tally(
    n_ranks: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights by rank, and a Fenwick tree over blocks of ranks, both zero.

    A plain Fenwick tree over ranks does the same with more memory traffic; here the
    lowest levels are one cache line, which also answers how much ties with a rank.
    """
    size = n_ranks.max()
    tally = np.zeros(size, weights.dtype)
    return tally, np.zeros((size >> _BITS) + 2, weights.dtype)


@njit(cache=True, nogil=True)
def clear(
    tally: NDArray[np.float64], blocks: NDArray[np.float64], n_ranks: int
) -> None:
    """Set to zero what a stratum of ``n_ranks`` uses."""
    tally[:n_ranks] = 0
    blocks[: (n_ranks >> _BITS) + 2] = 0


@njit(cache=True, nogil=True)
def add(
    tally: NDArray[np.float64], blocks: NDArray[np.float64], rank: int, weight: float
) -> None:
    """Add a row to a tally."""
    tally[rank] += weight
    node = (rank >> _BITS) + 1
    while node < blocks.size:
        blocks[node] += weight
        node += node & -node


@njit(cache=True, nogil=True)
def below(tally: NDArray[np.float64], blocks: NDArray[np.float64], rank: int) -> float:
    """Sum the weights of lower ranks."""
    block = rank >> _BITS
    total = tally[block << _BITS : rank].sum()
    node = block
    while node > 0:
        total += blocks[node]
        node &= node - 1
    return float(total)
