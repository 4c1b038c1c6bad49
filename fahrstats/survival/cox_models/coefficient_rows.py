"""The coefficients of a Cox model as rows: with Wald tests, infinite, or Firth's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy.stats import chi2

from fahrstats.columns import in_order
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.maximum import Monotone
from fahrstats.survival.cox_models.penalization import (
    PROFILE_LEVELS,
    Firth,
    FirthEstimate,
)
from fahrstats.survival.wald import as_ratio, find_steps, with_wald

FIRTH_NOTE = "Firth's penalised likelihood"
"""Note of an estimate that is Firth's, where nothing else is to be known."""


def coefficient_table(
    fit: CoxFit,
    *,
    exponentiate: bool,
    per: Mapping[str, float] | None,
    conf_level: float,
) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.tidy` describes."""
    step = find_steps(fit.columns, per)
    estimate = fit.log_hr * step
    std_error = np.sqrt(np.diag(fit.cov)) * np.abs(step)
    table = pd.DataFrame(
        {
            "variable": [column.variable for column in fit.columns],
            "level": [column.level for column in fit.columns],
            "term": fit.terms,
            "reference": [column.reference for column in fit.columns],
            "per": step,
            "estimand": "log_hr",
            "note": "",
        }
    )
    table = with_wald(table, estimate, std_error, conf_level)
    if isinstance(fit.penalty, Firth):
        table = add_firth(table, fit.firth, conf_level)
    else:
        table = add_infinite(
            table, fit.monotone, fit.firth, conf_level, is_robust=fit.is_robust
        )
    for alias in fit.aliased:
        table.loc[table["term"] == alias.term, "note"] = f"aliased: {alias.equals}"
    table = table.assign(n=fit.n, n_events=fit.n_events)
    table = table[in_order(table.columns)]
    return as_ratio(table) if exponentiate else table


def glance_table(fit: CoxFit) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.glance` describes."""
    statistic, df = fit.lr_statistic, fit.effective_df
    if fit.is_robust:
        statistic, df = fit.wald_statistic, fit.wald_df
    values = {
        "n": fit.n,
        "n_events": fit.n_events,
        "n_dropped": fit.n_dropped,
        "statistic": statistic,
        "df": df,
        "p_value": chi2.sf(statistic, df) if df else np.nan,
        "log_likelihood": fit.log_likelihood,
        "log_likelihood_null": fit.log_likelihood_null,
        "aic": fit.aic,
        "c_index": fit.c_index,
        "c_index_std_error": fit.c_index_std_error,
    }
    return pd.DataFrame([values])[in_order(values)]


def add_infinite(
    table: pd.DataFrame,
    monotone: Iterable[Monotone],
    firth: Iterable[FirthEstimate],
    conf_level: float,
    *,
    is_robust: bool,
) -> pd.DataFrame:
    """Give monotone terms their test, and a further row with Firth's estimate."""
    table = table.copy()
    for infinite in monotone:
        row = table["term"] == infinite.term
        table.loc[row, ["std_error", "conf_low", "conf_high"]] = np.nan
        table.loc[row, "statistic"] = infinite.lr_statistic
        table.loc[row, "p_value"] = infinite.p_value
        table.loc[row, "note"] = (
            "infinite: monotone likelihood; statistic and p from the likelihood ratio"
            + (" of independent rows" if is_robust else "")
        )
    estimates = list(firth)
    if not estimates:
        return table
    extra = table[table["term"].isin([estimate.term for estimate in estimates])]
    extra = add_firth(extra.assign(estimand="log_hr_firth"), estimates, conf_level)
    return pd.concat([table, extra], ignore_index=True)


def add_firth(
    table: pd.DataFrame, firth: Iterable[FirthEstimate], conf_level: float
) -> pd.DataFrame:
    """Put Firth's estimates, their profiles and a note in the rows of their terms."""
    table = table.copy()
    for estimate in firth:
        row = table["term"] == estimate.term
        step = table.loc[row, "per"].astype(float)
        low, high = estimate.limits(conf_level)
        ends = pd.DataFrame({"a": low * step, "b": high * step})
        table.loc[row, "estimate"] = estimate.log_hr * step
        table.loc[row, "std_error"] = estimate.std_error * step.abs()
        table.loc[row, "statistic"] = estimate.lr_statistic
        table.loc[row, "p_value"] = estimate.p_value
        table.loc[row, "conf_low"] = ends.min(axis=1)
        table.loc[row, "conf_high"] = ends.max(axis=1)
        table.loc[row, "note"] = _note(estimate, conf_level)
    return table


def _note(estimate: FirthEstimate, conf_level: float) -> str:
    """Say where an estimate, its test and its interval come from."""
    note = FIRTH_NOTE
    if np.isnan(estimate.log_hr):
        return f"{note} reached no maximum"
    if conf_level not in PROFILE_LEVELS:
        levels = ", ".join(map(str, PROFILE_LEVELS))
        return f"{note}; profile limits only at conf_level {levels}"
    if np.isnan(estimate.limits(conf_level)).any():
        return f"{note}; no profile limit was found"
    return note
