"""Meta-analysis: one estimate in several cohorts, and across them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.errors import ConvergenceError, DataError, ResultWarning
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import cox
from fahrstats.survival.options import TIES, Ties, refuse_unknown
from fahrstats.survival.rankings.ranking import Concordance, concordance
from fahrstats.survival.several_tables.meta_analysis import (
    OVERALL,
    CohortEstimate,
    MetaAnalysis,
    combine_cohorts,
)

Statistic = Literal["log_hr", "c_index"]

STATISTICS: tuple[Statistic, ...] = ("log_hr", "c_index")
"""What can be estimated in every cohort."""


def meta(
    formula: str,
    cohorts: Mapping[str, pd.DataFrame],
    *,
    term: str,
    statistic: Statistic = "log_hr",
    strata: str | None = None,
    cluster: str | None = None,
    ties: Ties = "efron",
) -> MetaAnalysis:
    """Estimate a score's effect or concordance in every cohort, and across cohorts.

    The random-effects model takes the true values of the cohorts to be normal; their
    variance tau squared is estimated by restricted maximum likelihood, and the interval
    of their mean is Hartung and Knapp's, with t on one degree of freedom fewer than
    cohorts. The prediction interval is where the true value of another cohort would
    lie. With two cohorts t has one degree of freedom, so that the interval is wide, and
    there is no prediction interval. Concordances are averaged on the logit scale.

    A cohort without an event, or in which the score has no finite estimate, keeps its
    row with a note and takes no part in the averages.

    Parameters
    ----------
    formula
        Outcome, score and covariates. With ``statistic="c_index"`` each column of the
        right-hand side is a score judged on its own.
    cohorts
        Two or more data frames by label, fitted separately.
    term
        Design column or score to pool. Give it the same unit in all cohorts.
    statistic
        ``"log_hr"`` or ``"c_index"``.
    strata, cluster, ties
        As in :func:`fahrstats.cox`.

    Raises
    ------
    DataError
        Fewer than two cohorts have an estimate, no cohort has the term, or the data of
        a cohort do not pass the gate.
    ConvergenceError
        The iteration for tau squared ended without a maximum.

    Notes
    -----
    Equal to ``metafor::rma(method = "REML", test = "knha")``, whose prediction interval
    has t on one more degree of freedom; here it is that of Higgins et al. (2009).

    References
    ----------
    Hartung and Knapp (2001), Statistics in Medicine 20:3875-3889. Viechtbauer (2005),
    Journal of Educational and Behavioral Statistics 30:261-293. Higgins, Thompson and
    Spiegelhalter (2009), JRSS A 172:137-159.

    Examples
    --------
    >>> fs.meta("Surv(time, event) ~ faceage + age",
    ...         {"derivation": derivation, "validation": validation}, term="faceage")
    """
    refuse_unknown("statistic", statistic, STATISTICS)
    refuse_unknown("ties", ties, TIES)
    if isinstance(cohorts, pd.DataFrame) or not isinstance(cohorts, Mapping):
        raise DataError(
            f"`cohorts` is a {type(cohorts).__name__}; give data frames by label, such "
            'as {"derivation": first, "validation": second}.'
        )
    for problem in _label_problems([str(label) for label in cohorts]):
        raise DataError(problem)
    needed = _needed_columns(formula, cohorts, strata, cluster)
    options: dict[str, Any] = {"strata": strata, "cluster": cluster}
    verb: Callable[..., CoxFit | Concordance] = partial(concordance, **options)
    if statistic == "log_hr":
        verb = partial(cox, ties=ties, **options)
    estimates, terms = [], dict[str, None]()
    for label, data in cohorts.items():
        blank = _count(formula, label, data, needed)
        estimate, found = _estimate(verb, formula, data, blank, term)
        estimates.append(estimate)
        terms |= dict.fromkeys(found)
    if terms and term not in terms:
        raise DataError(
            f"No cohort has a term `{term}`; the terms are "
            f"{', '.join(f'`{name}`' for name in terms)}."
        )
    return combine_cohorts(tuple(estimates), formula, term, statistic)


def meta_estimates(table: pd.DataFrame) -> MetaAnalysis:
    """Combine estimates that exist already, one row per cohort, as :func:`meta` does.

    Parameters
    ----------
    table
        Columns ``cohort``, ``term``, ``estimand``, ``estimate`` and ``std_error``;
        ``n``, ``n_events`` and ``note`` where known. All rows are of one term and
        estimand: log hazard ratios, concordances, or differences of them.

    Raises
    ------
    DataError
        A column is absent, labels repeat, the rows are of several terms or estimands,
        or a standard error is not positive and finite.

    Notes
    -----
    The methods and their references are those of :func:`meta`.

    Examples
    --------
    >>> fs.meta_estimates(pd.DataFrame({
    ...     "cohort": ["derivation", "validation", "published"],
    ...     "term": "faceage", "estimand": "log_hr",
    ...     "estimate": [0.012, 0.010, 0.014], "std_error": [0.002, 0.003, 0.004]}))
    """
    for problem in _estimate_problems(table):
        raise DataError(problem)
    sizes = {
        name: table[name] if name in table else pd.Series(0, index=table.index)
        for name in ("n", "n_events")
    }
    notes = pd.Series("", index=table.index)
    if "note" in table:
        notes = table["note"].fillna("")
    estimates = tuple(
        CohortEstimate(*row)
        for row in zip(
            table["cohort"].astype(str),
            table["estimate"].astype(float),
            table["std_error"].astype(float),
            sizes["n"].fillna(0).astype(int),
            sizes["n_events"].fillna(0).astype(int),
            notes.astype(str),
            strict=True,
        )
    )
    first = table.iloc[0]
    return combine_cohorts(estimates, "", str(first["term"]), str(first["estimand"]))


def _label_problems(labels: Sequence[str]) -> Iterator[str]:
    """Yield why labels do not tell cohorts apart."""
    repeated = dict.fromkeys(name for name in labels if labels.count(name) > 1)
    if repeated:
        yield (
            f"`cohort` repeats {', '.join(f'`{name}`' for name in repeated)}; give "
            "every cohort one row with a label of its own."
        )
    if OVERALL in labels:
        yield f"A cohort is called `{OVERALL}`, as all of them are; call it otherwise."


def _needed_columns(
    formula: str,
    cohorts: Mapping[str, pd.DataFrame],
    strata: str | None,
    cluster: str | None,
) -> list[str]:
    """Columns of the formula and options, which every cohort must have."""
    parsed = parse_formula(formula)
    needed: dict[str, None] = {}
    for label, data in cohorts.items():
        if not isinstance(data, pd.DataFrame):
            raise DataError(
                f"Cohort `{label}` is a {type(data).__name__}; give a pandas data "
                "frame."
            )
        outcome = [c for c in (parsed.entry, parsed.time, parsed.event) if c]
        options = [c for c in (strata, cluster) if c]
        used = [*outcome, *used_columns(parsed.right, data.columns), *options]
        absent = [f"`{name}`" for name in used if name not in data.columns]
        if absent:
            raise DataError(f"Cohort `{label}` has no column {', '.join(absent)}.")
        needed |= dict.fromkeys(used)
    return list(needed)


def _count(
    formula: str, label: str, data: pd.DataFrame, needed: list[str]
) -> CohortEstimate:
    """Rows and events of a cohort that could enter a fit."""
    event = parse_formula(formula).event
    for problem in column_problems(data, event, "event"):
        raise DataError(f"Cohort `{label}`: {problem}")
    complete = data[needed].dropna()
    n_events = int(as_float(complete[event]).sum())
    return CohortEstimate(str(label), np.nan, np.nan, len(complete), n_events, "")


def _estimate(
    verb: Callable[..., CoxFit | Concordance],
    formula: str,
    data: pd.DataFrame,
    blank: CohortEstimate,
    term: str,
) -> tuple[CohortEstimate, tuple[str, ...]]:
    """Estimate in one cohort, or say why not; return the terms of its result too."""
    if blank.n_events == 0:
        return replace(blank, note="no event" if blank.n else "no complete row"), ()
    try:
        with warnings.catch_warnings(record=True, action="always") as caught:
            result = verb(formula, data)
    except ConvergenceError as error:
        return replace(blank, note=f"not estimated: {error}"), ()
    except DataError as error:
        raise DataError(f"Cohort `{blank.cohort}`: {error}") from error
    found = result.tidy().query("term == @term")
    if found.empty:
        return replace(blank, note=f"no term `{term}` in this cohort"), result.terms
    row = found.iloc[0]
    is_fragile = any(issubclass(w.category, ResultWarning) for w in caught)
    events = f"{blank.n_events} event{'s' * (blank.n_events != 1)}"
    notes = [str(row["note"]), f"fragile: {events}" * is_fragile]
    estimate = replace(
        blank,
        estimate=float(row["estimate"]),
        std_error=float(row["std_error"]),
        n=result.n,
        n_events=result.n_events,
        note="; ".join(filter(None, notes)),
    )
    return estimate, result.terms


def _estimate_problems(table: pd.DataFrame) -> Iterator[str]:
    """Yield why a table of estimates cannot be combined."""
    wanted = ("cohort", "term", "estimand", "estimate", "std_error")
    absent = [f"`{name}`" for name in wanted if name not in table]
    if absent:
        yield (
            f"The table has no column {', '.join(absent)}; a meta-analysis needs "
            f"{', '.join(f'`{name}`' for name in wanted)}."
        )
        return
    if not len(table):
        yield "The table has no row; give one per cohort."
        return
    yield from _label_problems([str(label) for label in table["cohort"]])
    text = [
        f"`{name}`"
        for name in ("estimate", "std_error")
        if not pd.api.types.is_numeric_dtype(table[name])
    ]
    if text:
        yield f"{', '.join(text)} must hold numbers."
        return
    for name in ("term", "estimand"):
        if table[name].nunique() > 1:
            values = ", ".join(map(str, table[name].unique()))
            yield f"`{name}` is {values}; select the rows of one."
    if (table["estimand"] == "hr").any():
        yield "`estimand` is hr; give logarithms of hazard ratios (`log_hr`)."
    is_usable = (table["std_error"] > 0) & (table["std_error"] < np.inf)
    bad = table[table["estimate"].notna() & ~is_usable]
    if len(bad):
        yield (
            f"`std_error` is {bad['std_error'].iloc[0]:g} in "
            f"{', '.join(f'`{name}`' for name in bad['cohort'])}; give a positive, "
            "finite standard error, or leave the estimate empty."
        )
