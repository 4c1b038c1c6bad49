r"""Gray's test of equal cumulative incidence: observed, expected and covariance.

Notation of Gray (1988). In group r, :math:`Y_r` are at risk, :math:`S_r` is survival
from any cause and :math:`F_{1r}` the incidence of the cause tested, of which
:math:`dN_{1r}` events occur. :math:`h_r = Y_r / S_r(t-)` and the modified number at
risk is :math:`R_r = h_r (1 - F_{1r}(t-))`, in which those with another event stay. The
score of group k is the log-rank's with R in place of Y. Its variance sums, over groups
and both kinds of event, squares of the coefficients

    a_kr = d_kr + (1 - G/S_r) (c_kr(tau) - c_kr)      for events of the cause
    b_kr = - G/S_r (c_kr(tau) - c_kr)                 for other events

with :math:`d_{kr} = h_k (I(k = r) - h_r / h_.)`, :math:`c_{kr} = \int d_{kr}\,d\Gamma`,
:math:`G = 1 - F_1` and :math:`d\Gamma = dF_1 / G(t-)` of all groups together.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def gray_moments(
    sets: RiskSets, cause: IntArray, code: int, group: IntArray, n_groups: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed and expected events of a cause by group (k,), and covariance (k, k).

    Sums over strata. ``cause`` and ``group`` are in the order of the risk sets, all
    of whom are at risk from the start; ``cause`` is -1 without an event. Tied events
    take the finite-population factor of the hypergeometric variance, as in the R
    package cmprsk.

    References
    ----------
    Gray (1988), Annals of Statistics 16:1141-1154.
    """
    observed, expected = np.zeros(n_groups), np.zeros(n_groups)
    cov = np.zeros((n_groups, n_groups))
    for first, last in pairwise(sets.stratum_start):
        rows = slice(first, last)
        at_risk, of_cause, of_others = _count(
            sets.time[rows], cause[rows], code, group[rows], n_groups
        )
        share = _divide(of_cause + of_others, at_risk)
        survival = np.cumprod(1 - share, axis=0).astype(np.float64)
        before = np.vstack([np.ones(n_groups), survival[:-1]])
        h = _divide(at_risk, before)
        incidence = np.cumsum(_divide(of_cause, h), axis=0)
        R = h * (1 - np.vstack([np.zeros(n_groups), incidence[:-1]]))
        events = of_cause.sum(axis=1)
        observed += of_cause.sum(axis=0)
        expected += events @ _divide(R, R.sum(axis=1)[:, None])
        cov += _covariance(h, before, survival, at_risk, events, of_others)
    return observed, expected, cov


def _count(
    time: FloatArray, cause: IntArray, code: int, group: IntArray, n_groups: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows at risk and events of both kinds at each event time, each (m, k)."""
    distinct = np.unique(time[cause >= 0])
    at_risk, of_cause, of_others = np.zeros((3, distinct.size, n_groups))
    for g in range(n_groups):
        inside = group == g
        shorter = np.searchsorted(np.sort(time[inside]), distinct)
        at_risk[:, g] = inside.sum() - shorter
        for counts, is_kind in (
            (of_cause, cause == code),
            (of_others, (cause >= 0) & (cause != code)),
        ):
            at = np.searchsorted(distinct, time[inside & is_kind])
            counts[:, g] = np.bincount(at, minlength=distinct.size)
    return at_risk, of_cause, of_others


def _covariance(
    h: FloatArray,
    before: FloatArray,
    survival: FloatArray,
    at_risk: FloatArray,
    events: FloatArray,
    of_others: FloatArray,
) -> FloatArray:
    """Covariance of the scores of one stratum, shape (k, k); arguments (m, k), (m,)."""
    n_groups = h.shape[1]
    total = h.sum(axis=1)
    dF = _divide(events, total)
    G = 1 - np.cumsum(dF)
    dGamma = _divide(dF, np.append(1.0, G[:-1]))
    cov = np.zeros((n_groups, n_groups))
    for r in range(n_groups):
        d = h * (np.eye(n_groups)[r] - _divide(h[:, r], total)[:, None])
        c = np.cumsum(d * dGamma[:, None], axis=0)
        rest = c[-1:] - c
        b = -_divide(G, survival[:, r])[:, None] * rest
        a = d + rest + b
        ties = _spread_of_tied(events, total * before[:, r])
        cov += (a * (ties * _divide(dF, h[:, r]))[:, None]).T @ a
        ties = _spread_of_tied(of_others[:, r], at_risk[:, r])
        others = _divide(before[:, r] * of_others[:, r], at_risk[:, r])
        cov += (b * (ties * _divide(others, h[:, r]))[:, None]).T @ b
    return cov


def _spread_of_tied(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Finite-population factor (n - d) / (n - 1) of d events among n."""
    factor = np.ones(events.size)
    is_tied = events > 1
    factor[is_tied] = 1 - (events[is_tied] - 1) / (at_risk[is_tied] - 1)
    return factor


def _divide(values: FloatArray, by: FloatArray) -> FloatArray:
    """Divide, with 0 where there is nobody to divide by."""
    share = np.zeros(np.broadcast_shapes(values.shape, by.shape))
    np.divide(values, by, out=share, where=by > 0)
    return share
