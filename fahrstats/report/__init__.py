"""Result tables and a Quarto document in, a self-contained report out.

``StudyResults``, which the documents use, is loaded on first use: what renders a
document needs none of what draws it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fahrstats.report.documents import render, report_source

if TYPE_CHECKING:
    from fahrstats.report.study_results import StudyResults as StudyResults

__all__ = ["StudyResults", "render", "report_source"]


def __getattr__(name: str) -> object:
    if name != "StudyResults":
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    from fahrstats.report.study_results import StudyResults

    return StudyResults
