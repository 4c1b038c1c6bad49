"""Tables that describe a cohort: Table 1, follow-up, survival, groups of a score."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    count_or_empty,
    filled,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    format_percent,
    format_short,
)
from fahrstats.display.labels import Labels, amount, column_label, label_with_unit
from fahrstats.display.result_table import by_value, need_columns, only_one, records

_OVERALL: Final = "overall"
_SIZE: Final = re.compile(r"(?<=n = )\d+")
_NOT_REACHED: Final = "not reached"
_DIFFERENCE: Final = "smd"
_DIFFERENCE_NOTE: Final = (
    " SMD, standardised mean difference; of a factor it has no sign."
)


def table_one(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return Table 1: median and quartiles, or count and percent, per group.

    Rows without a value are a line of their own wherever a variable has any, and
    percentages are of the rows with a value. Standardised differences between two of
    the groups, ``smd`` of the table, are a column of their own.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("level", "group", "variable", "estimand", "estimate", "n", "n_missing")
    need_columns(table, need, "Table 1")
    is_difference = table["estimand"] == _DIFFERENCE
    differences, table = table[is_difference], table[~is_difference]
    apart = dict(zip(differences["variable"], differences["estimate"], strict=True))
    groups = [str(group) for group in table["group"].unique()]
    lines: list[list[str]] = []
    heads: list[int] = []
    for variable, part in table.groupby("variable", sort=False):
        first = len(lines)
        if "median" in set(part["estimand"]):
            name = f"{label_with_unit(str(variable), labels)}, median (IQR)"
            lines.append([name, *_medians(part, groups, style)])
        else:
            heads.append(first)
            name = f"{column_label(str(variable), labels)}, n (%)"
            lines.append([name, *[""] * len(groups)])
            lines += _level_lines(part, groups, style)
        if apart:
            lines[first].append(_difference(apart.get(variable), style))
        lines += _missing_lines(part, groups, style)
    columns = ["name", *groups, *([_DIFFERENCE] if apart else [])]
    return DisplayTable(
        cells=filled(lines, columns),
        headers={
            "name": "",
            **_group_headers(table, style),
            **_difference_header(differences),
        },
        heads=tuple(heads),
        notes=(
            "IQR, first to third quartile. Percentages are of known values."
            + (_DIFFERENCE_NOTE if apart else ""),
        ),
    )


def follow_up(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return follow-up: reverse Kaplan-Meier quartiles, person-time, event rate.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows or several groups.
    """
    need_columns(table, ("estimand", "estimate", "n", "n_events"), "follow-up")
    only_one(table, ("group",), "follow-up")
    first = table.iloc[0]
    lines = [
        ["Participants", format_count(first["n"], style=style)],
        ["Events", format_count(first["n_events"], style=style)],
        *_follow_up_quartiles(table, time_unit, style),
    ]
    names = {
        "last_follow_up": (f"Longest follow-up, {time_unit}", 1),
        "person_time": (f"Follow-up in total, person-{time_unit}", 0),
        "event_rate_per_1000": (f"Events per 1000 person-{time_unit}", 1),
    }
    for estimand, (name, decimals) in names.items():
        for row in records(table[table["estimand"] == estimand]):
            limits = (row.get("conf_low"), row.get("conf_high"))
            has_limits = not all(pd.isna(limit) for limit in limits)
            value = format_interval(
                row["estimate"], *limits, decimals=decimals, style=style
            )
            lines.append([name + (" (95% CI)" if has_limits else ""), value])
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", "value"]),
        headers={"name": "", "value": "Value"},
    )


def survival_at(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return survival at fixed times in percent, one line per group.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("time", "estimate", "conf_low", "conf_high"), "survival")
    times = sorted(table["time"].unique())
    lines: list[list[str]] = []
    heads: list[int] = []
    for biomarker, part in by_value(table, "biomarker"):
        if biomarker:
            heads.append(len(lines))
            lines.append([column_label(biomarker, labels), *[""] * len(times)])
        indent = INDENT if biomarker else ""
        for group, rows in by_value(part, "group"):
            found = {row["time"]: _survival(row, style) for row in records(rows)}
            texts = [found.get(time, EMPTY) for time in times]
            lines.append([indent + _group_name(group), *texts])
    names = [f"at {time:g}" for time in times]
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", *names]),
        headers={
            "name": "",
            **{f"at {time:g}": amount(time, time_unit, style=style) for time in times},
        },
        spanners={"Survival, % (95% CI)": tuple(names)},
        heads=tuple(heads),
    )


def cut_points(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the groups of each score: bounds, sizes, and where the bounds come from.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("group", "estimate", "n"), "cut points")
    lines: list[list[str]] = []
    heads: list[int] = []
    origins: list[str] = []
    for biomarker, part in by_value(table, "biomarker"):
        if biomarker:
            heads.append(len(lines))
            lines.append([label_with_unit(biomarker, labels), "", "", ""])
        lower = [math.nan, *part["estimate"].iloc[:-1]]
        for low, row in zip(lower, records(part), strict=True):
            lines.append(
                [
                    (INDENT if biomarker else "") + str(row["group"]),
                    _bounds(low, row["estimate"], style),
                    format_count(row["n"], style=style),
                    count_or_empty(row.get("n_events"), style),
                ]
            )
        origins += [str(part["origin"].iloc[0])] if "origin" in part else []
    shown = "; ".join(dict.fromkeys(origins))
    shown = _SIZE.sub(lambda n: format_count(int(n[0]), style=style), shown)
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", "bounds", "n", "n_events"]),
        headers={"name": "", "bounds": "Values", "n": "n", "n_events": "Events"},
        heads=tuple(heads),
        notes=(f"Cut points from {shown}.",) if shown else (),
    )


def _difference(size: float | None, style: JournalStyle) -> str:
    if size is None or pd.isna(size):
        return EMPTY
    return format_number(size, style=style)


def _difference_header(differences: pd.DataFrame) -> dict[str, str]:
    """Return the header of the differences: which group is set against which."""
    if differences.empty:
        return {}
    first = differences.iloc[0]
    return {_DIFFERENCE: f"SMD\n{first['group']} against {first['reference']}"}


def _group_headers(table: pd.DataFrame, style: JournalStyle) -> dict[str, str]:
    counts = table.groupby("group", sort=False)[["n", "n_missing"]].first()
    sizes = counts["n"] + counts["n_missing"].fillna(0)
    return {
        str(group): f"{_group_name(str(group))}\nn = {format_count(size, style=style)}"
        for group, size in sizes.items()
    }


def _by_group(part: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the estimates of one variable or level by group and estimand."""
    keys = zip(part["group"], part["estimand"], part["estimate"], strict=True)
    return {(str(group), str(name)): float(value) for group, name, value in keys}


def _medians(part: pd.DataFrame, groups: list[str], style: JournalStyle) -> list[str]:
    values = _by_group(part)
    widest = _OVERALL if _OVERALL in groups else groups[0]
    decimals = _decimals_for(values[widest, "q3"] - values[widest, "q1"])
    return [
        format_interval(
            *(values[group, name] for name in ("median", "q1", "q3")),
            decimals=decimals,
            style=style,
        )
        for group in groups
    ]


def _decimals_for(spread: float) -> int:
    """Return decimals that show about two digits of the distance between quartiles."""
    if not spread > 0:
        return 2
    return min(max(1 - math.floor(math.log10(spread)), 0), 4)


def _level_lines(
    part: pd.DataFrame, groups: list[str], style: JournalStyle
) -> list[list[str]]:
    lines = []
    for level, rows in part.groupby("level", sort=False):
        values = _by_group(rows)
        known = dict(zip(rows["group"].astype(str), rows["n"], strict=True))
        texts = []
        for group in groups:
            count = format_count(values[group, "count"], style=style)
            share = format_percent(values[group, "percent"], known[group], style=style)
            is_told = pd.notna(values[group, "percent"])
            texts.append(f"{count} ({share})" if is_told else count)
        lines.append([f"{INDENT}{level}", *texts])
    return lines


def _missing_lines(
    part: pd.DataFrame, groups: list[str], style: JournalStyle
) -> list[list[str]]:
    missing = part.groupby("group")["n_missing"].first()
    if not (missing.isna() | (missing > 0)).any():
        return []
    counts = [format_count(missing[group], style=style) for group in groups]
    return [[f"{INDENT}Missing", *counts]]


def _follow_up_quartiles(
    table: pd.DataFrame, time_unit: str, style: JournalStyle
) -> list[list[str]]:
    rows = table[table["estimand"] == "follow_up"]
    if rows.empty or "quantile" not in rows:
        return []
    keys = ["quantile", "estimate", "conf_low", "conf_high"]
    cells = rows.reindex(columns=keys).to_numpy()
    found = {round(quantile, 2): values for quantile, *values in cells}
    first, median, third = (
        _time_or_words(found[quantile][0], style) for quantile in (0.25, 0.5, 0.75)
    )
    limits = [_time_or_words(limit, style) for limit in found[0.5][1:]]
    name = f"Median follow-up (IQR), {time_unit}"
    lines = [[name, f"{median} ({_range([first, third], style)})"]]
    if set(limits) != {_NOT_REACHED}:  # as where all are censored on the same day
        lines.append([f"{INDENT}95% CI of the median", _range(limits, style)])
    return lines


def _range(parts: list[str], style: JournalStyle) -> str:
    return (" to " if _NOT_REACHED in parts else style.range_mark).join(parts)


def _time_or_words(time: float | None, style: JournalStyle) -> str:
    if time is None or pd.isna(time) or math.isinf(time):
        return _NOT_REACHED
    return format_number(time, 1, style=style)


def _survival(row: Mapping[str, Any], style: JournalStyle) -> str:
    percent = [100 * row[name] for name in ("estimate", "conf_low", "conf_high")]
    return format_interval(*percent, decimals=1, style=style)


def _group_name(group: str) -> str:
    return "Overall" if group in (_OVERALL, "") else group


def _bounds(low: float, high: float, style: JournalStyle) -> str:
    """Return the values of a group; a bound belongs to the lower group."""
    over, most = (format_short(one, digits=4, style=style) for one in (low, high))
    above = "" if math.isnan(low) else f"> {over}"
    up_to = "" if math.isinf(high) else f"\N{LESS-THAN OR EQUAL TO} {most}"
    return " to ".join(part for part in (above, up_to) if part)
