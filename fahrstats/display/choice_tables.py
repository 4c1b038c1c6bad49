"""Tables of what other choices would have given: a later start, other cut points."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
    under_scores,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number, format_ratio
from fahrstats.display.labels import Labels, amount, column_unit, opening, per_label
from fahrstats.display.result_table import by_value, limits, need_columns, records

BEST: Final = "best cut point"
"""Origin of a cut point that was chosen for the outcome."""

CUT_WITHIN: Final = (0.1, 0.9)
"""Shares of people between which it is looked for."""

_TEST: Final = "max_logrank_chi2"
_FLAG: Final = "\N{DAGGER}"
_FLAGGED: Final = (
    f"{_FLAG} Chosen because it parts survival most, so that the hazard ratio is too "
    "far from 1 and its interval too narrow. P is of the log-rank test, corrected for "
    "the choice."
)


def landmarks(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the hazard ratio of each score among those still followed at each time.

    Parameters
    ----------
    table
        Rows of the scores themselves; a ``time`` of 0 is all follow-up.
    time_unit, labels
        Unit of time; label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("time", "estimate", "conf_low", "conf_high", "p_value", "n", "n_events")
    need_columns(table, need, "a table of landmarks")
    notes = Footnotes(labels, style)

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        return [
            [
                "All follow-up"
                if row["time"] == 0
                else f"After {amount(row['time'], time_unit, style=style)}",
                *(count_or_empty(row[size], style) for size in ("n", "n_events")),
                notes.mark(format_ratio(*limits(row), style=style), row.get("note")),
                p_or_empty(row["p_value"], style),
            ]
            for row in records(part[part["estimate"].notna()])
        ]

    lines, heads = under_scores(table, labels, lines_of)
    headers = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "hr": "HR (95% CI)",
        "p": style.p_symbol,
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=heads,
        notes=(*_steps(table, labels, style), *notes.lines()),
    )


def cut_effects(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the hazard ratio above each of several cut points, models side by side.

    The cut point that was chosen for the outcome is flagged. It has one P value, that
    of the log-rank test corrected for the choice.

    Parameters
    ----------
    table
        ``value``, ``quantile`` (the share at or below), ``origin`` and ``model`` of
        each hazard ratio; one row of a test for the chosen one.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("value", "quantile", "origin", "model", "estimand", "estimate", "p_value")
    need_columns(table, need, "a table of cut points")
    notes = Footnotes(labels, style)
    models = [m for m, _ in by_value(table[table["estimand"] != _TEST], "model")]

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        unit = column_unit(str(part["variable"].iloc[0]), labels)
        keys = list(zip(part["origin"], part["value"], strict=True))
        lines = []
        for origin, value in dict.fromkeys(keys):
            same = part[[key == (origin, value) for key in keys]]
            lines.append(_cut_line(same, models, unit, notes, style))
        return lines

    lines, heads = under_scores(table, labels, lines_of)
    columns = [name for model in models for name in (f"hr {model}", f"p {model}")]
    headers = {
        "name": "Above",
        "above": "People\nabove, %",
        **dict.fromkeys(columns[::2], "HR (95% CI)"),
        **dict.fromkeys(columns[1::2], style.p_symbol),
    }
    order = ["name", "above", *columns]
    has_best = (table["origin"] == BEST).any()
    return DisplayTable(
        cells=filled(lines, order),
        headers={name: headers[name] for name in order},
        spanners={
            opening(model): (f"hr {model}", f"p {model}") for model in models if model
        },
        heads=heads,
        notes=(*([_FLAGGED] if has_best else []), *notes.lines()),
    )


def _cut_line(
    rows: pd.DataFrame,
    models: list[str],
    unit: str,
    notes: Footnotes,
    style: JournalStyle,
) -> list[str]:
    """Return one cut point: its value and origin, and what each model says of it."""
    first = records(rows)[0]
    is_best = first["origin"] == BEST
    value = f"{format_number(first['value'], style=style)} {unit}".strip()
    name = f"{value} ({first['origin']})" + (_FLAG if is_best else "")
    cells = [name, format_number(100 * (1 - first["quantile"]), 0, style=style)]
    found = {(row["estimand"], row["model"]): row for row in records(rows)}
    test = next((row for key, row in found.items() if key[0] == _TEST), None)
    for position, model in enumerate(models):
        row = found.get(("hr", model))
        p_value = None if row is None else row["p_value"]
        if is_best and position == 0 and test is not None:
            p_value = test["p_adjusted"]
        cells += [_ratio(row, is_best, notes, style), p_or_empty(p_value, style)]
    return cells


def _ratio(
    row: dict[str, Any] | None, is_best: bool, notes: Footnotes, style: JournalStyle
) -> str:
    """Return a hazard ratio; what the flag of a cut point says already is no note."""
    if row is None or pd.isna(row["estimate"]):
        return EMPTY
    text = format_ratio(*limits(row), style=style)
    return text if is_best else notes.mark(text, row.get("note"))


def _steps(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> tuple[str, ...]:
    """Return a note on the step of each hazard ratio, each step once."""
    if "per" not in table:
        return ()
    steps = dict.fromkeys(
        per_label(row["per"], column_unit(row["variable"], labels), style=style)
        for row in records(table)
    )
    named = [step for step in steps if step]
    return (f"Hazard ratios {' and '.join(named)}, adjusted.",) if named else ()
