"""Publication tables: each takes a result table and returns its cells as text.

Rounding, signs and labels belong here and nowhere earlier. Every function returns a
:class:`~fahrstats.display.display_table.DisplayTable`, which shows itself as a
great-tables table and gives the same text as a data frame or as Markdown.
"""

from __future__ import annotations

from fahrstats.display.cohort_tables import (
    cut_points,
    follow_up,
    survival_at,
    table_one,
)
from fahrstats.display.display_table import DisplayTable
from fahrstats.display.effect_tables import (
    hazard_ratios,
    ph_test,
    published,
    subgroups,
)
from fahrstats.display.ranking_tables import comparison, concordance
from fahrstats.display.study_tables import analyses, provenance

__all__ = [
    "DisplayTable",
    "analyses",
    "comparison",
    "concordance",
    "cut_points",
    "follow_up",
    "hazard_ratios",
    "ph_test",
    "provenance",
    "published",
    "subgroups",
    "survival_at",
    "table_one",
]
