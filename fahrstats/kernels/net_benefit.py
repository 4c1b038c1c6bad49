"""Net benefit of treating those whose predicted risk reaches a threshold.

At threshold p, a true positive is worth (1 - p)/p false positives, so the net benefit
per row is ``true positives - false positives * p / (1 - p)``. With censoring the share
of true positives is that of the rows above the threshold times their Kaplan-Meier risk
at the horizon, and the share of false positives the rest of them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]


def count_reached(risk: FloatArray, thresholds: FloatArray) -> NDArray[np.int64]:
    """Count the thresholds, which ascend, that each risk reaches; any shape.

    They outlive a change of case weights, so a bootstrap counts once.
    """
    return np.searchsorted(thresholds, risk, "right").astype(np.int64)


def net_benefit(
    sets: RiskSets,
    horizon: float,
    reached: NDArray[np.int64],
    thresholds: FloatArray,
) -> FloatArray:
    """Net benefit of k predicted risks at m thresholds, shape (m, k), in O(k m n).

    Rows are of one stratum without delayed entry. 0 where nobody is above a threshold,
    NaN where follow-up of those above ends before the horizon.

    Parameters
    ----------
    sets, horizon
        The n rows, and the horizon.
    reached
        Thresholds that each risk reaches, (n, k), rows in the order of the risk sets.
    thresholds
        Risks between 0 and 1, ascending, shape (m,).

    References
    ----------
    Vickers and Elkin (2006), Medical Decision Making 26:565-574. Vickers et al. (2008),
    BMC Medical Informatics and Decision Making 8:53, for censoring.
    """
    n_beyond = int(np.searchsorted(-sets.time, -horizon, "left"))
    odds = thresholds / (1 - thresholds)
    benefit = np.empty((thresholds.size, reached.shape[1]))
    for j in range(reached.shape[1]):
        survival, above = _survive_above(
            sets.event,
            sets.weights,
            sets.tie_start,
            n_beyond,
            np.ascontiguousarray(reached[:, j]),
            thresholds.size,
        )
        net = above / sets.weights.sum() * (1 - survival * (1 + odds))
        benefit[:, j] = np.where(above > 0, net, 0.0)
    return benefit


@njit(cache=True, nogil=True)
def _survive_above(
    event: NDArray[np.bool_],
    weights: FloatArray,
    tie_start: NDArray[np.int64],
    n_beyond: int,
    reached: NDArray[np.int64],
    m: int,
) -> tuple[FloatArray, FloatArray]:
    """Kaplan-Meier survival at the horizon above each threshold, and the weight there.

    Walks back through time, because the factors of a product come in any order and
    sums from the end are exactly 0 where nobody is left.
    """
    survival, at_risk, events = np.ones(m), np.zeros(m), np.zeros(m)
    for i in range(n_beyond):
        for k in range(reached[i]):
            at_risk[k] += weights[i]
    is_followed = at_risk > 0
    for tie in range(tie_start.size - 1):
        if tie_start[tie] < n_beyond:
            continue
        most = 0
        for i in range(tie_start[tie], tie_start[tie + 1]):
            if event[i]:
                most = max(most, reached[i])
                for k in range(reached[i]):
                    events[k] += weights[i]
            else:
                for k in range(reached[i]):
                    at_risk[k] += weights[i]
        for k in range(most):
            if events[k] > 0:
                survival[k] *= at_risk[k] / (at_risk[k] + events[k])
                at_risk[k] += events[k]
                events[k] = 0.0
    for k in range(m):
        if not is_followed[k] and survival[k] > 0:
            survival[k] = np.nan
    return survival, at_risk
