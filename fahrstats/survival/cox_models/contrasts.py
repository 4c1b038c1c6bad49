"""Linear combinations of the coefficients of a Cox model, and joint tests of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.encoding import design_matrix
from fahrstats.cohort.variables import spline_terms
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.wald import as_ratio, quadratic_form, with_wald

FloatArray = NDArray[np.float64]
Profile = Mapping[str, object]


def contrast_table(
    fit: CoxFit,
    first: Profile,
    second: Profile | None,
    *,
    exponentiate: bool,
    conf_level: float,
) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.contrast` describes."""
    for given in (first, second):
        if given is not None and not isinstance(given, Mapping):
            raise DataError(
                f"The contrast is {given!r}; give weights or values by name, such as "
                '`{"age": 10}`.'
            )
    if second is None:
        weights, name = _weights_of(fit, first)
    else:
        weights, name = _difference(fit, first, second), _between(first, second)
    used = weights != 0
    unknown = [
        f"`{term}` is aliased"
        for term, log_hr in zip(fit.terms, fit.log_hr, strict=True)
        if np.isnan(log_hr) and used[fit.terms.index(term)]
    ]
    unknown += [
        f"`{m.term}` has an infinite coefficient"
        for m in fit.monotone
        if used[fit.terms.index(m.term)]
    ]
    estimate = std_error = np.nan
    if not unknown:
        estimate = float(weights[used] @ fit.log_hr[used])
        cov = fit.cov[np.ix_(used, used)]
        std_error = float(np.sqrt(max(0.0, weights[used] @ cov @ weights[used])))
    table = pd.DataFrame(
        {
            "term": [name],
            "estimand": "log_hr",
            "n": fit.n,
            "n_events": fit.n_events,
            "note": "; ".join([f"no estimate: {reason}" for reason in unknown]),
        }
    )
    table = with_wald(table, np.array([estimate]), np.array([std_error]), conf_level)
    table = table[in_order(table.columns)]
    return as_ratio(table) if exponentiate else table


def wald_table(fit: CoxFit, terms: Sequence[str]) -> pd.DataFrame:
    """Compute what :meth:`fahrstats.CoxFit.joint_test` describes."""
    names = [terms] if isinstance(terms, str) else list(terms)
    if not names:
        raise DataError("`terms` names no term; give at least one.")
    chosen = np.zeros(len(fit.columns), np.bool_)
    for name in names:
        named = np.array([name in (c.term, c.variable) for c in fit.columns])
        for spline in spline_terms(fit.encoder):
            named[spline.columns] |= spline.variable == name
        if not named.any():
            raise DataError(_no_term("`terms`", name, _names(fit)))
        chosen |= named
    statistic, df, note = wald_test(fit, chosen)
    values = {
        "term": " + ".join(names),
        "estimand": "wald_chi2",
        "statistic": statistic,
        "df": df,
        "p_value": chi2.sf(statistic, df) if df else np.nan,
        "n": fit.n,
        "n_events": fit.n_events,
        "note": note,
    }
    return pd.DataFrame([values])[in_order(values)]


def wald_test(fit: CoxFit, chosen: NDArray[np.bool_]) -> tuple[float, int, str]:
    """Return the joint Wald statistic of columns (p,), its df, and what to know.

    Aliased columns are left out. Missing with an infinite coefficient, and where there
    are no more clusters than coefficients.
    """
    tested = chosen & ~np.isnan(fit.log_hr)
    df = int(tested.sum())
    infinite = [m.term for m in fit.monotone if tested[fit.terms.index(m.term)]]
    if not df:
        return np.nan, 0, "not tested: no estimate"
    if infinite:
        return np.nan, df, f"not tested: `{infinite[0]}` has an infinite coefficient"
    if 0 < fit.n_clusters <= df:
        return np.nan, df, f"not tested: {fit.n_clusters} clusters for {df} df"
    beta = fit.log_hr[tested]
    return quadratic_form(beta, fit.cov[np.ix_(tested, tested)]), df, ""


def _weights_of(fit: CoxFit, terms: Profile) -> tuple[FloatArray, str]:
    """Weight of every design column, and the combination in words."""
    weights = np.zeros(len(fit.terms))
    parts = []
    for term, weight in terms.items():
        if term not in fit.terms:
            raise DataError(_no_term("The contrast", term, fit.terms))
        if not isinstance(weight, int | float | np.number) or not np.isfinite(weight):
            raise DataError(
                f"The contrast weighs `{term}` by {weight}; give a finite number."
            )
        weights[fit.terms.index(term)] = weight
        if weight:
            size = "" if abs(weight) == 1 else f"{abs(weight):g} x "
            parts.append(f"{'-' if weight < 0 else '+'} {size}{term}")
    if not parts:
        raise DataError("The contrast weighs no term; give at least one other than 0.")
    return weights, " ".join(parts).removeprefix("+ ")


def _difference(fit: CoxFit, first: Profile, second: Profile) -> FloatArray:
    """Return the design columns of one profile less those of another."""
    for name in [*first, *second]:
        if name not in fit.encoder.needed:
            raise DataError(_no_covariate(fit, name))
    rows = pd.DataFrame([dict(first), dict(second)])
    X = design_matrix(fit.encoder, rows)
    if np.isnan(X).any():
        missing = [c for c in fit.encoder.needed if rows[c].isna().any()]
        raise DataError(
            f"A profile has no value of `{missing[0]}`; give every covariate in both: "
            f"{', '.join(f'`{name}`' for name in fit.encoder.needed)}."
        )
    return np.asarray(X[0] - X[1], np.float64)


def _between(first: Profile, second: Profile) -> str:
    """Name what two profiles differ in: ``age 70, sex m - age 60, sex f``."""
    differ = [c for c in first if c not in second or first[c] != second[c]]
    sides = [
        ", ".join(f"{column} {profile.get(column)}" for column in differ)
        for profile in (first, second)
    ]
    return " - ".join(sides) if differ else "no difference"


def _names(fit: CoxFit) -> tuple[str, ...]:
    """Return variables and design columns, each once."""
    names = [name for c in fit.columns for name in (c.variable, c.term)]
    return tuple(dict.fromkeys(names))


def _no_covariate(fit: CoxFit, name: str) -> str:
    """Say why a profile cannot name a column, such as that of strata or offset."""
    known = ", ".join(f"`{needed}`" for needed in fit.encoder.needed)
    return f"A profile names `{name}`; the covariates of the model are {known}."


def _no_term(where: str, name: str, names: tuple[str, ...]) -> str:
    known = ", ".join(f"`{term}`" for term in names)
    return f"{where} names `{name}`; the terms are {known}."
