"""What every term adds to a Cox model: the fit without it, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Design
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.contrasts import wald_test
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fitted_rows import find_fitted_design, maximize_again

_ROBUST = "robust Wald test: clusters or weights leave no likelihood ratio"


@dataclass(frozen=True, slots=True)
class _FormulaTerm:
    """A term of the formula: its name, factors, and design columns (p,)."""

    name: str
    variable: str
    factors: frozenset[str]
    columns: NDArray[np.bool_]


def drop_table(fit: CoxFit, data: pd.DataFrame) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.drop1` describes."""
    if fit.penalty is not None:
        raise DataError(
            f"`{fit.formula}` was fitted with a penalty, which leaves no likelihood "
            "ratio of terms; fit without it, or use `joint_test`."
        )
    design = find_fitted_design(fit, data)
    terms = list(_formula_terms(fit))
    if not terms:
        raise DataError(f"`{fit.formula}` has no term to leave out.")
    rows = [_test(fit, design, term, terms) for term in terms]
    table = pd.DataFrame(rows).assign(n=fit.n, n_events=fit.n_events)
    return table[in_order(table.columns)]


def _formula_terms(fit: CoxFit) -> Iterator[_FormulaTerm]:
    """Yield the terms of the formula in the order of the design columns."""
    spec, first = fit.encoder.spec, 0
    for term in spec.terms:
        if str(term) == "1":
            continue
        columns = np.zeros(len(fit.columns), np.bool_)
        size = max(1, len(spec.term_indices[term]))  # a factor of one level has one
        columns[first : first + size] = True
        yield _FormulaTerm(
            name=str(term),
            variable=fit.columns[first].variable,
            factors=frozenset(str(factor) for factor in term.factors),
            columns=columns,
        )
        first += size


def _test(
    fit: CoxFit, design: Design, term: _FormulaTerm, terms: list[_FormulaTerm]
) -> dict[str, object]:
    """Test one term, unless a product holds it or nothing of it is estimated."""
    row: dict[str, object] = {
        "variable": term.variable,
        "term": term.name,
        "estimand": "wald_chi2" if fit.is_robust else "lr_chi2",
    }
    products = [other.name for other in terms if term.factors < other.factors]
    if products:
        note = f"not tested: part of `{products[0]}`"
        return {**row, "statistic": np.nan, "df": 0, "p_value": np.nan, "note": note}
    if fit.is_robust:
        statistic, df, note = wald_test(fit, term.columns)
        note = note or _ROBUST
    else:
        statistic, df, note = likelihood_ratio(fit, design, term.columns)
    p_value = float(chi2.sf(statistic, df)) if df else np.nan
    return {**row, "statistic": statistic, "df": df, "p_value": p_value, "note": note}


def likelihood_ratio(
    fit: CoxFit, design: Design, columns: NDArray[np.bool_]
) -> tuple[float, int, str]:
    """Fit without some columns; return twice the loss of log-likelihood, and its df.

    ``design`` holds the rows of the fit, and ``columns`` (p,) mark what leaves.
    """
    maximum = maximize_again(fit, _without(design, columns))
    df = fit.df - int(maximum.is_estimated.sum())
    if not df:
        return np.nan, 0, "not tested: no estimate of its own"
    loss = fit.log_likelihood - maximum.log_likelihood
    return 2 * max(0.0, loss), df, ""


def _without(design: Design, columns: NDArray[np.bool_]) -> Design:
    """Return a design without some of its columns, its rows as they are."""
    encoder = replace(
        design.encoder,
        columns=tuple(
            column
            for column, leaves in zip(design.columns, columns, strict=True)
            if not leaves
        ),
        is_varying=design.encoder.is_varying[~columns],
    )
    return replace(design, X=design.X[:, ~columns], encoder=encoder)
