"""Columns of the table that was read to columns of the cohort that is analysed.

Nothing here refuses the table: every problem is collected, so that a check can list
them all, and a column that has one is left out of the cohort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.study.deviations import find_deviations
from fahrstats.study.outcome_columns import add_outcome
from fahrstats.study.specification import (
    CAUSE_COLUMN,
    COHORT_COLUMN,
    Analysis,
    Competing,
    Study,
    Variable,
)
from fahrstats.study.variable_columns import add_covariate, add_number, add_subgroup
from fahrstats.study.work import Work, codes_of, make_factor


@dataclass(frozen=True, slots=True, eq=False)
class Preparation:
    """The cohort as the study describes it, and what stood in the way.

    Attributes
    ----------
    data : DataFrame
        All rows of the table. Follow-up is in years; scores and covariates are in
        their own units; factors are categorical with their reference level first.
    in_deviations : DataFrame
        Scores whose hazard ratio is per standard deviation within the levels of a
        factor, divided by that deviation.
    deviations : dict
        Standard deviations behind ``per = "sd"``, by score or covariate: one number,
        or one for each level.
    problems : list of str
        Why the study cannot be analysed.
    notes : list of str
        What a reader should know though nothing is wrong.
    """

    data: pd.DataFrame
    in_deviations: pd.DataFrame
    deviations: dict[str, dict[str, float]]
    problems: list[str]
    notes: list[str]


def prepare(
    study: Study, table: pd.DataFrame, enters: NDArray[np.bool_] | None = None
) -> Preparation:
    """Make the columns of a study from the columns of a table.

    Parameters
    ----------
    study
        Which column means what.
    table
        One row per subject, as it was read; it is not modified.
    enters
        Which rows enter the study, all unless given; standard deviations are of these.
    """
    work = Work(table)
    for outcome in study.outcomes:
        add_outcome(work, outcome)
    for score in study.scores:
        add_number(work, score, f"[scores.{score.name}]")
    for covariate in study.covariates:
        add_covariate(work, covariate, f"[covariates.{covariate.name}]")
    for described in study.described:
        add_covariate(work, described, f"[describe.{described.name}]")
    if study.ages is not None and study.ages.age not in work.columns:
        age = Variable(study.ages.age, (study.ages.age,), "Age")
        add_number(work, age, "[ages]")
    for score in study.printed:
        add_number(work, score, f"[published.scores.{score.name}]")
    made = {variable.name for variable in study.variables}
    for subgroup in study.subgroups:
        if subgroup.variable in work.columns or subgroup.variable not in made:
            add_subgroup(work, subgroup)
    _add_roles(work, study.analysis)
    if study.analysis.cohorts is not None:
        _add_cohorts(work, study.analysis.cohorts)
    if study.competing is not None:
        _add_causes(work, study.competing, study)
    _leave_out_long_factors(work, study)
    everyone = np.ones(len(table), dtype=np.bool_)
    deviations, scaled = find_deviations(
        work, study, everyone if enters is None else enters
    )
    return Preparation(
        data=pd.DataFrame(work.columns, index=table.index),
        in_deviations=pd.DataFrame(scaled, index=table.index),
        deviations=deviations,
        problems=work.problems,
        notes=work.notes,
    )


def _leave_out_long_factors(work: Work, study: Study) -> None:
    """Report factors of more levels than there are events, and leave them out."""
    event = work.columns.get(study.main.columns[1])
    n_events = 0 if event is None else int((event == 1).sum())
    for covariate in study.covariates:
        values = work.columns.get(covariate.name)
        if values is None or not isinstance(values.dtype, pd.CategoricalDtype):
            continue
        n_levels = values.nunique()
        if n_levels - 1 > n_events > 0:
            work.problems.append(
                f"[covariates.{covariate.name}]: {n_levels} levels need {n_levels - 1} "
                f"coefficients, more than the {n_events} events; merge levels, or "
                "leave it out."
            )
            del work.columns[covariate.name]


def _add_roles(work: Work, analysis: Analysis) -> None:
    """Add the columns of strata, weights, clusters and subjects under their names."""
    for role in ("strata", "weights", "cluster", "id"):
        name = getattr(analysis, role)
        if name is None or name in work.columns:
            continue
        values = work.source(name, f"[analysis] {role}")
        if values is not None:
            work.columns[name] = values


def _add_cohorts(work: Work, column: str) -> None:
    """Add the column whose levels are analysed apart, as text."""
    values = work.source(column, "[analysis] cohorts")
    if values is None:
        return
    labels = make_factor(work, values, (), "[analysis] cohorts")
    if labels is not None and labels.nunique() < 2:
        work.problems.append(
            f"[analysis]: `cohorts` is `{column}`, which has {labels.nunique()} level; "
            "a meta-analysis needs 2."
        )
    elif labels is not None:
        work.columns[COHORT_COLUMN] = labels


def _add_causes(work: Work, competing: Competing, study: Study) -> None:
    """Add the cause of each event as text; rows without an event have none."""
    where = "[competing]"
    values = work.source(competing.column, where)
    event = work.columns.get(study.named_outcome(competing.outcome).columns[1])
    if values is None or event is None:
        return
    happened = values.where(event == 1)
    if competing.other:
        known = dict(competing.levels)
        texts = [*dict.fromkeys(known.values()), competing.other]
        named = codes_of(happened).map(
            lambda code: known.get(code, competing.other), na_action="ignore"
        )
        causes = named.astype(pd.CategoricalDtype(list(dict.fromkeys(texts))))
    else:
        factor = make_factor(work, happened, competing.levels, where)
        if factor is None:
            return
        causes = factor.cat.remove_unused_categories()
    n_missing = int((causes.isna() & (event == 1)).sum())
    counts = causes.value_counts()
    if n_missing:
        work.problems.append(
            f"{where}: `{competing.column}` is missing in {n_missing} of "
            f"{int((event == 1).sum())} rows with an event; name the cause."
        )
    elif not counts.get(competing.of, 0):
        listed = ", ".join(f"`{cause}`" for cause in causes.cat.categories)
        work.problems.append(
            f"{where}: `of` is `{competing.of}`, which no event has; the causes are "
            f"{listed}."
        )
    else:
        work.columns[CAUSE_COLUMN] = causes
