"""Reporting guidelines as data: what they ask for, and where a report answers it.

Each guideline is a file of the folder ``checklists``: REMARK, TRIPOD+AI and STROBE for
cohort studies, in our own words. An item of such a file says

- ``filled_by``: anchors of a report, by the name of the report, that answer the item
  together;
- ``also``: anchors that add to the answer where a study has them, and are not missed
  where it has not;
- ``statements``: keys of what only the authors can say, of
  :data:`fahrstats.statements.STATEMENTS`;
- ``needs``: what a study must hold for ``filled_by`` to answer the item, such as
  ``covariates``;
- ``not_applicable``: why a study in which nothing answers the item need not;
- ``applies``: the stages of a prediction model that the item is about, if not all;
- ``fairness``: whether it is about differences between groups of people.

``checklists/anchors.yaml`` has what stands at every anchor, the result tables without
which it is not in the document, and the statements that are printed there. An anchor is
claimed only where these tables are there, so that a claim that leads nowhere is a fault
of the report, and rendering it fails. Of a paper, a table is named behind the part that
it is of: ``prognosis/cox``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import pandas as pd

from fahrstats.columns import in_order
from fahrstats.display.labels import in_sentence, listed
from fahrstats.errors import DataError
from fahrstats.report.extras import required
from fahrstats.statements import STATEMENTS

Name: TypeAlias = Literal["remark", "strobe", "tripod_ai"]
Stage: TypeAlias = Literal["development", "evaluation"]
Status: TypeAlias = Literal["done", "stated", "partly", "open", "not applicable"]

_FOLDER: Final = Path(__file__).parent / "checklists"
_OTHER_STAGE: Final[dict[Stage, str]] = {
    "development": "Only where a model is evaluated.",
    "evaluation": "Only where a model is developed.",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One item, or one part of an item, of a guideline.

    Attributes
    ----------
    number : str
        As the guideline has it, such as ``"12a"``.
    section : str
        Part of a paper that it belongs to.
    text : str
        What it asks for, in our words.
    filled_by, also : mapping from str to tuple of str
        Anchors of the report of that name.
    statements, needs : tuple of str
        Keys of the authors' statements; what a study must hold.
    applies : tuple of str
        Stages of a prediction model.
    fairness : bool
        Whether it is about differences between groups of people.
    not_applicable : str
        Why a study in which nothing answers it need not; empty where it must.
    """

    number: str
    section: str
    text: str
    filled_by: Mapping[str, tuple[str, ...]]
    also: Mapping[str, tuple[str, ...]]
    statements: tuple[str, ...]
    needs: tuple[str, ...]
    applies: tuple[Stage, ...]
    fairness: bool
    not_applicable: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """A reporting guideline.

    Attributes
    ----------
    guideline, title, version, licence : str
        Its short name, what it is for, its year, and what may be done with its words.
    citation : str
        Key of the bibliography.
    n_items : int
        Items that the guideline counts; some of them come in parts.
    items : tuple of Item
        In the order of the guideline.
    """

    guideline: str
    title: str
    version: str
    licence: str
    citation: str
    n_items: int
    items: tuple[Item, ...]

    @property
    def fairness(self) -> dict[str, str]:
        """What is asked about differences between groups of people, by number."""
        return {item.number: item.text for item in self.items if item.fairness}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place of a report that a checklist may point to.

    Attributes
    ----------
    title : str
        What stands there; of a section, its heading.
    tables, any_of : tuple of str
        Result tables without all of which, or without one of which, it is not there.
    says : tuple of str
        Keys of the authors' statements that are printed there.
    """

    title: str
    tables: tuple[str, ...]
    any_of: tuple[str, ...]
    says: tuple[str, ...]

    def is_there(self, present: Collection[str]) -> bool:
        """Return whether a study with these result tables has it."""
        has_one = not self.any_of or any(name in present for name in self.any_of)
        return has_one and all(name in present for name in self.tables)


def read_checklist(name: Name) -> Checklist:
    """Read a guideline that comes with the package.

    Raises
    ------
    DataError
        There is no guideline of this name.
    MissingExtraError
        The package ``pyyaml`` of the extra ``report`` is not installed.
    """
    if name not in get_args(Name):
        known = ", ".join(f"`{known}`" for known in get_args(Name))
        raise DataError(f"There is no checklist `{name}`; the checklists are {known}.")
    held = _read(name)
    items = tuple(_item(values) for values in held.pop("items"))
    return Checklist(**held, items=items)


def read_anchors(report: str) -> dict[str, Anchor]:
    """Read what checklists may point to in the report of this name.

    Raises
    ------
    DataError
        No checklist fits this report.
    MissingExtraError
        The package ``pyyaml`` of the extra ``report`` is not installed.
    """
    held = _read("anchors")
    if report not in held:
        known = ", ".join(f"`{known}`" for known in held)
        raise DataError(f"No checklist fits the report `{report}`, only {known}.")
    return {
        label: Anchor(
            values["title"],
            tuple(values.get("tables", ())),
            tuple(values.get("any", ())),
            tuple(values.get("says", ())),
        )
        for label, values in held[report].items()
    }


def fitting_checklists(report: str, present: Collection[str]) -> dict[Name, Stage]:
    """Return the guidelines that a study should follow, and the stage of its models.

    A study of a prognostic marker follows REMARK and STROBE; where it compares models
    that predict a risk, it develops these, and follows TRIPOD+AI too. An audit judges
    predictions in groups of people: it is an evaluation. A paper follows what its parts
    follow, as the development of models where it is both.

    Parameters
    ----------
    report
        Name of its report, such as ``"biomarker"``.
    present
        Names of its result tables; of a paper, of its parts too.
    """
    fitting: dict[Name, Stage] = {}
    if report == "biomarker" or (report == "paper" and "prognosis" in present):
        fitting = {"remark": "development", "strobe": "development"}
    if fitting and not {"comparison", "prognosis/comparison"}.isdisjoint(present):
        fitting["tripod_ai"] = "development"
    elif report == "audit" or (report == "paper" and "audit" in present):
        fitting["tripod_ai"] = "evaluation"
    return fitting


def fill_checklist(
    checklist: Checklist,
    *,
    report: str,
    present: Collection[str],
    statements: Collection[str] = (),
    stage: Stage = "development",
    without: Collection[str] = (),
) -> pd.DataFrame:
    """Say of every item of a guideline where a report answers it, and what is left.

    Parameters
    ----------
    checklist
        See :func:`read_checklist`.
    report
        Name of the report, such as ``"biomarker"``.
    present
        Names of the result tables that hold results, and ``covariates`` and
        ``subgroups`` where the study has such; of a paper, its parts besides.
    statements
        Keys of the statements that the authors have given.
    stage
        Whether prediction models are developed or evaluated.
    without
        Labels of anchors that this document does not hold though the results do.

    Returns
    -------
    DataFrame
        One row per item, in the order of the guideline. ``status`` is ``done`` (every
        part of ``filled_by`` is there and every statement given), ``stated`` (the same,
        in the authors' words alone), ``partly`` (some of it), ``open`` (none of it) or
        ``not applicable``. ``places`` are references in Markdown to the parts of the
        report, ``given`` to statements of the authors; ``missing`` are keys of others;
        ``note`` says what the study does not hold, or why the item does not apply.

    Raises
    ------
    DataError
        No checklist fits this report.
    """
    held = _Held(report, read_anchors(report), present, statements, without)
    rows = [_row(item, held, stage) for item in checklist.items]
    table = pd.DataFrame(rows).assign(guideline=checklist.guideline)
    return table[in_order(table.columns)]


@dataclass(frozen=True, slots=True)
class _Held:
    """What a document holds, and what the authors said in it."""

    report: str
    anchors: Mapping[str, Anchor]
    present: Collection[str]
    statements: Collection[str]
    without: Collection[str]

    def has(self, label: str) -> bool:
        """Return whether an anchor is there to be referred to."""
        return label not in self.without and self.anchors[label].is_there(self.present)

    def reference(self, label: str) -> str:
        """Return a reference in Markdown; headings have no numbers to refer to."""
        if label.startswith("sec-"):
            return f"[{self.anchors[label].title}](#{label})"
        return f"@{label}"

    def statement(self, key: str) -> str:
        """Return a link in Markdown to where a statement of the authors is printed."""
        (place,) = (label for label, at in self.anchors.items() if key in at.says)
        name = STATEMENTS[key].label
        return f"[{name}](#{place})" if self.has(place) else name


def _row(item: Item, held: _Held, stage: Stage) -> dict[str, str]:
    """Return one row of a filled checklist."""
    row = {"item": item.number, "section": item.section, "asks": item.text}
    blank = {"places": "", "given": "", "missing": ""}
    if stage not in item.applies:
        return row | blank | _status("not applicable", _OTHER_STAGE[stage])
    lacking = [name for name in item.needs if name not in held.present]
    wanted = () if lacking else item.filled_by.get(held.report, ())
    there = [label for label in wanted if held.has(label)]
    also = item.also.get(held.report, ())
    more = [label for label in also if held.has(label) and label not in there]
    lacking += [
        in_sentence(held.anchors[label].title) for label in wanted if label not in there
    ]
    given = [key for key in item.statements if key in held.statements]
    missing = [key for key in item.statements if key not in held.statements]
    if not (there or more or item.statements) and item.not_applicable:
        return row | blank | _status("not applicable", item.not_applicable)
    whole = "paper" if held.report == "paper" else "study"
    absent = f"Not part of this {whole}: {listed(lacking)}." if lacking else ""
    return row | {
        "places": ", ".join(map(held.reference, [*there, *more])),
        "given": ", ".join(map(held.statement, given)),
        "missing": ", ".join(missing),
        **_status(_how_far([*there, *more], given, [*lacking, *missing]), absent),
    }


def _status(status: Status, note: str) -> dict[str, str]:
    return {"status": status, "note": note}


def _how_far(
    there: Collection[str], given: Collection[str], wanting: Collection[str]
) -> Status:
    """Return how far an item is answered by what is there, given and wanting."""
    if not (there or given):
        return "open"
    if wanting:
        return "partly"
    return "done" if there else "stated"


def _item(values: Mapping[str, Any]) -> Item:
    applies = tuple(values.get("applies", get_args(Stage)))
    return Item(
        number=values["item"],
        section=values["section"],
        text=values["text"],
        filled_by=_by_report(values.get("filled_by", {})),
        also=_by_report(values.get("also", {})),
        statements=tuple(values.get("statements", ())),
        needs=tuple(values.get("needs", ())),
        applies=applies,
        fairness=values.get("fairness", False),
        not_applicable=values.get("not_applicable", ""),
    )


def _by_report(values: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {report: tuple(labels) for report, labels in values.items()}


def _read(name: str) -> dict[str, Any]:
    """Return what a file of the folder holds."""
    yaml = required("yaml", "pyyaml")
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    held: dict[str, Any] = yaml.safe_load(text)
    return held
