"""Tables of tests of terms: what leaving one out costs, and whether an effect bends."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count, format_number
from fahrstats.display.labels import Labels, column_label, opening, term_label
from fahrstats.display.result_table import by_value, need_columns, records

_SHAPES: Final = {
    "wald_chi2": "Any effect, Wald test",
    "nonlinear_wald_chi2": "A bend, Wald test",
    "nonlinear_lr_chi2": "A bend, likelihood ratio",
}
_HEADERS: Final = {"name": "", "statistic": "Chi-squared", "df": "df"}


def term_tests(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the likelihood-ratio test of every term of every model.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "statistic", "df", "p_value"), "tests of terms")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for score, of_score in by_value(table, "biomarker"):
        for model, rows in by_value(of_score, "model"):
            about = [part for part in (column_label(score, labels), model) if part]
            if about:
                heads.append(len(lines))
                lines.append([opening(", ".join(about))])
            for row in records(rows):
                name = term_label(row["term"], labels)
                lines.append([INDENT + name, *_test(row, notes, style)])
    headers = {**_HEADERS, "p": style.p_symbol}
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=tuple(heads),
        notes=notes.lines(),
    )


def shape_tests(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the tests that the effect of each score is not nothing, and no line.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("variable", "estimand", "statistic", "df", "p_value")
    need_columns(table, need, "tests of shape")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for variable, rows in by_value(table, "variable"):
        heads.append(len(lines))
        lines.append([column_label(variable, labels)])
        for row in records(rows):
            name = _SHAPES.get(row["estimand"], row["estimand"])
            lines.append([INDENT + name, *_test(row, notes, style)])
    headers = {**_HEADERS, "p": style.p_symbol}
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _test(row: dict[str, Any], notes: Footnotes, style: JournalStyle) -> list[str]:
    if pd.isna(row["statistic"]):
        return [notes.mark(EMPTY, row.get("note")), EMPTY, EMPTY]
    statistic = format_number(row["statistic"], style=style)
    return [
        notes.mark(statistic, row.get("note")),
        format_count(row["df"], style=style),
        p_or_empty(row["p_value"], style),
    ]
