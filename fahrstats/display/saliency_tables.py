"""Tables of what models look at, how models differ in it, and how it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference, format_interval, format_number
from fahrstats.display.labels import Labels, label_with_unit, opening
from fahrstats.display.region_names import pair_name, region_name
from fahrstats.display.result_table import by_value, limits, need_columns, records

_IN_TABLE: Final = {
    "importance_share": ("Share of importance,\n% (95% CI)", 100, 0),
    "mean_change": ("Mean change of the\nscore (95% CI)", 1, 2),
    "importance_per_area": ("Share per share\nof area (95% CI)", 1, 2),
}
_LARGE: Final = 2
"""Changes from which a model's are told to one decimal, such as years."""

_JOINT: Final = ("joint_low", "joint_high")
_OVERLAPS: Final = {
    "common_importance": "Importance on the same regions, 0 to 1",
    "js_divergence": "Jensen-Shannon divergence, 0 to 1 bit",
    "spearman": "Rank correlation of mean shares",
    "spearman_by_face": "Mean rank correlation within a face",
    "map_spearman": "Rank correlation of mean maps",
}
_CHECKS: Final = {
    "deletion": "Blurred by importance, less at random",
    "insertion": "Restored by importance, less at random",
}


def region_importance(
    table: pd.DataFrame,
    *,
    estimands: Sequence[str] = tuple(_IN_TABLE),
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return what every region matters to each model, a line for each region.

    Parameters
    ----------
    table
        As :meth:`fahrstats.RegionImportance.tidy` returns it.
    estimands
        What is shown, each in a column; ``importance_share``, ``mean_change`` and
        ``importance_per_area`` unless given, where the table has them.
    labels
        Label and unit of each score.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("model", "region", "estimand", "estimate"), "the table")
    wanted = set(table["estimand"]) & set(estimands)
    shown = {name: of for name, of in _IN_TABLE.items() if name in wanted}
    changes = table[table["estimand"] == "mean_change"]
    largest = changes["estimate"].abs().groupby(changes["model"]).max()
    headers = {"name": ""}
    spanners = {}
    for model, _ in by_value(table, "model"):
        own = {f"{model} {name}": header for name, (header, *_) in shown.items()}
        headers |= own
        spanners[label_with_unit(model, labels)] = tuple(own)
    lines = []
    for region, rows in by_value(table, "region"):
        line = [region_name(region, labels)]
        for model, part in by_value(rows, "model"):
            for name, (_, factor, decimals) in shown.items():
                (row,) = records(part[part["estimand"] == name])
                numbers = [factor * x for x in limits(row) if x is not None]
                is_large = name == "mean_change" and float(largest[model]) >= _LARGE
                places = decimals - 1 if is_large else decimals
                line.append(format_interval(*numbers, decimals=places, style=style))
        lines.append(line)
    return DisplayTable(filled(lines, headers), headers, spanners)


def region_differences(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return differences of shares by region, a column for each pair of models.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("term", "region", "estimate", *_JOINT), "the table")
    terms = [term for term, _ in by_value(table, "term")]
    headers = {"name": ""}
    spanners = {}
    for term in terms:
        own = {
            term: "Points\n(joint 95% CI)",
            f"{term} p": f"Adjusted {style.p_symbol}",
        }
        headers |= own
        spanners[pair_name(term, labels)] = tuple(own)
    lines = []
    for region, rows in by_value(table, "region"):
        line = [region_name(region, labels)]
        for row in records(rows):
            numbers = [100 * row[name] for name in ("estimate", *_JOINT)]
            line += [
                format_difference(*numbers, decimals=1, style=style),
                p_or_empty(row.get("p_adjusted"), style),
            ]
        lines.append(line)
    return DisplayTable(filled(lines, headers), headers, spanners)


def overlaps(
    table: pd.DataFrame,
    tests: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return measures of overlap, and the test for the same regions, by pair of models.

    Parameters
    ----------
    table
        Measures of overlap; mean maps may be among them.
    tests
        One row for each pair.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("term", "estimand", "estimate"), "the table")
    need_columns(tests, ("term",), "the table")
    terms = [term for term, _ in by_value(tests, "term")]
    lines = []
    for name, text in _OVERLAPS.items():
        rows = {row["term"]: row for row in records(table[table["estimand"] == name])}
        if rows:
            cells = [
                format_interval(*limits(rows[term]), decimals=2, style=style)
                if term in rows
                else EMPTY
                for term in terms
            ]
            lines.append([text, *cells])
    p_values = {row["term"]: row.get("p_value") for row in records(tests)}
    adjusted = {row["term"]: row.get("p_adjusted") for row in records(tests)}
    lines.append(
        [
            f"{style.p_symbol}: same regions",
            *(p_or_empty(p_values[t], style) for t in terms),
        ]
    )
    if len(terms) > 1:
        cells = [p_or_empty(adjusted[term], style) for term in terms]
        lines.append(["P, adjusted for all pairs", *cells])
    pairs = {term: pair_name(term, labels, between=" and ") for term in terms}
    headers = {"name": "", **pairs}
    return DisplayTable(filled(lines, headers), headers)


def explanation_checks(
    sanity: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the checks of each model's explanation, and whether it passed them.

    Parameters
    ----------
    sanity
        Rank correlation of importance before and after parameters are drawn anew.
    areas
        Mean score along deletion and insertion, by importance less at random.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(sanity, ("model", "level", "estimate", "note"), "the table")
    need_columns(areas, ("model", "condition", "estimate", "note"), "the table")
    lines: list[list[str]] = []
    heads = []
    for model, rows in by_value(sanity, "model"):
        heads.append(len(lines))
        lines.append([label_with_unit(model, labels)])
        lines += [
            [
                INDENT + _stage(row),
                format_number(row["estimate"], 2, style=style),
                opening(str(row["note"]).removeprefix("not estimated: ")),
            ]
            for row in records(rows)
        ]
        lines += [
            [
                INDENT + _CHECKS[row["condition"]],
                format_difference(*limits(row), decimals=2, style=style),
                opening(row["note"]),
            ]
            for row in records(areas[areas["model"] == model])
        ]
    headers = {"name": "", "value": "Value (95% CI)", "verdict": "Verdict"}
    note = "The last stage, at which nothing learned is left, decides."
    return DisplayTable(
        filled(lines, headers),
        headers,
        heads=tuple(heads),
        prose=("verdict",),
        notes=(note,),
    )


def _stage(row: Mapping[str, Any]) -> str:
    """Say which part of what was learned is replaced by chance."""
    if not row["level"]:
        return "Replaced by chance"
    start = "Replaced by chance, from" if row["step"] == 1 else "and"
    name, _, number = str(row["level"]).partition(".")
    if name == "blocks":
        return f"{start} block {int(number) + 1}"
    return f"{start} {name.replace('_', ' ')}"
