r"""Concordance between groups: does an event of one rank above a survivor of another.

For groups a and b, C(a, b) is the share, among pairs of a row of a that has the event
at t and a row of b that outlasts it, in which the row of a has the higher score, ties
counting one half. C(a, a) is the concordance within a. Which pairs are comparable, and
what a pair weighs, is as in :mod:`fahrstats.kernels.concordance`, so over all ordered
pairs of groups the pairs add up to those of everyone.

With censoring of its own in every group, :math:`G_a`, each pair may count
:math:`1 / (G_a(t-) G_b(t-))` times: the inverse of the chance that both are seen at t,
so that C(a, b) does not depend on how long either group is followed.

Kallus and Zhou (2019), NeurIPS 32, define the measure for a binary outcome (xAUC);
Wang et al. (2026), arXiv:2606.16872, for survival (xCI), weighing by the inverse
probability of censoring. The estimators here are those of the house for one group, with
group membership added; they follow the definition above, not the text of that paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.concordance import rank_within_strata
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BITS = 3  # eight ranks a block, as in the kernel of one group


@dataclass(frozen=True, slots=True, eq=False)
class CrossAgreement:
    """How one score orders the rows of g groups against each other.

    The first group of a pair has the event, the second outlasts it. Influences are the
    infinitesimal jackknife, weights in time taken as known: a row's weight times the
    derivative with respect to that weight.

    Attributes
    ----------
    c_index : ndarray of shape (g, g)
        C(a, b); NaN without comparable pairs.
    counts : ndarray of shape (g, g, 3)
        Weighted pairs: concordant, discordant, tied in the score.
    of_event, of_survivor : ndarray of shape (n, g)
        Influences of a row of group a on C(a, b), through its own event, and on
        C(b, a), through its survival. Rows are in the order of the risk sets.
    outside : ndarray of shape (g, 2)
        Each group against all others: with its events, and with its survivors.
    of_outside : ndarray of shape (n, g, 2)
        Influences on these.
    """

    c_index: FloatArray
    counts: FloatArray
    of_event: FloatArray
    of_survivor: FloatArray
    outside: FloatArray
    of_outside: FloatArray


def cross_agreement(
    risk_sets: RiskSets,
    score: FloatArray,
    group: IntArray,
    n_groups: int,
    *,
    tau: float = np.inf,
    by_censoring: bool = False,
) -> CrossAgreement:
    """Count the pairs between groups, with every row's influence, in O(g n log n).

    Parameters
    ----------
    risk_sets
        The n rows in the order of the kernels.
    score, group
        Shape (n,), **in the order of the risk sets**: scores, finite, higher meaning
        earlier events; codes of groups.
    n_groups
        Number of groups g; one can be empty.
    tau
        Last time at which an event counts.
    by_censoring
        Whether pairs weigh by the inverse chance that both are uncensored, estimated in
        each group and stratum; without delayed entry only.
    """
    sets, n, g = risk_sets, group.size, n_groups
    rank, n_ranks = rank_within_strata(score, sets.stratum_start)
    counted = sets.event & (sets.time <= tau)
    inverse = _inverse_uncensored(sets, group, g) if by_censoring else np.empty((0, g))
    order = (
        rank,
        n_ranks,
        sets.weights,
        group,
        inverse,
        sets.time,
        counted,
        sets.stratum_start,
        sets.tie_start,
        sets.entry,
        sets.entry_order,
    )
    won, met, won_against, met_by = (np.zeros((n, g)) for _ in range(4))
    counts = np.zeros((g, g, 3))
    _compare_events(*order, won, met, counts)
    for survivors in range(g) if by_censoring else (-1,):
        _compare_survivors(survivors, *order, won_against, met_by)
    outside, of_outside = _against_all_others(
        sets.weights, group, counts, (won, met), (won_against, met_by)
    )
    pairs = counts.sum(axis=2)
    pairs[pairs == 0] = np.nan
    c_index = (counts[:, :, 0] + counts[:, :, 2] / 2) / pairs
    share = sets.weights[:, None]
    return CrossAgreement(
        c_index=c_index,
        counts=counts,
        of_event=(won - c_index[group] * met) * share / pairs[group],
        of_survivor=(won_against - c_index.T[group] * met_by) * share / pairs.T[group],
        outside=outside,
        of_outside=of_outside,
    )


def _against_all_others(
    weights: FloatArray,
    group: IntArray,
    counts: FloatArray,
    by_event: tuple[FloatArray, FloatArray],
    by_survivor: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray]:
    """Each group's events against all other survivors, and the reverse."""
    g, n = len(counts), group.size
    between = counts * ~np.eye(g, dtype=np.bool_)[:, :, None]
    sums = np.stack([between.sum(axis=1), between.sum(axis=0)], axis=1)  # (g, 2, 3)
    pairs = sums.sum(axis=2)
    pairs[pairs == 0] = np.nan
    outside = (sums[:, :, 0] + sums[:, :, 2] / 2) / pairs
    of_outside = np.empty((n, g, 2))
    own = np.arange(n), group
    for side, (mine, theirs) in enumerate(
        [(by_event, by_survivor), (by_survivor, by_event)]
    ):
        won, met = theirs
        of_outside[:, :, side] = won - outside[:, side] * met
        won, met = (values.sum(axis=1) - values[own] for values in mine)
        of_outside[:, :, side][own] = won - outside[group, side] * met
    of_outside *= weights[:, None, None] / pairs
    return outside, of_outside


def _inverse_uncensored(sets: RiskSets, group: IntArray, g: int) -> FloatArray:
    """1 / G just before each block of ties, in its stratum, by group: (n_ties, g).

    Where events and censoring tie, the censored outlast the event. 0 once a group has
    nobody left, when no pair asks for it.
    """
    n_ties = sets.tie_start.size - 1
    block = np.repeat(np.arange(n_ties), np.diff(sets.tie_start))
    total, censored = np.zeros((2, n_ties, g))
    np.add.at(total, (block, group), sets.weights)
    is_censored = ~sets.event
    np.add.at(
        censored, (block[is_censored], group[is_censored]), sets.weights[is_censored]
    )
    inverse = np.empty((n_ties, g))
    first_blocks = np.searchsorted(sets.tie_start, sets.stratum_start)
    for first, last in pairwise(first_blocks):
        part = slice(first, last)
        later = np.zeros(total[part].shape)
        np.cumsum(total[part][:-1], axis=0, out=later[1:])
        stay = np.ones(later.shape)
        outlasting = later + censored[part]
        np.divide(later, outlasting, out=stay, where=outlasting > 0)
        # Blocks run back in time, so what happened before a block stands after it.
        before = np.ones(later.shape)
        before[:-1] = np.cumprod(stay[:0:-1], axis=0)[::-1]
        inverse[part] = np.divide(1, before, out=before * 0, where=before > 0)
    return inverse


@njit(cache=True, nogil=True)
def _compare_events(
    rank: NDArray[np.int32],
    n_ranks: IntArray,
    weights: FloatArray,
    group: IntArray,
    inverse: FloatArray,
    time: FloatArray,
    counted: NDArray[np.bool_],
    stratum_start: IntArray,
    tie_start: IntArray,
    entry: FloatArray,
    entry_order: IntArray,
    won: FloatArray,
    met: FloatArray,
    counts: FloatArray,
) -> None:
    """Compare every event with those of each group who outlast it, back through time.

    Adds to ``won[i, b]`` the weight of the rows of b that event i rightly places above,
    ties counting half, to ``met[i, b]`` that of all it is comparable with, and fills
    ``counts``.
    """
    g = won.shape[1]
    size = n_ranks.max()
    at_risk = np.zeros((size, g))
    blocks = np.zeros(((size >> _BITS) + 2, g))
    w_at_risk = np.zeros(g)
    n_at_risk = np.zeros(g, np.int64)
    lower = np.zeros(g)
    n_ties = tie_start.size - 1
    tie = 0
    for stratum in range(n_ranks.size):
        at_risk[: n_ranks[stratum]] = 0
        blocks[: (n_ranks[stratum] >> _BITS) + 2] = 0
        w_at_risk[:] = 0
        n_at_risk[:] = 0
        last = stratum_start[stratum + 1]
        to_leave = stratum_start[stratum]
        while tie < n_ties and tie_start[tie] < last:
            first, end = tie_start[tie], tie_start[tie + 1]
            if entry.size:
                while to_leave < last and entry[entry_order[to_leave]] >= time[first]:
                    row = entry_order[to_leave]
                    _add(at_risk, blocks, rank[row], group[row], -weights[row])
                    w_at_risk[group[row]] -= weights[row]
                    n_at_risk[group[row]] -= 1
                    to_leave += 1
            for events in (False, True):
                # the censored are met before the events of a tie, these after all
                if events:
                    for i in range(first, end):
                        if not counted[i]:
                            continue
                        _sum_below(at_risk, blocks, rank[i], lower)
                        a = group[i]
                        for b in range(g):
                            if n_at_risk[b] == 0:  # rounding may be left of weights
                                continue
                            scale = 1.0
                            if inverse.size:
                                scale = inverse[tie, a] * inverse[tie, b]
                            same = at_risk[rank[i], b]
                            won[i, b] += scale * (lower[b] + 0.5 * same)
                            met[i, b] += scale * w_at_risk[b]
                            pairs = scale * weights[i]
                            higher = w_at_risk[b] - lower[b] - same
                            counts[a, b, 0] += pairs * lower[b]
                            counts[a, b, 1] += pairs * higher
                            counts[a, b, 2] += pairs * same
                for i in range(first, end):
                    if counted[i] == events:
                        _add(at_risk, blocks, rank[i], group[i], weights[i])
                        w_at_risk[group[i]] += weights[i]
                        n_at_risk[group[i]] += 1
            tie += 1


@njit(cache=True, nogil=True)
def _compare_survivors(
    survivors: int,
    rank: NDArray[np.int32],
    n_ranks: IntArray,
    weights: FloatArray,
    group: IntArray,
    inverse: FloatArray,
    time: FloatArray,
    counted: NDArray[np.bool_],
    stratum_start: IntArray,
    tie_start: IntArray,
    entry: FloatArray,
    entry_order: IntArray,
    won: FloatArray,
    met: FloatArray,
) -> None:
    """Compare rows with the events of each group that they outlast, forward in time.

    Adds to ``won[j, a]`` the weight of the events of a since its entry that rightly
    have a higher score than row j, ties counting half, and to ``met[j, a]`` that of
    all. With weights by censoring an event counts differently for each group of
    survivors: only the rows of ``survivors`` are compared; else of all, -1.
    """
    g = won.shape[1]
    size = n_ranks.max()
    events = np.zeros((size, g))
    blocks = np.zeros(((size >> _BITS) + 2, g))
    w_events = np.zeros(g)
    lower = np.zeros(g)
    tie = tie_start.size - 2
    for stratum in range(n_ranks.size - 1, -1, -1):
        events[: n_ranks[stratum]] = 0
        blocks[: (n_ranks[stratum] >> _BITS) + 2] = 0
        w_events[:] = 0
        start = stratum_start[stratum]
        to_enter = stratum_start[stratum + 1] - 1
        while tie >= 0 and tie_start[tie] >= start:
            first, end = tie_start[tie], tie_start[tie + 1]
            if entry.size:
                while to_enter >= start and entry[entry_order[to_enter]] < time[first]:
                    j = entry_order[to_enter]
                    _sum_below(events, blocks, rank[j], lower)
                    for a in range(g):
                        same = events[rank[j], a]
                        won[j, a] -= w_events[a] - lower[a] - 0.5 * same
                        met[j, a] -= w_events[a]
                    to_enter -= 1
            for is_event in (True, False):
                # events of a tie are not outlasted by each other, but by the censored
                for j in range(first, end):
                    if counted[j] != is_event or survivors not in (-1, group[j]):
                        continue
                    _sum_below(events, blocks, rank[j], lower)
                    for a in range(g):
                        same = events[rank[j], a]
                        won[j, a] += w_events[a] - lower[a] - 0.5 * same
                        met[j, a] += w_events[a]
                if is_event:
                    for i in range(first, end):
                        if counted[i]:
                            weight = weights[i]
                            if inverse.size:
                                weight *= inverse[tie, group[i]]
                                weight *= inverse[tie, survivors]
                            _add(events, blocks, rank[i], group[i], weight)
                            w_events[group[i]] += weight
            tie -= 1


@njit(cache=True, nogil=True)
def _add(
    tally: FloatArray, blocks: FloatArray, rank: int, group: int, weight: float
) -> None:
    """Add a row to the tally of its group; a Fenwick tree over blocks of ranks."""
    tally[rank, group] += weight
    node = (rank >> _BITS) + 1
    while node < blocks.shape[0]:
        blocks[node, group] += weight
        node += node & -node


@njit(cache=True, nogil=True)
def _sum_below(
    tally: FloatArray, blocks: FloatArray, rank: int, lower: FloatArray
) -> None:
    """Sum the weights of lower ranks, for all groups at once."""
    g = lower.size
    block = rank >> _BITS
    lower[:] = 0
    for row in range(block << _BITS, rank):
        for b in range(g):
            lower[b] += tally[row, b]
    node = block
    while node > 0:
        for b in range(g):
            lower[b] += blocks[node, b]
        node &= node - 1
