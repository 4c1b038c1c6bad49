"""What an analysis of a cohort would refuse, and what a reader should know of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.groups import QuantileGroups
from fahrstats.errors import DataError
from fahrstats.study.specification import Study
from fahrstats.study.wording import counted
from fahrstats.study.work import is_amount

_LONG_MEDIAN, _LONGEST = 60.0, 120.0


def horizon_problems(study: Study, data: pd.DataFrame) -> Iterator[str]:
    """Yield the horizons that nobody was followed to."""
    last = data[study.main.columns[0]].max()
    for key in ("horizons", "early"):
        for horizon in getattr(study.analysis, key):
            if horizon > last:
                yield (
                    f"[analysis]: `{key}` holds {horizon:g} years, but the longest "
                    f"follow-up is {last:.4g} years."
                )


def incomplete_scores(
    study: Study, data: pd.DataFrame
) -> tuple[dict[str, Design], list[str]]:
    """Pass each score that may be missing through the gate, and list what is wrong."""
    analysis, designs, problems = study.analysis, {}, []
    for score in study.scores:
        if not score.may_be_missing:
            continue
        try:
            designs[score.name] = build_design(
                study.formula(*study.adjusted(score.name)),
                data,
                strata=analysis.strata,
                weights=analysis.weights,
                cluster=analysis.cluster,
                id=analysis.id,
            )
        except DataError as error:
            problems.append(f"[scores.{score.name}]: {error}")
    return designs, problems


def size_problems(
    study: Study, designs: dict[str, Design], groups: dict[str, QuantileGroups]
) -> Iterator[str]:
    """Yield models with more coefficients than there are events.

    ``designs`` holds the rows of each score that may be missing, and under an empty
    name those of everyone.
    """
    everyone = designs[""]
    n_coefficients, n_events = len(everyone.columns), everyone.n_events
    if n_coefficients > n_events:
        yield (
            f"Scores and covariates need {counted(n_coefficients, 'coefficient')}, but "
            f"there are only {counted(n_events, 'event')}; leave covariates out, or "
            "merge levels."
        )
        return
    n_known = sum(not score.may_be_missing for score in study.scores)
    n_covariates = n_coefficients - n_known
    for score, found in groups.items():
        needed = len(found.labels) - 1 + n_covariates
        n_events = designs.get(score, everyone).n_events
        if needed > n_events:
            yield (
                f"[scores.{score}]: {len(found.labels)} groups and the covariates need "
                f"{counted(needed, 'coefficient')}, but there are only "
                f"{counted(n_events, 'event')}; make `quantile_groups` smaller."
            )


def missing_notes(
    study: Study, partial: dict[str, Design], table: pd.DataFrame
) -> Iterator[str]:
    """Yield which scores are known for some rows only, and what imputation lacks."""
    for score, design in partial.items():
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
