"""Every measure of an audit in one level, with the influence of every row on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py

from fahrstats.kernels.calibration import (
    bounded_log_hazard,
    observed_and_expected,
    observed_and_expected_influence,
)
from fahrstats.kernels.censoring_weights import CensoringWeights, weigh_by_censoring
from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.draws import draw_risk_sets
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.prediction_error import (
    accuracy_index,
    accuracy_influence,
    brier,
    brier_influence,
)
from fahrstats.kernels.recalibration import (
    shift_influence,
    shift_per_log_hazard,
    shift_to,
    slope_influence,
)
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.survival.cox_models.coefficient_influence import (
    coefficient_influences,
)
from fahrstats.survival.predictions.calibration import certain_risks, slope_until
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES, NAMES
from fahrstats.survival.subgroup_audits.judged_rows import JudgedRows
from fahrstats.survival.subgroup_audits.level_fits import LevelFit

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_FEW_BEYOND = 5
_FEW_SEEN = 0.1
_NO_PAIRS = "no two rows are comparable"
_ALL_CERTAIN = "every predicted risk is 0 or 1"
_FEW_LEFT = (
    f"fewer than {_FEW_BEYOND} are followed beyond the horizon: limits are too narrow"
)
_HARDLY_SEEN = (
    f"fewer than {_FEW_SEEN:.0%} are estimated to be uncensored at the horizon"
)


@dataclass(frozen=True, slots=True, eq=False)
class LevelMeasures:
    """The k measures of an audit in one level of m rows.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Rows of the design that are in the level.
    estimate, std_error : ndarray of shape (k,)
        On the scale on which levels are compared; missing where there is none.
    influence : ndarray of shape (m, k)
        Of each row on each estimate; its squares, summed over rows or clusters, are the
        variance. Missing for the hazard ratio without clusters: it is estimated within
        the level alone.
    per_log_hazard : ndarray of shape (m, k)
        Derivative of each estimate by the log cumulative hazard that the model predicts
        for every row by the horizon. Zero where the estimate does not depend on it, or
        not to first order where the model is right: concordance is then largest, and
        the Brier score least, at the hazards that are true.
    notes : tuple of str
        What to know about each.
    """

    rows: NDArray[np.int64]
    estimate: FloatArray
    std_error: FloatArray
    influence: FloatArray
    per_log_hazard: FloatArray
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One estimate, with its influences and derivatives in the order of some rows.

    ``std_error`` stands where it is not the length of the influence.
    """

    estimate: float = np.nan
    influence: FloatArray | None = None
    note: str = ""
    std_error: float | None = None
    per_log_hazard: FloatArray | None = None


def measure_level(
    rows: JudgedRows, fit: LevelFit, chosen: BoolArray, obstacle: str
) -> LevelMeasures:
    """Estimate every measure in the chosen rows.

    Parameters
    ----------
    rows
        All n rows.
    fit
        The model fitted again to the chosen ones.
    chosen
        Which they are, shape (n,).
    obstacle
        Why predictions at the horizon cannot be judged; empty where they can.
    """
    found = dict(_ranked(rows, chosen)) | dict(_marker(rows, chosen))
    found["hr"] = _hazard_ratio(fit, rows.term)
    if obstacle:
        at_horizon = [measure.name for measure in MEASURES if measure.at_horizon]
        found |= dict.fromkeys(at_horizon, Found(note=obstacle))
    else:
        found |= dict(_judged(rows, chosen))
    members = np.flatnonzero(chosen)
    in_order = [found[name] for name in NAMES]
    influence = np.full((members.size, len(NAMES)), np.nan)
    per_log_hazard = np.zeros((members.size, len(NAMES)))
    for k, one in enumerate(in_order):
        if one.influence is not None:
            influence[:, k] = one.influence
        if one.per_log_hazard is not None:
            per_log_hazard[:, k] = one.per_log_hazard
    summed = sum_clusters(rows, members, influence)
    std_error = np.linalg.norm(summed, axis=0)
    for k, one in enumerate(in_order):
        if one.std_error is not None:
            std_error[k] = one.std_error
    return LevelMeasures(
        rows=members,
        estimate=np.array([one.estimate for one in in_order]),
        std_error=std_error,
        influence=influence,
        per_log_hazard=per_log_hazard,
        notes=tuple(one.note for one in in_order),
    )


def sum_clusters(
    rows: JudgedRows, members: NDArray[np.int64], influence: FloatArray
) -> FloatArray:
    """Sum influences (m, k) within the clusters that the members are in."""
    clusters = rows.design.cluster
    if clusters is None:
        return influence
    codes = np.unique(clusters[members], return_inverse=True)[1]
    return np.column_stack([np.bincount(codes, column) for column in influence.T])


def _hazard_ratio(fit: LevelFit, term: str) -> Found:
    """Take the marker's coefficient out of the level's own fit."""
    found, design, maximum = fit.estimate, fit.design, fit.maximum
    influence = None
    if design is not None and maximum is not None and design.cluster is not None:
        every = coefficient_influences(design, maximum)
        influence = every[:, design.terms.index(term)]
    return Found(found.log_hr, influence, found.note, found.std_error)


def _ranked(rows: JudgedRows, chosen: BoolArray) -> Iterator[tuple[str, Found]]:
    """Yield the concordance of the marker and of the model, pairs within strata."""
    sets, place = _cut(rows.design.risk_sets, chosen)
    agreement = rank_agreement(sets, rows.scores[sets.order])
    for j, name in enumerate(("c_index", "model_c_index")):
        influence = agreement.influence[place, j]
        note = _NO_PAIRS if np.isnan(agreement.c_index[j]) else ""
        yield name, Found(float(agreement.c_index[j]), influence, note)


def _marker(rows: JudgedRows, chosen: BoolArray) -> Iterator[tuple[str, Found]]:
    """Yield mean and standard deviation of the marker."""
    values = rows.scores[chosen, 0]
    away = values - values.mean()
    scale = _as_sample(rows, chosen) / values.size
    yield "marker_mean", Found(float(values.mean()), away * scale)
    spread = float(values.std(ddof=1))
    influence = None
    if spread > 0:
        influence = (away**2 - values.var()) / (2 * spread) * scale
    yield "marker_sd", Found(spread, influence)


def _judged(rows: JudgedRows, chosen: BoolArray) -> Iterator[tuple[str, Found]]:
    """Yield what predicted risks are worth at the horizon.

    The censoring weights are those of the level: levels may be followed for different
    lengths, and weights from everyone would then be wrong in each.
    """
    sets, place = _cut(rows.flat, chosen)
    weights = weigh_by_censoring(sets, rows.horizon)
    risk = rows.risk[sets.order]
    scale = _as_sample(rows, chosen)
    note = _known_until(sets, weights)
    for name, found in (
        *_mean_calibration(sets, weights, risk),
        *_weak_calibration(rows, sets, weights, risk),
        *_errors(sets, weights, risk),
    ):
        influence, derivative = found.influence, found.per_log_hazard
        yield (
            name,
            replace(
                found,
                influence=None if influence is None else influence[place] * scale,
                per_log_hazard=None if derivative is None else derivative[place],
                note="; ".join(filter(None, [found.note, note])),
            ),
        )


def _mean_calibration(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> Iterator[tuple[str, Found]]:
    """Yield the log of observed over expected."""
    observed, expected = observed_and_expected(sets, weights, risk[:, None])
    if not expected > 0:
        yield "observed_expected", Found(note="the mean predicted risk is 0")
        return
    influence = observed_and_expected_influence(sets, weights, risk[:, None])
    of_log = influence[:, 0] / observed - influence[:, 1] / expected
    rise = sets.weights * xlog1py(1 - risk, -risk)
    yield (
        "observed_expected",
        Found(
            float(np.log(observed / expected)),
            of_log,
            per_log_hazard=rise / (sets.weights @ risk),
        ),
    )


def _weak_calibration(
    rows: JudgedRows, sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> Iterator[tuple[str, Found]]:
    """Yield intercept and slope on the scale of the log cumulative hazard."""
    log_hazard = bounded_log_hazard(risk)
    certain = certain_risks(risk)
    if np.isnan(log_hazard).any():
        yield "calibration_intercept", Found(note=_ALL_CERTAIN)
    else:
        shift = shift_to(log_hazard, sets.weights, weights.cases / weights.total)
        influence = shift_influence(sets, weights, log_hazard, shift)
        derivative = shift_per_log_hazard(log_hazard, sets.weights, shift)
        yield (
            "calibration_intercept",
            Found(shift, influence, certain, per_log_hazard=derivative),
        )
    blocks = find_tie_blocks(sets)
    fit, note = slope_until(sets, blocks, rows.horizon, risk)
    if fit is None:
        yield "calibration_slope", Found(note=note)
        return
    slope = float(fit.beta[0])
    influence, derivative = slope_influence(
        sets, blocks, rows.horizon, log_hazard, slope
    )
    is_clustered = rows.design.cluster is not None
    std_error = None if is_clustered else float(np.sqrt(fit.cov[0, 0]))
    yield "calibration_slope", Found(slope, influence, note, std_error, derivative)


def _errors(
    sets: RiskSets, weights: CensoringWeights, risk: FloatArray
) -> Iterator[tuple[str, Found]]:
    """Yield Brier score and index of prediction accuracy."""
    column = risk[:, None]
    yield (
        "brier",
        Found(
            float(brier(weights, column)[0]),
            brier_influence(sets, weights, column)[:, 0],
        ),
    )
    yield (
        "ipa",
        Found(
            float(accuracy_index(weights, column)[0]),
            accuracy_influence(sets, weights, column)[:, 0],
        ),
    )


def _known_until(sets: RiskSets, weights: CensoringWeights) -> str:
    """Say where hardly anybody's state at the horizon is known."""
    seen = float(sets.weights[0] / weights.inverse[0])
    if seen < _FEW_SEEN:
        return _HARDLY_SEEN
    return _FEW_LEFT if weights.n_beyond < _FEW_BEYOND else ""


def _cut(sets: RiskSets, chosen: BoolArray) -> tuple[RiskSets, NDArray[np.int64]]:
    """Return some rows, sorted, and the sorted place of each of them in data order."""
    part, _ = draw_risk_sets(sets, chosen[sets.order].astype(np.int64))
    return part, np.argsort(part.order)


def _as_sample(rows: JudgedRows, chosen: BoolArray) -> float:
    """Return the factor that makes a sum of squared influences a sample variance."""
    clusters = rows.design.cluster
    m = int(chosen.sum()) if clusters is None else np.unique(clusters[chosen]).size
    return float(np.sqrt(m / (m - 1)))
