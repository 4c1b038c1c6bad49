"""Publication tables: each takes a result table and returns its cells as text.

Rounding, signs and labels belong here and nowhere earlier. Every function returns a
:class:`~fahrstats.display.display_table.DisplayTable`, which shows itself as a
great-tables table and gives the same text as a data frame or as Markdown.
"""

from __future__ import annotations

from fahrstats.display.accuracy_tables import (
    accuracy,
    accuracy_differences,
    horizons_of,
    reclassification,
)
from fahrstats.display.age_tables import (
    age_accuracy,
    age_differences,
    age_groups,
    lowest_errors,
)
from fahrstats.display.agreement_tables import (
    real_pairs,
    repeated_photos,
    what_changes_depend_on,
)
from fahrstats.display.audit_comparisons import (
    audit_between,
    audit_differences,
    audit_shrunken,
    audit_tests,
)
from fahrstats.display.audit_tables import audit_groups
from fahrstats.display.cause_tables import cause_hazard_ratios
from fahrstats.display.choice_tables import cut_effects, landmarks
from fahrstats.display.cohort_tables import (
    cut_points,
    follow_up,
    survival_at,
    table_one,
)
from fahrstats.display.contrast_tables import (
    incidence_at,
    restricted_means,
    survival_differences,
)
from fahrstats.display.display_table import DisplayTable
from fahrstats.display.dose_tables import (
    changes_by_model,
    meanings,
    passing_doses,
    what_was_shown,
)
from fahrstats.display.effect_tables import (
    hazard_ratios,
    ph_test,
    published,
    subgroups,
)
from fahrstats.display.gap_tables import gaps
from fahrstats.display.joint_tables import correlations, joint_groups, scores_together
from fahrstats.display.model_fit_tables import model_fits
from fahrstats.display.planning_tables import printed_check, sample_sizes
from fahrstats.display.ranking_tables import concordance, concordance_by
from fahrstats.display.saliency_tables import (
    explanation_checks,
    overlaps,
    region_differences,
    region_importance,
)
from fahrstats.display.sensitivity_tables import (
    cohorts,
    early_deaths,
    imputed_variables,
    influence,
)
from fahrstats.display.study_tables import analyses, photos_left_out, provenance
from fahrstats.display.term_tables import shape_tests, term_tests

__all__ = [
    "DisplayTable",
    "accuracy",
    "accuracy_differences",
    "age_accuracy",
    "age_differences",
    "age_groups",
    "analyses",
    "audit_between",
    "audit_differences",
    "audit_groups",
    "audit_shrunken",
    "audit_tests",
    "cause_hazard_ratios",
    "changes_by_model",
    "cohorts",
    "concordance",
    "concordance_by",
    "correlations",
    "cut_effects",
    "cut_points",
    "early_deaths",
    "explanation_checks",
    "follow_up",
    "gaps",
    "hazard_ratios",
    "horizons_of",
    "imputed_variables",
    "incidence_at",
    "influence",
    "joint_groups",
    "landmarks",
    "lowest_errors",
    "meanings",
    "model_fits",
    "overlaps",
    "passing_doses",
    "ph_test",
    "photos_left_out",
    "printed_check",
    "provenance",
    "published",
    "real_pairs",
    "reclassification",
    "region_differences",
    "region_importance",
    "repeated_photos",
    "restricted_means",
    "sample_sizes",
    "scores_together",
    "shape_tests",
    "subgroups",
    "survival_at",
    "survival_differences",
    "table_one",
    "term_tests",
    "what_changes_depend_on",
    "what_was_shown",
]
