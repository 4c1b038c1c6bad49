"""Table of hazard ratios where causes of the event compete."""

from __future__ import annotations

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
from fahrstats.display.journals import format_ratio
from fahrstats.display.labels import Labels, column_unit, per_label, term_label
from fahrstats.display.result_table import by_value, limits, need_columns, records

_NEED: Final = ("cause", "term", "estimand", "estimate", "p_value", "n_events")
_RATIO: Final = "HR (95% CI)"


def cause_hazard_ratios(
    cause_specific: pd.DataFrame,
    subdistribution: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return hazard ratios of each cause: of its rate, and of its incidence.

    Parameters
    ----------
    cause_specific
        Cox models of every cause.
    subdistribution
        Fine and Gray's models; causes without one have empty cells.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(cause_specific, _NEED, "hazard ratios of causes")
    others = {} if subdistribution is None else _by_row(subdistribution)
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for cause, of_cause in by_value(cause_specific, "cause"):
        heads.append(len(lines))
        lines.append([cause])
        for key, row in _by_row(of_cause).items():
            step = per_label(
                row.get("per"), column_unit(row["term"], labels), style=style
            )
            name = ", ".join(filter(None, [term_label(row["term"], labels), step]))
            lines.append(
                [
                    INDENT + name,
                    count_or_empty(row["n_events"], style),
                    *_ratio(row, notes, style),
                    *_ratio(others.get(key), notes, style),
                ]
            )
    columns = ["name", "n_events", "hr", "p", "shr", "p shr"]
    headers = dict(
        zip(
            columns,
            ["", "Events", _RATIO, style.p_symbol, _RATIO, style.p_symbol],
            strict=True,
        )
    )
    if not others:
        del headers["shr"], headers["p shr"]
    spanners = {"Cause-specific": ("hr", "p"), "Subdistribution": ("shr", "p shr")}
    return DisplayTable(
        cells=filled(lines, columns)[list(headers)],
        headers=headers,
        spanners={k: names for k, names in spanners.items() if names[0] in headers},
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _by_row(
    table: pd.DataFrame,
) -> dict[tuple[object, ...], dict[str, Any]]:
    return {
        (row.get("biomarker"), row["cause"], row["term"]): row for row in records(table)
    }


def _ratio(
    row: dict[str, Any] | None, notes: Footnotes, style: JournalStyle
) -> tuple[str, str]:
    if row is None:
        return EMPTY, EMPTY
    text = notes.mark(format_ratio(*limits(row), style=style), row.get("note"))
    return text, p_or_empty(row["p_value"], style)
