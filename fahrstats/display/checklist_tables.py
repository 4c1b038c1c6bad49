"""A filled reporting checklist, for print.

Its cells hold references to figures and tables of the document, which only a renderer
can number, so that it is Markdown and no display table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import EMPTY, escape_markdown
from fahrstats.display.labels import listed
from fahrstats.display.result_table import records

_WORDS: Final = {
    "done": "answered",
    "stated": "answered",
    "partly": "in part",
    "open": "open",
    "not applicable": "not applicable",
}
_COUNTED: Final = {
    "done": "answered by this report",
    "stated": "answered in the words of the authors",
    "partly": "answered in part",
    "open": "open",
    "not applicable": "not applicable",
}
_HEADERS: Final = ("What is asked for", "Where it is answered", "Status")
# Pandoc takes the widths of columns from the dashes where a line is long.
_WIDTHS: Final = (47, 38, 15)


def checklist(table: pd.DataFrame) -> str:
    """Return a filled checklist as a pipe table, with references that become links.

    Items stand below the section of a paper that they belong to. A key in the type of
    code is that of a statement that the authors have not written yet.

    Parameters
    ----------
    table
        As :func:`fahrstats.report.checklists.fill_checklist` returns it.
    """
    lines = [_HEADERS, tuple("-" * width for width in _WIDTHS)]
    for section, rows in groupby(records(table), key=lambda row: str(row["section"])):
        lines.append((f"**{escape_markdown(section)}**", "", ""))
        lines += map(_line, rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def checklist_counts(table: pd.DataFrame) -> str:
    """Say how many points are answered, and by whom."""
    counts = table["status"].value_counts()
    counted = [
        f"{counts[status]} {'is' if counts[status] == 1 else 'are'} {words}"
        for status, words in _COUNTED.items()
        if status in counts
    ]
    name = table["guideline"].iloc[0]
    return f"Of the {len(table)} points of {name}, {listed(counted)}."


def checklist_gaps(table: pd.DataFrame) -> list[str]:
    """Return the points that are answered in part, and those that are open."""
    return [
        f"{opening}: {listed(list(rows['item']))}."
        for status, opening in (("partly", "In part"), ("open", "Open"))
        if len(rows := table[table["status"] == status])
    ]


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"**{row['item']}** {escape_markdown(row['asks'])}",
        " ".join(_where(row)) or EMPTY,
        _WORDS[row["status"]],
    )


def _where(row: dict[str, Any]) -> Iterator[str]:
    """Yield what the report holds, what the authors said, and what is wanting."""
    if row["places"]:
        yield f"{row['places']}."
    if row["given"]:
        yield f"The authors: {row['given']}."
    if row["missing"]:
        keys = row["missing"].split(", ")
        yield f"To be written: {', '.join(f'`{key}`' for key in keys)}."
    if row["note"]:
        yield escape_markdown(row["note"])
