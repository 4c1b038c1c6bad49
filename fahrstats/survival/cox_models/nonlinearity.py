"""Whether an effect bends: tests of the non-linear columns of splines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import chi2

from fahrstats.cohort.variables import SplineTerm, spline_terms
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.contrasts import wald_test
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fitted_rows import find_fitted_design
from fahrstats.survival.cox_models.term_tests import likelihood_ratio


def nonlinearity_table(fit: CoxFit, data: pd.DataFrame | None) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.nonlinearity` describes."""
    splines = spline_terms(fit.encoder)
    if not splines:
        raise DataError(
            f"`{fit.formula}` has no spline; write `rcs(x, 4)` for one with 4 knots."
        )
    rows = [row for spline in splines for row in _wald_rows(fit, spline)]
    if data is not None:
        rows += [_ratio_row(fit, spline, data) for spline in splines]
    table = pd.DataFrame(rows).assign(n=fit.n, n_events=fit.n_events)
    return table[in_order(table.columns)]


def _wald_rows(fit: CoxFit, spline: SplineTerm) -> Iterator[dict[str, object]]:
    """Yield the test of all columns of a spline, and of those that bend."""
    for estimand, columns in (
        ("wald_chi2", spline.columns),
        ("nonlinear_wald_chi2", spline.columns[1:]),
    ):
        chosen = np.isin(np.arange(len(fit.columns)), columns)
        statistic, df, note = wald_test(fit, chosen)
        yield _row(spline, estimand, statistic, df, note)


def _ratio_row(
    fit: CoxFit, spline: SplineTerm, data: pd.DataFrame
) -> dict[str, object]:
    """Test the columns that bend by the fit without them, on the same rows."""
    estimand = "nonlinear_lr_chi2"
    if fit.is_robust or fit.penalty is not None:
        reason = "clusters or weights leave" if fit.is_robust else "a penalty leaves"
        note = f"not tested: {reason} no likelihood ratio"
        return _row(spline, estimand, np.nan, 0, note)
    design = find_fitted_design(fit, data)
    bends = np.isin(np.arange(len(fit.columns)), spline.columns[1:])
    return _row(spline, estimand, *likelihood_ratio(fit, design, bends))


def _row(
    spline: SplineTerm, estimand: str, statistic: float, df: int, note: str
) -> dict[str, object]:
    """Return one test as a row."""
    return {
        "variable": spline.variable,
        "term": spline.term,
        "estimand": estimand,
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2.sf(statistic, df)) if df else np.nan,
        "note": note,
    }
