r"""Cumulative incidence of competing causes: Aalen and Johansen's estimator.

For one stratum with survival :math:`S` from any cause, :math:`Y` at risk and
:math:`dN_c` events of cause c, :math:`F_c(t) = \sum_{s \le t} S(s-)\,dN_c(s) / Y(s)`.
Sums over rows are sums over distinct times here, so numpy is enough for estimates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.jackknife import sum_squared_influence
from fahrstats.kernels.product_limit import LifeTable, product_limit
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def cause_events(
    sets: RiskSets, stratum: int, table: LifeTable, cause: IntArray, n_causes: int
) -> FloatArray:
    """Events of each cause at each time of the stratum, sums of weights, (m, c).

    ``cause`` is in the order of the risk sets: a code from 0, or -1 without an event.
    """
    rows = slice(*sets.stratum_start[stratum : stratum + 2])
    end, weights = np.searchsorted(table.time, sets.time[rows]), sets.weights[rows]
    events = [
        np.bincount(end, weights * (cause[rows] == code), table.time.size)
        for code in range(n_causes)
    ]
    return np.stack(events, axis=1)


def cumulative_incidence(table: LifeTable, events: FloatArray) -> FloatArray:
    """Probability of an event of each cause up to each time, shape (m, c).

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141-150.
    """
    step = _divide(_survival_before(table), table.at_risk)[:, None] * events
    incidence: FloatArray = np.cumsum(step, axis=0)
    return incidence


def incidence_std_error(
    sets: RiskSets,
    stratum: int,
    table: LifeTable,
    cause: IntArray,
    events: FloatArray,
    subject: IntArray,
) -> FloatArray:
    r"""Infinitesimal-jackknife standard error of each cumulative incidence, (m, c).

    The derivative of F(t) with respect to the weight of a row sums, over the times s at
    which it is at risk, S(s-) (own event - dN / Y) / Y, and over all s up to t the step
    of F times the derivative of log S(s-). At risk since e, a row has
    :math:`P(t) - P(e) - H(e) (F(t) - F(e))`, with H the sum of dN / (Y (Y - dN)) over
    all causes and P that of dF (H(s-) - 1 / Y); once its follow-up has ended, its
    derivative is linear in F. The variance sums squares over subjects, whose codes are
    in the order of the risk sets. Whole weights count subjects; fractional ones
    multiply the derivative.
    """
    rows = slice(*sets.stratum_start[stratum : stratum + 2])
    weights, entry = sets.weights[rows], sets.entry[rows]
    size = np.sqrt(weights) if (weights == np.rint(weights)).all() else weights
    end = np.searchsorted(table.time, sets.time[rows])
    start = np.searchsorted(table.time, entry) if entry.size else np.zeros_like(end)
    hazard = np.cumsum(_divide(table.events, table.at_risk * table.survivors))
    hazard_before = np.append(0.0, hazard[:-1])
    at_entry = hazard[start] if entry.size else np.zeros(end.size)
    lost = _divide(np.ones(hazard.size), table.survivors)
    slope = hazard[end] - at_entry - sets.event[rows] * lost[end]
    jump = _divide(_survival_before(table), table.at_risk)
    variance = np.empty_like(events)
    for code, incidence in enumerate(cumulative_incidence(table, events).T):
        step = np.diff(incidence, prepend=0.0)
        shift = np.cumsum(step * hazard_before - _divide(step, table.at_risk))
        level = np.zeros(end.size)
        if entry.size:
            level = at_entry * incidence[start] - shift[start]
        own = jump[end] * (cause[rows] == code)
        at_end = shift[end] + level - at_entry * incidence[end] + own
        inside = np.column_stack([level, -at_entry, np.ones(end.size)])
        after = np.column_stack(
            [at_end - slope * incidence[end], slope, np.zeros(end.size)]
        )
        variance[:, code] = sum_squared_influence(
            np.tile(subject[rows], 2),
            np.append(start, end),
            np.concatenate([inside, after - inside]) * np.tile(size, 2)[:, None],
            np.column_stack([np.ones(shift.size), incidence, shift]),
        )
    return np.sqrt(np.maximum(variance, 0.0))


def _survival_before(table: LifeTable) -> FloatArray:
    """Survival from any cause just before each time."""
    return np.append(1.0, product_limit(table)[:-1])


def _divide(values: FloatArray, by: FloatArray) -> FloatArray:
    """Divide, with 0 where there is nobody to divide by."""
    share = np.zeros(values.size)
    np.divide(values, by, out=share, where=by > 0)
    return share
