"""Numbers of result tables in sentences, so that a report types none of them.

A sentence says what the interval allows, and no more: an interval that holds no effect
is reported as such, with the values that it leaves possible.
"""

from __future__ import annotations

from fahrstats.display.accuracy_sentences import (
    added_accuracy,
    added_value,
    calibration,
    concordance,
    ranking_by_subgroup,
)
from fahrstats.display.age_sentences import (
    age_errors,
    age_group_differences,
    corrected_ages,
    lowest_error,
)
from fahrstats.display.audit_measures import margins_in_words
from fahrstats.display.audit_sentences import (
    audited,
    factors_audited,
    group_differences,
    groups_too_small,
    levels_not_calibrated,
    missing_by_group,
    ranked_between,
    tests_made,
    unknown_groups,
)
from fahrstats.display.choice_sentences import cut_points_compared, later_start
from fahrstats.display.effect_sentences import (
    agreement_with_print,
    association,
    follow_up,
    interactions,
    logrank,
    proportionality,
)
from fahrstats.display.group_sentences import (
    competing_risks,
    correlation,
    given_each_other,
    groups_at,
    time_lived,
)
from fahrstats.display.photo_sentences import cross_fitted, photos_scored
from fahrstats.display.publication_sentences import (
    also_left_out,
    public_rule,
    public_version,
)
from fahrstats.display.robustness_sentences import (
    one_photo,
    real_change,
    simulated_changes,
    single_photos,
    steadiness,
    verdicts,
    which_moves_more,
)
from fahrstats.display.saliency_sentences import checked, looked_at, same_regions
from fahrstats.display.sensitivity_sentences import (
    across_cohorts,
    age_gaps,
    completed_rows,
    early,
    large_enough,
    largest_influence,
    printed_agreement,
    refusal,
    shape,
)

__all__ = [
    "across_cohorts",
    "added_accuracy",
    "added_value",
    "age_errors",
    "age_gaps",
    "age_group_differences",
    "agreement_with_print",
    "also_left_out",
    "association",
    "audited",
    "calibration",
    "checked",
    "competing_risks",
    "completed_rows",
    "concordance",
    "corrected_ages",
    "correlation",
    "cross_fitted",
    "cut_points_compared",
    "early",
    "factors_audited",
    "follow_up",
    "given_each_other",
    "group_differences",
    "groups_at",
    "groups_too_small",
    "interactions",
    "large_enough",
    "largest_influence",
    "later_start",
    "levels_not_calibrated",
    "logrank",
    "looked_at",
    "lowest_error",
    "margins_in_words",
    "missing_by_group",
    "one_photo",
    "photos_scored",
    "printed_agreement",
    "proportionality",
    "public_rule",
    "public_version",
    "ranked_between",
    "ranking_by_subgroup",
    "real_change",
    "refusal",
    "same_regions",
    "shape",
    "simulated_changes",
    "single_photos",
    "steadiness",
    "tests_made",
    "time_lived",
    "unknown_groups",
    "verdicts",
    "which_moves_more",
]
