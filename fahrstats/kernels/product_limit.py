"""Product-limit survival, its standard errors and limits, and the log-rank statistic.

Sums over rows are sums over blocks of tied times here, so numpy alone is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from fahrstats.kernels.jackknife import sum_squared_influence
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
Interval = Literal["log-log", "log", "plain", "logit", "arcsine"]

_QUANTILE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))
"""Survival this close to a quantile equals it; the tolerance of R's quantiles."""

_CONFOUNDED = 1e-9
"""Eigenvalue of a correlation matrix that rounding alone can leave."""


@dataclass(frozen=True, slots=True, eq=False)
class LifeTable:
    """One stratum at its m distinct times, ascending; counts are sums of weights.

    Attributes
    ----------
    time : ndarray of shape (m,)
        Times at which follow-up of a row ends or, with delayed entry, starts.
    at_risk : ndarray of shape (m,)
        Rows with ``entry < time <= end of follow-up``.
    events, censored : ndarray of shape (m,)
        Rows whose follow-up ends at ``time``, by how it ends.
    survivors : ndarray of shape (m,)
        Rows at risk without an event at ``time``; exactly 0 where there are none.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survivors: FloatArray


def life_table(sets: RiskSets, stratum: int) -> LifeTable:
    """Count who is at risk, has the event and is censored at each time."""
    rows = slice(*sets.stratum_start[stratum : stratum + 2])
    weights, event = sets.weights[rows], sets.event[rows]
    entry = sets.entry[rows]
    time = np.unique(np.concatenate([sets.time[rows], entry]))
    m = time.size
    end = np.searchsorted(time, sets.time[rows])
    events = _sum_at(end, weights * event, m)
    censored = _sum_at(end, weights * ~event, m)
    at_risk = _sum_from(events + censored)
    # Subtraction rounds fractional weights, so rows are counted beside them.
    n_at_risk = _sum_from(_sum_at(end, None, m))
    if entry.size:
        start = np.searchsorted(time, entry)
        n_at_risk = n_at_risk - _sum_from(_sum_at(start, None, m))
        at_risk = at_risk - _sum_from(_sum_at(start, weights, m))
        at_risk[n_at_risk == 0] = 0.0
    n_events = _sum_at(end[event], None, m)
    return LifeTable(
        time=time,
        at_risk=at_risk,
        events=events,
        censored=censored,
        survivors=np.where(n_at_risk > n_events, at_risk - events, 0.0),
    )


def product_limit(table: LifeTable) -> FloatArray:
    """Kaplan-Meier survival after each time, shape (m,).

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457-481.
    """
    share = np.ones(table.time.size)
    np.divide(table.survivors, table.at_risk, out=share, where=table.at_risk > 0)
    survival: FloatArray = np.cumprod(share).astype(np.float64)
    return survival


def greenwood_terms(table: LifeTable) -> FloatArray:
    """Greenwood's terms d / (n (n - d)), 0 where nobody survives."""
    terms = np.zeros(table.time.size)
    np.divide(
        table.events,
        table.at_risk * table.survivors,
        out=terms,
        where=table.survivors > 0,
    )
    return terms


def greenwood_std_error(table: LifeTable) -> FloatArray:
    """Greenwood's standard error of survival; missing where survival is 0."""
    survival = product_limit(table)
    return _unless_extinct(
        survival, survival * np.sqrt(np.cumsum(greenwood_terms(table)))
    )


def robust_std_error(
    sets: RiskSets, stratum: int, table: LifeTable, subject: NDArray[np.int64]
) -> FloatArray:
    """Infinitesimal-jackknife standard error of survival, for fractional weights.

    The derivative of log survival with respect to the weight of a row is the sum of
    d / (n (n - d)) over the times at which the row is at risk, less 1 / (n - d) at its
    own event; the variance sums the squares over subjects of the sums over their rows
    of derivative times weight. ``subject`` holds codes in the order of the risk sets.
    Missing where survival is 0.
    """
    rows = slice(*sets.stratum_start[stratum : stratum + 2])
    weights = sets.weights[rows]
    end = np.searchsorted(table.time, sets.time[rows])
    gained = np.cumsum(greenwood_terms(table))
    lost = np.zeros(gained.size)
    np.divide(1.0, table.survivors, out=lost, where=table.survivors > 0)
    start, before = np.zeros_like(end), np.zeros(end.size)
    if sets.entry.size:
        start = np.searchsorted(table.time, sets.entry[rows])
        before = gained[start]
    at_end = gained[end] - sets.event[rows] * lost[end]
    variance = sum_squared_influence(
        np.tile(subject[rows], 2),
        np.append(start, end),
        np.concatenate(
            [
                np.column_stack([-weights * before, weights]),
                np.column_stack([weights * at_end, -weights]),
            ]
        ),
        np.column_stack([np.ones(gained.size), gained]),
    )
    survival = product_limit(table)
    return _unless_extinct(survival, survival * np.sqrt(np.maximum(variance, 0.0)))


def survival_limits(
    survival: FloatArray, std_error: FloatArray, interval: Interval, z: float
) -> tuple[FloatArray, FloatArray]:
    """Pointwise confidence limits, ``z`` standard errors away on the named scale.

    The standard error there is that of survival times the slope of the scale. Limits
    are missing where survival is 0 and, on scales that have no point or no slope there
    (log-log, logit, arcsine), where it is 1: a group without events has no interval, as
    in R.

    References
    ----------
    Kalbfleisch and Prentice (1980), section 1.3, for the log-log scale. Borgan and
    Liestol (1990), Scandinavian Journal of Statistics 17:35-41, for the others.
    """
    if interval == "plain":
        low, high = survival - z * std_error, survival + z * std_error
        return np.maximum(low, 0.0), np.minimum(high, 1.0)
    low, high = np.full((2, survival.size), np.nan)
    inside = (survival > 0) & ((survival < 1) | (interval == "log"))
    s, margin = survival[inside], z * std_error[inside]
    if interval == "log":
        log_s, width = np.log(s), margin / s
        low[inside] = np.exp(log_s - width)
        high[inside] = np.minimum(np.exp(log_s + width), 1.0)
    elif interval == "log-log":
        log_s = np.log(s)
        factor = np.exp(margin / (s * -log_s))
        low[inside], high[inside] = np.exp(log_s * factor), np.exp(log_s / factor)
    elif interval == "logit":
        odds, width = logit(s), margin / (s * (1 - s))
        low[inside], high[inside] = expit(odds - width), expit(odds + width)
    else:
        angle, width = np.arcsin(np.sqrt(s)), margin / (2 * np.sqrt(s * (1 - s)))
        low[inside] = np.sin(np.maximum(angle - width, 0.0)) ** 2
        high[inside] = np.sin(np.minimum(angle + width, np.pi / 2)) ** 2
    return low, high


def survival_quantile(
    time: FloatArray, survival: FloatArray, probability: float
) -> float:
    """Time by which a share ``probability`` has failed; missing if never reached.

    ``time`` starts at 0 with survival 1. Where survival equals ``1 - probability`` for
    a while, the middle of that while, up to the last time if it stays so.
    """
    failed = 1.0 - survival
    reached = np.flatnonzero(failed >= probability - _QUANTILE_TOLERANCE)
    if not reached.size:
        return np.nan
    passed = np.flatnonzero(failed >= probability + _QUANTILE_TOLERANCE)
    if passed.size:
        return float(time[reached[0]] + time[passed[0]]) / 2
    if np.isnan(failed[-1]):
        return np.nan
    return float(time[reached[0]] + time[-1]) / 2


def logrank_moments(
    sets: RiskSets, group: NDArray[np.int64], n_groups: int, rho: float = 0.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed and expected events by group (k,) and the covariance of observed (k, k).

    Sums over strata of hypergeometric moments at each event time, where an event counts
    as the survival of its stratum just before it, to the power ``rho``. ``group`` is in
    the order of the risk sets, whose weights are numbers of like rows.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170. Peto and Peto (1972), JRSS A
    135:185-207. Harrington and Fleming (1982), Biometrika 69:553-566, for ``rho``.
    """
    observed, expected = np.zeros(n_groups), np.zeros(n_groups)
    cov = np.zeros((n_groups, n_groups))
    for first, last in zip(sets.stratum_start, sets.stratum_start[1:], strict=False):
        rows = slice(first, last)
        event, weights = sets.event[rows], sets.weights[rows]
        time, at = np.unique(sets.time[rows][event], return_inverse=True)
        at_risk = np.empty((time.size, n_groups))
        for code in range(n_groups):
            members = group[rows] == code
            held = weights[members]
            at_risk[:, code] = _sum_not_before(sets.time[rows][members], held, time)
            if sets.entry.size:
                entry = sets.entry[rows][members]
                at_risk[:, code] -= _sum_not_before(entry, held, time)
        total, events = at_risk.sum(axis=1), _sum_at(at, weights[event], time.size)
        survival = np.cumprod(np.append(1.0, 1 - events / total))[:-1]
        factor = survival**rho
        share = at_risk / total[:, None]
        spread = factor**2 * events * (total - events) / np.maximum(total - 1, 1)
        counted = factor[at] * weights[event]
        observed += np.bincount(group[rows][event], counted, n_groups)
        expected += (factor * events) @ share
        cov += np.diag(spread @ share) - (spread[:, None] * share).T @ share
    return observed, expected, cov


def chi_squared(difference: FloatArray, cov: FloatArray) -> tuple[float, int]:
    """Quadratic form of ``difference`` in the inverse of ``cov``, and its rank.

    The rank is the number of groups that can be compared, less one for every set of
    them: groups that share no stratum are not compared.
    """
    spread = np.sqrt(np.diag(cov))
    compared = spread > 0
    scale = spread[compared]
    z = difference[compared] / scale
    correlation = cov[np.ix_(compared, compared)] / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    kept = values > _CONFOUNDED
    along = z @ vectors[:, kept]
    return float(along @ (along / values[kept])), int(kept.sum())


def _unless_extinct(survival: FloatArray, std_error: FloatArray) -> FloatArray:
    """Leave the standard error out where survival is 0: its sums are infinite."""
    return np.where(survival > 0, std_error, np.nan)


def _sum_at(
    position: NDArray[np.int64], values: FloatArray | None, m: int
) -> FloatArray:
    """Sum the values (1 each without) that belong to each of m positions."""
    return np.bincount(position, values, m).astype(np.float64)


def _sum_from(values: FloatArray) -> FloatArray:
    """Sum of values at each position and all later ones."""
    return np.cumsum(values[::-1])[::-1]


def _sum_not_before(
    values: FloatArray, weights: FloatArray, time: FloatArray
) -> FloatArray:
    """Sum the weights of the values at each time or later."""
    order = np.argsort(values)
    later = np.append(_sum_from(weights[order]), 0.0)
    return later[np.searchsorted(values[order], time)]
