r"""Inverse probability of censoring weights at a horizon, and influence through them.

At a horizon t a row is a case (the event by t), a control (followed beyond t) or, if
censored by t, neither. Those whose state is known stand for those whose state is not:
a case has weight :math:`1/G(T_i-)` and a control :math:`1/G(t)`, where G is the
Kaplan-Meier survival of censoring. Whoever is censored at a time has outlasted the
events at that time, so these are not at risk of censoring then, and
:math:`S(t)\,G(t)` is the share of rows followed beyond t. Hence the weights add up to
the rows: to :math:`n(1 - S(t))` over cases and :math:`n S(t)` over controls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CensoringWeights:
    """Weights of n rows at one horizon; rows in the order of the risk sets.

    Attributes
    ----------
    horizon : float
        The horizon t.
    n_beyond : int
        Rows followed beyond t, the controls: the first of the risk sets.
    inverse : ndarray of shape (n,)
        Case weight over the probability of being seen; 0 for rows censored by t. Those
        of controls are NaN where G(t) is 0.
    total : float
        Sum of the case weights.
    cases, controls : float
        Sum of ``inverse`` over the cases and over the controls.
    """

    horizon: float
    n_beyond: int
    inverse: FloatArray
    total: float
    cases: float
    controls: float


def weigh_by_censoring(sets: RiskSets, horizon: float) -> CensoringWeights:
    """Weigh rows of one stratum without delayed entry at a horizon, in O(n).

    References
    ----------
    Graf et al. (1999), Statistics in Medicine 18:2529-2545. Gerds and Schumacher
    (2006), Biometrical Journal 48:1029-1040.
    """
    n_beyond = int(np.searchsorted(-sets.time, -horizon, "left"))
    inverse = _weigh_rows(sets.event, sets.weights, sets.tie_start, n_beyond)
    return CensoringWeights(
        horizon=horizon,
        n_beyond=n_beyond,
        inverse=inverse,
        total=float(sets.weights.sum()),
        cases=float(inverse[n_beyond:].sum()),
        controls=float(inverse[:n_beyond].sum()),
    )


def spread_influence(
    sets: RiskSets, weights: CensoringWeights, derivative: FloatArray
) -> FloatArray:
    r"""Influence of every row on k statistics through its weight and through G, (n, k).

    A statistic is a smooth function of the weights v, and ``derivative`` (n, k) its
    derivative with respect to each of them. Row i has the influence
    :math:`v_i h_i` of its own and, being at risk of censoring, moves the weights of all
    that come later. With :math:`H(u) = \sum_{T_j > u} v_j h_j` and
    :math:`Y_C(u)` the weight at risk of censoring, that is

    .. math:: w_i \Big(\frac{1\{C_i = T_i \le t\} H(T_i)}{Y_C(T_i)}
       - \sum_{u \le \min(T_i, t)} \frac{H(u)\, dN_C(u)}{Y_C(u)^2}\Big),

    the martingale form; events at u are not at risk of censoring there. O(k n).

    References
    ----------
    Blanche, Dartigues and Jacqmin-Gadda (2013), Statistics in Medicine 32:5381-5397.
    """
    columns = np.ascontiguousarray(derivative.reshape(sets.time.size, -1))
    influence = np.empty(columns.shape)
    _spread(
        sets.event,
        sets.weights,
        sets.tie_start,
        weights.n_beyond,
        weights.inverse,
        columns,
        influence,
    )
    return influence


@njit(cache=True, nogil=True)
def _weigh_rows(
    event: NDArray[np.bool_],
    weights: FloatArray,
    tie_start: NDArray[np.int64],
    n_beyond: int,
) -> FloatArray:
    """Case weights over the probability of being seen, walking forward through time.

    Weights that outlast a time are summed from the last time on, so that G is exactly 0
    where nobody is left.
    """
    n_ties = tie_start.size - 1
    outlasting = _sum_before(weights, tie_start)
    inverse = np.zeros(weights.size)
    seen = 1.0
    tie = n_ties - 1
    while tie >= 0 and tie_start[tie] >= n_beyond:
        censored = 0.0
        for i in range(tie_start[tie], tie_start[tie + 1]):
            if not event[i]:
                censored += weights[i]
            elif weights[i] > 0:
                inverse[i] = weights[i] / seen
        if censored > 0:
            seen *= outlasting[tie] / (outlasting[tie] + censored)
        tie -= 1
    for i in range(n_beyond):
        inverse[i] = weights[i] / seen if seen > 0 else np.nan
    return inverse


@njit(cache=True, nogil=True)
def _spread(
    event: NDArray[np.bool_],
    weights: FloatArray,
    tie_start: NDArray[np.int64],
    n_beyond: int,
    inverse: FloatArray,
    derivative: FloatArray,
    influence: FloatArray,
) -> None:
    """Fill in ``influence``, see :func:`spread_influence`."""
    outlasting = _sum_before(weights, tie_start)
    for j in range(derivative.shape[1]):
        held = _sum_before(inverse * derivative[:, j], tie_start)
        lived = 0.0
        tie = tie_start.size - 2
        while tie >= 0 and tie_start[tie] >= n_beyond:
            first, last = tie_start[tie], tie_start[tie + 1]
            censored = 0.0
            for i in range(first, last):
                if event[i]:
                    own = inverse[i] * derivative[i, j]
                    influence[i, j] = own - weights[i] * lived
                else:
                    censored += weights[i]
            if censored > 0:
                at_risk = outlasting[tie] + censored
                lived += censored * held[tie] / at_risk**2
                for i in range(first, last):
                    if not event[i]:
                        influence[i, j] = weights[i] * (held[tie] / at_risk - lived)
            else:
                for i in range(first, last):
                    if not event[i]:
                        influence[i, j] = 0.0
            tie -= 1
        for i in range(n_beyond):
            own = inverse[i] * derivative[i, j]
            influence[i, j] = own - weights[i] * lived


@njit(cache=True, nogil=True)
def _sum_before(values: FloatArray, tie_start: NDArray[np.int64]) -> FloatArray:
    """Sum the values of all rows that outlast each tie block."""
    n_ties = tie_start.size - 1
    before = np.empty(n_ties)
    total = 0.0
    for tie in range(n_ties):
        before[tie] = total
        for i in range(tie_start[tie], tie_start[tie + 1]):
            total += values[i]
    return before
