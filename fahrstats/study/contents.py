"""Which result tables a study has, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pandas as pd

from fahrstats.study import (
    age_tables,
    audit_tables,
    choice_tables,
    comparison_tables,
    competing_tables,
    complement_tables,
    contrast_tables,
    effect_tables,
    people_tables,
    photo_tables,
    published_tables,
    ranking_tables,
    sensitivity_tables,
    shape_tables,
)
from fahrstats.study.audit_section import AUDIT, is_audited
from fahrstats.study.checks import StudyCohort

TableMaker: TypeAlias = Callable[[StudyCohort], pd.DataFrame]
Makers: TypeAlias = dict[str, TableMaker]


def table_makers(cohort: StudyCohort) -> Makers:
    """Return what makes each table of a study, by name and in order."""
    study = cohort.study
    if study.kind == AUDIT:
        return _of_audit(cohort)
    makers: Makers = {
        "flow": people_tables.participant_flow,
        "table_one": people_tables.characteristics,
        "follow_up": people_tables.length_of_follow_up,
        "cut_points": people_tables.cut_points,
        "curves": people_tables.curves,
        "at_risk": people_tables.at_risk,
        "survival_at": people_tables.survival_at,
        "logrank": people_tables.group_tests,
        "survival_difference": contrast_tables.survival_differences,
        "rmst": contrast_tables.restricted_means,
        "cox": effect_tables.hazard_ratios,
        "ph_test": effect_tables.proportionality,
        "hr_over_time": shape_tables.ratios_over_time,
        "spline": shape_tables.hazard_curves,
        "nonlinearity": shape_tables.nonlinearity,
        "term_tests": shape_tables.term_tests,
        "influence": shape_tables.influence,
        "cut_effects": choice_tables.cut_effects,
        "concordance": ranking_tables.ranking,
        "uno": ranking_tables.uno,
    }
    if study.subgroups:
        makers["subgroups"] = effect_tables.subgroup_audit
        makers["concordance_by"] = ranking_tables.ranking_by_subgroup
    if is_audited(study):
        makers["audit"] = audit_tables.groups
        makers["audit_tests"] = audit_tables.tests
        makers["audit_differences"] = audit_tables.differences
    makers |= _of_models(cohort)
    if len(study.together) > 1:
        makers["score_correlation"] = complement_tables.correlations
        makers["joint_groups"] = complement_tables.joint_groups
        makers["joint_groups_fine"] = complement_tables.joint_groups_fine
        makers["joint_curves"] = complement_tables.joint_curves
        makers["joint_at_risk"] = complement_tables.joint_at_risk
    makers |= _of_sections(cohort)
    if len(study.outcomes) > 1:
        makers["outcomes"] = effect_tables.outcomes
    if cohort.published:
        makers["published"] = published_tables.published_beside_ours
        makers["published_check"] = published_tables.published_check
    return makers


def _of_audit(cohort: StudyCohort) -> Makers:
    """Tables of a study that asks whether its scores work alike in every group."""
    makers: Makers = {
        "flow": people_tables.participant_flow,
        "table_one": audit_tables.characteristics,
        "follow_up": people_tables.length_of_follow_up,
        "audit": audit_tables.groups,
        "audit_tests": audit_tables.tests,
        "audit_differences": audit_tables.differences,
        "audit_between": audit_tables.between,
        "audit_shrunken": audit_tables.shrunken,
        "audit_calibration": audit_tables.calibration_groups,
        "audit_calibration_curve": audit_tables.calibration_curves,
    }
    if cohort.study.photos is not None:
        makers["photos"] = photo_tables.photo_quality
    return makers


def _of_models(cohort: StudyCohort) -> Makers:
    """Tables of models that are compared, where there are two."""
    if len(comparison_tables.comparison_models(cohort)) < 2:
        return {}
    makers: Makers = {"comparison": comparison_tables.added_value}
    if comparison_tables.is_judged(cohort):
        makers["calibration"] = comparison_tables.calibration_numbers
        makers["calibration_groups"] = comparison_tables.calibration_groups
        makers["calibration_curve"] = comparison_tables.calibration_curves
        makers["predicted_risks"] = comparison_tables.predicted_risks
        makers["decision_curve"] = comparison_tables.decision_curve
    makers["sample_size"] = comparison_tables.planned_size
    return makers


def _of_sections(cohort: StudyCohort) -> Makers:
    """Tables of analyses that a study file asks for."""
    study, makers = cohort.study, Makers()
    if study.photos is not None:
        makers["photos"] = photo_tables.photo_quality
    if study.competing is not None:
        makers["incidence"] = competing_tables.incidence
        makers["incidence_at"] = competing_tables.incidence_at
        makers["incidence_at_risk"] = competing_tables.incidence_at_risk
        makers["gray"] = competing_tables.gray_tests
        makers["fine_gray"] = competing_tables.subdistribution_ratios
        makers["cause_specific"] = competing_tables.cause_specific_ratios
    if study.ages is not None:
        makers["gaps"] = age_tables.gaps
        makers["ages_by_decade"] = age_tables.ages_by_decade
        makers["gap_hazard"] = age_tables.gap_ratios
    if sensitivity_tables.is_imputed(cohort):
        makers["imputed"] = sensitivity_tables.imputed
        makers["imputed_variables"] = sensitivity_tables.imputed_variables
    if study.analysis.cohorts is not None:
        makers["cohorts"] = sensitivity_tables.cohorts
    if choice_tables.landmark_times(cohort):
        makers["landmarks"] = choice_tables.landmarks
    if study.analysis.early:
        makers["early_deaths"] = sensitivity_tables.early_deaths
    return makers
