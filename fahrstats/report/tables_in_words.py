"""What each result table is to a reader who has never seen one, and how to get it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TABLES_IN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "flow": "the way from all rows to those analysed",
        "table_one": "a description of the participants",
        "photos": "photographs that were scored",
        "repeatability": "how well the score repeats on the same people",
        "gaps": "gaps between predicted and actual age",
        "follow_up": "the length of follow-up",
        "cut_points": "groups by value of the score",
        "curves": "survival curves",
        "at_risk": "numbers at risk below the survival curves",
        "survival_at": "survival at fixed times",
        "logrank": "a log-rank test between groups",
        "rmst": "the mean time lived by group",
        "incidence": "causes of the event that compete",
        "cox": "hazard ratios",
        "spline": "hazard ratios by value of the score",
        "ph_test": "tests of proportional hazards",
        "term_tests": "tests of each term of the models",
        "subgroups": "an analysis by subgroup",
        "audit": "discrimination and calibration by group",
        "concordance_by": "ranking by subgroup",
        "comparison": "a comparison of models with and without the score",
        "calibration_groups": "calibration of the predicted risks",
        "decision_curve": "decision curves",
        "concordance": "the ranking of people by the score alone",
        "joint_groups": "two scores together",
        "imputed": "multiple imputation of missing values",
        "cohorts": "cohorts apart and together",
        "influence": "the influence of single people",
        "early_deaths": "early deaths",
        "landmarks": "models of those still followed after some time",
        "cut_effects": "hazard ratios above other cut points",
        "sample_size": "the size that the study needed",
        "outcomes": "outcomes other than the main one",
        "published": "a comparison with published values",
    }
)
"""Tables of the analyses that a report names when a study did not make them."""

ASKED_FOR_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "photos": "a section [photos]",
        "gaps": "a section [ages]",
        "incidence": "a section [competing]",
        "subgroups": "a section [subgroups]",
        "audit": "a section [subgroups] and no delayed entry or case weights",
        "comparison": "a section [covariates], or a second score",
        "joint_groups": "a second score under [scores]",
        "imputed": "where values are missing, a line such as imputations = 20 under "
        "[analysis]",
        "cohorts": 'a line such as cohorts = "site" under [analysis]',
        "early_deaths": "a line such as early = [1] under [analysis]",
        "landmarks": "a line such as landmarks = [1] under [analysis]",
        "outcomes": "a further outcome under [outcome.also]",
        "published": 'a line such as published = "print.csv"',
        "repeatability": 'kind = "robustness", with repeated photographs,',
    }
)
"""What in a study file asks for the analyses that are not always made."""
