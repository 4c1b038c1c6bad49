"""Tables of how large a study should be, and of whether print agrees with itself."""

from __future__ import annotations

import re
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_interval,
    format_number,
    format_p,
    in_style,
)
from fahrstats.display.labels import Labels, amount, column_label, opening
from fahrstats.display.result_table import by_value, need_columns, records

_RISK_AT: Final = re.compile(r"^risk at (?P<time>[\d.]+)(?P<rest> .*)$")
_STANDARD_ERROR: Final = "standard error"
_THEIRS: Final = ("published", "published_low", "published_high")


def sample_sizes(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the people and events that each demand takes.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate", "n_events"), "sample sizes")
    notes = Footnotes(None, style)
    lines = []
    for term, rows in by_value(table, "term"):
        found = {row["estimand"]: row for row in records(rows)}
        size = found.get("sample_size")
        if size is None:
            continue
        per = found.get("events_per_coefficient", {}).get("estimate")
        known = not pd.isna(size["estimate"])
        lines.append(
            [
                notes.mark(_demand(term, time_unit, style), size.get("note")),
                count_or_empty(size["estimate"], style),
                count_or_empty(size["n_events"] if known else None, style),
                EMPTY if per is None else format_number(per, 1, style=style),
            ]
        )
    headers = {
        "name": "",
        "n": "People",
        "n_events": "Events",
        "per": "Events per\ncoefficient",
    }
    return DisplayTable(
        cells=filled(lines, headers), headers=headers, notes=notes.lines()
    )


def printed_check(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return published ratios with the P that their intervals imply.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("term", *_THEIRS, "p_value", "p_low", "p_high")
    need_columns(table, need, "a check of print")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for outcome, rows in by_value(table, "outcome"):
        if outcome:
            heads.append(len(lines))
            lines.append([outcome])
        lines += [_printed_line(row, labels, notes, style) for row in records(rows)]
    headers = {
        "name": "",
        "theirs": "Published\n(95% CI)",
        "printed": f"{style.p_symbol} in print",
        "implied": f"{style.p_symbol} implied by\nthe interval",
        "range": "Allowed by\nrounding",
    }
    cells = filled(lines, headers)
    if cells["printed"].isin([EMPTY, ""]).all():
        del headers["printed"]
    return DisplayTable(
        cells=cells[list(headers)],
        headers=headers,
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _demand(term: str, time_unit: str, style: JournalStyle) -> str:
    """Return what is demanded of a sample, with the unit of its time."""
    found = _RISK_AT.match(term)
    if found:
        at = amount(float(found["time"]), time_unit, style=style)
        return f"Risk at {at}{in_style(found['rest'], style=style)}"
    term = in_style(term, style=style)
    if term.startswith(_STANDARD_ERROR):
        return f"C-index with a {term}"
    return opening(term)


def _printed_line(
    row: dict[str, Any], labels: Labels | None, notes: Footnotes, style: JournalStyle
) -> list[str]:
    printed = row.get("published_p")
    return [
        notes.mark(_about(row, labels), row.get("note")),
        format_interval(*(row[name] for name in _THEIRS), style=style),
        printed if isinstance(printed, str) and printed else EMPTY,
        p_or_empty(row["p_value"], style),
        _range(row, style),
    ]


def _about(row: dict[str, Any], labels: Labels | None) -> str:
    level = row.get("level")
    subgroup = row.get("subgroup")
    who = ""
    if isinstance(subgroup, str) and subgroup:
        everyone = subgroup == "overall"
        who = "everyone" if everyone else f"{column_label(subgroup, labels)}: {level}"
    return ", ".join(filter(None, [column_label(row["term"], labels), who]))


def _range(row: dict[str, Any], style: JournalStyle) -> str:
    low, high = (row[name] for name in ("p_low", "p_high"))
    if pd.isna(low) or pd.isna(high):
        return EMPTY
    texts = dict.fromkeys(format_p(value, style=style) for value in (low, high))
    return " to ".join(texts)
