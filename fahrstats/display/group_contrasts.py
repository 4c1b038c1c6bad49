"""Groups beside their differences from a reference group, as dots on intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_line,
    facet_grid,
    geom_blank,
    geom_point,
    geom_segment,
    ggplot,
    labs,
    scale_x_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference, format_number
from fahrstats.display.labels import amount
from fahrstats.display.margin_text import geom_margin_text, plain, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    FAINT,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_COLUMNS: Final = ("group", "reference", "estimand", "time", "estimate")
_LIMITS: Final = ("conf_low", "conf_high")
_LEVELS: Final = {"survival": "Survival", "rmst": "Mean time until {time}"}
_DIFFERENCES: Final = ("delta_survival", "delta_rmst")
_SURVIVAL_DECIMALS: Final = 3

# Inches
_ROW_HEIGHT: Final = 0.44
_PANEL_FRAME: Final = 0.3
_AXIS_HEIGHT: Final = 0.3
_HEAD_HEIGHT: Final = 0.42
_TITLE_HEIGHT: Final = 0.3
_NAME_WIDTH: Final = 1.5
_TIME_WIDTH: Final = 0.9
_ABOVE: Final = 0.14
_LINE: Final = 0.12
_NAME_LINE: Final = 0.17

# Rows: how far the line of no difference goes below and above an estimate
_DOWN: Final = 0.3
_UP: Final = 0.12


def group_contrasts(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    time_unit: str = "",
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw an estimate for each group, and beside it the difference from a reference.

    Survival at fixed times has a row of panels for each time. A row without an interval
    keeps its place, and its note stands instead. Ratios are on another scale and are
    not drawn.

    Parameters
    ----------
    table
        ``group``, ``reference`` (empty in rows of a group alone), ``estimand``
        (``survival`` and ``delta_survival``, or ``rmst`` and ``delta_rmst``),
        ``time``, ``estimate``, ``conf_low``, ``conf_high``, and ``note``.
    labels
        What to call the groups.
    time_unit
        Unit of the times, as in "at 5 years".
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, or no row is an estimate of a group.
    """
    width = page_width(width, style)
    need_columns(table, (*_COLUMNS, *_LIMITS), "a figure of groups")
    only_one(table, ("biomarker", "model", "outcome"), "a figure of groups")
    rows = table[table["estimand"].isin([*_LEVELS, *_DIFFERENCES])]
    if not rows["estimand"].isin(list(_LEVELS)).any():
        raise DataError(
            "`estimand` has no `survival` or `rmst`; a figure of groups needs their "
            "own estimates beside the differences."
        )
    n_panels = rows["estimand"].nunique()
    text_width = (width - _NAME_WIDTH - _TIME_WIDTH) / n_panels
    rows = _named(rows, labels or {}, time_unit, text_width, style)
    n_groups, n_times = rows["name"].nunique(), rows["at"].nunique()
    most_lines = rows["name"].astype(str).str.count("\n").max() + 1
    row_height = max(_ROW_HEIGHT, _NAME_LINE * most_lines)
    height = n_times * (row_height * n_groups + _PANEL_FRAME) + _HEAD_HEIGHT
    has_limits = rows[rows[list(_LIMITS)].notna().all(axis=1)]
    return (
        ggplot(rows, aes("estimate", "name"))
        + geom_blank()  # the first layer makes names of the vertical axis
        + _no_difference(rows)
        + geom_segment(aes(x="conf_low", xend="conf_high", yend="name"), has_limits)
        + geom_point(data=rows[rows["estimate"].notna()], size=2.5, color=style.main)
        + _written(rows)
        + facet_grid("at", "panel", scales="free_x")
        + scale_x_continuous(labels=tick_numbers(style), expand=(0.06, 0))
        + labs(x="", y="", title=plain(title))
        + house_theme(width, height + _AXIS_HEIGHT + (_TITLE_HEIGHT if title else 0))
        + theme(
            axis_title=element_blank(),
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing_x=0.03,
            strip_text_y=element_blank() if n_times == 1 else None,
        )
    )


def _named(
    rows: pd.DataFrame,
    labels: Mapping[str, str],
    time_unit: str,
    text_width: float,
    style: JournalStyle,
) -> pd.DataFrame:
    """Add the names of row, panel and time, and the text, and the reference's rows."""
    names = {
        group: wrap(plain(labels.get(group, group)), _NAME_WIDTH, TEXT_SIZE)
        for group in rows["group"].unique()
    }
    rows = pd.concat([rows, _reference_rows(rows)], ignore_index=True)
    times = [amount(time, time_unit, style=style).strip() for time in rows["time"]]
    at = [wrap(plain(f"At {time}"), _TIME_WIDTH, TEXT_SIZE) for time in times]
    panels = [
        _panel(row, names, time, text_width)
        for row, time in zip(records(rows), times, strict=True)
    ]
    texts = [
        wrap(_text(row, names, style), text_width, TEXT_SIZE) for row in records(rows)
    ]
    is_estimate = rows["estimate"].notna() & rows["conf_low"].notna()
    return rows.assign(
        name=pd.Categorical(rows["group"].map(names), list(names.values())[::-1]),
        at=pd.Categorical(at, list(dict.fromkeys(at))),
        panel=pd.Categorical(panels, list(dict.fromkeys(panels))),
        text=texts,
        colour=np.where(is_estimate, INK, MUTED),
        dy=[_ABOVE + _LINE / 2 * text.count("\n") for text in texts],
    )


def _reference_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the reference group's own rows among the differences."""
    differences = rows[rows["estimand"].isin(_DIFFERENCES)]
    own = differences.drop_duplicates(["estimand", "time"])
    return own.assign(
        group=own["reference"],
        estimate=np.nan,
        conf_low=np.nan,
        conf_high=np.nan,
        note="Reference",
    )


def _panel(
    row: Mapping[str, Any], names: Mapping[str, str], time: str, text_width: float
) -> str:
    """Return the title of the panel that a row belongs to."""
    if row["estimand"] in _LEVELS:
        title = _LEVELS[row["estimand"]].format(time=plain(time))
    else:
        title = f"Difference from {names[row['reference']]}".replace("\n", " ")
    return wrap(f"{title} (95% CI)", text_width, TEXT_SIZE + 1)


def _text(row: Mapping[str, Any], names: Mapping[str, str], style: JournalStyle) -> str:
    """Return what is written above a row: numbers, or why there are none."""
    note = plain(str(row.get("note") or ""))
    for group, name in names.items():
        note = note.replace(f"`{plain(group)}`", name.replace("\n", " "))
    if pd.isna(row["estimate"]):
        return note or style.missing
    decimals = _SURVIVAL_DECIMALS
    if "rmst" in row["estimand"]:
        decimals = int(np.clip(3 - np.floor(np.log10(row["time"])), 0, 6))
    if pd.isna(row["conf_low"]):
        number = format_number(row["estimate"], decimals, style=style)
        return f"{number}; {note}" if note else number
    limits = (row["estimate"], row["conf_low"], row["conf_high"])
    return format_difference(*limits, decimals=decimals, style=style)


def _no_difference(rows: pd.DataFrame) -> list[Any]:
    """Return a line at 0 in the panels of differences, with gaps for the text."""
    marks = rows[rows["estimand"].isin(_DIFFERENCES)]
    if marks.empty:
        return []
    position = marks["name"].cat.codes + 1.0
    marks = marks.assign(at_0=0.0, low=position - _DOWN, high=position + _UP)
    ends = aes(x="at_0", xend="at_0", y="low", yend="high")
    return [geom_segment(ends, marks, inherit_aes=False, color=MUTED, size=0.4)]


def _written(rows: pd.DataFrame) -> list[Any]:
    """Return the text above every row, at the left edge of its panel."""
    return [
        geom_margin_text(
            aes(y="name", label="text", dy="dy"),
            rows[rows["colour"] == colour],
            inherit_aes=False,
            dx=0.04,
            color=colour,
            size=TEXT_SIZE,
        )
        for colour in (INK, MUTED)
        if (rows["colour"] == colour).any()
    ]
