"""Tables of gaps between predicted and actual age."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_interval, format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.result_table import by_value, limits, need_columns, records

_KINDS: Final = {
    "gap": "Predicted minus actual age, years",
    "residual_gap": "Residual gap, years",
    "sd_gap": "Gap in standard deviations",
}
_SPREAD: Final = ("median", "q1", "q3")


def gaps(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return gaps of each predicted age, overall and by group of the gap.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("group", "variable", "estimand", "estimate", "n"), "gaps")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for score, of_score in by_value(table, "biomarker"):
        for kind, of_kind in by_value(of_score, "variable"):
            if not _is_measured(of_kind):
                continue
            heads.append(len(lines))
            named = (column_label(score, labels), _KINDS.get(kind, kind))
            lines.append([": ".join(part for part in named if part)])
            for (group, level), rows in of_kind.groupby(
                ["group", "level"], sort=False, dropna=False
            ):
                found = {row["estimand"]: row for row in records(rows)}
                if "mean" not in found or pd.isna(found["mean"]["estimate"]):
                    continue
                name = " ".join(str(part) for part in (group, level) if part)
                shown = "Everyone" if name == "overall" else name
                lines.append([INDENT + shown, *_numbers(found, notes, style)])
    headers = {
        "name": "",
        "n": "n",
        "mean": "Mean (95% CI)",
        "sd": "SD",
        "median": "Median (IQR)",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _is_measured(rows: pd.DataFrame) -> bool:
    return bool(rows.loc[rows["estimand"] == "mean", "estimate"].notna().any())


def _numbers(
    found: dict[str, dict[str, Any]], notes: Footnotes, style: JournalStyle
) -> list[str]:
    mean = found["mean"]
    text = format_interval(*limits(mean), style=style)
    spread = (found.get(name, {}).get("estimate") for name in _SPREAD)
    return [
        count_or_empty(mean["n"], style),
        notes.mark(text, mean.get("note")),
        format_number(found.get("sd", {}).get("estimate"), style=style),
        format_interval(*spread, decimals=1, style=style),
    ]
