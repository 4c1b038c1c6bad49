"""Predicted risks at a horizon against the risks observed there.

Observed over expected compares means; the slope and the smooth curve come from Cox
models, of events up to the horizon, whose covariate is the complementary log-log
log(-log(1 - p)) of the predicted risk p: with proportional hazards, a model predicts
exactly that plus a constant. The smooth curve lets it bend, as a restricted cubic
spline, and reads the risk of each row off the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.censoring_weights import (
    CensoringWeights,
    spread_influence,
)
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.kernels.newton import maximize, solve_scaled, standardize
from fahrstats.kernels.partial_likelihood import TieBlocks
from fahrstats.kernels.risk_sets import RiskSets

FloatArray = NDArray[np.float64]

_KNOTS_AT = (0.1, 0.5, 0.9)
"""Quantiles at which the spline has its knots (Harrell 2015, section 2.4.6)."""


_LOST = 1e3
"""Standard error, in standard deviations of a covariate, of an infinite coefficient.

The information is held against it, whose inverse is anything where only rounding is
left of it.
"""


@dataclass(frozen=True, slots=True, eq=False)
class HazardFit:
    """A Cox model of q covariates up to a horizon, and its risks there.

    Attributes
    ----------
    beta : ndarray of shape (q,)
        Log hazard ratios per unit of each covariate.
    cov : ndarray of shape (q, q)
        Their covariance, from the information.
    centre : ndarray of shape (q,)
        Means of the covariates, at which ``hazard`` is.
    hazard : float
        Cumulative hazard at the horizon.
    hazard_variance : float
        Variance of ``hazard`` with the coefficients known.
    hazard_slope : ndarray of shape (q,)
        Sum over the events of the mean covariates of those at risk, less ``centre``,
        by hazard: minus the derivative of the hazard with respect to ``beta``.
    has_converged : bool
        Whether the likelihood has a maximum: not where the covariates separate the
        events, because information then vanishes along the way out.
    """

    beta: FloatArray
    cov: FloatArray
    centre: FloatArray
    hazard: float
    hazard_variance: float
    hazard_slope: FloatArray
    has_converged: bool


def observed_and_expected(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> FloatArray:
    """Kaplan-Meier risk, and the mean of k predicted risks (n, k): shape (1 + k,)."""
    observed = weights.cases / weights.total
    return np.append(observed, sets.weights @ risk / weights.total)


def observed_and_expected_influence(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> FloatArray:
    """Influence of every row on each of :func:`observed_and_expected`, (n, 1 + k)."""
    values = observed_and_expected(sets, weights, risk)
    share = sets.weights / weights.total
    is_case = np.zeros((sets.time.size, 1))
    is_case[weights.n_beyond :] = 1 / weights.total
    observed = spread_influence(sets, weights, is_case) - share[:, None] * values[0]
    return np.column_stack([observed, share[:, None] * (risk - values[1:])])


def complementary_log_log(risk: FloatArray) -> FloatArray:
    """Log of the cumulative hazard, log(-log(1 - risk)); infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(-np.log1p(-risk)), np.float64)


def bounded_log_hazard(risk: FloatArray) -> FloatArray:
    """Log hazard of risks of which those of exactly 0 or 1 count as the nearest others.

    A risk that rounding made certain, or a model that claims to be, then has the
    largest weight that another row has and not an infinite one. NaN where all are
    certain.
    """
    is_open = (risk > 0) & (risk < 1)
    if not is_open.any():
        return np.full(risk.shape, np.nan)
    lowest, highest = risk[is_open].min(), risk[is_open].max()
    return complementary_log_log(np.clip(risk, lowest, highest))


def spline_knots(values: FloatArray) -> FloatArray:
    """Knots of the spline, by quantiles of the values that it is fitted to."""
    return np.quantile(values, _KNOTS_AT)


def fit_until(
    sets: RiskSets, blocks: TieBlocks, horizon: float, columns: FloatArray
) -> HazardFit:
    """Fit a Cox model to the events up to a horizon, by Efron's approximation.

    Rows followed beyond the horizon are at risk at every event and have none, which is
    what ending their follow-up there would do.

    Parameters
    ----------
    sets, blocks
        The n rows of one stratum, and their tie blocks.
    columns
        Covariates of full rank, (n, q), rows in the order of the risk sets.
    """
    until = replace(sets, event=sets.event & (sets.time <= horizon))
    Z, centre, spread = standardize(columns, np.arange(sets.time.size))
    # A calibrated model has slope 1 and no curve, so the climb starts there.
    start = np.append(spread[:1], np.zeros(spread.size - 1))
    peak = maximize(until, blocks, Z, efron=True, start=start)
    linear_predictor = Z @ peak.beta
    # Block sums are relative to the middle of the linear predictor.
    middle = (linear_predictor.min() + linear_predictor.max()) / 2
    with np.errstate(over="ignore"):
        unit = np.exp(-middle)
        unit_squared = unit**2
    hazard, _, c0, c1, _ = peak.sums.per_block
    at_risk, events = _sum_blocks(until, peak.sums.risk[:, None] * Z)
    means = c0 @ at_risk - c1 @ events
    scale = 1 / spread
    inverse = solve_scaled(peak.information, np.eye(spread.size))
    return HazardFit(
        beta=peak.beta * scale,
        cov=(inverse + inverse.T) / 2 * np.outer(scale, scale),
        centre=centre,
        hazard=float(hazard.sum() * unit),
        hazard_variance=float(c0.sum() * unit_squared),
        hazard_slope=means * unit * spread,
        has_converged=peak.has_converged
        and bool(
            np.linalg.eigvalsh(peak.information)[0] > _LOST**-2
            and np.isfinite(unit_squared)
        ),
    )


def log_hazard_at(fit: HazardFit, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log cumulative hazard at the horizon for new rows (m, q), with standard errors.

    References
    ----------
    Tsiatis (1981), Annals of Statistics 9:93-108.
    """
    away = columns - fit.centre
    log_hazard = np.log(fit.hazard) + away @ fit.beta
    slope = away - fit.hazard_slope / fit.hazard
    variance = np.einsum("ia,ab,ib->i", slope, fit.cov, slope)
    return log_hazard, np.sqrt(variance + fit.hazard_variance / fit.hazard**2)


def observed_risk(fit: HazardFit, columns: FloatArray) -> FloatArray:
    """Risk at the horizon that a fit gives rows (m, q)."""
    with np.errstate(over="ignore"):
        hazard = fit.hazard * np.exp((columns - fit.centre) @ fit.beta)
    return np.asarray(-np.expm1(-hazard), np.float64)


def smooth_risk(
    sets: RiskSets, blocks: TieBlocks, horizon: float, risk: FloatArray
) -> FloatArray:
    """Observed risk of every row by the smooth calibration curve, shape (n,).

    ``risk`` (n,) comes in the order of the risk sets; certain risks are bounded, see
    :func:`bounded_log_hazard`. NaN where there are too few distinct risks for the
    knots, or no maximum.

    References
    ----------
    Austin, Harrell and van Klaveren (2020), Statistics in Medicine 39:2714-2742.
    """
    log_hazard = bounded_log_hazard(risk)
    knots = spline_knots(log_hazard)
    if (np.diff(knots) > 0).all():
        columns = natural_spline(log_hazard, knots)
        fit = fit_until(sets, blocks, horizon, columns)
        if fit.has_converged:
            return observed_risk(fit, columns)
    return np.full(risk.size, np.nan)


def calibration_distances(
    predicted: FloatArray, observed: FloatArray, weights: FloatArray
) -> FloatArray:
    """Mean, median and 90th percentile of |observed - predicted|: ICI, E50, E90.

    Percentiles are the smallest distances that the given share of the weight does not
    exceed, the mean of two where the share ends between them.

    References
    ----------
    Austin and Steyerberg (2019), Statistics in Medicine 38:4051-4065.
    """
    distance = np.abs(observed - predicted)
    mean = weights @ distance / weights.sum()
    if (weights == np.rint(weights)).all():
        return np.append(mean, _whole_percentiles(distance, weights))
    order = np.argsort(distance)
    reached = np.cumsum(weights[order])
    percentiles = []
    for share in (0.5, 0.9):
        goal = share * reached[-1]
        low = np.searchsorted(reached, goal * (1 - 1e-12), "left")
        high = np.searchsorted(reached, goal * (1 + 1e-12), "right")
        percentiles.append((distance[order[low]] + distance[order[high]]) / 2)
    return np.array([mean, *percentiles])


def _whole_percentiles(distance: FloatArray, weights: FloatArray) -> FloatArray:
    """Return median and 90th percentile of repeated rows, without sorting them."""
    repeated = np.repeat(distance, weights.astype(np.int64))
    n = repeated.size
    low = np.array([(n + 1) // 2 - 1, (9 * n + 9) // 10 - 1])
    high = np.array([n // 2, 9 * n // 10])
    parted = np.partition(repeated, np.concatenate([low, high]))
    return np.asarray((parted[low] + parted[high]) / 2, np.float64)


def _sum_blocks(sets: RiskSets, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum values (n, q) over those at risk at each tie block and over its events."""
    last = sets.tie_start[1:] - 1
    at_risk = np.cumsum(values, axis=0)[last]
    events = np.add.reduceat(values * sets.event[:, None], sets.tie_start[:-1], axis=0)
    return at_risk, events
