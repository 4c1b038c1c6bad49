"""Rows of measured accuracy: apparent, and corrected for optimism."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.kernels.reclassification import NRI_WARNING
from fahrstats.survival.predictions.decisions import TREAT_ALL, TREAT_NONE

if TYPE_CHECKING:
    from fahrstats.survival.model_comparison.comparison import ModelComparison
    from fahrstats.survival.model_comparison.measures import Measure

FloatArray = NDArray[np.float64]
Row = dict[str, object]

APPARENT = "apparent"
CORRECTED = "optimism-corrected"

_ABSENT = ("lr_chi2", "net_benefit")
"""Measures that have no row of their own here."""

_FIXED_IN_DRAW = ("calibration_slope", "oe_ratio")
"""Measures that a fit makes 1 on its own rows, or nearly so, in every draw."""

_DIFFERENCES = ("c_index", "auc", "brier", "ipa")
"""Measures whose difference between two models is told."""


def accuracy_of_models(comparison: ModelComparison, conf_level: float) -> Iterator[Row]:
    """Yield every measure of every model but those that tables of their own hold."""
    accuracy = comparison.accuracy
    for k, label in enumerate(comparison.labels):
        for c, measure in enumerate(accuracy.plan.of_model):
            if measure.estimand in _ABSENT:
                continue
            row = {"model": label, "term": "", **_named(measure)}
            estimate = accuracy.of_models[k, c]
            if measure.estimand != "c_index":
                error = accuracy.model_errors[k, c]
                apparent = _normal(estimate, error, conf_level, test=False)
                if measure.estimand == "oe_ratio":
                    apparent |= _log_limits(estimate, error, conf_level)
                yield row | apparent
            if accuracy.resampled is not None:
                draws = accuracy.resampled
                in_draw, on_all = draws.in_draw[:, k, c], draws.on_all[:, k, c]
                corrected = correct(estimate, in_draw, on_all, conf_level)
                if measure.estimand in _FIXED_IN_DRAW:
                    corrected |= _percentiles(on_all, conf_level)
                yield row | corrected | _unbounded(comparison, (k,), corrected)


def accuracy_of_pairs(comparison: ModelComparison, conf_level: float) -> Iterator[Row]:
    """Yield differences of measures, later minus earlier, and reclassification."""
    for p, (i, j) in enumerate(combinations(range(len(comparison.labels)), 2)):
        yield from _differences(comparison, p, i, j, conf_level)
        yield from _information(comparison, i, j, conf_level)
        yield from _reclassification(comparison, p, i, j, conf_level)


def net_benefit_rows(comparison: ModelComparison, conf_level: float) -> Iterator[Row]:
    """Yield the net benefit of every model, and of treating all and none."""
    accuracy, draws = comparison.accuracy, comparison.accuracy.resampled
    columns = [
        (c, measure)
        for c, measure in enumerate(accuracy.plan.of_model)
        if measure.estimand == "net_benefit"
    ]
    for k, label in enumerate(comparison.labels):
        for c, measure in columns:
            estimate = accuracy.of_models[k, c]
            row = {"term": label, **_named(measure), "threshold": measure.threshold}
            yield row | {"validation": APPARENT, "estimate": estimate, "note": ""}
            if draws is not None:
                in_draw, on_all = draws.in_draw[:, k, c], draws.on_all[:, k, c]
                yield row | correct(estimate, in_draw, on_all, conf_level)
    observed = dict(zip(accuracy.plan.horizons, accuracy.observed, strict=True))
    for strategy, treated in ((TREAT_ALL, 1.0), (TREAT_NONE, 0.0)):
        for _, measure in columns:
            risk, odds = observed[measure.horizon], measure.threshold
            odds /= 1 - odds
            yield {
                "term": strategy,
                **_named(measure),
                "threshold": measure.threshold,
                "validation": APPARENT,
                "estimate": treated * (risk - (1 - risk) * odds),
                "note": "",
            }


def correct(
    apparent: float, in_draw: FloatArray, on_all: FloatArray, conf_level: float
) -> Row:
    """Take off the optimism; limits are percentiles over draws, shifted by it.

    Draws in which the measure has no value are left out and counted in the note.
    """
    known = np.isfinite(in_draw) & np.isfinite(on_all)
    row: Row = {"validation": CORRECTED, "estimate": np.nan, "note": ""}
    n_lost = int((~known).sum())
    if n_lost:
        row["note"] = f"no value in {n_lost} of {known.size} draws"
    if n_lost > known.size // 2 or not np.isfinite(apparent):
        return row
    optimism = float((in_draw[known] - on_all[known]).mean())
    tail = (1 - conf_level) / 2
    low, high = np.quantile(in_draw[known], [tail, 1 - tail]) - optimism
    return row | {
        "estimate": apparent - optimism,
        "conf_low": float(low),
        "conf_high": float(high),
    }


def _percentiles(on_all: FloatArray, conf_level: float) -> Row:
    """Limits from what the models of the draws reach on all rows."""
    known = on_all[np.isfinite(on_all)]
    if 2 * known.size < on_all.size:
        return {}
    tail = (1 - conf_level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return {"conf_low": float(low), "conf_high": float(high)}


def _differences(
    comparison: ModelComparison, p: int, i: int, j: int, conf_level: float
) -> Iterator[Row]:
    """Yield the differences of two models in the measures that have one."""
    accuracy = comparison.accuracy
    for c, measure in enumerate(accuracy.plan.of_model):
        if measure.estimand not in _DIFFERENCES:
            continue
        row = _of_pair(comparison, i, j) | _named(measure)
        row["estimand"] = f"delta_{measure.estimand}"
        estimate = accuracy.of_models[j, c] - accuracy.of_models[i, c]
        if measure.estimand != "c_index":
            error = accuracy.difference_errors[p, c]
            yield row | _normal(estimate, error, conf_level, test=True)
        if accuracy.resampled is not None:
            draws = accuracy.resampled
            corrected = correct(
                estimate,
                draws.in_draw[:, j, c] - draws.in_draw[:, i, c],
                draws.on_all[:, j, c] - draws.on_all[:, i, c],
                conf_level,
            )
            yield row | corrected | _unbounded(comparison, (i, j), corrected)


def _information(
    comparison: ModelComparison, i: int, j: int, conf_level: float
) -> Iterator[Row]:
    """Yield the corrected share of new information of nested models."""
    draws = comparison.accuracy.resampled
    for small, large in ((i, j), (j, i)):
        gain = comparison.new_information.get((small, large))
        if gain is None or draws is None:
            continue
        in_draw, on_all = (
            1 - ratios[:, small, 0] / ratios[:, large, 0]
            for ratios in (draws.in_draw, draws.on_all)
        )
        row = _of_pair(comparison, small, large) | {"estimand": "new_information"}
        corrected = correct(gain.estimate, in_draw, on_all, conf_level)
        yield row | corrected | _unbounded(comparison, (i, j), corrected)


def _reclassification(
    comparison: ModelComparison, p: int, i: int, j: int, conf_level: float
) -> Iterator[Row]:
    """Yield how predicted risks move from the earlier model to the later one."""
    accuracy = comparison.accuracy
    for c, measure in enumerate(accuracy.plan.of_pair):
        row = _of_pair(comparison, i, j) | _named(measure)
        estimate, error = accuracy.of_pairs[p, c], accuracy.pair_errors[p, c]
        apparent = _normal(estimate, error, conf_level, test=False)
        yield row | apparent | {"note": NRI_WARNING}
        if accuracy.resampled is not None:
            draws = accuracy.resampled
            corrected = correct(
                estimate,
                draws.pairs_in_draw[:, p, c],
                draws.pairs_on_all[:, p, c],
                conf_level,
            )
            notes = [corrected["note"], NRI_WARNING]
            note = "; ".join(str(text) for text in notes if text)
            yield row | corrected | {"note": note}


def _normal(estimate: float, std_error: float, conf_level: float, *, test: bool) -> Row:
    """Apparent value with its normal limits, and its z test against 0 if asked."""
    margin = norm.isf((1 - conf_level) / 2) * std_error
    row: Row = {
        "validation": APPARENT,
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - margin,
        "conf_high": estimate + margin,
        "note": "",
    }
    if test and std_error > 0:
        statistic = estimate / std_error
        row |= {"statistic": statistic, "p_value": float(2 * norm.sf(abs(statistic)))}
    elif test:
        row["note"] = "the models predict alike: no test"
    return row


def _log_limits(estimate: float, std_error: float, conf_level: float) -> Row:
    """Limits of a ratio, made on the log scale."""
    z = norm.isf((1 - conf_level) / 2)
    spread = np.exp(z * std_error / estimate) if estimate > 0 else np.nan
    return {"conf_low": estimate / spread, "conf_high": estimate * spread}


def _unbounded(
    comparison: ModelComparison, models: tuple[int, ...], corrected: Row
) -> Row:
    """Add to the note in how many draws a model had no finite maximum."""
    draws = comparison.accuracy.resampled
    assert draws is not None
    worst = max(int(draws.n_unbounded[k]) for k in models)
    if not worst:
        return {}
    text = f"no finite maximum in {worst} of {len(draws.in_draw)} draws"
    return {"note": "; ".join(filter(None, [str(corrected["note"]), text]))}


def _of_pair(comparison: ModelComparison, i: int, j: int) -> Row:
    return {"model": "", "term": f"{comparison.labels[j]} - {comparison.labels[i]}"}


def _named(measure: Measure) -> Row:
    return {"estimand": measure.estimand, "time": measure.horizon}
