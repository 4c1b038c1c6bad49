"""Result tables of hazard ratios: of each score, in subgroups, for every outcome."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fahrstats.study.checks import StudyCohort
from fahrstats.study.models import (
    fit_cox,
    full_model,
    in_steps,
    models_of,
    step_size,
    step_text,
    with_reference_first,
)
from fahrstats.study.outcomes import Outcome
from fahrstats.study.people_tables import stacked
from fahrstats.study.specification import Variable
from fahrstats.survival.cox_models.proportionality import ph_test
from fahrstats.survival.subgroup_audits.subgroups import by_subgroup


def hazard_ratios(cohort: StudyCohort) -> pd.DataFrame:
    """Cox models of each score, as a number and in groups, alone and adjusted.

    The covariates, each fitted alone, stand with the model ``unadjusted``.
    """
    study = cohort.study
    data = with_reference_first(cohort)
    alone = [
        in_steps(cohort, fit_cox(cohort, data, [c.name])) for c in study.covariates
    ]
    tables = []
    for score in study.scores:
        for model, terms in models_of(cohort, score.name).items():
            own = in_steps(cohort, fit_cox(cohort, data, terms))
            fitted = [own, *(alone if model == "unadjusted" else [])]
            tables += [t.assign(biomarker=score.name, model=model) for t in fitted]
    return stacked(tables)


def proportionality(cohort: StudyCohort) -> pd.DataFrame:
    """Test proportional hazards in the adjusted model of each score."""
    study = cohort.study
    return stacked(
        [
            ph_test(
                study.formula(*study.adjusted(score.name)),
                cohort.model_data,
                strata=study.analysis.strata,
                weights=study.analysis.weights,
            )
            .tidy()
            .assign(biomarker=score.name, model=full_model(cohort))
            for score in study.scores
        ]
    )


def subgroup_audit(cohort: StudyCohort) -> pd.DataFrame:
    """Estimate each score's adjusted hazard ratio in every level of every subgroup."""
    subgroups = [subgroup.name for subgroup in cohort.study.subgroups]
    return stacked(
        [
            audit_score(cohort, score, cohort.study.main, subgroups)
            for score in cohort.study.scores
        ]
    )


def outcomes(cohort: StudyCohort) -> pd.DataFrame:
    """Hazard ratio of each score for every outcome, alone and adjusted."""
    study = cohort.study
    tables = []
    for outcome in study.outcomes:
        for score in study.scores:
            for model, terms in models_of(cohort, score.name).items():
                if score.name not in terms:
                    continue
                fit = fit_cox(cohort, cohort.model_data, terms, outcome)
                ratios = in_steps(cohort, fit)
                tables.append(
                    ratios[ratios["variable"] == score.name].assign(
                        outcome=outcome.label, biomarker=score.name, model=model
                    )
                )
    return stacked(tables)


def audit_score(
    cohort: StudyCohort, score: Variable, outcome: Outcome, subgroups: Sequence[str]
) -> pd.DataFrame:
    """Audit one score for one outcome."""
    study = cohort.study
    audit = by_subgroup(
        study.formula(*study.adjusted(score.name), outcome=outcome),
        cohort.model_data,
        term=score.name,
        by=subgroups,
        strata=study.analysis.strata,
        cluster=study.analysis.cluster,
        weights=study.analysis.weights,
    )
    table = audit.tidy(exponentiate=True, per={score.name: step_size(cohort, score)})
    return table.assign(biomarker=score.name, per=step_text(score))
