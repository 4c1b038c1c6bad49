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
    time_lived,
)
from fahrstats.display.photo_sentences import cross_fitted, photos_scored
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
    "age_gaps",
    "agreement_with_print",
    "association",
    "calibration",
    "competing_risks",
    "completed_rows",
    "concordance",
    "correlation",
    "cross_fitted",
    "early",
    "follow_up",
    "given_each_other",
    "interactions",
    "large_enough",
    "largest_influence",
    "logrank",
    "photos_scored",
    "printed_agreement",
    "proportionality",
    "ranking_by_subgroup",
    "refusal",
    "shape",
    "time_lived",
]
