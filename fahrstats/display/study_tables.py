"""Tables about a study itself: where its numbers come from, what was analysed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    INDENT,
    DisplayTable,
    count_or_empty,
    filled,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count
from fahrstats.display.labels import Labels, column_label, note_in_words, opening
from fahrstats.display.result_table import by_value, need_columns, records
from fahrstats.errors import DataError

_NAMES: Final = {
    "data_file": "Data file",
    "data_sha256": "SHA-256 of the data",
    "n_rows": "Rows in the data",
    "seed": "Seed",
    "created": "Analysed on",
    "package": "fahrstats",
    "python": "Python",
}
_OF_PHOTOS: Final = {
    "checkpoint": "Photographs scored by",
    "precision": "Number format of the networks",
    "detector": "Faces found by",
}


def provenance(
    manifest: Mapping[str, Any], *, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return where the numbers of a study come from: data, code, seed, date.

    Raises
    ------
    DataError
        The manifest has no ``provenance``.
    """
    found = manifest.get("provenance")
    if not isinstance(found, Mapping):
        raise DataError("The manifest has no `provenance`; run the study again.")
    lines = []
    for key, name in _NAMES.items():
        if found.get(key) is not None:
            value = found[key]
            is_count = key == "n_rows"
            text = format_count(value, style=style) if is_count else str(value)
            lines.append([name, text])
    photos = manifest.get("photos") or {}
    lines += [
        [name, str(photos[key])] for key, name in _OF_PHOTOS.items() if photos.get(key)
    ]
    versions = found.get("versions", {})
    lines += [[str(name), str(version)] for name, version in versions.items()]
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", "value"]),
        headers={"name": "", "value": ""},
        prose=("value",),
    )


def analyses(
    registry: Sequence[Mapping[str, Any]],
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return every model that was fitted, with its rows, events and result table.

    Raises
    ------
    DataError
        The registry is empty.
    """
    if not registry:
        raise DataError("`registry` is empty; a study lists every analysis it made.")
    lines = [
        [
            _name(entry, labels),
            str(entry.get("formula") or ""),
            count_or_empty(entry.get("n"), style),
            count_or_empty(entry.get("n_events"), style),
            str(entry.get("table") or ""),
        ]
        for entry in registry
    ]
    headers = {
        "model": "Analysis",
        "formula": "Formula",
        "n": "n",
        "n_events": "Events",
        "table": "Result table",
    }
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=list(headers)),
        headers=headers,
        prose=("formula",),
    )


def photos_left_out(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return how many photos of each data set were left out, and why.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("step", "reason", "n", "n_removed"), "a table of photos")
    lines: list[list[str]] = []
    heads: list[int] = []
    for cohort, part in by_value(table, "cohort"):
        heads += [len(lines)] if cohort else []
        lines += [[cohort]] if cohort else []
        steps = records(part)
        first, left = steps[0], steps[-1]
        counted = [(opening(str(first["reason"])), first["n"])]
        counted += [
            (f"Left out: {note_in_words(row['reason'], labels)}", row["n_removed"])
            for row in steps[1:]
        ]
        counted.append(("Judged", left["n"]))
        lines += [
            [INDENT * bool(cohort) + name, count_or_empty(number, style)]
            for name, number in counted
        ]
    headers = {"name": "", "n": "Photos"}
    return DisplayTable(
        cells=filled(lines, headers), headers=headers, heads=tuple(heads)
    )


def _name(entry: Mapping[str, Any], labels: Labels | None) -> str:
    score = column_label(entry.get("biomarker") or "", labels)
    parts = (score, entry.get("outcome") or "", entry.get("model") or "")
    about = [part for part in parts if part]
    return opening(", ".join(about) or str(entry.get("table") or "").replace("_", " "))
