"""Result tables about the people of a study: who they are and how they fared."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fahrstats.cohort.balance import standardized_differences
from fahrstats.cohort.characteristics import table_one
from fahrstats.cohort.follow_up import is_number
from fahrstats.columns import in_order
from fahrstats.study.checks import StudyCohort
from fahrstats.study.specification import GROUP_ENDING
from fahrstats.study.wording import code_text
from fahrstats.study.work import codes_of
from fahrstats.survival.over_time.curves import kaplan_meier
from fahrstats.survival.over_time.group_tests import logrank
from fahrstats.survival.over_time.observation import follow_up
from fahrstats.survival.over_time.survival_curves import SurvivalCurves

_HORIZONS = (1.0, 2.0, 5.0, 10.0)
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
_MOST_STEPS = 8


def participant_flow(cohort: StudyCohort) -> pd.DataFrame:
    """Rows left out on the way from the table to the analysis, by reason."""
    return cohort.flow


def characteristics(cohort: StudyCohort) -> pd.DataFrame:
    """Table 1: everyone, and the groups of the first score.

    Below it, how far the highest of them is from the lowest in standard deviations.
    """
    study = cohort.study
    bands = {s.name for s in study.subgroups if s.cuts}
    others = [s.name for s in study.subgroups if s.name not in bands]
    described = (*study.variables, *study.described)
    variables = dict.fromkeys([*(v.name for v in described), *others])
    score = study.scores[0].name
    data, column = with_groups(cohort, cohort.data), group_column(score)
    data = with_codes_as_levels(data, list(variables))
    labels = cohort.groups[score].labels
    return stacked(
        [
            table_one(data, list(variables), by=column).tidy(),
            standardized_differences(
                data, list(variables), by=column, groups=(labels[0], labels[-1])
            ),
        ]
    )


def length_of_follow_up(cohort: StudyCohort) -> pd.DataFrame:
    """Quartiles of follow-up, person-time and event rate of everyone."""
    return follow_up(cohort.study.formula(), cohort.data).tidy()


def cut_points(cohort: StudyCohort) -> pd.DataFrame:
    """Bounds of the groups of each score, and where they come from."""
    event = cohort.study.main.columns[1]
    tables = []
    for score, groups in cohort.groups.items():
        members = groups.assign(cohort.data[score])
        n_events = cohort.data[event].groupby(members, observed=False).sum()
        tables.append(
            groups.tidy().assign(biomarker=score, n_events=n_events.to_numpy(dtype=int))
        )
    return stacked(tables)


def curves(cohort: StudyCohort) -> pd.DataFrame:
    """Estimate the survival curves of the groups of each score."""
    return _of_scores({score: found.tidy() for score, found in _curves(cohort).items()})


def survival_at(cohort: StudyCohort) -> pd.DataFrame:
    """Survival of the groups of each score at the horizons of the study."""
    times = horizons(cohort)
    return _of_scores(
        {score: found.at(times) for score, found in _curves(cohort).items()}
    )


def at_risk(cohort: StudyCohort) -> pd.DataFrame:
    """Numbers at risk in the groups of each score, at round times."""
    times = round_times(last_follow_up(cohort))
    return _of_scores(
        {score: found.at_risk(times) for score, found in _curves(cohort).items()}
    )


def group_tests(cohort: StudyCohort) -> pd.DataFrame:
    """Log-rank test between the groups of each score."""
    study = cohort.study
    data = with_groups(cohort, cohort.data)
    note = "case weights are not used" if study.analysis.weights else ""
    return _of_scores(
        {
            score: logrank(
                study.formula(group_column(score)), data, strata=study.analysis.strata
            )
            .tidy()
            .assign(note=note)
            for score in cohort.groups
        }
    )


def with_groups(cohort: StudyCohort, data: pd.DataFrame) -> pd.DataFrame:
    """Add the quantile groups of every score, from low to high."""
    columns = {
        group_column(score): groups.assign(cohort.data[score])
        for score, groups in cohort.groups.items()
    }
    return data.assign(**columns)


def with_codes_as_levels(data: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Turn numbers of two values, such as 0 and 1, into levels.

    The mean of such a number is a share: it has no quartiles worth a line, and is as
    telling of few people as their number is.
    """
    factors = {}
    for name in names:
        codes = sorted(data[name].dropna().unique()) if is_number(data[name]) else []
        if len(codes) == 2:
            levels = pd.CategoricalDtype([code_text(code) for code in codes])
            factors[name] = codes_of(data[name]).astype(levels)
    return data.assign(**factors)


def group_column(score: str) -> str:
    """Return the column of a score's quantile groups."""
    return f"{score}{GROUP_ENDING}"


def horizons(cohort: StudyCohort) -> tuple[float, ...]:
    """Years at which survival is reported: the study's, or round ones."""
    last = last_follow_up(cohort)
    usual = tuple(year for year in _HORIZONS if year < last)
    return cohort.study.analysis.horizons or usual or (round_times(last)[1],)


def last_follow_up(cohort: StudyCohort) -> float:
    """Longest follow-up in years."""
    return float(cohort.data[cohort.study.main.columns[0]].max())


def round_times(last: float) -> list[float]:
    """Return round years from 0 up to the longest follow-up."""
    fits = [step for step in _STEPS if last / step < _MOST_STEPS]
    step = fits[0] if fits else last / (_MOST_STEPS - 1)
    return [number * step for number in range(int(last / step) + 1)]


def _curves(cohort: StudyCohort) -> dict[str, SurvivalCurves]:
    """Estimate the survival curves of the groups of each score."""
    data = with_groups(cohort, cohort.data)
    analysis = cohort.study.analysis
    return {
        score: kaplan_meier(
            cohort.study.formula(group_column(score)), data, weights=analysis.weights
        )
        for score in cohort.groups
    }


def _of_scores(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Stack one table per score."""
    return stacked([table.assign(biomarker=score) for score, table in tables.items()])


def stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables, columns in glossary order; a text that some lack is empty there."""
    table = pd.concat(tables, ignore_index=True)
    for name in table.columns:
        if table[name].map(lambda value: isinstance(value, str)).any():
            table[name] = table[name].fillna("")
    return table[in_order(table.columns)]
