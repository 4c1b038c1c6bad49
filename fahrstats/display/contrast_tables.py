"""Tables of groups beside their differences from one of them: survival, mean time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
    under_scores,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference, format_interval, format_ratio
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    in_sentence,
    listed,
)
from fahrstats.display.result_table import (
    by_value,
    in_percent,
    limits,
    need_columns,
    records,
)

_Write: TypeAlias = Callable[[dict[str, Any]], str]

_NEED: Final = ("group", "estimand", "time", "estimate", "conf_low", "conf_high")
_DECIMALS: Final = 2


def restricted_means(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the restricted mean survival time of groups, and their differences.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, _NEED, "restricted means")
    notes = Footnotes(labels, style)

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        found = [_by_estimand(rows) for _, rows in by_value(part, "group")]
        return [_mean_line(rows, notes, style) for rows in found if "rmst" in rows]

    lines, heads = under_scores(table, labels, lines_of)
    headers = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "mean": f"Mean, {time_unit}\n(95% CI)",
        "difference": "Difference\n(95% CI)",
        "p": style.p_symbol,
        "ratio": "Ratio\n(95% CI)",
    }
    of_scores = {
        column_label(score, labels): amount(part["time"].max(), time_unit, style=style)
        for score, part in by_value(table, "biomarker")
    }
    times = list(dict.fromkeys(of_scores.values()))
    if len(times) > 1:
        times = [f"{time} ({in_sentence(score)})" for score, time in of_scores.items()]
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=heads,
        notes=(
            f"Mean time without the event in the first {listed(times)}.",
            *notes.lines(),
        ),
    )


def _mean_line(
    found: dict[str, dict[str, Any]], notes: Footnotes, style: JournalStyle
) -> list[str]:
    """Return one group: its mean, and its difference and ratio to the reference."""
    mean, difference = found["rmst"], found.get("delta_rmst")
    return [
        str(mean["group"]),
        count_or_empty(mean["n"], style),
        count_or_empty(mean["n_events"], style),
        _cell(mean, notes, lambda row: _time(row, style)),
        _cell(difference, notes, lambda row: _time(row, style), "0 (reference)"),
        p_or_empty((difference or {}).get("p_value"), style),
        _cell(
            found.get("rmst_ratio"),
            notes,
            lambda row: format_ratio(*limits(row), style=style),
            "1 (reference)",
        ),
    ]


def survival_differences(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return survival of groups at fixed times in percent, and below it differences.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, (*_NEED, "reference"), "survival differences")
    notes = Footnotes(labels, style)
    times = sorted(table["time"].dropna().unique())

    def cells(rows: pd.DataFrame, write: _Write) -> list[str]:
        found = {row["time"]: row for row in records(rows)}
        return [_cell(found.get(time), notes, write) for time in times]

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        is_difference = part["estimand"] == "delta_survival"
        lines = [
            [group, *cells(rows, lambda row: _percent(row, style))]
            for group, rows in by_value(part[~is_difference], "group")
        ]
        for group, rows in by_value(part[is_difference], "group"):
            name = f"{group} minus {rows['reference'].iloc[0]}"
            lines.append([name, *cells(rows, lambda row: _points(row, style))])
        return lines

    lines, heads = under_scores(table, labels, lines_of)
    names = [f"at {time:g}" for time in times]
    headers = {"name": ""} | {
        name: amount(time, time_unit, style=style)
        for name, time in zip(names, times, strict=True)
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={"Survival, % (95% CI)": tuple(names)},
        heads=heads,
        notes=("Differences are in percentage points.", *notes.lines()),
    )


def incidence_at(
    table: pd.DataFrame,
    tests: pd.DataFrame | None = None,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the cumulative incidence of every cause at fixed times, in percent.

    Parameters
    ----------
    table
        ``cause``, ``time``, ``estimate`` and its limits, ``group`` where there are
        several.
    tests
        Gray's test of each cause, printed beside the cause.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("cause", "time", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "cumulative incidence")
    times = sorted(table["time"].unique())
    lines: list[list[str]] = []
    heads: list[int] = []
    scores = by_value(table, "biomarker")
    for score, of_score in scores:
        for cause, of_cause in by_value(of_score, "cause"):
            heads.append(len(lines))
            name = column_label(score, labels) if len(scores) > 1 else ""
            about = ": ".join(text for text in (name, cause) if text)
            p_value = _gray_p(tests, score, cause)
            lines.append([about, *[""] * len(times), p_or_empty(p_value, style)])
            for group, rows in by_value(of_cause, "group"):
                found = {row["time"]: _percent(row, style) for row in records(rows)}
                texts = [found.get(time, EMPTY) for time in times]
                shown = "Everyone" if group in ("", "overall") else group
                lines.append([INDENT + shown, *texts])
    names = [f"at {time:g}" for time in times]
    headers = {"name": ""} | {
        name: amount(time, time_unit, style=style)
        for name, time in zip(names, times, strict=True)
    }
    if tests is not None:
        headers["p"] = f"{style.p_symbol} (Gray)"
    return DisplayTable(
        cells=filled(lines, ["name", *names, "p"])[list(headers)],
        headers=headers,
        spanners={"Cumulative incidence, % (95% CI)": tuple(names)},
        heads=tuple(heads),
    )


def _by_estimand(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["estimand"]: row for row in records(rows)}


def _cell(
    row: dict[str, Any] | None,
    notes: Footnotes,
    text_of: _Write,
    without: str = EMPTY,
) -> str:
    """Return what `text_of` makes of a row, with its note."""
    return without if row is None else notes.mark(text_of(row), row.get("note"))


def _time(row: dict[str, Any], style: JournalStyle) -> str:
    write = format_difference if row["estimand"] == "delta_rmst" else format_interval
    return write(*limits(row), decimals=_DECIMALS, style=style)


def _points(row: dict[str, Any], style: JournalStyle) -> str:
    return format_difference(*in_percent(row), decimals=1, style=style)


def _percent(row: dict[str, Any], style: JournalStyle) -> str:
    return format_interval(*in_percent(row), decimals=1, style=style)


def _gray_p(tests: pd.DataFrame | None, score: str, cause: str) -> float | None:
    if tests is None:
        return None
    chosen = tests[tests["cause"].astype(str) == cause]
    if score and "biomarker" in chosen:
        chosen = chosen[chosen["biomarker"] == score]
    return None if chosen.empty else float(chosen["p_value"].iloc[0])
