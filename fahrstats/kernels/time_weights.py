"""Weights in time of the pairs behind a concordance, and what their estimation adds.

The pairs of an event at t may count W^a S^b G^c R^d times, W being the total weight of
the rows, S and G the product-limit estimates of survival and of remaining uncensored
just before t, and R the weight of the rows at risk at t; all within the stratum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
TimeWeight = Literal["n", "S", "S/G", "n/G2", "I"]

_EXPONENTS: dict[TimeWeight, tuple[int, int, int, int]] = {
    "n": (0, 0, 0, 0),
    "S": (1, 1, 0, -1),
    "S/G": (1, 1, -1, -1),
    "n/G2": (0, 0, -2, 0),
    "I": (0, 0, 0, -1),
}
"""Exponents (a, b, c, d) by the names that R gives the weights."""


@dataclass(frozen=True, slots=True, eq=False)
class PairWeights:
    """Weight of the pairs of every event, and the curves that it is made of.

    Attributes
    ----------
    exponents : tuple of int
        (a, b, c, d) of the product.
    weight : ndarray of shape (n,)
        By row in the order of the risk sets; 0 for rows without the event and for
        events later than tau.
    curves : ndarray of shape (7, m)
        By block of tied times: weight at risk; survivors of its events; survivors of
        its censoring; S and G just before it; total weight of its stratum; weight of
        the pairs of an event in it.
    """

    exponents: tuple[int, int, int, int]
    weight: FloatArray
    curves: FloatArray


def weigh_pairs(
    risk_sets: RiskSets, time_weight: TimeWeight, tau: float = np.inf
) -> PairWeights | None:
    """Weigh the pairs of every event, those after ``tau`` by 0; None if all weigh 1.

    Where events and censoring tie, the censored outlast the event, so without delayed
    entry G is positive at every event. With delayed entry it is no distribution of
    censoring, and weights that hold it are not defined.
    """
    is_late = risk_sets.time > tau
    if time_weight == "n" and not is_late.any():
        return None
    exponents = _EXPONENTS[time_weight]
    curves = _trace_curves(
        np.array(exponents, np.float64),
        risk_sets.weights,
        risk_sets.time,
        risk_sets.event,
        risk_sets.stratum_start,
        risk_sets.tie_start,
        risk_sets.entry,
        risk_sets.entry_order,
    )
    weight = np.repeat(curves[6], np.diff(risk_sets.tie_start))
    weight[is_late | ~risk_sets.event] = 0.0
    return PairWeights(exponents, weight, curves)


def weight_influence(
    risk_sets: RiskSets, pairs: PairWeights, excess: FloatArray
) -> FloatArray:
    """Return each row's influence on a concordance through the time weights, (n,).

    The derivative of C with respect to the weight of a row has two parts: the pairs
    that the row is in, and what the row changes in S, G and R, and by them in the
    weight of other pairs. This is the second, times the weight of the row.

    Parameters
    ----------
    excess
        Shape (n,): for every event, the sum over its pairs of (won - C), weighted and
        divided by the weight of all pairs; 0 for other rows.
    """
    if not any(pairs.exponents):
        return np.zeros(risk_sets.time.size)
    influence: FloatArray = _follow_curves(
        np.array(pairs.exponents, np.float64),
        pairs.curves,
        np.add.reduceat(excess, risk_sets.tie_start[:-1]),
        risk_sets.time,
        risk_sets.event,
        risk_sets.stratum_start,
        risk_sets.tie_start,
        risk_sets.entry,
        risk_sets.entry_order,
    )
    influence *= risk_sets.weights
    return influence


@njit(cache=True, nogil=True)
def _trace_curves(
    exponents: FloatArray,
    weights: FloatArray,
    time: FloatArray,
    event: NDArray[np.bool_],
    stratum_start: NDArray[np.int64],
    tie_start: NDArray[np.int64],
    entry: FloatArray,
    entry_order: NDArray[np.int64],
) -> FloatArray:
    """Fill :attr:`PairWeights.curves`, back through time for sums, forward for curves.

    Survivors are exactly 0 where no row survives, whatever rounding says.
    """
    a, b, c, d = exponents
    curves = np.zeros((7, tie_start.size - 1))
    tie = 0
    for stratum in range(stratum_start.size - 1):
        last = stratum_start[stratum + 1]
        to_leave = stratum_start[stratum]
        at_risk, n_at_risk = 0.0, 0
        first_tie = tie
        total = weights[stratum_start[stratum] : last].sum()
        while tie < tie_start.size - 1 and tie_start[tie] < last:
            i = tie_start[tie]
            if entry.size:
                while to_leave < last and entry[entry_order[to_leave]] >= time[i]:
                    at_risk -= weights[entry_order[to_leave]]
                    n_at_risk -= weights[entry_order[to_leave]] > 0
                    to_leave += 1
            if n_at_risk > 0:
                curves[2, tie] = at_risk
            else:
                at_risk = 0.0
            n_survivors = n_at_risk
            for i in range(tie_start[tie], tie_start[tie + 1]):
                if not event[i]:
                    n_survivors += weights[i] > 0
                    at_risk += weights[i]
            if n_survivors > 0:
                curves[1, tie] = at_risk
            for i in range(tie_start[tie], tie_start[tie + 1]):
                n_at_risk += weights[i] > 0
                if event[i]:
                    at_risk += weights[i]
            curves[0, tie] = at_risk
            tie += 1
        survival, uncensored = 1.0, 1.0
        for block in range(tie - 1, first_tie - 1, -1):
            curves[3, block], curves[4, block] = survival, uncensored
            curves[5, block] = total
            if curves[0, block] > 0:
                curves[6, block] = (
                    total**a * survival**b * uncensored**c * curves[0, block] ** d
                )
                survival *= curves[1, block] / curves[0, block]
            if curves[1, block] > 0:
                uncensored *= curves[2, block] / curves[1, block]
    return curves


@njit(cache=True, nogil=True)
def _follow_curves(
    exponents: FloatArray,
    curves: FloatArray,
    excess: FloatArray,
    time: FloatArray,
    event: NDArray[np.bool_],
    stratum_start: NDArray[np.int64],
    tie_start: NDArray[np.int64],
    entry: FloatArray,
    entry_order: NDArray[np.int64],
) -> FloatArray:
    """Differentiate the log weights, summed with ``excess`` by block of tied times.

    A row at risk at t changes R there; at risk at s, it changes the factor of S at s,
    by which every weight after s is multiplied; likewise for G. With ``later`` the
    excess after s, the terms are sums over the times at which the row is at risk,
    differences of one cumulative sum.
    """
    a, b, c, d = exponents
    influence = np.zeros(time.size)
    before = np.zeros(entry.size)
    tie = excess.size - 1
    for stratum in range(stratum_start.size - 2, -1, -1):
        first = stratum_start[stratum]
        to_enter = stratum_start[stratum + 1] - 1
        later, block = 0.0, tie
        while block >= 0 and tie_start[block] >= first:
            later += excess[block]
            block -= 1
        of_total = a * later / curves[5, tie]
        at_risk, uncensored = 0.0, 0.0
        while tie >= 0 and tie_start[tie] >= first:
            i = tie_start[tie]
            if entry.size:
                while to_enter >= first and entry[entry_order[to_enter]] < time[i]:
                    before[entry_order[to_enter]] = at_risk
                    to_enter -= 1
            later -= excess[tie]
            r, after_events, after_censoring = (
                curves[0, tie],
                curves[1, tie],
                curves[2, tie],
            )
            at_risk += d * excess[tie] / r
            of_event, of_censoring = 0.0, 0.0
            if after_events > 0:
                of_event = b * later / after_events
                at_risk += of_event * (r - after_events) / r
            of_row = at_risk + uncensored - of_event
            if after_censoring > 0:
                of_censoring = c * later / after_censoring
                share = (after_events - after_censoring) / after_events
                uncensored += of_censoring * share
            for i in range(tie_start[tie], tie_start[tie + 1]):
                influence[i] = of_total
                if event[i]:
                    influence[i] += of_row
                else:
                    influence[i] += at_risk + uncensored - of_censoring
                if entry.size:
                    influence[i] -= before[i]
            tie -= 1
    return influence
