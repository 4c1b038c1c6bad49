"""The reporting checklists that fit a study, filled, as an appendix shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from fahrstats.cohort import store
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
from fahrstats.report.paper_results import PaperResults
from fahrstats.report.study_results import StudyResults
from fahrstats.statements import STATEMENTS

_ASKED: Final = ("covariates", "subgroups")


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
    return _filled(
        manifest.get("kind", "biomarker"),
        _estimated(study) | _asked(study),
        manifest.get("statements", {}),
    )


def paper_checklists(
    paper: PaperResults, *, without: Collection[str] = ()
) -> dict[Name, FilledChecklist]:
    """Fill the checklists of the guidelines that a paper should follow.

    Parameters
    ----------
    paper
        The results of its studies.
    without
        Labels of what authors took out of the document, such as ``"tbl-ph"``.
    """
    present = {
        f"{role}/{name}"
        for role, study in paper.studies.items()
        for name in _estimated(study)
    }
    present |= paper.studies.keys()
    if paper.prognosis is not None:
        present |= _asked(paper.prognosis)
    said = [key for key in STATEMENTS if paper.statement(key)]
    return _filled("paper", present, said, without)


def checklists_of(folder: Path) -> dict[Name, FilledChecklist]:
    """Fill the checklists that fit the results, of a study or a paper, in a folder."""
    if store.read_manifest(folder / "manifest.json").get("kind") == "paper":
        return paper_checklists(PaperResults(folder))
    return study_checklists(StudyResults(folder))


def _estimated(study: StudyResults) -> set[str]:
    """Return the names of result tables that hold an estimate."""
    return {name for name in study.manifest["tables"] if len(study.estimated(name))}


def _asked(study: StudyResults) -> set[str]:
    """Return what the study file asked for, of what an item can need."""
    return {name for name in _ASKED if study.manifest.get(name)}


def _filled(
    report: str,
    present: Collection[str],
    said: Collection[str],
    without: Collection[str] = (),
) -> dict[Name, FilledChecklist]:
    filled: dict[Name, FilledChecklist] = {}
    for name, stage in fitting_checklists(report, present).items():
        read = read_checklist(name)
        table = fill_checklist(
            read,
            report=report,
            present=present,
            statements=said,
            stage=stage,
            without=without,
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
