"""Tables of the same faces scored twice: real pairs, and repeated photos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_counted,
    format_difference,
    format_interval,
    format_number,
)
from fahrstats.display.labels import Labels, column_label, in_sentence, opening
from fahrstats.display.result_table import (
    by_value,
    in_percent,
    limits,
    need_columns,
    records,
)
from fahrstats.errors import DataError

_NEED: Final = ("model", "subgroup", "level", "estimand", "estimate", "n")
_OVERALL: Final = "overall"
_EQUIVALENCE: Final = "equivalence"
_HEADERS: Final = {
    "name": "",
    "mean": "Mean change,\nyears (95% CI)",
    "p": "for\nequivalence",
    "size": "Mean size,\nyears (95% CI)",
    "loa": "Limits of agreement,\nyears",
    "icc": "ICC(2,1)\n(95% CI)",
    "moved": "Moved, %\n(95% CI)",
}
_QUESTIONS: Final = {
    "group_f": "by {group}",
    "condition_f": "by condition",
    "interaction_f": "by condition, alike in all groups of {group}",
}
_MEASURES: Final = {
    "mean_change": "mean change",
    "mean_absolute_change": "mean size of the change",
}
_REPEATED: Final[dict[str, tuple[str, int]]] = {
    "measurement_sd": ("SD of photos of one day, years", 2),
    "error_sd": ("SD of photos of different days, years", 2),
    "repeatability": ("Two photos of one day lie within, years", 1),
    "reproducibility": ("Two photos of different days lie within, years", 1),
    "icc_same_day": ("ICC, one day", 2),
    "icc": ("ICC", 2),
}


def real_pairs(
    table: pd.DataFrame,
    tests: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return how real pairs agree: a line for each model below each set of pairs.

    Parameters
    ----------
    table
        Agreement of sets of pairs (``cohort``), with their conditions where they have
        some; rows of groups are not shown.
    tests
        Tests of the same, of which those of equivalence are shown.
    labels
        Label of each model's column.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, _NEED, "a table of pairs")
    rows = table[table["subgroup"] == _OVERALL]
    lines: list[list[str]] = []
    heads: list[int] = []
    notes = Footnotes(labels, style)
    for cohort, part in by_value(rows, "cohort"):
        own = tests[tests["cohort"] == cohort] if cohort else tests
        for condition, block in by_value(part, "condition"):
            heads.append(len(lines))
            lines.append([_head(cohort, condition, block, labels, style)])
            for model, of_model in by_value(block, "model"):
                found = {row["estimand"]: row for row in records(of_model)}
                test = _equivalence(own, condition, model)
                name = INDENT + column_label(model, labels)
                lines.append([name, *_cells(found, test, notes, style)])
    headers = {**_HEADERS, "p": f"{style.p_symbol} {_HEADERS['p']}"}
    return DisplayTable(
        filled(lines, headers), headers, heads=tuple(heads), notes=notes.lines()
    )


def repeated_photos(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return how far one photo errs, a column for each model.

    Parameters
    ----------
    table
        Repeatability of each model, rows of everyone.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("model", "estimand", "estimate"), "a table of repeated photos")
    models = list(dict.fromkeys(table["model"]))
    notes = Footnotes(labels, style)
    lines = []
    for estimand, (name, decimals) in _REPEATED.items():
        rows = table[table["estimand"] == estimand]
        found = {row["model"]: row for row in records(rows)}
        if rows["estimate"].isna().all():
            continue
        texts = [
            notes.mark(
                format_interval(*limits(found[m]), decimals=decimals, style=style),
                found[m].get("note"),
            )
            for m in models
        ]
        lines.append([name, *texts])
    headers = {"name": "", **{m: column_label(m, labels) for m in models}}
    return DisplayTable(filled(lines, headers), headers, notes=notes.lines())


def what_changes_depend_on(
    tests: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return tests of whether groups or conditions change alike, by model.

    Parameters
    ----------
    tests
        Tests of sets of pairs (``cohort``), of which those of equivalence are not
        shown.
    labels
        Label of each model and group.

    Raises
    ------
    DataError
        A column is absent, or there is no such test.
    """
    need_columns(tests, ("model", "estimand", "measure", "p_value"), "the table")
    rows = tests[tests["estimand"].isin(_QUESTIONS)]
    if rows.empty:
        raise DataError("No test of the table is between groups or conditions.")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for cohort, of_cohort in by_value(rows, "cohort"):
        for model, part in by_value(of_cohort, "model"):
            heads.append(len(lines))
            names = (cohort, column_label(model, labels))
            lines.append([", ".join(filter(None, names))])
            for row in records(part):
                p_value = p_or_empty(row["p_value"], style)
                lines.append(
                    [
                        INDENT + _question(row, labels),
                        notes.mark(p_value, row.get("note")),
                        p_or_empty(row.get("p_adjusted"), style),
                    ]
                )
    headers = {
        "name": "",
        "p": style.p_symbol,
        "adjusted": f"Adjusted {style.p_symbol}",
    }
    return DisplayTable(
        filled(lines, headers), headers, heads=tuple(heads), notes=notes.lines()
    )


def _question(row: Mapping[str, Any], labels: Labels | None) -> str:
    """Say what a test asks: ``Mean change by sex, pose``."""
    group = in_sentence(column_label(row["subgroup"], labels))
    text = f"{opening(_MEASURES[row['measure']])} {_QUESTIONS[row['estimand']]}"
    condition = row.get("condition") or _OVERALL
    under = "" if condition == _OVERALL else f", {condition}"
    return text.format(group=group) + under


def _head(
    cohort: str,
    condition: str,
    rows: pd.DataFrame,
    labels: Labels | None,
    style: JournalStyle,
) -> str:
    """Name a set of pairs and its condition, with their number; all has no name."""
    known = condition not in ("", _OVERALL)
    name = column_label(condition, labels) if known else ""
    means = rows.loc[rows["estimand"] == "mean_change", "n"]
    named = ", ".join(filter(None, [cohort, name]))
    name = opening(named or "All pairs")
    if means.isna().all():
        return name
    return f"{name} ({format_counted(means.max(), 'pairs', style=style)})"


def _equivalence(tests: pd.DataFrame, condition: str, model: str) -> Mapping[str, Any]:
    """Return the test of equivalence of one model in one condition."""
    is_it = (tests["estimand"] == _EQUIVALENCE) & (tests["subgroup"] == _OVERALL)
    rows = tests[is_it & (tests["model"] == model)]
    if condition and "condition" in rows:
        rows = rows[rows["condition"] == condition]
    return next(iter(records(rows)), {})


def _left_out(mean: Mapping[str, Any], style: JournalStyle) -> str:
    """Say how many pairs lack a score, where some do."""
    n = mean.get("n_missing")
    if pd.isna(n) or not n:
        return ""
    return f"{count_or_empty(n, style)} more pairs lack a score of one photo or both"


def _cells(
    found: Mapping[str, Mapping[str, Any]],
    test: Mapping[str, Any],
    notes: Footnotes,
    style: JournalStyle,
) -> list[str]:
    """Return the numbers of one model."""
    mean = found["mean_change"]
    note = ", ".join(filter(None, [mean.get("note"), _left_out(mean, style)]))
    ends = [found[name]["estimate"] for name in ("loa_low", "loa_high")]
    texts = [format_number(end, 1, style=style) for end in ends]
    icc = found.get("icc_2_1")
    moved = found.get("share_moved")
    return [
        notes.mark(format_difference(*limits(mean), decimals=1, style=style), note),
        p_or_empty(test.get("p_value"), style),
        format_interval(
            *limits(found["mean_absolute_change"]), decimals=1, style=style
        ),
        EMPTY if pd.isna(ends).any() else " to ".join(texts),
        EMPTY if icc is None else format_interval(*limits(icc), style=style),
        EMPTY
        if moved is None
        else format_interval(*in_percent(moved), decimals=0, style=style),
    ]
