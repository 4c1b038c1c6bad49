"""Inverse probability of censoring weights written out, row by row and time by time.

Independent of the kernels: rows in any order, G as a product over distinct times for
each row anew, influence as a matrix of every row on the log of G of every other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def seen(time, event, weights, until, *, strictly: bool) -> float:
    """Kaplan-Meier survival of censoring just before or at ``until``."""
    survival = 1.0
    for u in np.unique(time[~event]):
        if u < until or (u == until and not strictly):
            at_risk = weights[(time > u) | ((time == u) & ~event)].sum()
            survival *= 1 - weights[(time == u) & ~event].sum() / at_risk
    return survival


def inverse_weights(time, event, weights, horizon) -> FloatArray:
    """Case weight over the probability of being seen, 0 where the state is unknown."""
    inverse = np.zeros(time.size)
    for i in range(time.size):
        if time[i] > horizon:
            survival = seen(time, event, weights, horizon, strictly=False)
        elif event[i]:
            survival = seen(time, event, weights, time[i], strictly=True)
        else:
            continue
        inverse[i] = weights[i] / survival
    return inverse


def influence(
    time, event, weights, horizon, derivative, *, events_at_risk=False
) -> FloatArray:
    """Influence of every row on a statistic with this derivative in the weights.

    ``events_at_risk`` keeps events at risk of censoring at their own time, as
    riskRegression does in the influence of G, though not in G itself.
    """
    n = time.size
    inverse = inverse_weights(time, event, weights, horizon)
    moved = np.zeros((n, n))  # of row l on minus log G at the time of row i
    for u in np.unique(time[~event & (time <= horizon)]):
        is_censored = (time == u) & ~event
        is_at_risk = (time > u) | is_censored | (events_at_risk & (time == u))
        at_risk = weights[is_at_risk].sum()
        hazard = weights[is_censored].sum() / at_risk
        moved += np.outer((is_censored - hazard * is_at_risk) / at_risk, time > u)
    return inverse * derivative + weights * (moved @ (inverse * derivative))
