"""Result tables of causes that compete: incidence of each, and what scores do to it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    estimated,
    full_model,
    in_steps,
    step_sizes,
    with_step_texts,
)
from fahrstats.study.outcomes import Outcome
from fahrstats.study.people_tables import (
    group_column,
    horizons,
    round_times,
    stacked,
    with_groups,
)
from fahrstats.study.specification import CAUSE_COLUMN, Competing
from fahrstats.survival.competing_risks.cause_specific import cause_specific_cox
from fahrstats.survival.competing_risks.competing import (
    CumulativeIncidence,
    cumulative_incidence,
)
from fahrstats.survival.competing_risks.incidence_tests import gray_test
from fahrstats.survival.competing_risks.subdistribution import fine_gray

_GRID = 101
"""Times at which a curve is given."""


def incidence(cohort: StudyCohort) -> pd.DataFrame:
    """Cumulative incidence of each cause in the groups of each score, on a grid."""
    times = np.linspace(0.0, _last(cohort), _GRID)
    return stacked(
        [
            found.at(times).dropna(subset="estimate").assign(biomarker=score)
            for score, found in _curves(cohort).items()
        ]
    )


def incidence_at(cohort: StudyCohort) -> pd.DataFrame:
    """Cumulative incidence of each cause at the horizons."""
    return stacked(
        [
            found.at(horizons(cohort)).assign(biomarker=score)
            for score, found in _curves(cohort).items()
        ]
    )


def incidence_at_risk(cohort: StudyCohort) -> pd.DataFrame:
    """Numbers still free of any event in the groups of each score, at round times."""
    times = round_times(_last(cohort))
    return stacked(
        [
            found.at_risk(times).assign(biomarker=score)
            for score, found in _curves(cohort).items()
        ]
    )


def gray_tests(cohort: StudyCohort) -> pd.DataFrame:
    """Test for each cause whether the groups of a score share one incidence."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_gray, cohort, score),
                estimand="gray_chi2",
                biomarker=score,
            )
            for score in cohort.groups
        ]
    )


def subdistribution_ratios(cohort: StudyCohort) -> pd.DataFrame:
    """Fine and Gray's model of the cause of interest: what each score does to risk."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_fine_gray, cohort, score.name),
                estimand="shr",
                cause=competing(cohort).of,
                biomarker=score.name,
                model=full_model(cohort),
            )
            for score in cohort.study.scores
        ]
    )


def cause_specific_ratios(cohort: StudyCohort) -> pd.DataFrame:
    """Cox model of every cause, the others censored: what each score does to rates."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_cause_specific, cohort, score.name),
                estimand="hr",
                biomarker=score.name,
                model=full_model(cohort),
            )
            for score in cohort.study.scores
        ]
    )


def competing(cohort: StudyCohort) -> Competing:
    """Return the section of the study file, which these tables need."""
    assert cohort.study.competing is not None
    return cohort.study.competing


def any_cause(cohort: StudyCohort) -> Outcome:
    """Return the outcome that counts events of every cause."""
    return cohort.study.named_outcome(competing(cohort).outcome)


def adjusted_formula(cohort: StudyCohort, score: str) -> str:
    """Return the formula of a score's adjusted model of an event of any cause."""
    study = cohort.study
    return study.formula(*study.adjusted(score), outcome=any_cause(cohort))


def _curves(cohort: StudyCohort) -> dict[str, CumulativeIncidence]:
    """Estimate the incidence of every cause in the groups of each score."""
    data = with_groups(cohort, cohort.data)
    return {
        score: cumulative_incidence(
            cohort.study.formula(group_column(score), outcome=any_cause(cohort)),
            data,
            cause=CAUSE_COLUMN,
            weights=cohort.study.analysis.weights,
        )
        for score in cohort.groups
    }


def _last(cohort: StudyCohort) -> float:
    """Longest follow-up for an event of any cause, in years."""
    return float(cohort.data[any_cause(cohort).columns[0]].max())


def _gray(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Test the groups of one score."""
    return gray_test(
        cohort.study.formula(group_column(score), outcome=any_cause(cohort)),
        with_groups(cohort, cohort.data),
        cause=CAUSE_COLUMN,
        strata=cohort.study.analysis.strata,
    ).tidy()


def _fine_gray(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Model the incidence of the cause of interest by one score and covariates."""
    fit = fine_gray(
        adjusted_formula(cohort, score),
        cohort.model_data,
        cause=CAUSE_COLUMN,
        of=competing(cohort).of,
        cluster=cohort.study.analysis.cluster,
        id=cohort.study.analysis.id,
    )
    return in_steps(cohort, fit)


def _cause_specific(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Model the hazard of every cause by one score and covariates."""
    analysis, terms = cohort.study.analysis, cohort.study.adjusted(score)
    fits = cause_specific_cox(
        adjusted_formula(cohort, score),
        cohort.model_data,
        cause=CAUSE_COLUMN,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )
    table = fits.tidy(exponentiate=True, per=step_sizes(cohort, terms))
    return with_step_texts(cohort, table)
