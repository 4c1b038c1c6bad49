"""Result tables of two scores together: is there one score in them, or two."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import estimated, full_model, step_size
from fahrstats.study.people_tables import round_times, stacked
from fahrstats.survival.two_scores.correlation import score_correlation
from fahrstats.survival.two_scores.joint_groups import MOST_GROUPS, joint_risk_groups
from fahrstats.survival.two_scores.joint_result import JointRiskGroups

_GRID = 101
"""Times at which a curve is given."""


def correlations(cohort: StudyCohort) -> pd.DataFrame:
    """Correlation of every two scores, as they are and given the covariates."""
    study = cohort.study
    scores = [score.name for score in study.scores]
    covariates = [covariate.name for covariate in study.covariates]
    adjustments: dict[str, list[str]] = {
        "unadjusted": [],
        full_model(cohort): covariates,
    }
    return stacked(
        [
            estimated(
                cohort,
                partial(_correlate, cohort, scores, adjust),
                estimand="pearson",
                model=model,
            ).drop(columns="n_events", errors="ignore")
            for model, adjust in adjustments.items()
        ]
    )


def joint_groups(cohort: StudyCohort) -> pd.DataFrame:
    """Halves of the first two scores crossed, and each score given the other."""
    return _told(cohort, 2)


def joint_groups_fine(cohort: StudyCohort) -> pd.DataFrame:
    """Cross the first two scores in as many groups as the study makes of a score."""
    return _told(cohort, min(cohort.study.analysis.quantile_groups, MOST_GROUPS))


def joint_curves(cohort: StudyCohort) -> pd.DataFrame:
    """Survival of the halves of the first two scores crossed, on a grid of times."""
    return estimated(cohort, partial(_curves, cohort), estimand="survival")


def joint_at_risk(cohort: StudyCohort) -> pd.DataFrame:
    """Numbers at risk in the halves of the first two scores crossed."""
    return estimated(cohort, partial(_at_risk, cohort), estimand="n_at_risk")


@lru_cache(maxsize=2)
def _joint(cohort: StudyCohort, n_groups: int) -> JointRiskGroups:
    """Cut the first two scores once for all tables that tell of it."""
    study = cohort.study
    return joint_risk_groups(
        study.formula(*study.adjusted()),
        cohort.model_data,
        scores=[score.name for score in study.together[:2]],
        n_groups=n_groups,
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
    )


def _told(cohort: StudyCohort, n_groups: int) -> pd.DataFrame:
    """Hazard ratios of joint groups, and what else is said of two scores.

    One SD of a score is that of its other hazard ratios where these are per SD, else
    that of the rows used; the last rows say how much it is, where it has one size.
    """
    return estimated(
        cohort, partial(_with_sd, cohort, n_groups), estimand="interaction_chi2"
    )


def _with_sd(cohort: StudyCohort, n_groups: int) -> pd.DataFrame:
    """Add the size of one SD of each score to the table of joint groups."""
    found = _joint(cohort, n_groups)
    own = dict(zip(found.scores, found.spread, strict=True))
    in_sd = {
        score.name: step_size(cohort, score)
        for score in cohort.study.scores
        if score.name in own and score.per == "sd"
    }
    sd = own | in_sd
    within = {score.name for score in cohort.study.scores if score.within is not None}
    told = {name: size for name, size in sd.items() if name not in within}
    sizes = pd.DataFrame(
        {
            "term": list(told),
            "estimand": "marker_sd",
            "estimate": list(told.values()),
            "n": found.n,
            "n_events": found.n_events,
            "note": "",
        }
    )
    return stacked([found.tidy(exponentiate=True, sd=sd), sizes])


def _curves(cohort: StudyCohort) -> pd.DataFrame:
    """Survival of joint groups while somebody is followed."""
    found = _joint(cohort, 2)
    times = np.linspace(0.0, found.curves.time.max(), _GRID)
    return _with_levels(found, found.curves.at(times).dropna(subset="estimate"))


def _at_risk(cohort: StudyCohort) -> pd.DataFrame:
    """Numbers at risk in joint groups, at round times."""
    found = _joint(cohort, 2)
    times = round_times(float(found.curves.time.max()))
    return _with_levels(found, found.curves.at_risk(times))


def _with_levels(found: JointRiskGroups, table: pd.DataFrame) -> pd.DataFrame:
    """Add which group of each score a joint group is."""
    table_of_groups = found.tidy().drop_duplicates("group")
    levels = table_of_groups[["group", "first_group", "second_group"]]
    return stacked([table.merge(levels, on="group", how="left")])


def _correlate(
    cohort: StudyCohort, scores: list[str], adjust: list[str]
) -> pd.DataFrame:
    """Correlate scores, given covariates where there are any."""
    return score_correlation(scores, cohort.data, adjust=adjust).tidy()
