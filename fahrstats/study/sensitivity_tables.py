"""Result tables of how findings stand: missing values, cohorts, early deaths."""

from __future__ import annotations

from functools import lru_cache, partial

import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    estimated,
    fit_cox,
    full_model,
    in_steps,
    step_size,
    step_sizes,
    step_text,
    with_step_texts,
)
from fahrstats.study.people_tables import stacked
from fahrstats.study.specification import COHORT_COLUMN, Variable
from fahrstats.survival.cox_models.hazards import cox
from fahrstats.survival.early_deaths import CENSORINGS, Censoring, early_mortality
from fahrstats.survival.several_tables.cohorts import meta
from fahrstats.survival.several_tables.imputations import Imputations, impute
from fahrstats.survival.several_tables.pooling import pool

COMPLETE, IMPUTED = "complete case", "imputed"
"""Labels of the models of complete rows, and of completed ones."""

_UNWEIGHTED = "case weights are not used"


def is_imputed(cohort: StudyCohort) -> bool:
    """Tell whether rows are completed: asked for, and with values to draw."""
    names = [variable.name for variable in cohort.study.known]
    has_gaps = bool(cohort.everyone[names].isna().any(axis=None))
    return cohort.study.analysis.imputations > 0 and has_gaps


def imputed(cohort: StudyCohort) -> pd.DataFrame:
    """Fit each score's adjusted model to complete rows, and to completed ones.

    Values of scores and covariates are drawn; scores that may be missing, which were
    not measured in everyone, are not among them.
    """
    study = cohort.study
    scores = [score for score in study.scores if not score.may_be_missing]
    tables = [
        in_steps(
            cohort, fit_cox(cohort, cohort.model_data, study.adjusted(score.name))
        ).assign(biomarker=score.name, model=COMPLETE)
        for score in scores
    ]
    completed = estimated(
        cohort, partial(_pooled, cohort, scores), estimand="hr", model=IMPUTED
    )
    return stacked([*tables, completed])


def imputed_variables(cohort: StudyCohort) -> pd.DataFrame:
    """Say what was missing in each variable, and how values were drawn."""
    return _completed(cohort).tidy()


def cohorts(cohort: StudyCohort) -> pd.DataFrame:
    """Estimate each score's adjusted hazard ratio in every cohort, and across them."""
    return stacked(
        [
            estimated(
                cohort,
                partial(_meta, cohort, score),
                estimand="hr",
                biomarker=score.name,
                model=full_model(cohort),
            )
            for score in cohort.study.scores
        ]
    )


def early_deaths(cohort: StudyCohort) -> pd.DataFrame:
    """Odds ratios of the event by early years, with and without weights for censoring.

    Rows censored before are left out and counted, or the others stand for them.
    """
    return stacked(
        [
            estimated(
                cohort,
                partial(_early, cohort, score.name, censoring),
                estimand="or",
                biomarker=score.name,
                model=f"censored before it {censoring}",
            )
            for score in cohort.study.scores
            for censoring in CENSORINGS
        ]
    )


@lru_cache(maxsize=1)
def _completed(cohort: StudyCohort) -> Imputations:
    """Complete the rows once for all tables that tell of it."""
    study = cohort.study
    names = [variable.name for variable in study.known]
    return impute(
        study.formula(*names),
        cohort.everyone,
        seed=study.analysis.seed,
        n_tables=study.analysis.imputations,
    )


def _pooled(cohort: StudyCohort, scores: list[Variable]) -> pd.DataFrame:
    """Pool the adjusted model of each score over the completed tables."""
    study, analysis, tables = cohort.study, cohort.study.analysis, []
    for score in scores:
        terms = study.adjusted(score.name)
        sizes = step_sizes(cohort, terms)
        found = pool(
            lambda formula, table, sizes=sizes, **options: cox(
                formula, table, **options
            ).tidy(per=sizes),
            study.formula(*terms),
            _completed(cohort),
            strata=analysis.strata,
            cluster=analysis.cluster,
            weights=analysis.weights,
            id=analysis.id,
        )
        table = with_step_texts(cohort, found.tidy(exponentiate=True))
        tables.append(table.assign(biomarker=score.name))
    return stacked(tables)


def _meta(cohort: StudyCohort, score: Variable) -> pd.DataFrame:
    """Estimate one score in every cohort, and across them."""
    study = cohort.study
    parts = cohort.model_data.dropna(subset=score.name).groupby(
        COHORT_COLUMN, observed=True
    )
    found = meta(
        study.formula(*study.adjusted(score.name)),
        {str(label): part for label, part in parts},
        term=score.name,
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
    )
    per = {score.name: step_size(cohort, score)}
    table = found.tidy(exponentiate=True, per=per)
    return table.assign(per=step_text(score), note=_without_weights(cohort, table))


def _early(cohort: StudyCohort, score: str, censoring: Censoring) -> pd.DataFrame:
    """Odds ratios of one score's adjusted model."""
    study = cohort.study
    found = early_mortality(
        study.formula(*study.adjusted(score)),
        cohort.model_data,
        horizons=study.analysis.early,
        time_unit="years",
        censoring=censoring,
    )
    table = in_steps(cohort, found)
    return table.assign(note=_without_weights(cohort, table))


def _without_weights(cohort: StudyCohort, table: pd.DataFrame) -> pd.Series:
    """Add to the notes that case weights are not used, where the study has some."""
    if cohort.study.analysis.weights is None:
        return table["note"]
    parts = table["note"].where(table["note"] == "", table["note"] + "; ")
    return parts + _UNWEIGHTED
