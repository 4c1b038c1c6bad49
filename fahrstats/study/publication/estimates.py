"""Estimates as they are published: no finer than the counts that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.study.publication.counts import COUNTS, Rounding
from fahrstats.study.publication.curves import (
    rounded_time,
    significant,
    without_ends,
)
from fahrstats.study.publication.estimands import decimals_of, nature_of
from fahrstats.study.publication.few import is_about_few
from fahrstats.study.publication.levels import KnownLevels
from fahrstats.study.publication.limits import (
    LIMITS,
    TESTS,
    contrasts,
    correlations,
    equivalences,
    left_out,
    means,
    rankings,
    ratios,
    sizes,
    to_digits,
)
from fahrstats.study.publication.pooling import without_cohorts_of_few
from fahrstats.study.publication.texts import without_counts

TOO_FEW = "too few people or events"
"""Note of a row whose numbers are left out because it is about few people."""

_DIGITS = 6  # fewer would be rounded twice where two decimals are printed
_DIGITS_OF_VALUES = 3
_DIGITS_OF_PLACES = 4
_DIGITS_OF_DF = 2
_ESTIMATES = (
    *("estimate", "std_error", "statistic", "p_value", "p_adjusted", "q_value"),
    *("conf_low", "conf_high", "joint_low", "joint_high", "weight", "i_squared"),
)
_FINE = (
    *("relative_increase", "missing_information", "p_low", "p_high"),
    *("log_likelihood", "log_likelihood_null", "aic", "c_index", "c_index_std_error"),
)
_PLACES = ("value", "predicted")
# Numbers that are chosen, printed elsewhere, or of no people.
_AS_THEY_ARE = (
    *("time", "step", "quantile", "imputation", "cycle", "threshold", "df", "per"),
    *("severity", "dose"),
    *("df_residual", "published", "published_low", "published_high", "n_tables"),
    *("n_cohorts", "n_flagged", "n_pairs"),
)
_TEXTS = ("note", "origin")
_COARSEST_SCORE = 0.01  # a Brier score in coarser steps says nothing
_PEOPLE_BEYOND = {"p5": 0.05, "p95": 0.05, "q1": 0.25, "q3": 0.25, "median": 0.5}


def left_out_because(table: pd.DataFrame) -> str:
    """Return why nothing of a table may be published; empty where something may.

    Raises
    ------
    DataError
        It has a column or an estimand whose bearing on people is unknown.
    """
    known = (*_ESTIMATES, *_FINE, *_PLACES, *_AS_THEY_ARE, *COUNTS)
    numbers = table.select_dtypes("number").columns
    unknown = [f"column `{name}`" for name in numbers if name not in known]
    if "estimand" in table:
        names = table["estimand"].dropna().unique()
        unknown += [f"estimand `{name}`" for name in names if nature_of(name) is None]
    elif set(numbers) & set(_ESTIMATES):
        unknown.append("estimates without an estimand")
    if unknown:
        raise DataError(
            f"holds the {unknown[0]}, and whom it tells of is not known; name it in "
            "`fahrstats.study.publication.estimands`."
        )
    if "estimand" in table and _is_of_persons(table).all():
        return "it is about single people"
    return ""


def coarse(
    table: pd.DataFrame,
    rounding: Rounding,
    horizons: Sequence[float],
    *,
    known: KnownLevels | None = None,
) -> pd.DataFrame:
    """Return a result table as it is published, ages and curves apart.

    Parameters
    ----------
    table
        A table that :func:`left_out_because` lets pass.
    rounding
        How counts are printed.
    horizons
        Times that the study asks for, which are kept.
    known
        What all tables tell of levels; the rows about those of few are left out.
    """
    table = without_ends(table.reset_index(drop=True), horizons)
    if "estimand" in table:
        table = table[~_is_of_persons(table)].reset_index(drop=True)
        few = is_about_few(table, rounding.floor, known)
        table = _estimates(without_cohorts_of_few(table, few), few, rounding)
    else:
        few = pd.Series(False, table.index)
    for name in COUNTS:
        if name in table:
            table[name] = rounding.column(table[name]).astype("Int64")
    if "n_pairs" in table:
        table["n_pairs"] = np.nan
    for name in _TEXTS:
        if name in table:
            texts = table[name].fillna("").astype(str).map(without_counts)
            table[name] = texts.mask(few, TOO_FEW) if name == "note" else texts
    if "time" in table:
        table["time"] = rounded_time(table["time"], horizons)
    keys = [
        k for k in table if k not in (*_ESTIMATES, *COUNTS, *_FINE, *_PLACES, *_TEXTS)
    ]
    if "time" in table and "n_at_risk" not in table and "predicted" not in table:
        table = table.drop_duplicates(keys)
    return table[in_order(table.columns)].reset_index(drop=True)


def _is_of_persons(table: pd.DataFrame) -> pd.Series:
    """Return which rows are about one person."""
    return table["estimand"].map(nature_of) == "person"


def _estimates(exact: pd.DataFrame, few: pd.Series, rounding: Rounding) -> pd.DataFrame:
    """Return a table whose estimates are as coarse as the nature of each asks."""
    table = exact.copy()
    for name in (*_ESTIMATES, *_FINE):
        if name in table:
            table[name] = _to_digits(exact[name], _DIGITS)
    for name in (name for name in _PLACES if name in table):
        table[name] = _to_digits(exact[name], _DIGITS_OF_PLACES)
    if "df_residual" in table:
        table["df_residual"] = _to_digits(exact["df_residual"], _DIGITS_OF_DF)
    natures = exact["estimand"].map(nature_of)
    for nature, make in _MADE.items():
        rows = exact.index[natures == nature]
        if len(rows) and "estimate" in exact:
            made = make(exact.loc[rows], rounding)
            table.loc[made.index, made.columns] = made.astype(float)
    blank = [name for name in _ESTIMATES if name in table]
    table.loc[few, blank] = np.nan
    return table


def _counts(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return estimates that are counts."""
    return pd.DataFrame({"estimate": rounding.column(rows["estimate"])})


def _shares(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return shares to a step of so many people as counts are rounded to.

    A standard error would tell how many people there are, and so would the test of a
    share against a number that is known.
    """
    people = _people_of_share(rows)
    step = rounding.base / rounding.column(people.where(people > 0))
    is_score = rows["estimand"].str.endswith("brier")
    step = step.mask(is_score & (step > _COARSEST_SCORE))
    made = {
        name: (rows[name].astype(float) / step).round() * step
        for name in ("estimate", *LIMITS)
        if name in rows
    }
    found = left_out(rows, pd.DataFrame(made), ("std_error", "statistic"))
    compares = rows["estimand"].str.startswith("delta_")
    for name in (name for name in TESTS[1:] if name in rows):
        found[name] = rows[name].astype(float).where(compares)
    return found


def _people_of_share(rows: pd.DataFrame) -> pd.Series:
    """Return of how many people a share is, the fewer where two groups are compared."""
    people = sizes(rows, "n_at_risk").fillna(sizes(rows, "n"))
    events = sizes(rows, "n_events")
    people = people.mask(rows["estimand"] == "nri_events", events)
    people = people.mask(rows["estimand"] == "nri_nonevents", people - events)
    if "measure" in rows:  # differences of levels, whose own numbers are elsewhere
        return people * np.nan
    if not {"group", "reference"} <= {*rows}:
        return people
    keys = [name for name in ("biomarker", "cause", "time") if name in rows]
    one, other = (
        rows[[*keys, name]].astype(str).apply(tuple, axis=1)
        for name in ("group", "reference")
    )
    is_own = rows["reference"].fillna("") == ""
    own = dict(zip(one[is_own], people[is_own], strict=True))
    fewer = np.minimum(one.map(own).astype(float), other.map(own).astype(float))
    return people.where(is_own, fewer)


def _of_counts(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return estimates that follow from counts, from those that are printed."""
    estimate, estimand = rows["estimate"].astype(float), rows["estimand"]
    n = sizes(rows, "n")
    printed = rounding.column(n)
    count = rounding.column((estimate * n / 100).round().where(estimand == "percent"))
    made = (100 * count / printed).where(estimand == "percent")
    events = sizes(rows, "n_events")
    shown = rounding.column(events)
    by_event = (estimate * shown / events).where(estimand != "percent")
    made = made.fillna(by_event.mask(estimand == "censored_share"))
    made = made.fillna((1 - shown / printed).where(estimand == "censored_share"))
    columns = {"estimate": made.map(lambda x: significant(x, _DIGITS))}
    columns |= {name: made * np.nan for name in LIMITS if name in rows}
    return left_out(rows, pd.DataFrame(columns), ("std_error",))


def _values(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return means and quantiles, the latter where enough people lie beyond."""
    names = [name for name in (*LIMITS, "estimate", "std_error") if name in rows]
    made = {name: _to_digits(rows[name], _DIGITS_OF_VALUES) for name in names}
    if "n" in rows:
        beyond = rows["estimand"].map(_PEOPLE_BEYOND) * rows["n"].astype(float)
        is_thin = beyond < rounding.base
        made = {name: numbers.mask(is_thin) for name, numbers in made.items()}
    return pd.DataFrame(made)


def _of_models(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return what a model says, with the decimals of a report if more would count."""
    told = rows[rows["estimand"].map(decimals_of).notna()]
    names = [name for name in ("estimate", *LIMITS) if name in rows]
    return to_digits(told[names].astype(float), told, rounding)


def _fits(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return log likelihoods, to one decimal."""
    return pd.DataFrame({"estimate": rows["estimate"].astype(float).round(1)})


_MADE: Mapping[str, Callable[[pd.DataFrame, Rounding], pd.DataFrame]] = {
    "count": _counts,
    "of_counts": _of_counts,
    "share": _shares,
    "value": _values,
    "mean": means,
    "contrast": contrasts,
    "ratio": ratios,
    "correlation": correlations,
    "equivalence": equivalences,
    "ranking": rankings,
    "model": _of_models,
    "fit": _fits,
}


def _to_digits(numbers: pd.Series, digits: int) -> pd.Series:
    """Return numbers to so many significant digits."""
    exact = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series([significant(x, digits) for x in exact], numbers.index)
