"""Residuals of a Cox model, row for row."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from fahrstats.errors import DataError
from fahrstats.kernels.score_residuals import risk_set_means, score_residuals
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fitted_rows import FittedRows, find_fitted_rows
from fahrstats.survival.options import refuse_unknown

FloatArray = NDArray[np.float64]
Residual = Literal[
    "martingale",
    "deviance",
    "score",
    "dfbeta",
    "dfbetas",
    "schoenfeld",
    "scaled_schoenfeld",
]

RESIDUALS: tuple[Residual, ...] = get_args(Residual)
"""Residuals of a Cox model."""

_OF_EVENTS = ("schoenfeld", "scaled_schoenfeld")
_ONE_A_ROW = ("martingale", "deviance")


def residual_table(
    fit: CoxFit, data: pd.DataFrame, kind: Residual, collapse: str | None
) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.residuals` describes."""
    refuse_unknown("kind", kind, RESIDUALS)
    if kind not in _ONE_A_ROW:
        refuse_exact(fit, kind)
    rows = find_fitted_rows(fit, data)
    if kind in _OF_EVENTS:
        if collapse is not None:
            raise DataError(
                f"`collapse` is `{collapse}`, but {kind} residuals belong to events "
                "and not to rows; leave it out."
            )
        return _of_events(fit, data, rows, is_scaled=kind == "scaled_schoenfeld")
    values = _of_rows(fit, rows, kind)
    event = rows.design.event[:, None].astype(np.float64)
    labels, at = data.index, rows.design.rows
    if collapse is not None:
        codes, labels = _groups(data, collapse, rows)
        values, event = sum_within(values, codes), sum_within(event, codes)
        at = np.arange(len(labels))
    if kind == "deviance":
        values = _deviance(values, event)
    names = [kind] if kind in _ONE_A_ROW else list(fit.terms)
    table = pd.DataFrame(np.nan, labels, names)
    table.iloc[at] = values
    return table


def refuse_exact(fit: CoxFit, kind: str) -> None:
    """Raise if ties are exact: that likelihood is no sum over rows."""
    if fit.ties == "exact":
        raise DataError(
            f'{kind} residuals are not available with `ties="exact"`, whose likelihood '
            'has none for each row; fit with "efron" for them.'
        )


def dfbeta_residuals(
    fit: CoxFit, rows: FittedRows, *, is_standardized: bool
) -> FloatArray:
    """Return the change of every coefficient that each row makes, (n, p), data order.

    The first step of Newton's method when the row leaves: its weighted gradient
    residual times the inverse information. Standardised, in standard errors of the
    model. Missing for aliased columns.
    """
    finite = np.isfinite(fit.log_hr)
    cov = fit.model_cov[np.ix_(finite, finite)]
    change = np.full((fit.n, finite.size), np.nan)
    change[:, finite] = _gradient_residuals(rows)[:, finite] @ cov
    if is_standardized:
        change[:, finite] /= np.sqrt(np.diag(cov))
    return change


def scaled_schoenfeld(fit: CoxFit, rows: FittedRows) -> FloatArray:
    """Return what every event says of the coefficients, (n_events, p), sorted order.

    Schoenfeld residual times the inverse of the average information of an event, plus
    the estimate; its smooth over time is the coefficient as a function of time
    (Grambsch and Therneau 1994). Missing for aliased columns.
    """
    finite = np.isfinite(fit.log_hr)
    cov = fit.model_cov[np.ix_(finite, finite)]
    scaled = np.full((fit.n_events, finite.size), np.nan)
    residuals = _schoenfeld(rows)[:, finite]
    scaled[:, finite] = fit.n_events * residuals @ cov + fit.log_hr[finite]
    return scaled


def _of_rows(fit: CoxFit, rows: FittedRows, kind: Residual) -> FloatArray:
    """Residuals of rows (n, 1 or p), those of deviance before their transform."""
    if kind in _ONE_A_ROW:
        sets = rows.design.risk_sets
        return rows.in_data_order(rows.sums.martingale / sets.weights)[:, None]
    if kind == "score":
        residuals = _gradient_residuals(rows)
        if rows.design.weights is not None:
            residuals /= rows.design.weights[:, None]
        return residuals
    return dfbeta_residuals(fit, rows, is_standardized=kind == "dfbetas")


def _gradient_residuals(rows: FittedRows) -> FloatArray:
    """Weighted contribution of every row to the gradient, (n, p), data order."""
    sets = rows.design.risk_sets
    chunks = score_residuals(sets, rows.blocks, rows.sums, rows.Z)
    residuals = np.empty(rows.Z.shape)
    for part, chunk in chunks:
        residuals[sets.order[part]] = chunk * rows.spread
    return residuals


def _schoenfeld(rows: FittedRows) -> FloatArray:
    """Covariates of every event less their mean over its risk set, sorted order."""
    sets = rows.design.risk_sets
    means = risk_set_means(sets, rows.blocks, rows.sums, rows.Z)
    event = sets.event
    residuals = rows.Z[event] - means[rows.blocks.block[event]]
    return np.asarray(residuals * rows.spread, np.float64)


def _of_events(
    fit: CoxFit, data: pd.DataFrame, rows: FittedRows, *, is_scaled: bool
) -> pd.DataFrame:
    """One row per event, by stratum and time; labels are those of the data."""
    design, sets = rows.design, rows.design.risk_sets
    residuals = scaled_schoenfeld(fit, rows) if is_scaled else _schoenfeld(rows)
    events = sets.order[sets.event]
    strata = np.zeros(design.n) if design.strata is None else design.strata
    by_time = np.lexsort((design.rows[events], design.time[events], strata[events]))
    table = pd.DataFrame(
        residuals[by_time],
        index=data.index[design.rows[events[by_time]]],
        columns=list(fit.terms),
    )
    table.insert(0, "time", design.time[events[by_time]])
    if design.strata is not None:
        names = np.array(design.strata_levels)[strata[events[by_time]]]
        table.insert(0, str(design.roles.strata), names)
    return table


def _groups(
    data: pd.DataFrame, collapse: str, rows: FittedRows
) -> tuple[NDArray[np.int64], pd.Index]:
    """Code of every row's group, and the groups in sorted order."""
    if collapse not in data.columns:
        raise DataError(f"`data` has no column `{collapse}`.")
    codes, labels = pd.factorize(data[collapse].iloc[rows.design.rows], sort=True)
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise DataError(
            f"`{collapse}` is missing in {n_missing} of {codes.size} rows of the fit; "
            "residuals cannot be summed within it."
        )
    return codes, pd.Index(labels, name=collapse)


def sum_within(values: FloatArray, codes: NDArray[np.int64]) -> FloatArray:
    """Sum the rows of each group, shape (n_groups, k)."""
    return np.column_stack([np.bincount(codes, column) for column in values.T])


def _deviance(martingale: FloatArray, event: FloatArray) -> FloatArray:
    """Transform martingale residuals of rows or groups to be more symmetric."""
    expected = np.maximum(event - martingale, 0.0)
    drop = -2 * (martingale + xlogy(event, expected))
    return np.sign(martingale) * np.sqrt(np.maximum(drop, 0.0))
