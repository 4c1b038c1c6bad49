"""Result tables of concordance: how well each score ranks people on its own."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import complete_rows, estimated, numbers_ranked
from fahrstats.study.people_tables import horizons, stacked
from fahrstats.survival.rankings.ranking import Concordance, concordance
from fahrstats.survival.rankings.ranking_by import concordance_by
from fahrstats.survival.rankings.ranking_rows import with_joint

_CONF_LEVEL = 0.95


def ranking(cohort: StudyCohort) -> pd.DataFrame:
    """Concordance of each score and each covariate that is a number, and differences.

    A difference is of a score from what stands after it: other scores, covariates.
    ``p_adjusted`` and the joint limits hold for all differences together.
    """
    analysis = cohort.study.analysis
    found = concordance(
        ranking_formula(cohort),
        cohort.data,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )
    return _with_differences(cohort, found)


def uno(cohort: StudyCohort) -> pd.DataFrame:
    """Uno's concordance until the last horizon, which censoring does not move."""
    return estimated(cohort, lambda: _uno(cohort), estimand="c_index")


def ranking_by_subgroup(cohort: StudyCohort) -> pd.DataFrame:
    """Concordance and its differences in every level of every subgroup."""
    study = cohort.study
    scores = [score.name for score in study.scores]
    found = concordance_by(
        ranking_formula(cohort),
        cohort.data,
        by=[subgroup.name for subgroup in study.subgroups],
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
        weights=study.analysis.weights,
        id=study.analysis.id,
    ).tidy()
    is_ours = found["term"].str.partition(" - ")[0].isin(scores)
    is_single = ~found["term"].str.contains(" - ", regex=False)
    return stacked([found[is_ours | is_single]])


def ranking_formula(cohort: StudyCohort) -> str:
    """Return the formula whose columns are ranked, each on its own."""
    return cohort.study.formula(*numbers_ranked(cohort))


def _uno(cohort: StudyCohort) -> pd.DataFrame:
    """Weigh pairs by the chance to be uncensored, until the last horizon reached."""
    study, analysis = cohort.study, cohort.study.analysis
    rows = complete_rows(cohort, *numbers_ranked(cohort))
    time, event, _ = study.main.columns
    last = rows.loc[rows[event] == 1, time].max()
    reached = [horizon for horizon in horizons(cohort) if horizon <= last]
    found = concordance(
        ranking_formula(cohort),
        rows,
        time_weight="n/G2",
        tau=reached[-1] if reached else last,
        strata=analysis.strata,
        cluster=analysis.cluster,
        weights=analysis.weights,
        id=analysis.id,
    )
    return _with_differences(cohort, found)


def _with_differences(cohort: StudyCohort, found: Concordance) -> pd.DataFrame:
    """Stack scores and the differences of each score from what stands after it."""
    scores = {score.name for score in cohort.study.scores}
    pairs = [(a, b) for a, b in combinations(found.terms, 2) if a in scores]
    if not pairs:
        return found.tidy()
    every = dict(zip(found.terms, np.eye(len(found.terms)), strict=True))
    between = np.stack([every[a] - every[b] for a, b in pairs])
    differences = stacked([found.contrast(a, b) for a, b in pairs])
    cov = between @ found.cov @ between.T
    return stacked([found.tidy(), with_joint(differences, cov, _CONF_LEVEL)])
