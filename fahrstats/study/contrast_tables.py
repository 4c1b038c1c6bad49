"""Result tables of how much longer the groups of a score live than one of them."""

from __future__ import annotations

from functools import partial

import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import estimated
from fahrstats.study.people_tables import (
    group_column,
    horizons,
    stacked,
    with_groups,
)
from fahrstats.survival.over_time.differences import survival_difference
from fahrstats.survival.over_time.restricted_means import rmst


def restricted_means(cohort: StudyCohort) -> pd.DataFrame:
    """Mean years without the event in the groups of each score, and their contrasts.

    Until the last horizon that all groups of the score are followed to.
    """
    return stacked(
        [
            estimated(
                cohort, partial(_means, cohort, score), estimand="rmst", biomarker=score
            )
            for score in cohort.groups
        ]
    )


def survival_differences(cohort: StudyCohort) -> pd.DataFrame:
    """Survival of the groups of each score at the horizons, and its differences."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_differences, cohort, score),
                estimand="delta_survival",
                biomarker=score,
            )
            for score in cohort.groups
        ]
    )


def _means(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Restricted means of the groups of one score."""
    analysis, data = cohort.study.analysis, with_groups(cohort, cohort.data)
    times = data.groupby(group_column(score), observed=True)[
        cohort.study.main.columns[0]
    ]
    shortest = times.max().min()
    reached = [horizon for horizon in horizons(cohort) if horizon <= shortest]
    return rmst(
        cohort.study.formula(group_column(score)),
        data,
        tau=reached[-1] if reached else None,
        reference=analysis.reference,
        weights=analysis.weights,
    ).tidy()


def _differences(cohort: StudyCohort, score: str) -> pd.DataFrame:
    """Differences of survival between the groups of one score."""
    analysis = cohort.study.analysis
    return survival_difference(
        cohort.study.formula(group_column(score)),
        with_groups(cohort, cohort.data),
        times=horizons(cohort),
        reference=analysis.reference,
        weights=analysis.weights,
    ).tidy()
