"""Tables of scores by how well they rank people: C-index, differences, subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
    rows_used,
)
from fahrstats.display.journal_styles import DEFAULT, NO_INTERACTION_P, JournalStyle
from fahrstats.display.journals import format_difference, format_interval, phrase_p
from fahrstats.display.labels import Labels, amount, column_label
from fahrstats.display.result_table import by_value, limits, need_columns, records

_OVERALL: Final = "overall"
_TEST: Final = "heterogeneity_chi2"
_DIFFERENCE: Final = "delta_c_index"
_DECIMALS: Final = 3
_MINUS: Final = " minus "


def concordance(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the C-index of each score on its own, and their paired differences.

    Differences that are tested together have a p value adjusted for their number. A
    C-index up to a time says so below.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate", "p_value"), "concordance")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    for row in records(table):
        is_difference = row["estimand"] == _DIFFERENCE
        p_values = (row["p_value"], row.get("p_adjusted"))
        lines.append(
            [
                _name(row["term"], labels),
                _c_index(row, notes, style),
                *(p_or_empty(p if is_difference else None, style) for p in p_values),
            ]
        )
    headers = {
        "name": "",
        "c_index": "C-index (95% CI)",
        "p": f"{style.p_symbol} for difference",
    }
    if "p_adjusted" in table and table["p_adjusted"].notna().any():
        headers["p_adjusted"] = "P, adjusted for the\nnumber of differences"
    return DisplayTable(
        cells=filled(lines, ["name", "c_index", "p", "p_adjusted"])[list(headers)],
        headers=headers,
        notes=(
            *rows_used(table, style),
            *_until(table, time_unit, style),
            *notes.lines(),
        ),
    )


def concordance_by(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the C-index of each score in every level of every subgroup.

    Parameters
    ----------
    table
        ``subgroup``, ``level``, ``term``; rows of ``heterogeneity_chi2`` give the test
        that all levels have the same. Differences are not shown.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("subgroup", "level", "term", "estimand", "estimate", "p_value")
    need_columns(table, need, "concordance by subgroup")
    terms = [term for term in table["term"].unique() if CONTRAST not in term]
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(table, "subgroup"):
        is_test = part["estimand"] == _TEST
        if subgroup != _OVERALL:
            tests = part[is_test].set_index("term")["p_value"].to_dict()
            heads.append(len(lines))
            cells = [_test(tests.get(term), style) for term in terms]
            cells = cells if style.interaction_p else [""] * len(terms)
            lines.append([column_label(subgroup, labels), "", "", *cells])
        for level, rows in by_value(part[~is_test], "level"):
            name = "Everyone" if subgroup == _OVERALL else INDENT + level
            lines.append([name, *_level_cells(rows, terms, notes, style)])
    headers = {"name": "", "n": "n", "n_events": "Events"} | {
        term: _name(term, labels) for term in terms
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={"C-index (95% CI)": tuple(terms)},
        heads=tuple(heads),
        notes=(
            f"{style.p_symbol}: whether the C-index is the same in all levels."
            if style.interaction_p
            else NO_INTERACTION_P,
            *notes.lines(),
        ),
    )


def _until(table: pd.DataFrame, time_unit: str, style: JournalStyle) -> tuple[str, ...]:
    """Return a note on the time up to which people are ranked."""
    times = table.reindex(columns=["time"])["time"].dropna().unique()
    return tuple(
        f"Events up to {amount(time, time_unit, style=style)} count." for time in times
    )


def _level_cells(
    rows: pd.DataFrame, terms: Sequence[str], notes: Footnotes, style: JournalStyle
) -> list[str]:
    """Return the sizes of a level, and the C-index of each score in it."""
    found = {row["term"]: row for row in records(rows)}
    texts = [
        _c_index(found[term], notes, style) if term in found else EMPTY
        for term in terms
    ]
    sizes = (rows[name].iloc[0] for name in ("n", "n_events"))
    return [*(count_or_empty(size, style) for size in sizes), *texts]


def _test(p_value: float | None, style: JournalStyle) -> str:
    return EMPTY if p_value is None else phrase_p(p_value, style=style)


def _name(term: str, labels: Labels | None) -> str:
    parts = (column_label(part, labels) for part in term.split(CONTRAST))
    return _MINUS.join(parts)


def _c_index(row: dict[str, Any], notes: Footnotes, style: JournalStyle) -> str:
    write = format_difference if row["estimand"] == _DIFFERENCE else format_interval
    text = write(*limits(row), decimals=_DECIMALS, style=style)
    return notes.mark(text, row.get("note"))
