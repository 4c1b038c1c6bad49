"""Brier score of predicted risks at a horizon, weighted for censoring.

The Brier score at t is the mean squared distance of the predicted risk from 1 for rows
with the event by t and from 0 for rows followed beyond it. The null model predicts
1 - S(t), the Kaplan-Meier risk, for everybody; since the weights add up to the rows
(see :mod:`~fahrstats.kernels.censoring_weights`) its Brier score is S(t) (1 - S(t)).
The index of prediction accuracy is the share of that error which a model takes away.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.censoring_weights import CensoringWeights, spread_influence
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]


def null_risk(weights: CensoringWeights) -> float:
    """Kaplan-Meier risk of the event by the horizon."""
    return weights.cases / weights.total


def brier(weights: CensoringWeights, risk: FloatArray) -> FloatArray:
    """Brier score of k predicted risks (n, k), rows in the order of the risk sets.

    NaN where nobody of positive weight is followed beyond the horizon, because rows
    censored by then have nobody to stand for them.

    References
    ----------
    Graf et al. (1999), Statistics in Medicine 18:2529-2545.
    """
    if not weights.controls > 0:
        return np.full(risk.shape[1], np.nan)
    total = _squared_error(weights.inverse, weights.n_beyond, risk)
    return np.asarray(total / weights.total, np.float64)


def null_brier(weights: CensoringWeights) -> float:
    """Brier score of the null model, S(t) (1 - S(t)); NaN without case or control."""
    if not weights.controls > 0:
        return np.nan
    risk = null_risk(weights)
    return risk * (1 - risk) or np.nan


def accuracy_index(weights: CensoringWeights, risk: FloatArray) -> FloatArray:
    """Index of prediction accuracy of k predicted risks (n, k); NaN without a case.

    References
    ----------
    Kattan and Gerds (2018), Diagnostic and Prognostic Research 2:7.
    """
    return 1 - brier(weights, risk) / null_brier(weights)


def brier_influence(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> FloatArray:
    """Influence of every row on each Brier score, (n, k), estimation of G included."""
    error = risk**2
    error[weights.n_beyond :] = (1 - risk[weights.n_beyond :]) ** 2
    share = sets.weights / weights.total
    mean = np.outer(share, brier(weights, risk))
    return spread_influence(sets, weights, error / weights.total) - mean


def null_brier_influence(sets: RiskSets, weights: CensoringWeights) -> FloatArray:
    """Influence of every row on the Brier score of the null model, shape (n,).

    The estimation of its risk adds nothing: at 1 - S(t) the error is smallest.
    """
    risk = np.full((sets.time.size, 1), null_risk(weights))
    return brier_influence(sets, weights, risk)[:, 0]


def accuracy_influence(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> FloatArray:
    """Influence of every row on each index of prediction accuracy, shape (n, k)."""
    null = null_brier(weights)
    of_null = np.outer(
        null_brier_influence(sets, weights), brier(weights, risk) / null**2
    )
    return of_null - brier_influence(sets, weights, risk) / null


@njit(cache=True, nogil=True)
def _squared_error(inverse: FloatArray, n_beyond: int, risk: FloatArray) -> FloatArray:
    """Weighted sum of squared errors of each column."""
    n, k = risk.shape
    total = np.zeros(k)
    for i in range(n):
        truth = 0.0 if i < n_beyond else 1.0
        for j in range(k):
            total[j] += inverse[i] * (truth - risk[i, j]) ** 2
    return total
