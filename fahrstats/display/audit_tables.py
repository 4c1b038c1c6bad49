"""Tables of an audit: measures of every group beside those of everyone.

A group below the floor of the audit has no estimates: its line says that there are too
few, with its counts, or a note of bands where the table withholds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.display.audit_measures import (
    MEASURES,
    OVERALL,
    TOO_FEW,
    measure_of,
    measure_text,
    unknown,
)
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels, group_label
from fahrstats.display.result_table import by_value, need_columns, only_one, records
from fahrstats.errors import DataError

_NEED: Final = ("subgroup", "level", "term", "estimand", "estimate")
_UNKNOWN: Final = "*"
_UNTIL: Final = " by "  # in the note of a group that is too small by a horizon alone
_UNKNOWN_NOTE: Final = (
    "* Unknown, not fair: the interval holds the value of everyone, and values further "
    "from it than the margin."
)


def audit_groups(
    table: pd.DataFrame,
    *,
    measures: Sequence[str],
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return measures of everyone and of every level, with numbers and events.

    Where all measures are of a horizon, events are those by then.

    An asterisk marks what is unknown, as in
    :func:`fahrstats.display.figures.group_measures`.

    Parameters
    ----------
    table
        An audit of one score, ratios exponentiated.
    measures
        Keys of :data:`fahrstats.display.audit_measures.MEASURES`, from left to right,
        or ``n_missing``; those that the table has not are left out.
    title
        Score that the table is about, where a reader could not know.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, the table holds several scores, or none of the measures.
    """
    need_columns(table, _NEED, "a table of groups")
    only_one(table, ("biomarker", "outcome"), "a table of groups")
    rows = table.assign(measure=measure_of(table), unknown=unknown(table))
    held = {*rows["measure"], "n_missing"}
    shown = [name for name in measures if name in held]
    if not shown:
        raise DataError(f"The table has none of {', '.join(measures)}.")
    is_shown = rows["measure"].isin(shown)
    until = rows.reindex(columns=["time"]).loc[is_shown, "time"].notna()
    by_horizon = len(until) > 0 and until.all()
    if by_horizon:
        rows = rows[is_shown]
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(rows, "subgroup"):
        if subgroup != OVERALL:
            heads.append(len(lines))
            lines.append([group_label(subgroup, labels)])
        for level, of_level in by_value(part, "level"):
            name = "Everyone" if subgroup == OVERALL else INDENT + level
            lines.append(_level_line(name, of_level, shown, notes, style))
    events = "Events by\nthe\N{NO-BREAK SPACE}horizon" if by_horizon else "Events"
    headers = {"name": "", "n": "n", "n_events": events} | {
        name: _header(name, rows) for name in shown
    }
    has_unknown = rows.loc[is_shown, "unknown"].any()
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        notes=(*([_UNKNOWN_NOTE] if has_unknown else []), *notes.lines()),
    )


def _header(name: str, rows: pd.DataFrame) -> str:
    """Return the header of a measure, with the interval where it has one."""
    if name == "n_missing":
        return "Missing"
    unit = ", %" if MEASURES[name].in_percent else ""
    low = rows.reindex(columns=["conf_low"])["conf_low"]
    has_interval = low[rows["measure"] == name].notna().any()
    return f"{MEASURES[name].name}{unit}" + ("\n(95% CI)" if has_interval else "")


def _level_line(
    name: str,
    rows: pd.DataFrame,
    shown: Sequence[str],
    notes: Footnotes,
    style: JournalStyle,
) -> list[str]:
    """Return the name, the sizes and the measures of one level."""
    found = {row["measure"]: row for row in records(rows)}
    first = records(rows)[0]
    texts = [count_or_empty(first.get(size), style) for size in ("n", "n_events")]
    note = str(first.get("note") or "")
    if note.startswith(TOO_FEW) and _UNTIL not in note:
        is_withheld = pd.isna(first.get("n"))
        why = note.removeprefix(f"{TOO_FEW}: ") if is_withheld else ""
        return [notes.mark(name, why), *texts, TOO_FEW]
    for measure in shown:
        if measure == "n_missing":
            texts.append(count_or_empty(first.get(measure), style))
        elif measure not in found:
            texts.append(EMPTY)
        else:
            texts.append(_measure_cell(found[measure], notes, style))
    return [name, *texts]


def _measure_cell(row: dict[str, Any], notes: Footnotes, style: JournalStyle) -> str:
    text = measure_text(row, style=style)
    return notes.mark(text + (_UNKNOWN if row["unknown"] else ""), row.get("note"))
