"""Statistics and publication reports for prognostic biomarkers read from faces.

Public names are loaded on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fahrstats.cohort.groups import QuantileGroups, TableOne
    from fahrstats.cohort.groups import quantile_groups as quantile_groups
    from fahrstats.cohort.groups import table_one as table_one
    from fahrstats.measurement.age_gap import AgeGap
    from fahrstats.measurement.age_gap import gap as gap
    from fahrstats.measurement.aging_rate import FaceAgingRate
    from fahrstats.measurement.aging_rate import face_aging_rate as face_aging_rate
    from fahrstats.survival.baseline import BaselineHazard
    from fahrstats.survival.calibration import calibration as calibration
    from fahrstats.survival.calibration_result import Calibration
    from fahrstats.survival.cause_specific import CauseSpecificFits
    from fahrstats.survival.cause_specific import (
        cause_specific_cox as cause_specific_cox,
    )
    from fahrstats.survival.cohorts import meta as meta
    from fahrstats.survival.cohorts import meta_estimates as meta_estimates
    from fahrstats.survival.comparison import ModelComparison
    from fahrstats.survival.comparison import compare as compare
    from fahrstats.survival.competing import CumulativeIncidence
    from fahrstats.survival.competing import (
        cumulative_incidence as cumulative_incidence,
    )
    from fahrstats.survival.correlation import ScoreCorrelation
    from fahrstats.survival.correlation import score_correlation as score_correlation
    from fahrstats.survival.cox_fit import CoxFit
    from fahrstats.survival.curves import kaplan_meier as kaplan_meier
    from fahrstats.survival.decisions import DecisionCurve
    from fahrstats.survival.decisions import decision_curve as decision_curve
    from fahrstats.survival.differences import SurvivalDifferences
    from fahrstats.survival.differences import (
        survival_difference as survival_difference,
    )
    from fahrstats.survival.discrimination import TimeDependentAuc
    from fahrstats.survival.discrimination import (
        time_dependent_auc as time_dependent_auc,
    )
    from fahrstats.survival.early_deaths import EarlyMortality
    from fahrstats.survival.early_deaths import early_mortality as early_mortality
    from fahrstats.survival.group_tests import LogRank
    from fahrstats.survival.group_tests import logrank as logrank
    from fahrstats.survival.hazard_curves import HazardCurve
    from fahrstats.survival.hazards import cox as cox
    from fahrstats.survival.imputations import Imputations
    from fahrstats.survival.imputations import impute as impute
    from fahrstats.survival.incidence_tests import GrayTest
    from fahrstats.survival.incidence_tests import gray_test as gray_test
    from fahrstats.survival.influential_rows import Influence
    from fahrstats.survival.joint_groups import joint_risk_groups as joint_risk_groups
    from fahrstats.survival.joint_result import JointRiskGroups
    from fahrstats.survival.meta_analysis import MetaAnalysis
    from fahrstats.survival.observation import FollowUp
    from fahrstats.survival.observation import follow_up as follow_up
    from fahrstats.survival.planning import SampleSize
    from fahrstats.survival.planning import sample_size as sample_size
    from fahrstats.survival.planning import sample_size_c_index as sample_size_c_index
    from fahrstats.survival.planning import (
        sample_size_hazard_ratio as sample_size_hazard_ratio,
    )
    from fahrstats.survival.pooled_tests import PooledTest
    from fahrstats.survival.pooled_tests import pool_lr_test as pool_lr_test
    from fahrstats.survival.pooling import Pooled
    from fahrstats.survival.pooling import pool as pool
    from fahrstats.survival.pooling import pool_results as pool_results
    from fahrstats.survival.prediction_error import PredictionError
    from fahrstats.survival.prediction_error import prediction_error as prediction_error
    from fahrstats.survival.proportionality import ProportionalityTest
    from fahrstats.survival.proportionality import ph_test as ph_test
    from fahrstats.survival.published_checks import PublishedCheck
    from fahrstats.survival.published_checks import check_published as check_published
    from fahrstats.survival.ranking import Concordance
    from fahrstats.survival.ranking import concordance as concordance
    from fahrstats.survival.ranking_bootstrap import ConcordanceBootstrap
    from fahrstats.survival.ranking_by import concordance_by as concordance_by
    from fahrstats.survival.ranking_by_result import ConcordanceBySubgroup
    from fahrstats.survival.restricted_means import RestrictedMeans
    from fahrstats.survival.restricted_means import rmst as rmst
    from fahrstats.survival.subdistribution import fine_gray as fine_gray
    from fahrstats.survival.subdistribution_fit import FineGrayFit
    from fahrstats.survival.subgroup_audit import SubgroupAudit
    from fahrstats.survival.subgroups import by_subgroup as by_subgroup
    from fahrstats.survival.survival_curves import SurvivalCurves

__version__ = "0.1.0"

_HOMES = {
    "cohort.groups": ("QuantileGroups", "TableOne", "quantile_groups", "table_one"),
    "survival.baseline": ("BaselineHazard",),
    "survival.cause_specific": ("CauseSpecificFits", "cause_specific_cox"),
    "survival.calibration": ("calibration",),
    "survival.calibration_result": ("Calibration",),
    "survival.comparison": ("ModelComparison", "compare"),
    "survival.competing": ("CumulativeIncidence", "cumulative_incidence"),
    "survival.curves": ("kaplan_meier",),
    "survival.differences": ("SurvivalDifferences", "survival_difference"),
    "survival.group_tests": ("LogRank", "logrank"),
    "survival.cox_fit": ("CoxFit",),
    "survival.hazard_curves": ("HazardCurve",),
    "survival.hazards": ("cox",),
    "survival.decisions": ("DecisionCurve", "decision_curve"),
    "survival.discrimination": ("TimeDependentAuc", "time_dependent_auc"),
    "survival.prediction_error": ("PredictionError", "prediction_error"),
    "survival.influential_rows": ("Influence",),
    "survival.proportionality": ("ProportionalityTest", "ph_test"),
    "survival.ranking": ("Concordance", "concordance"),
    "survival.ranking_bootstrap": ("ConcordanceBootstrap",),
    "survival.ranking_by": ("concordance_by",),
    "survival.ranking_by_result": ("ConcordanceBySubgroup",),
    "survival.restricted_means": ("RestrictedMeans", "rmst"),
    "survival.incidence_tests": ("GrayTest", "gray_test"),
    "survival.subdistribution": ("fine_gray",),
    "survival.subdistribution_fit": ("FineGrayFit",),
    "survival.subgroup_audit": ("SubgroupAudit",),
    "survival.subgroups": ("by_subgroup",),
    "survival.survival_curves": ("SurvivalCurves",),
    "survival.joint_result": ("JointRiskGroups",),
    "survival.joint_groups": ("joint_risk_groups",),
    "survival.observation": ("FollowUp", "follow_up"),
    "survival.pooling": ("Pooled", "pool", "pool_results"),
    "survival.pooled_tests": ("PooledTest", "pool_lr_test"),
    "survival.correlation": ("score_correlation", "ScoreCorrelation"),
    "survival.imputations": ("Imputations", "impute"),
    "survival.early_deaths": ("early_mortality", "EarlyMortality"),
    "survival.cohorts": ("meta", "meta_estimates"),
    "survival.meta_analysis": ("MetaAnalysis",),
    "measurement.age_gap": ("gap", "AgeGap"),
    "measurement.aging_rate": ("face_aging_rate", "FaceAgingRate"),
    "survival.planning": (
        "SampleSize",
        "sample_size",
        "sample_size_c_index",
        "sample_size_hazard_ratio",
    ),
    "survival.published_checks": ("PublishedCheck", "check_published"),
}
_MODULE_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AgeGap",
    "BaselineHazard",
    "Calibration",
    "CauseSpecificFits",
    "Concordance",
    "ConcordanceBootstrap",
    "ConcordanceBySubgroup",
    "CoxFit",
    "CumulativeIncidence",
    "DecisionCurve",
    "EarlyMortality",
    "FaceAgingRate",
    "FineGrayFit",
    "FollowUp",
    "GrayTest",
    "HazardCurve",
    "Imputations",
    "Influence",
    "JointRiskGroups",
    "LogRank",
    "MetaAnalysis",
    "ModelComparison",
    "Pooled",
    "PooledTest",
    "PredictionError",
    "ProportionalityTest",
    "PublishedCheck",
    "QuantileGroups",
    "RestrictedMeans",
    "SampleSize",
    "ScoreCorrelation",
    "SubgroupAudit",
    "SurvivalCurves",
    "SurvivalDifferences",
    "TableOne",
    "TimeDependentAuc",
    "by_subgroup",
    "calibration",
    "cause_specific_cox",
    "check_published",
    "compare",
    "concordance",
    "concordance_by",
    "cox",
    "cumulative_incidence",
    "decision_curve",
    "early_mortality",
    "face_aging_rate",
    "fine_gray",
    "follow_up",
    "gap",
    "gray_test",
    "impute",
    "joint_risk_groups",
    "kaplan_meier",
    "logrank",
    "meta",
    "meta_estimates",
    "ph_test",
    "pool",
    "pool_lr_test",
    "pool_results",
    "prediction_error",
    "quantile_groups",
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
    if name not in _MODULE_OF:
        raise AttributeError(f"module `fahrstats` has no attribute `{name}`")
    return getattr(import_module(f"fahrstats.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
