"""Statistics and publication reports for prognostic biomarkers read from faces.

Public names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fahrstats import face as face
    from fahrstats.cohort.characteristics import TableOne
    from fahrstats.cohort.characteristics import table_one as table_one
    from fahrstats.cohort.groups import QuantileGroups
    from fahrstats.cohort.groups import quantile_groups as quantile_groups
    from fahrstats.measurement.accuracy import age_accuracy as age_accuracy
    from fahrstats.measurement.accuracy_result import AgeAccuracy
    from fahrstats.measurement.age_gap import AgeGap
    from fahrstats.measurement.age_gap import gap as gap
    from fahrstats.measurement.aging_rate import FaceAgingRate
    from fahrstats.measurement.aging_rate import face_aging_rate as face_aging_rate
    from fahrstats.measurement.agreement import agreement as agreement
    from fahrstats.measurement.agreement_result import Agreement
    from fahrstats.measurement.dose_response import dose_response as dose_response
    from fahrstats.measurement.dose_response_result import DoseResponse
    from fahrstats.measurement.region_comparison import (
        compare_regions as compare_regions,
    )
    from fahrstats.measurement.region_comparison_result import RegionComparison
    from fahrstats.measurement.region_importance import RegionImportance
    from fahrstats.measurement.region_importance import (
        region_importance as region_importance,
    )
    from fahrstats.measurement.repeatability import repeatability as repeatability
    from fahrstats.measurement.repeatability_result import Repeatability
    from fahrstats.survival.competing_risks.cause_specific import CauseSpecificFits
    from fahrstats.survival.competing_risks.cause_specific import (
        cause_specific_cox as cause_specific_cox,
    )
    from fahrstats.survival.competing_risks.competing import CumulativeIncidence
    from fahrstats.survival.competing_risks.competing import (
        cumulative_incidence as cumulative_incidence,
    )
    from fahrstats.survival.competing_risks.incidence_tests import GrayTest
    from fahrstats.survival.competing_risks.incidence_tests import (
        gray_test as gray_test,
    )
    from fahrstats.survival.competing_risks.subdistribution import (
        fine_gray as fine_gray,
    )
    from fahrstats.survival.competing_risks.subdistribution_fit import FineGrayFit
    from fahrstats.survival.competitors.cross_validation import (
        cross_validate as cross_validate,
    )
    from fahrstats.survival.competitors.cross_validation_result import CrossValidation
    from fahrstats.survival.cox_models.baseline import BaselineHazard
    from fahrstats.survival.cox_models.corrected_hazards import RegressionCalibration
    from fahrstats.survival.cox_models.cox_fit import CoxFit
    from fahrstats.survival.cox_models.error_correction import (
        regression_calibration as regression_calibration,
    )
    from fahrstats.survival.cox_models.hazard_curves import HazardCurve
    from fahrstats.survival.cox_models.hazards import cox as cox
    from fahrstats.survival.cox_models.influential_rows import Influence
    from fahrstats.survival.cox_models.landmarks import Landmarks
    from fahrstats.survival.cox_models.landmarks import landmark as landmark
    from fahrstats.survival.cox_models.proportionality import ProportionalityTest
    from fahrstats.survival.cox_models.proportionality import ph_test as ph_test
    from fahrstats.survival.early_deaths import EarlyMortality
    from fahrstats.survival.early_deaths import early_mortality as early_mortality
    from fahrstats.survival.model_comparison.comparison import ModelComparison
    from fahrstats.survival.model_comparison.comparison import compare as compare
    from fahrstats.survival.over_time.curves import kaplan_meier as kaplan_meier
    from fahrstats.survival.over_time.cut_points import BestCutPoint
    from fahrstats.survival.over_time.cut_points import (
        best_cut_point as best_cut_point,
    )
    from fahrstats.survival.over_time.differences import SurvivalDifferences
    from fahrstats.survival.over_time.differences import (
        survival_difference as survival_difference,
    )
    from fahrstats.survival.over_time.group_tests import LogRank
    from fahrstats.survival.over_time.group_tests import logrank as logrank
    from fahrstats.survival.over_time.observation import FollowUp
    from fahrstats.survival.over_time.observation import follow_up as follow_up
    from fahrstats.survival.over_time.restricted_means import RestrictedMeans
    from fahrstats.survival.over_time.restricted_means import rmst as rmst
    from fahrstats.survival.over_time.survival_curves import SurvivalCurves
    from fahrstats.survival.predictions.calibration import calibration as calibration
    from fahrstats.survival.predictions.calibration_result import Calibration
    from fahrstats.survival.predictions.decisions import DecisionCurve
    from fahrstats.survival.predictions.decisions import (
        decision_curve as decision_curve,
    )
    from fahrstats.survival.predictions.discrimination import TimeDependentAuc
    from fahrstats.survival.predictions.discrimination import (
        time_dependent_auc as time_dependent_auc,
    )
    from fahrstats.survival.predictions.prediction_error import PredictionError
    from fahrstats.survival.predictions.prediction_error import (
        prediction_error as prediction_error,
    )
    from fahrstats.survival.rankings.ranking import Concordance
    from fahrstats.survival.rankings.ranking import concordance as concordance
    from fahrstats.survival.rankings.ranking_bootstrap import ConcordanceBootstrap
    from fahrstats.survival.rankings.ranking_by import concordance_by as concordance_by
    from fahrstats.survival.rankings.ranking_by_result import ConcordanceBySubgroup
    from fahrstats.survival.several_tables.cohorts import meta as meta
    from fahrstats.survival.several_tables.cohorts import (
        meta_estimates as meta_estimates,
    )
    from fahrstats.survival.several_tables.imputations import Imputations
    from fahrstats.survival.several_tables.imputations import impute as impute
    from fahrstats.survival.several_tables.meta_analysis import MetaAnalysis
    from fahrstats.survival.several_tables.pooled_tests import PooledTest
    from fahrstats.survival.several_tables.pooled_tests import (
        pool_lr_test as pool_lr_test,
    )
    from fahrstats.survival.several_tables.pooling import Pooled
    from fahrstats.survival.several_tables.pooling import pool as pool
    from fahrstats.survival.several_tables.pooling import pool_results as pool_results
    from fahrstats.survival.study_planning.planning import SampleSize
    from fahrstats.survival.study_planning.planning import sample_size as sample_size
    from fahrstats.survival.study_planning.planning import (
        sample_size_c_index as sample_size_c_index,
    )
    from fahrstats.survival.study_planning.planning import (
        sample_size_hazard_ratio as sample_size_hazard_ratio,
    )
    from fahrstats.survival.study_planning.published_checks import PublishedCheck
    from fahrstats.survival.study_planning.published_checks import (
        check_published as check_published,
    )
    from fahrstats.survival.subgroup_audits.audit import audit as audit
    from fahrstats.survival.subgroup_audits.audit_result import Audit
    from fahrstats.survival.subgroup_audits.between_groups import (
        concordance_between as concordance_between,
    )
    from fahrstats.survival.subgroup_audits.between_groups_result import (
        ConcordanceBetween,
    )
    from fahrstats.survival.subgroup_audits.subgroup_audit import SubgroupAudit
    from fahrstats.survival.subgroup_audits.subgroups import by_subgroup as by_subgroup
    from fahrstats.survival.two_scores.correlation import ScoreCorrelation
    from fahrstats.survival.two_scores.correlation import (
        score_correlation as score_correlation,
    )
    from fahrstats.survival.two_scores.joint_groups import (
        joint_risk_groups as joint_risk_groups,
    )
    from fahrstats.survival.two_scores.joint_result import JointRiskGroups

__version__ = "0.1.0"

_HOMES = {
    "cohort.characteristics": ("TableOne", "table_one"),
    "cohort.groups": ("QuantileGroups", "quantile_groups"),
    "survival.cox_models.baseline": ("BaselineHazard",),
    "survival.competing_risks.cause_specific": (
        "CauseSpecificFits",
        "cause_specific_cox",
    ),
    "survival.predictions.calibration": ("calibration",),
    "survival.predictions.calibration_result": ("Calibration",),
    "survival.model_comparison.comparison": ("ModelComparison", "compare"),
    "survival.competing_risks.competing": (
        "CumulativeIncidence",
        "cumulative_incidence",
    ),
    "survival.competitors.cross_validation": ("cross_validate",),
    "survival.competitors.cross_validation_result": ("CrossValidation",),
    "survival.over_time.curves": ("kaplan_meier",),
    "survival.over_time.cut_points": ("BestCutPoint", "best_cut_point"),
    "survival.over_time.differences": ("SurvivalDifferences", "survival_difference"),
    "survival.over_time.group_tests": ("LogRank", "logrank"),
    "survival.cox_models.corrected_hazards": ("RegressionCalibration",),
    "survival.cox_models.cox_fit": ("CoxFit",),
    "survival.cox_models.error_correction": ("regression_calibration",),
    "survival.cox_models.hazard_curves": ("HazardCurve",),
    "survival.cox_models.hazards": ("cox",),
    "survival.cox_models.landmarks": ("Landmarks", "landmark"),
    "survival.predictions.decisions": ("DecisionCurve", "decision_curve"),
    "survival.predictions.discrimination": ("TimeDependentAuc", "time_dependent_auc"),
    "survival.predictions.prediction_error": ("PredictionError", "prediction_error"),
    "survival.cox_models.influential_rows": ("Influence",),
    "survival.cox_models.proportionality": ("ProportionalityTest", "ph_test"),
    "survival.rankings.ranking": ("Concordance", "concordance"),
    "survival.subgroup_audits.audit": ("audit",),
    "survival.subgroup_audits.audit_result": ("Audit",),
    "survival.subgroup_audits.between_groups": ("concordance_between",),
    "survival.subgroup_audits.between_groups_result": ("ConcordanceBetween",),
    "survival.rankings.ranking_bootstrap": ("ConcordanceBootstrap",),
    "survival.rankings.ranking_by": ("concordance_by",),
    "survival.rankings.ranking_by_result": ("ConcordanceBySubgroup",),
    "survival.over_time.restricted_means": ("RestrictedMeans", "rmst"),
    "survival.competing_risks.incidence_tests": ("GrayTest", "gray_test"),
    "survival.competing_risks.subdistribution": ("fine_gray",),
    "survival.competing_risks.subdistribution_fit": ("FineGrayFit",),
    "survival.subgroup_audits.subgroup_audit": ("SubgroupAudit",),
    "survival.subgroup_audits.subgroups": ("by_subgroup",),
    "survival.over_time.survival_curves": ("SurvivalCurves",),
    "survival.two_scores.joint_result": ("JointRiskGroups",),
    "survival.two_scores.joint_groups": ("joint_risk_groups",),
    "survival.over_time.observation": ("FollowUp", "follow_up"),
    "survival.several_tables.pooling": ("Pooled", "pool", "pool_results"),
    "survival.several_tables.pooled_tests": ("PooledTest", "pool_lr_test"),
    "survival.two_scores.correlation": ("score_correlation", "ScoreCorrelation"),
    "survival.several_tables.imputations": ("Imputations", "impute"),
    "survival.early_deaths": ("early_mortality", "EarlyMortality"),
    "survival.several_tables.cohorts": ("meta", "meta_estimates"),
    "survival.several_tables.meta_analysis": ("MetaAnalysis",),
    "measurement.accuracy": ("age_accuracy",),
    "measurement.accuracy_result": ("AgeAccuracy",),
    "measurement.age_gap": ("gap", "AgeGap"),
    "measurement.agreement": ("agreement",),
    "measurement.agreement_result": ("Agreement",),
    "measurement.aging_rate": ("face_aging_rate", "FaceAgingRate"),
    "measurement.region_comparison": ("compare_regions",),
    "measurement.region_comparison_result": ("RegionComparison",),
    "measurement.region_importance": ("region_importance", "RegionImportance"),
    "measurement.repeatability": ("repeatability",),
    "measurement.repeatability_result": ("Repeatability",),
    "measurement.dose_response": ("dose_response",),
    "measurement.dose_response_result": ("DoseResponse",),
    "survival.study_planning.planning": (
        "SampleSize",
        "sample_size",
        "sample_size_c_index",
        "sample_size_hazard_ratio",
    ),
    "survival.study_planning.published_checks": ("PublishedCheck", "check_published"),
}
_MODULE_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AgeAccuracy",
    "AgeGap",
    "Agreement",
    "Audit",
    "BaselineHazard",
    "BestCutPoint",
    "Calibration",
    "CauseSpecificFits",
    "Concordance",
    "ConcordanceBetween",
    "ConcordanceBootstrap",
    "ConcordanceBySubgroup",
    "CoxFit",
    "CrossValidation",
    "CumulativeIncidence",
    "DecisionCurve",
    "DoseResponse",
    "EarlyMortality",
    "FaceAgingRate",
    "FineGrayFit",
    "FollowUp",
    "GrayTest",
    "HazardCurve",
    "Imputations",
    "Influence",
    "JointRiskGroups",
    "Landmarks",
    "LogRank",
    "MetaAnalysis",
    "ModelComparison",
    "Pooled",
    "PooledTest",
    "PredictionError",
    "ProportionalityTest",
    "PublishedCheck",
    "QuantileGroups",
    "RegionComparison",
    "RegionImportance",
    "RegressionCalibration",
    "Repeatability",
    "RestrictedMeans",
    "SampleSize",
    "ScoreCorrelation",
    "SubgroupAudit",
    "SurvivalCurves",
    "SurvivalDifferences",
    "TableOne",
    "TimeDependentAuc",
    "age_accuracy",
    "agreement",
    "audit",
    "best_cut_point",
    "by_subgroup",
    "calibration",
    "cause_specific_cox",
    "check_published",
    "compare",
    "compare_regions",
    "concordance",
    "concordance_between",
    "concordance_by",
    "cox",
    "cross_validate",
    "cumulative_incidence",
    "decision_curve",
    "dose_response",
    "early_mortality",
    "face_aging_rate",
    "fine_gray",
    "follow_up",
    "gap",
    "gray_test",
    "impute",
    "joint_risk_groups",
    "kaplan_meier",
    "landmark",
    "logrank",
    "meta",
    "meta_estimates",
    "ph_test",
    "pool",
    "pool_lr_test",
    "pool_results",
    "prediction_error",
    "quantile_groups",
    "region_importance",
    "regression_calibration",
    "repeatability",
    "rmst",
    "sample_size",
    "sample_size_c_index",
    "sample_size_hazard_ratio",
    "score_correlation",
    "survival_difference",
    "table_one",
    "time_dependent_auc",
]


def __getattr__(name: str) -> object:
    if name == "face":
        return import_module("fahrstats.face")
    if name not in _MODULE_OF:
        raise AttributeError(f"module `fahrstats` has no attribute `{name}`")
    return getattr(import_module(f"fahrstats.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
