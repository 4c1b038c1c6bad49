"""What a report on predictions must say of groups of people, as data."""

from __future__ import annotations

from typing import Final

FAIRNESS_ITEMS: Final[dict[str, str]] = {
    "3c": "Inequalities in health that are known between groups of people",
    "7": "How data were prepared and checked, and whether alike in all groups",
    "8a": "The outcome and its horizon, why these, and whether assessed alike in all "
    "groups",
    "9c": "Where a predictor needs judgement, who judged, and which people these are",
    "12f": "Whether the model was updated, for everyone or for single groups",
    "14": "What was done about fairness, and why",
    "20b": "Who the participants are, what is missing, and how groups differ in both",
    "23a": "How well predictions do, with intervals, in groups that matter too",
    "25": "What the results mean, for fairness too",
}
"""Items of TRIPOD+AI that are about groups, by number, in our words.

Collins et al. (2024), BMJ 385:e078378.
"""
