"""Apparent accuracy of several models at horizons, with standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.kernels.calibration import (
    observed_and_expected,
    observed_and_expected_influence,
)
from fahrstats.kernels.censoring_weights import CensoringWeights
from fahrstats.kernels.discrimination import auc_influence
from fahrstats.kernels.prediction_error import accuracy_influence, brier_influence
from fahrstats.kernels.reclassification import shift_influence
from fahrstats.survival.influence import difference_std_errors, scaled_influence
from fahrstats.survival.model_comparison.measures import Plan
from fahrstats.survival.model_comparison.model_set import ModelSet
from fahrstats.survival.model_comparison.optimism import (
    Resampled,
    resample,
)
from fahrstats.survival.model_comparison.performance import (
    Judges,
    Predictions,
    baseline_hazards,
    judge_all,
    likelihood_and_slope,
    measure_model,
    measure_pairs,
    moves_between,
    predict,
)

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Accuracy:
    """Measures of k models on the rows that they were fitted to.

    Attributes
    ----------
    plan : Plan
        What the columns of the arrays are.
    of_models, model_errors : ndarray of shape (k, n_measures)
        Each measure and its standard error, missing where it has none.
    difference_errors : ndarray of shape (n_pairs, n_measures)
        Standard error of the difference of two models in each measure.
    of_pairs, pair_errors : ndarray of shape (n_pairs, n_pair_measures)
        Measures of two models together, and their standard errors.
    observed : ndarray of shape (n_horizons,)
        Kaplan-Meier risk at each horizon.
    resampled : Resampled or None
        The same measures for models fitted to bootstrap draws.
    """

    plan: Plan
    of_models: FloatArray
    model_errors: FloatArray
    difference_errors: FloatArray
    of_pairs: FloatArray
    pair_errors: FloatArray
    observed: FloatArray
    resampled: Resampled | None


def measure_accuracy(
    models: ModelSet,
    plan: Plan,
    data: pd.DataFrame,
    *,
    n_boot: int,
    seed: int,
    n_workers: int,
) -> Accuracy:
    """Measure every model and every two, with standard errors and optimism.

    Errors take the predictions as given and the censoring distribution as estimated;
    rows of a cluster add up.
    """
    judges = judge_all(models.designs[0], plan, efron=models.efron)
    predictions = []
    for maximum in models.maxima:
        predictor = maximum.linear_predictor
        hazards = baseline_hazards(judges, maximum.peak.sums, predictor)
        predictions.append(predict(judges, plan, predictor, hazards))
    resampled = None
    if n_boot:
        resampled = resample(
            models, judges, plan, data, n_boot=n_boot, seed=seed, n_workers=n_workers
        )
    of_models = []
    for fitted in predictions:
        ratio, slope = likelihood_and_slope(
            judges, fitted.linear_predictor, efron=models.efron
        )
        of_models.append(measure_model(judges, fitted, plan, ratio, slope))
    model_errors, difference_errors = _model_errors(
        models.designs[0], judges, predictions, plan
    )
    return Accuracy(
        plan=plan,
        of_models=np.stack(of_models),
        model_errors=model_errors,
        difference_errors=difference_errors,
        of_pairs=measure_pairs(judges, predictions, plan),
        pair_errors=_pair_errors(models.designs[0], judges, predictions, plan),
        observed=np.array([w.cases / w.total for w in judges.weights]),
        resampled=resampled,
    )


def _model_errors(
    design: Design, judges: Judges, predictions: Sequence[Predictions], plan: Plan
) -> tuple[FloatArray, FloatArray]:
    """Return standard errors of each model's measures, and of their differences."""
    pairs = list(combinations(range(len(predictions)), 2))
    errors = np.full((len(predictions), len(plan.of_model)), np.nan)
    differences = np.full((len(pairs), len(plan.of_model)), np.nan)
    column = {(m.estimand, m.horizon): c for c, m in enumerate(plan.of_model)}
    for k, weights in enumerate(judges.weights):
        found = _influences(judges, weights, predictions, k)
        for estimand, influence in found.items():
            at = column[estimand, plan.horizons[k]]
            grouped = _scaled(design, judges, influence)
            errors[:, at] = np.sqrt((grouped**2).sum(axis=0))
            between = difference_std_errors(grouped)
            for row, (i, j) in enumerate(pairs):
                differences[row, at] = between[i, j]
    return errors, differences


def _pair_errors(
    design: Design, judges: Judges, predictions: Sequence[Predictions], plan: Plan
) -> FloatArray:
    """Return standard errors of the measures of two models together."""
    pairs = list(combinations(range(len(predictions)), 2))
    errors = np.empty((len(pairs), len(plan.of_pair)))
    for row, (i, j) in enumerate(pairs):
        columns = []
        for k, weights in enumerate(judges.weights):
            old, new = predictions[i].risk[:, k], predictions[j].risk[:, k]
            shift = shift_influence(judges.flat, weights, moves_between(old, new, plan))
            columns += [shift[2, :, 0], shift[2, :, 1], shift[0, :, 1], shift[1, :, 1]]
            columns += list(shift[2, :, 2:].T)
        if columns:
            grouped = _scaled(design, judges, np.column_stack(columns))
            errors[row] = np.sqrt((grouped**2).sum(axis=0))
    return errors


def _influences(
    judges: Judges,
    weights: CensoringWeights,
    predictions: Sequence[Predictions],
    k: int,
) -> dict[str, FloatArray]:
    """Influence of every row on each model's measures at horizon k, (n, models)."""
    flat = judges.flat
    risk = np.column_stack([fitted.risk[:, k] for fitted in predictions])
    ranks = np.hstack([fitted.ranks for fitted in predictions])
    values = observed_and_expected(flat, weights, risk)
    means = observed_and_expected_influence(flat, weights, risk)
    ratio = values[0] / values[1:]
    return {
        "auc": auc_influence(flat, weights, ranks),
        "brier": brier_influence(flat, weights, risk),
        "ipa": accuracy_influence(flat, weights, risk),
        "oe_ratio": (means[:, :1] - ratio * means[:, 1:]) / values[1:],
    }


def _scaled(design: Design, judges: Judges, rows: FloatArray) -> FloatArray:
    """Bring influences from the order of ``flat`` to that of the design, and scale."""
    sorted_rows = np.empty_like(rows)
    sorted_rows[judges.to_flat] = rows
    return scaled_influence(design, sorted_rows)
