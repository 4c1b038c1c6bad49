"""The reporting checklists that fit a study, filled, as an appendix shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from fahrstats.display.checklist_tables import (
    checklist,
    checklist_counts,
    checklist_gaps,
)
from fahrstats.display.display_table import escape_markdown
from fahrstats.display.labels import listed
from fahrstats.display.result_table import records
from fahrstats.report.checklists import (
    Checklist,
    Name,
    fill_checklist,
    fitting_checklists,
    read_checklist,
)
from fahrstats.statements import STATEMENTS

if TYPE_CHECKING:
    from fahrstats.report.study_results import StudyResults


@dataclass(frozen=True, slots=True, eq=False)
class FilledChecklist:
    """A guideline, and where a report answers it.

    Attributes
    ----------
    checklist : Checklist
        What the guideline asks for.
    table : DataFrame
        See :func:`fahrstats.report.checklists.fill_checklist`.
    """

    checklist: Checklist
    table: pd.DataFrame

    def introduction(self, label: str) -> str:
        """Return a section in Markdown that leads to the table of this label."""
        asked = self.checklist
        lines = [self.counts(), *self.gaps()]
        if asked.fairness:
            lines.append(
                f"About differences between groups: {listed([*asked.fairness])}."
            )
        bullets = "\n".join(f"- {escape_markdown(line)}" for line in lines)
        return (
            f"### {asked.guideline} {{#sec-{label}}}\n\n"
            f"{asked.title} [@{asked.citation}], version of {asked.version}, in "
            f"@tbl-{label}. {asked.licence}\n\n{bullets}\n"
        )

    def counts(self) -> str:
        """Say how many points are answered, and by whom."""
        return checklist_counts(self.table)

    def gaps(self) -> list[str]:
        """Return the points that are answered in part, and those that are open."""
        return checklist_gaps(self.table)

    def to_markdown(self) -> str:
        """Return the table in Markdown, with references that become links."""
        return checklist(self.table)


def study_checklists(study: StudyResults) -> dict[Name, FilledChecklist]:
    """Fill the checklists of the guidelines that a study should follow.

    Tables that hold no estimate answer nothing.
    """
    manifest = study.manifest
    report = manifest.get("kind", "biomarker")
    present = {name for name in manifest["tables"] if len(study.estimated(name))}
    present |= {name for name in ("covariates", "subgroups") if manifest.get(name)}
    filled: dict[Name, FilledChecklist] = {}
    for name, stage in fitting_checklists(report, present).items():
        read = read_checklist(name)
        table = fill_checklist(
            read,
            report=report,
            present=present,
            statements=manifest.get("statements", {}),
            stage=stage,
        )
        filled[name] = FilledChecklist(read, table)
    return filled


def unwritten(filled: Iterable[FilledChecklist]) -> dict[str, list[str]]:
    """Return what the authors have still to say, and the points that ask for it.

    Returns
    -------
    dict
        By key of the section ``[statements]`` of a study file, in the order of
        :data:`fahrstats.statements.STATEMENTS`: points such as ``REMARK 1``.
    """
    points: dict[str, list[str]] = {key: [] for key in STATEMENTS}
    for one in filled:
        for row in records(one.table):
            for key in filter(None, row["missing"].split(", ")):
                points[key].append(f"{row['guideline']} {row['item']}")
    return {key: found for key, found in points.items() if found}
