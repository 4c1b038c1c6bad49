"""What an analysis of a cohort would refuse, and what a reader should know of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.groups import QuantileGroups
from fahrstats.errors import DataError, FormulaError
from fahrstats.study.specification import Study
from fahrstats.study.wording import counted
from fahrstats.study.work import is_amount
from fahrstats.survival.model_comparison.measures import check_horizons, plan_measures

_LONG_MEDIAN, _LONGEST = 60.0, 120.0


def horizon_problems(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield the horizons that nobody was followed to."""
    last = data[study.main.columns[0]].max()
    for key in ("horizons", "early", "landmarks"):
        for horizon in getattr(study.analysis, key) or ():
            if horizon > last:
                yield (
                    f"[analysis]: `{key}` holds {horizon:g} years, but the longest "
                    f"follow-up is {last:.4g} years."
                )


@dataclass(frozen=True, slots=True, eq=False)
class Gates:
    """Rows that passed the gate for the models of a study.

    Attributes
    ----------
    everyone : Design
        With the scores and covariates that no row may lack.
    partial : dict of str to Design
        With each score that may be missing, and the covariates.
    together : Design
        With all scores and covariates.
    """

    everyone: Design
    partial: dict[str, Design]
    together: Design


def pass_gates(
    study: Study, everyone: Design, data: pd.DataFrame
) -> tuple[Gates, list[str]]:
    """Pass the scores that may be missing through the gate, and list what is wrong."""
    partial, together, problems = {}, everyone, []
    for score in study.scores:
        if not score.may_be_missing:
            continue
        try:
            partial[score.name] = build_gate(study, data, study.adjusted(score.name))
        except DataError as error:
            problems.append(f"[scores.{score.name}]: {error}")
    if partial and not problems:
        try:
            together = build_gate(study, data, [v.name for v in study.variables])
        except DataError as error:
            problems.append(f"[scores], where all are known: {error}")
    return Gates(everyone, partial, together), problems


def size_problems(
    study: Study, gates: Gates, groups: dict[str, QuantileGroups]
) -> Iterator[str]:
    """Yield models with more coefficients than there are events."""
    n_coefficients, n_events = len(gates.together.columns), gates.together.n_events
    if n_coefficients > n_events:
        yield (
            f"Scores and covariates need {counted(n_coefficients, 'coefficient')}, but "
            f"there are only {counted(n_events, 'event')}; leave covariates out, or "
            "merge levels."
        )
        return
    n_covariates = n_coefficients - len(study.scores)
    for score, found in groups.items():
        needed = len(found.labels) - 1 + n_covariates
        n_events = gates.partial.get(score, gates.everyone).n_events
        if needed > n_events:
            yield (
                f"[scores.{score}]: {len(found.labels)} groups and the covariates need "
                f"{counted(needed, 'coefficient')}, but there are only "
                f"{counted(n_events, 'event')}; make `quantile_groups` smaller."
            )


def judging_problems(design: Design, horizons: Iterable[float]) -> dict[float, str]:
    """Return why predictions cannot be judged at each horizon; empty where they can."""
    problems = dict.fromkeys(horizons, "")
    for horizon in problems:
        try:
            check_horizons(design, plan_measures(horizon, ()))
        except (DataError, FormulaError) as error:
            problems[horizon] = str(error)
    return problems


def judging_notes(study: Study, gates: Gates) -> Iterator[str]:
    """Yield the horizons at which predictions of compared models are not judged."""
    found = judging_problems(gates.together, study.analysis.horizons)
    for horizon, problem in found.items():
        if problem:
            yield f"[analysis]: models are not judged at {horizon:g} years. {problem}"


def missing_notes(study: Study, gates: Gates, table: pd.DataFrame) -> Iterator[str]:
    """Yield which scores are known for some rows only, and what imputation lacks."""
    for score, design in gates.partial.items():
        yield (
            f"`{score}` is known for {counted(design.n, 'row')} with "
            f"{counted(design.n_events, 'event')}; models with it use these."
        )
    names = [variable.name for variable in study.known]
    if study.analysis.imputations and not table[names].isna().any(axis=None):
        yield (
            f"[analysis]: `imputations` is {study.analysis.imputations}, but no row "
            "lacks a score or a covariate."
        )


def follow_up_notes(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield a note where follow-up is longer than people live."""
    time, _, entry = study.main.columns
    years = data[time] - (data[entry] if study.main.entry else 0)
    median, longest = years.median(), years.max()
    if median > _LONG_MEDIAN or longest > _LONGEST:
        yield (
            f"`{study.main.time}` has a median of {median:.4g} and a maximum of "
            f'{longest:.4g} years; is `unit = "{study.main.unit}"` right?'
        )


def variable_notes(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield variables that say nothing, or nothing that another does not say."""
    names = [variable.name for variable in study.variables]
    for name in names:
        if data[name].nunique() == 1:
            yield f"`{name}` is the same in all rows, so it has no hazard ratio."
    for first, second in combinations(names, 2):
        a, b = data[first], data[second]
        if a.nunique() > 1 and np.array_equal(pd.factorize(a)[0], pd.factorize(b)[0]):
            is_same = np.array_equal(a.astype(object), b.astype(object))
            verb = "hold the same values" if is_same else "tell the same rows apart"
            are_factors = not (is_amount(a) or is_amount(b))
            if is_same or are_factors or a.nunique() == 2:
                yield (
                    f"`{first}` and `{second}` {verb}; in a model with both, one has "
                    "no hazard ratio."
                )


def build_gate(study: Study, data: pd.DataFrame, terms: Sequence[str]) -> Design:
    """Pass the rows of a model through the gate, with the roles of the study."""
    analysis = study.analysis
    return build_design(
        study.formula(*terms),
        data,
        strata=analysis.strata,
        weights=analysis.weights,
        cluster=analysis.cluster,
        id=analysis.id,
    )
