"""Cumulative/dynamic AUC at a horizon, weighted for censoring.

The AUC at t is the probability that of two rows, one with the event by t and one
followed beyond it, the first has the higher score; scores that tie count one half and
tie by exact equality. Pairs weigh the product of the censoring weights of their rows.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.censoring_weights import CensoringWeights, spread_influence
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
RankArray = NDArray[np.int32]


def rank_scores(scores: FloatArray) -> RankArray:
    """Rank each column of (n, k) from 0, equal scores sharing a rank.

    Ranks outlive a change of case weights, so a bootstrap ranks once.
    """
    columns = scores.reshape(scores.shape[0], -1)
    ranks = [np.unique(column, return_inverse=True)[1] for column in columns.T]
    return np.column_stack(ranks).astype(np.int32)


def auc(weights: CensoringWeights, ranks: RankArray) -> FloatArray:
    """AUC of k scores at the horizon of the weights, O(k n).

    Parameters
    ----------
    weights
        Censoring weights of the n rows.
    ranks
        Ranks of the scores, shape (n, k), rows in the order of the risk sets.

    Returns
    -------
    ndarray of shape (k,)
        NaN without a case or without a control.

    References
    ----------
    Hung and Chiang (2010), Scandinavian Journal of Statistics 38:664-679. Blanche,
    Dartigues and Jacqmin-Gadda (2013), Biometrical Journal 55:687-704.
    """
    n_pairs = _pairs(weights)
    won = [
        _won(weights.inverse, weights.n_beyond, np.ascontiguousarray(rank))
        for rank in ranks.T
    ]
    return np.array(won) / n_pairs


def auc_influence(
    sets: RiskSets, weights: CensoringWeights, ranks: RankArray
) -> FloatArray:
    """Influence of every row on each AUC, shape (n, k), estimation of G included.

    The derivative with respect to the weight of a case is the share of controls that it
    is rightly above, less the AUC, per weight of all cases; and likewise for a control.
    """
    values = auc(weights, ranks)
    beyond = weights.n_beyond
    derivative = np.empty(ranks.shape)
    for j, rank in enumerate(ranks.T):
        below, above = _sides(weights.inverse, beyond, np.ascontiguousarray(rank))
        derivative[beyond:, j] = below[rank[beyond:]] / weights.controls - values[j]
        derivative[:beyond, j] = above[rank[:beyond]] / weights.cases - values[j]
    derivative[beyond:] /= weights.cases
    derivative[:beyond] /= weights.controls
    return spread_influence(sets, weights, derivative)


def _pairs(weights: CensoringWeights) -> float:
    """Weighted pairs of a case and a control; NaN where there is none."""
    return weights.cases * weights.controls or np.nan


@njit(cache=True, nogil=True)
def _won(inverse: FloatArray, n_beyond: int, rank: RankArray) -> float:
    """Weighted pairs in which the case has the higher score, ties counting half."""
    below, _ = _sides(inverse, n_beyond, rank)
    won = 0.0
    for i in range(n_beyond, rank.size):
        won += inverse[i] * below[rank[i]]
    return won


@njit(cache=True, nogil=True)
def _sides(
    inverse: FloatArray, n_beyond: int, rank: RankArray
) -> tuple[FloatArray, FloatArray]:
    """Weight of the controls below and of the cases above each rank, ties at half."""
    size = rank.max() + 1
    below, above = np.zeros(size), np.zeros(size)
    for i in range(rank.size):
        if i < n_beyond:
            below[rank[i]] += inverse[i]
        else:
            above[rank[i]] += inverse[i]
    total = 0.0
    for r in range(size):
        here = below[r]
        below[r] = total + 0.5 * here
        total += here
    total = 0.0
    for r in range(size - 1, -1, -1):
        here = above[r]
        above[r] = total + 0.5 * here
        total += here
    return below, above
