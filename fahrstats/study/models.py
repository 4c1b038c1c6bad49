"""The Cox models of a study: their terms, steps and labels, and how one is fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import pandas as pd

from fahrstats.cohort.encoding import DesignColumn
from fahrstats.errors import ConvergenceError, DataError, FormulaError
from fahrstats.study.checks import StudyCohort
from fahrstats.study.outcomes import Outcome
from fahrstats.study.people_tables import group_column, with_groups
from fahrstats.study.specification import Variable
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import cox

_GROUP_NAMES = {
    2: "halves",
    3: "tertiles",
    4: "quartiles",
    5: "quintiles",
    10: "deciles",
}


class HasColumns(Protocol):
    """A fitted model with a table of ratios."""

    @property
    def columns(self) -> tuple[DesignColumn, ...]:
        """The design columns."""

    def tidy(
        self, *, exponentiate: bool = False, per: Mapping[str, float] | None = None
    ) -> pd.DataFrame:
        """Return one row per design column."""


def models_of(cohort: StudyCohort, score: str) -> dict[str, tuple[str, ...]]:
    """Return the terms of the Cox models of one score, by label."""
    study, group = cohort.study, group_column(score)
    in_groups = groups_name(cohort)
    if not study.covariates:
        return {"unadjusted": (score,), f"{in_groups}, unadjusted": (group,)}
    return {
        "unadjusted": (score,),
        "adjusted": study.adjusted(score),
        f"{in_groups}, unadjusted": (group,),
        f"{in_groups}, adjusted": study.adjusted(group),
    }


def groups_name(cohort: StudyCohort) -> str:
    """Return ``quartiles``, or what groups of another kind are called."""
    if any(score.cut_points for score in cohort.study.scores):
        return "groups"
    n_groups = cohort.study.analysis.quantile_groups
    return _GROUP_NAMES.get(n_groups, f"{n_groups} groups")


def is_number(cohort: StudyCohort, variable: Variable) -> bool:
    """Tell whether a variable is an amount and not a factor."""
    return pd.api.types.is_float_dtype(cohort.data[variable.name])


def fit_cox(
    cohort: StudyCohort,
    data: pd.DataFrame,
    terms: Sequence[str],
    outcome: Outcome | None = None,
) -> CoxFit:
    """Fit one Cox model with the roles that the study gives to columns."""
    analysis = cohort.study.analysis
    return cox(
        cohort.study.formula(*terms, outcome=outcome),
        data,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )


def with_reference_first(cohort: StudyCohort) -> pd.DataFrame:
    """Add the quantile groups of every score, the reference group first."""
    data = with_groups(cohort, cohort.model_data)
    reference = cohort.study.analysis.reference
    for score, groups in cohort.groups.items():
        others = [label for label in groups.labels if label != reference]
        column = group_column(score)
        data[column] = data[column].cat.set_categories([reference, *others])
    return data


def in_steps(cohort: StudyCohort, result: HasColumns) -> pd.DataFrame:
    """Ratios of a fitted model, each per the step that the study names."""
    fitted = {column.variable for column in result.columns}
    table = result.tidy(exponentiate=True, per=step_sizes(cohort, fitted))
    return with_step_texts(cohort, table)


def step_sizes(cohort: StudyCohort, among: Collection[str]) -> dict[str, float]:
    """Return the steps of those variables among some that are amounts."""
    return {
        v.name: step_size(cohort, v)
        for v in cohort.study.variables
        if v.name in among and is_number(cohort, v)
    }


def with_step_texts(cohort: StudyCohort, table: pd.DataFrame) -> pd.DataFrame:
    """Write in words what step the rows of a table are per; nothing for a factor."""
    texts = {
        v.name: step_text(v) for v in cohort.study.variables if is_number(cohort, v)
    }
    return table.assign(per=table["variable"].map(texts).fillna(""))


def step_size(cohort: StudyCohort, variable: Variable) -> float:
    """Return the step of a hazard ratio in the units of the models."""
    if variable.per != "sd":
        return variable.per
    if variable.within is not None:
        return 1.0
    return cohort.deviations[variable.name]["overall"]


def step_text(variable: Variable) -> str:
    """Return the step of a hazard ratio as text: a number of units, or its name."""
    if variable.per != "sd":
        return f"{variable.per:g}"
    return f"SD within {variable.within}" if variable.within else "SD"


def full_model(cohort: StudyCohort) -> str:
    """Return the label of the model of a score with all covariates there are."""
    return "adjusted" if cohort.study.covariates else "unadjusted"


def complete_rows(cohort: StudyCohort, *columns: str) -> pd.DataFrame:
    """Return the rows that have a value in all of some columns, in model units."""
    data = cohort.model_data
    return data.dropna(subset=list(columns)).reset_index(drop=True)


def numbers_ranked(cohort: StudyCohort) -> tuple[str, ...]:
    """Return what can rank people on its own: scores, then covariates in numbers."""
    study = cohort.study
    numbers = [c.name for c in study.covariates if is_number(cohort, c)]
    return (*(score.name for score in study.scores), *numbers)


def estimated(
    cohort: StudyCohort,
    make: Callable[[], pd.DataFrame],
    *,
    estimand: str,
    **about: str,
) -> pd.DataFrame:
    """Return a table, or one row that says why the data do not support it.

    A further analysis that a small or short study cannot support, such as a mean until
    a time that a group is not followed to, does not stop the others.
    """
    try:
        return make().assign(**about)
    except (FormulaError, DataError, ConvergenceError) as error:
        event = cohort.data[cohort.study.main.columns[1]]
        row = {
            **about,
            "estimand": estimand,
            "estimate": float("nan"),
            "n": len(event),
            "n_events": int(event.sum()),
            "note": f"not estimated: {error}",
        }
        return pd.DataFrame([row])
