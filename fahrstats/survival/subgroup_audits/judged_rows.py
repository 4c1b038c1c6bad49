"""Rows that an audit judges, with what the marker and the model say of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.survival.cox_models.maximum import Maximum
from fahrstats.survival.predictions.horizons import check_horizon, tied_horizons
from fahrstats.survival.subgroup_audits.fitted_risks import FittedRisks, predict_risks

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRows:
    """The n rows of an audit, in the order of the design.

    Attributes
    ----------
    design : Design
        The model's rows.
    term : str
        The marker.
    scores : ndarray of shape (n, 2)
        The marker, and what the model ranks by: its linear predictor or the risk given.
    risk : ndarray of shape (n,)
        Predicted risk of the event by the horizon.
    horizon : float
        The horizon, made equal to a time from which it differs by rounding only.
    flat : RiskSets
        The rows as one stratum, as predicted risks are judged.
    people : ndarray of int64, shape (n,)
        Code of the person of every row.
    fitted : FittedRisks or None
        The predictions of the model fitted to these rows, if that made the risks.
    """

    design: Design
    term: str
    scores: FloatArray
    risk: FloatArray
    horizon: float
    flat: RiskSets
    people: NDArray[np.int64]
    fitted: FittedRisks | None


def judge_rows(
    design: Design,
    maximum: Maximum,
    term: str,
    kept: pd.DataFrame,
    *,
    horizon: float,
    risk: str | None,
) -> JudgedRows:
    """Predict for all rows, or take the predictions given.

    Parameters
    ----------
    design, maximum
        The model fitted to everyone.
    term
        The marker.
    kept
        The rows of the data that the design is made of.
    horizon
        Time that predicted risks are about.
    risk
        Column of risks predicted by another model.

    Raises
    ------
    FormulaError
        The outcome has delayed entry.
    DataError
        The horizon is not among the times of follow-up, a predicted risk is no
        probability, or the model predicts none.
    """
    if design.entry is not None:
        raise FormulaError(
            f"`{design.formula.text}` has delayed entry, for which predictions at a "
            "horizon are not judged here; count `Surv(time, event)` from entry."
        )
    check_horizon(design, horizon)
    (at,) = tied_horizons(design, (horizon,))
    marker = design.X[:, design.terms.index(term)]
    fitted = None
    if risk is None:
        fitted = predict_risks(design, maximum, at)
        predictor, predicted = fitted.linear_predictor, fitted.risk
    else:
        predictor = predicted = _given(kept, risk)
    flat = design.risk_sets
    if design.strata is not None:
        flat = sort_risk_sets(design.time, design.event)
    subjects = design.roles.id
    return JudgedRows(
        design=design,
        term=term,
        scores=np.column_stack([marker, predictor]),
        risk=predicted,
        horizon=at,
        flat=flat,
        people=np.arange(design.n)
        if subjects is None
        else pd.factorize(kept[subjects])[0].astype(np.int64),
        fitted=fitted,
    )


def _given(kept: pd.DataFrame, column: str) -> FloatArray:
    """Return the risks of another model, if they are probabilities."""
    is_truth = pd.api.types.is_bool_dtype(kept[column])
    if not is_truth and not is_number(kept[column].infer_objects()):
        raise DataError(
            f"`{column}` holds no numbers; give the predicted probability of the event "
            "by the horizon."
        )
    values = as_float(kept[column])
    n_outside = int(((values < 0) | (values > 1)).sum())
    if n_outside:
        raise DataError(
            f"`{column}` is outside 0 to 1 in {n_outside} of {len(kept)} complete rows "
            f"({values.min():g} to {values.max():g}); give the predicted probability "
            "of the event by the horizon."
        )
    return values
