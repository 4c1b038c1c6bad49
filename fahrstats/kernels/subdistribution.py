r"""Subdistribution hazards: the weighted partial likelihood of Fine and Gray (1999).

Rows with a competing event stay at risk, with weight :math:`w_i(t) = G(t-)/G(X_i-)`
where :math:`G` is the Kaplan-Meier curve of censoring in the row's group. With
:math:`r_i = \exp(z_i'\beta)`, those at risk at an event time t have the sum

    S(t) = sum of r_i over X_i >= t, plus
           sum over groups of G(t-) times sum of r_i / G(X_i-)
           over rows of the group with a competing event before t

so one sum down and one up the sorted rows give all of them, O(n p), instead of a pass
over the rows for every event. Events that tie share a denominator (Breslow). Rows come
in the order of :class:`~fahrstats.kernels.risk_sets.RiskSets`, in one stratum that all
enter at the start; block k holds the rows whose follow-up ends at the k-th time,
counted downwards. Columns of Z must be centred and of unit spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedRows:
    """n sorted rows in K blocks of tied times, and the curves of g censoring groups.

    Attributes
    ----------
    tie_start, block : ndarray of int64, shapes (K + 1,) and (n,)
        First row of each block, and n; block of each row.
    of_cause, is_censored : ndarray of bool, shape (n,)
        Rows with an event of the cause of interest, and rows without any event.
    group : ndarray of int64, shape (n,)
        Censoring group of each row.
    carried : ndarray of shape (n,)
        1 / G(X-) for a row with a competing event, else 0.
    events : ndarray of shape (K,)
        Events of the cause in each block.
    uncensored : ndarray of shape (g, K)
        G(t-), the probability in each group to be uncensored just before each time.
    censored, at_risk : ndarray of shape (g, K)
        Rows of each group censored at the time, and followed up to it at least.
    """

    tie_start: IntArray
    block: IntArray
    of_cause: BoolArray
    is_censored: BoolArray
    group: IntArray
    carried: FloatArray
    events: FloatArray
    uncensored: FloatArray
    censored: FloatArray
    at_risk: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSums:
    """Sums at one value of the coefficients.

    Attributes
    ----------
    risk : ndarray of shape (n,)
        exp of the linear predictor less ``middle``.
    middle : float
        Middle of the range of the linear predictor.
    hazard : ndarray of shape (K,)
        Step of the subdistribution hazard, dN / S, at that middle.
    lived : ndarray of shape (n,)
        Weighted hazard that each row was at risk of.
    log_likelihood : float
        Log partial likelihood; minus infinity where float64 cannot hold a sum.
    """

    risk: FloatArray
    middle: float
    hazard: FloatArray
    lived: FloatArray
    log_likelihood: float


@dataclass(frozen=True, slots=True, eq=False)
class WeightedLikelihood:
    """The likelihood of weighted rows and their columns, for Newton's method."""

    rows: WeightedRows
    Z: FloatArray

    def at(self, beta: FloatArray) -> WeightedSums:
        """Sum at ``beta``, with the log-likelihood."""
        return weighted_sums(self.rows, self.Z @ beta)

    def gradient(self, point: WeightedSums) -> FloatArray:
        """Return the first derivative, shape (p,)."""
        return (self.rows.of_cause - point.risk * point.lived) @ self.Z

    def information(self, point: WeightedSums) -> FloatArray:
        """Return minus the second derivative, shape (p, p)."""
        mean = weighted_means(self.rows, point, self.Z)
        within = self.Z.T @ (self.Z * (point.risk * point.lived)[:, None])
        return within - mean.T @ (mean * self.rows.events[:, None])


def weigh_rows(
    sets: RiskSets, of_cause: BoolArray, group: IntArray, n_groups: int
) -> WeightedRows:
    """Locate rows among the tied times and estimate the curves of censoring.

    ``of_cause`` and ``group`` are in the order of ``sets``. A row with an event at the
    time of a censoring counts as at risk of it, as in R's ``survfit``.
    """
    n_blocks = sets.tie_start.size - 1
    block = np.repeat(np.arange(n_blocks), np.diff(sets.tie_start))
    censored, at_risk = np.zeros((2, n_groups, n_blocks))
    for g in range(n_groups):
        inside = group == g
        at_risk[g] = np.cumsum(np.bincount(block[inside], minlength=n_blocks))
        censored[g] = np.bincount(block[inside & ~sets.event], minlength=n_blocks)
    stays = 1 - censored / np.maximum(at_risk, 1)
    after = np.cumprod(stays[:, ::-1], axis=1)[:, ::-1]
    uncensored = np.hstack([after[:, 1:], np.ones((n_groups, 1))])
    return WeightedRows(
        tie_start=sets.tie_start,
        block=block,
        of_cause=of_cause,
        is_censored=~sets.event,
        group=group,
        carried=(sets.event & ~of_cause) / uncensored[group, block],
        events=np.bincount(block[of_cause], minlength=n_blocks).astype(np.float64),
        uncensored=uncensored,
        censored=censored,
        at_risk=at_risk,
    )


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def weighted_sums(rows: WeightedRows, linear_predictor: FloatArray) -> WeightedSums:
    """Sum the denominators of all blocks and the hazard of all rows, O(n)."""
    middle = float(linear_predictor.min() + linear_predictor.max()) / 2
    centred = linear_predictor - middle
    risk = np.exp(centred)
    total = at_risk_sums(rows, risk[:, None])[:, 0]
    has_event = rows.events > 0
    hazard = np.zeros(total.size)
    hazard[has_event] = rows.events[has_event] / total[has_event]
    log_total = rows.events[has_event] @ np.log(total[has_event])
    log_likelihood = float(centred[rows.of_cause].sum() - log_total)
    return WeightedSums(
        risk=risk,
        middle=middle,
        hazard=hazard,
        lived=lived_through(rows, hazard[:, None])[:, 0],
        log_likelihood=log_likelihood if np.isfinite(log_likelihood) else -np.inf,
    )


def weighted_means(rows: WeightedRows, sums: WeightedSums, Z: FloatArray) -> FloatArray:
    """Return the mean of Z over those at risk at each block's events, (K, p).

    Blocks without an event have 0.
    """
    per_event = sums.hazard / np.maximum(rows.events, 1)
    return at_risk_sums(rows, sums.risk[:, None] * Z) * per_event[:, None]


def weighted_influence(
    rows: WeightedRows, sums: WeightedSums, Z: FloatArray
) -> FloatArray:
    """Return what every row adds to the gradient, weights' estimation included, (n, p).

    The second part sums, over the times up to the end of a row's follow-up, its
    censoring less the hazard of censoring in its group, times q / pi: pi counts those
    followed up, and q sums over competing events of the group before the time, and
    events of the cause from it on, risk times weight times hazard times the covariate
    less its mean.

    References
    ----------
    Fine and Gray (1999), JASA 94:496-509, equations 7 and 8.
    """
    mean = weighted_means(rows, sums, Z)
    steps = np.column_stack([sums.hazard, mean * sums.hazard[:, None]])
    moments = sums.risk[:, None] * np.column_stack([np.ones(len(Z)), Z])
    lived = lived_through(rows, steps)
    total = rows.of_cause[:, None] * (Z - mean[rows.block])
    total -= sums.risk[:, None] * (Z * lived[:, :1] - lived[:, 1:])
    for g, uncensored in enumerate(rows.uncensored):
        ahead = np.cumsum(uncensored[:, None] * steps, axis=0)
        before = _carried_before(rows, moments, g)
        q = before[:, 1:] * ahead[:, :1] - before[:, :1] * ahead[:, 1:]
        share = q / np.maximum(rows.at_risk[g], 1)[:, None]
        hazard = rows.censored[g] / np.maximum(rows.at_risk[g], 1)
        expected = np.cumsum((share * hazard[:, None])[::-1], axis=0)[::-1]
        inside = rows.group == g
        at = rows.block[inside]
        total[inside] += share[at] * rows.is_censored[inside, None] - expected[at]
    return total


def at_risk_sums(rows: WeightedRows, values: FloatArray) -> FloatArray:
    """Sum values (n, q) over those at risk at each block's time, weighted, (K, q)."""
    total = np.cumsum(np.add.reduceat(values, rows.tie_start[:-1], axis=0), axis=0)
    for g, uncensored in enumerate(rows.uncensored):
        total += uncensored[:, None] * _carried_before(rows, values, g)
    return np.asarray(total, np.float64)


def lived_through(rows: WeightedRows, steps: FloatArray) -> FloatArray:
    """Sum steps (K, q) over the times each row was at risk at, weighted, (n, q)."""
    until = np.cumsum(steps[::-1], axis=0)[::-1]
    total = until[rows.block]
    for g, uncensored in enumerate(rows.uncensored):
        later = _shifted(np.cumsum(uncensored[:, None] * steps, axis=0))
        inside = (rows.group == g) & (rows.carried > 0)
        total[inside] += rows.carried[inside, None] * later[rows.block[inside]]
    return np.asarray(total, np.float64)


def _carried_before(rows: WeightedRows, values: FloatArray, g: int) -> FloatArray:
    """Sum values / G(X-) of competing events of a group before each time, (K, q)."""
    weight = np.where(rows.group == g, rows.carried, 0.0)[:, None]
    per_block = np.add.reduceat(weight * values, rows.tie_start[:-1], axis=0)
    return _shifted(np.cumsum(per_block[::-1], axis=0))[::-1]


def _shifted(sums: FloatArray) -> FloatArray:
    """Turn sums up to and including each position into sums before it."""
    return np.vstack([np.zeros((1, sums.shape[1])), sums[:-1]])
