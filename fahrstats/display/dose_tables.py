"""Tables of simulated changes: the doses at which scores move, and which moves more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference, format_interval, format_number
from fahrstats.display.labels import Labels, amount, column_label, column_unit, opening
from fahrstats.display.result_table import by_value, limits, need_columns, records
from fahrstats.errors import DataError

_NOT_PASSED: Final = "not passed"
_BEYOND: Final = "beyond"
_NAMES: Final = ("quality", "gamma", "delta E")
"""Units that stand before the number."""

_SIZE: Final = "mean_absolute_change"


def passing_doses(
    thresholds: pd.DataFrame,
    table: pd.DataFrame,
    *,
    families: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the doses at which the mean size of the change passes each limit.

    Parameters
    ----------
    thresholds
        As :meth:`fahrstats.DoseResponse.passing` returns them.
    table
        As :meth:`fahrstats.DoseResponse.tidy` does, for the change at the strongest
        dose.
    families
        Heading under which each condition stands.
    labels
        Label of each model and condition, and the unit of the condition's dose.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(thresholds, ("model", "condition", "value", "estimate"), "the table")
    need_columns(table, ("model", "condition", "severity", "dose"), "the table")
    found = thresholds[thresholds["variable"] == _SIZE]
    sizes = table[(table["estimand"] == _SIZE) & (table["severity"] > 0)]
    models = list(dict.fromkeys(found["model"]))
    values = sorted(found["value"].unique())
    lines: list[list[str]] = []
    heads: list[int] = []
    family = ""
    for condition, rows in by_value(found, "condition"):
        doses = sizes[sizes["condition"] == condition]
        of = (families or {}).get(condition, "")
        if of != family:
            family = of
            heads.append(len(lines))
            lines.append([opening(family)])
        line = [INDENT * bool(of) + _named(condition, doses, labels, style)]
        for model in models:
            ours = rows[rows["model"] == model]
            line += [_passed(ours, value, doses, style) for value in values]
            line.append(_strongest(doses[doses["model"] == model], style))
        lines.append(line)
    columns = {"name": "Change, unit of its dose\n(doses of the panel)"}
    spanners = {}
    for model in models:
        own = {
            f"{model} {value:g}": amount(value, "years", style=style)
            for value in values
        }
        own[f"{model} strongest"] = "At the strongest\ndose, years"
        columns |= own
        spanners[column_label(model, labels)] = tuple(own)
    return DisplayTable(
        cells=filled(lines, columns),
        headers=columns,
        spanners=spanners,
        heads=tuple(heads),
    )


def what_was_shown(
    verdicts: pd.DataFrame,
    *,
    margin: float,
    families: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return what was shown of every simulated change, a column for each model.

    Parameters
    ----------
    verdicts
        As :func:`fahrstats.display.sentences.verdicts` returns them.
    margin
        Size of change that would not matter.
    families, labels
        As for :func:`passing_doses`.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(verdicts, ("model", "condition", "verdict", "dose"), "the table")
    models = list(dict.fromkeys(verdicts["model"]))
    size = amount(margin, "years", style=style)
    lines: list[list[str]] = []
    heads: list[int] = []
    family = ""
    for condition, rows in by_value(verdicts, "condition"):
        of = (families or {}).get(condition, "")
        if of != family:
            family = of
            heads.append(len(lines))
            lines.append([opening(family)])
        name = INDENT * bool(of) + opening(column_label(condition, labels))
        own = [rows[rows["model"] == model] for model in models]
        lines.append([name, *(_shown(part, size, labels, style) for part in own)])
    headers = {"name": "", **{m: column_label(m, labels) for m in models}}
    return DisplayTable(
        filled(lines, headers), headers, heads=tuple(heads), prose=tuple(models)
    )


def way_and_dose(
    row: Mapping[str, Any], labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Return ``older, from 20 degrees`` of a change at the first dose that shows it."""
    way = "older" if row["estimate"] > 0 else "younger"
    unit = column_unit(row["condition"], labels)
    return f"{way}, from {dose_phrase(row['dose'], unit, style)}"


def _shown(
    rows: pd.DataFrame, size: str, labels: Labels | None, style: JournalStyle
) -> str:
    """Say what was shown of one condition and model."""
    beyond = records(rows[rows["verdict"] == "beyond"])
    if beyond:
        return f"more: {way_and_dose(beyond[0], labels, style)}"
    if (rows["verdict"] == "within").all():
        return f"less than {size} at every dose"
    return "neither at some dose"


def changes_by_model(
    table: pd.DataFrame,
    *,
    families: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return by how much more one model moves than another, by condition.

    Parameters
    ----------
    table
        As :meth:`fahrstats.DoseResponse.contrasts` returns it.
    families, labels
        As for :func:`passing_doses`.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("term", "condition", "estimate", "p_adjusted"), "the table")
    terms = list(dict.fromkeys(table["term"]))
    lines: list[list[str]] = []
    heads: list[int] = []
    for cohort, part in by_value(table, "cohort"):
        family = ""
        for condition, rows in by_value(part, "condition"):
            of = cohort or (families or {}).get(condition, "")
            if of != family:
                family = of
                heads.append(len(lines))
                lines.append([opening(family)])
            name = column_label(condition, labels) if condition else "All pairs"
            line = [INDENT * bool(of) + opening(name)]
            for term in terms:
                row = next(iter(records(rows[rows["term"] == term])), None)
                line += _difference(row, style)
            lines.append(line)
    columns = {"name": ""}
    spanners = {}
    for term in terms:
        names = [column_label(name, labels) for name in term.split(CONTRAST)]
        own = {
            f"{term} gap": "Years (joint 95% CI)",
            f"{term} p": f"Adjusted {style.p_symbol}",
        }
        columns |= own
        spanners[" minus ".join(names)] = tuple(own)
    return DisplayTable(
        cells=filled(lines, columns),
        headers=columns,
        spanners=spanners,
        heads=tuple(heads),
    )


def meanings(
    conditions: Sequence[Mapping[str, str]], *, labels: Labels | None = None
) -> DisplayTable:
    """Return what each simulated change does, in words, with the unit of its dose.

    Parameters
    ----------
    conditions
        Of each its ``name``, ``family`` and ``meaning``.
    labels
        Label of each condition, and the unit of its dose.

    Raises
    ------
    DataError
        There is none.
    """
    if not conditions:
        raise DataError("`conditions` is empty; a panel has one condition or more.")
    lines: list[list[str]] = []
    heads: list[int] = []
    family = ""
    for one in conditions:
        if one["family"] != family:
            family = one["family"]
            heads.append(len(lines))
            lines.append([opening(family)])
        name, unit = (of(one["name"], labels) for of in (column_label, column_unit))
        lines.append([INDENT + opening(name), one["meaning"], unit])
    headers = {"name": "", "meaning": "What was done", "unit": "Unit of the dose"}
    return DisplayTable(
        filled(lines, headers), headers, heads=tuple(heads), prose=("meaning", "unit")
    )


def dose_text(
    dose: float, style: JournalStyle = DEFAULT, *, like: float | None = None
) -> str:
    """Return a dose with as many decimals as its size asks for.

    Beside another, ``like``, it has as many as that one, zeros included.
    """
    if np.isinf(dose):
        return _BEYOND
    size = abs(dose if like is None else like)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    text = format_number(dose, decimals, style=style)
    mark = style.decimal_mark
    return text.rstrip("0").rstrip(mark) if like is None and mark in text else text


def dose_phrase(dose: float, unit: str, style: JournalStyle = DEFAULT) -> str:
    """Return a dose as it stands in a sentence: ``20 degrees``, ``quality 28``."""
    text = dose_text(dose, style)
    if unit in _NAMES:
        return f"{unit} {text}"
    return f"{text}{'' if unit.startswith('%') else ' '}{unit}".strip()


def _named(
    condition: str, doses: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> str:
    """Name a condition, with the unit and range of its doses."""
    unit = column_unit(condition, labels)
    ends = [dose_text(doses["dose"].iloc[at], style) for at in (0, -1)]
    name = opening(column_label(condition, labels))
    return f"{name}, {unit} ({ends[0]} to {ends[1]})" if unit else name


def _passed(
    rows: pd.DataFrame, value: float, doses: pd.DataFrame, style: JournalStyle
) -> str:
    """Say at which dose a limit is passed, or that it is not."""
    at = {row["estimand"]: row for row in records(rows[rows["value"] == value])}
    severity, dose = at["passing_severity"], at["passing_dose"]
    if np.isnan(severity["estimate"]):
        return EMPTY
    if np.isinf(severity["estimate"]):
        return _NOT_PASSED
    if np.isnan(dose["estimate"]):
        return f"before {dose_text(doses['dose'].iloc[0], style)}"
    estimate = dose["estimate"]
    text = dose_text(estimate, style, like=estimate)
    ends = [dose["conf_low"], dose["conf_high"]]
    if doses["dose"].iloc[-1] < doses["dose"].iloc[0]:
        ends.reverse()
    if np.isnan(ends).any():
        return text
    low, high = (dose_text(end, style, like=estimate) for end in ends)
    return f"{text} ({low} to {high})"


def _strongest(rows: pd.DataFrame, style: JournalStyle) -> str:
    """Return the mean size of the change at the last severity."""
    (row,) = records(rows.tail(1))
    return format_interval(*limits(row), decimals=1, style=style)


def _difference(row: Mapping[str, Any] | None, style: JournalStyle) -> list[str]:
    """Return a difference with joint limits, and its adjusted p value."""
    if row is None or np.isnan(row["estimate"]):
        return [EMPTY, EMPTY]
    ends = row["estimate"], row["joint_low"], row["joint_high"]
    text = format_difference(*ends, decimals=1, style=style)
    return [text, p_or_empty(row["p_adjusted"], style)]
