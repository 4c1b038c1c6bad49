"""Calibration of predicted risks at a horizon: observed against predicted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError
from fahrstats.kernels.calibration import (
    HazardFit,
    bounded_log_hazard,
    calibration_distances,
    complementary_log_log,
    fit_until,
    log_hazard_at,
    observed_and_expected,
    observed_and_expected_influence,
    observed_risk,
    spline_knots,
)
from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.kernels.partial_likelihood import TieBlocks, find_tie_blocks
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.survival.influence import scaled_influence
from fahrstats.survival.over_time.curves import estimate_curves
from fahrstats.survival.over_time.survival_curves import SurvivalCurves
from fahrstats.survival.predictions.calibration_result import (
    Calibration,
    RiskCalibration,
    SmoothCurve,
)
from fahrstats.survival.predictions.horizons import (
    as_horizon,
    check_risks,
    count_at_horizons,
    judge_columns,
    tied_horizons,
)

FloatArray = NDArray[np.float64]

_GRID_SIZE = 100
_GRID_ENDS = (0.01, 0.99)
"""Quantiles of the predicted risk between which the smooth curve is drawn."""

_N_BINS = 40
_NO_MAXIMUM = "the likelihood has no maximum: the predictions separate the events"
_ONE_RISK = "the predicted risks do not vary between 0 and 1"


def calibration(
    formula: str,
    data: pd.DataFrame,
    *,
    horizon: float,
    groups: int = 10,
    id: str | None = None,
) -> Calibration:
    """Compare predicted risks of the event by a horizon with the risks observed.

    For each set of predictions: the observed (Kaplan-Meier) over the mean predicted
    risk and their difference; the slope of a Cox model on log(-log(1 - p)), below 1
    where predictions are too extreme; and, from a smooth calibration curve, the mean,
    median and 90th percentile of the distance between predicted and observed risk (ICI,
    E50, E90). The curve is that of Austin, Harrell and van Klaveren: a Cox model of a
    restricted cubic spline of log(-log(1 - p)) with three knots. It uses every censored
    row as any Cox model does, without weights that grow as few are left, and has
    standard errors; it assumes proportional hazards up to the horizon, which the points
    of grouped Kaplan-Meier risks beside it do not.

    Every column of the right-hand side is a set of predicted risks judged on its own,
    on the rows complete for all. Rows with a missing value in any column used are left
    out and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and predicted probabilities of the event by the horizon:
        ``"Surv(time, event) ~ risk_clinical + risk_both"``.
    data
        One row per subject.
    horizon
        Time that the predictions are about, in the units of the follow-up time.
    groups
        Number of groups by quantiles of the predicted risk; where quantiles tie there
        are fewer.
    id
        Column of subjects, checked for repeats.

    Raises
    ------
    FormulaError
        The formula cannot be read, names no column, or has delayed entry.
    DataError
        ``groups`` is below 2, a predicted risk is outside 0 to 1, the horizon is not
        above 0, no event happens by it, nobody is followed beyond it, or the data do
        not pass the gate.

    Notes
    -----
    Predicted risks of exactly 0 or 1 have no log(-log(1 - p)); for slope and curve they
    count as the nearest other risk, with a note. Where risks do not vary there is
    neither slope nor curve.

    References
    ----------
    Austin, Harrell and van Klaveren (2020), Statistics in Medicine 39:2714-2742.
    McLernon et al. (2023), Annals of Internal Medicine 176:105-114.

    Examples
    --------
    >>> fit = fs.calibration("Surv(time, event) ~ risk_both", cohort, horizon=5)
    >>> fit.by_group()
    """
    at = as_horizon(horizon)
    if groups < 2:
        raise DataError(f"`groups` is {groups}; give at least 2 groups.")
    design = judge_columns(formula, data, (at,), id=id)
    risk = check_risks(design)
    n_events, n_censored = count_at_horizons(design, (at,))
    return Calibration(
        formula=formula,
        horizon=at,
        risks=tuple(_judge(design, tied_horizons(design, (at,))[0], risk, groups)),
        overall=_observed_in_groups(design, np.zeros(design.n, np.int64)),
        n=design.n,
        n_events=int(n_events[0]),
        n_censored=int(n_censored[0]),
        n_dropped=design.n_dropped,
    )


def _judge(
    design: Design, horizon: float, risk: FloatArray, groups: int
) -> Iterator[RiskCalibration]:
    """Yield the calibration of each column of ``risk`` (n, k), sorted."""
    sets = design.risk_sets
    blocks = find_tie_blocks(sets)
    weights = weigh_by_censoring(sets, horizon)
    observed, *expected = observed_and_expected(sets, weights, risk)
    influence = scaled_influence(
        design, observed_and_expected_influence(sets, weights, risk)
    )
    for j, term in enumerate(design.terms):
        mean = expected[j] or np.nan
        of_ratio = influence[:, 0] / observed - influence[:, j + 1] / mean
        of_difference = influence[:, 0] - influence[:, j + 1]
        predicted = risk[:, j]
        slope, slope_note = slope_until(design.risk_sets, blocks, horizon, predicted)
        curve, curve_note = _curve(design, blocks, horizon, predicted)
        codes = _quantile_codes(design.X[:, j], groups)
        edges = np.linspace(0, predicted.max() or 1.0, _N_BINS + 1)
        yield RiskCalibration(
            term=term,
            observed=float(observed),
            expected=float(expected[j]),
            log_ratio_std_error=float(np.linalg.norm(of_ratio)),
            difference_std_error=float(np.linalg.norm(of_difference)),
            slope=np.nan if slope is None else float(slope.beta[0]),
            slope_std_error=np.nan if slope is None else float(slope.cov[0, 0] ** 0.5),
            slope_note=slope_note,
            curve=curve,
            curve_note=curve_note,
            group_predicted=np.bincount(codes, design.X[:, j]) / np.bincount(codes),
            groups=_observed_in_groups(design, codes),
            bin_edges=edges,
            bin_sizes=np.histogram(predicted, edges)[0].astype(np.int64),
        )


def slope_until(
    sets: RiskSets, blocks: TieBlocks, horizon: float, risk: FloatArray
) -> tuple[HazardFit | None, str]:
    """Cox model of the log hazard that was predicted, and what to know about it.

    ``risk`` (n,) comes in the order of the risk sets, which are one stratum.
    """
    log_hazard = bounded_log_hazard(risk)
    if not np.ptp(log_hazard) > 0:
        return None, _ONE_RISK
    fit = fit_until(sets, blocks, horizon, log_hazard[:, None])
    return (fit, certain_risks(risk)) if fit.has_converged else (None, _NO_MAXIMUM)


def _curve(
    design: Design, blocks: TieBlocks, horizon: float, risk: FloatArray
) -> tuple[SmoothCurve | None, str]:
    """Smooth calibration curve and distances from it, and what to know about them."""
    log_hazard = bounded_log_hazard(risk)
    if not np.ptp(log_hazard) > 0:
        return None, _ONE_RISK
    knots = spline_knots(log_hazard)
    if not (np.diff(knots) > 0).all():
        return None, "too few distinct predicted risks for a smooth curve"
    columns = natural_spline(log_hazard, knots)
    fit = fit_until(design.risk_sets, blocks, horizon, columns)
    if not fit.has_converged:
        return None, _NO_MAXIMUM
    low, high = -np.expm1(-np.exp(np.quantile(log_hazard, _GRID_ENDS)))
    grid = np.linspace(float(low), float(high), _GRID_SIZE)
    at_grid = log_hazard_at(fit, natural_spline(complementary_log_log(grid), knots))
    distances = calibration_distances(
        risk, observed_risk(fit, columns), design.risk_sets.weights
    )
    return SmoothCurve(grid, *at_grid, distances), certain_risks(risk)


def certain_risks(risk: FloatArray) -> str:
    """Say how many risks are exactly 0 or 1; empty if none is."""
    n = int(((risk <= 0) | (risk >= 1)).sum())
    if not n:
        return ""
    risks = "risk" if n == 1 else "risks"
    return f"{n} predicted {risks} of exactly 0 or 1 taken as the nearest other"


def _quantile_codes(risk: FloatArray, groups: int) -> NDArray[np.int64]:
    """Group of each risk by quantiles, from 0 without gaps; a cut point is below."""
    cuts = np.unique(np.quantile(risk, np.arange(1, groups) / groups))
    codes = np.unique(np.searchsorted(cuts, risk), return_inverse=True)[1]
    return codes.astype(np.int64)


def _observed_in_groups(design: Design, codes: NDArray[np.int64]) -> SurvivalCurves:
    """Kaplan-Meier curves of groups of rows in data order, log-log limits."""
    names = tuple(f"Q{number + 1}" for number in range(codes.max() + 1))
    return estimate_curves(
        sort_risk_sets(design.time, design.event, strata=codes),
        names if len(names) > 1 else ("overall",),
        interval="log-log",
        formula=design.formula.text,
        n_dropped=design.n_dropped,
    )
