"""Cumulative incidence of competing causes above a table of those at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_cartesian,
    facet_wrap,
    ggplot,
    labs,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import one_by_one, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.margin_text import geom_margin_text, plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.step_curves import (
    AXIS_HEIGHT,
    COUNT_GAP,
    FIRST_ROW,
    MARK_WIDTH,
    TITLE_HEIGHT,
    bands_and_lines,
    corners,
    count_cells,
    last_estimates,
    legend_height,
    round_ticks,
    scales_and_legend,
    shown_names,
    table_room,
    time_axis,
)
from fahrstats.display.theme import INK, TEXT_SIZE, house_theme, page_width

_HEIGHTS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)

# Inches
_ONE_PANEL: Final = 2.4
_EACH_PANEL: Final = 1.3
_STRIP: Final = 0.24
_PANEL_GAP: Final = 0.1
_ROW_HEIGHT: Final = 0.145
_NAME_WIDTH: Final = 1.8


def incidence_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    time_label: str = "Time",
    title: str = "",
    few_at_risk: int = 10,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the cumulative incidence of every cause with confidence bands.

    Several groups have a panel for each cause, on one scale; a single group has all its
    causes in one panel.

    Parameters
    ----------
    curves
        Steps of the curves: ``cause``, ``time``, ``estimate``, ``conf_low``,
        ``conf_high``, and ``group`` where there are several. With ``n_at_risk``, a
        curve fades where fewer than ``few_at_risk`` are left.
    at_risk
        One row per group and time: ``n_at_risk``. Its times become the breaks of the
        time axis.
    labels
        What to call the groups and the causes.
    time_label
        Title of the time axis, with its unit.
    width
        Inches; a page of the journal by default. The height follows from the numbers of
        causes and groups.

    Raises
    ------
    DataError
        A column is absent, the table holds more than one estimand, or more groups or
        causes than can be told apart.
    """
    width = page_width(width, style)
    needed = ("cause", "time", "estimate", "conf_low", "conf_high")
    need_columns(curves, needed, "a plot of incidence")
    only_one(curves, ("biomarker", "model", "estimand"), "a plot of incidence")
    room = width if at_risk is None else width - _NAME_WIDTH
    groups = shown_names(curves, "group", labels, room)
    causes = shown_names(curves, "cause", labels, room)
    lines = groups if len(groups) > 1 else causes
    steps = _steps(curves, groups, causes, few_at_risk)
    n_panels = len(causes) if len(groups) > 1 else 1
    height = _panels_height(n_panels) + AXIS_HEIGHT + legend_height(lines, room)
    height += TITLE_HEIGHT if title else 0
    layers = [
        *bands_and_lines(steps, ["line", "cause"]),
        *_incidence_axis(steps, style),
        time_axis(at_risk, float(steps["time"].max()), style),
        labs(x=plain(time_label), y="Cumulative incidence", title=plain(title)),
    ]
    if n_panels > 1:
        layers.append(facet_wrap("cause", ncol=1, labeller=lambda name: causes[name]))
    if at_risk is None:
        layers.append(house_theme(width, height))
    else:
        need_columns(at_risk, ("time", "n_at_risk"), "an at-risk table")
        rows = _rows_at_risk(groups)
        below = -float(rows["bottom"].min()) - AXIS_HEIGHT + _ROW_HEIGHT
        layers += [
            *_table(at_risk, rows, list(causes), style),
            house_theme(width, height + below)
            + table_room(_left_of_panel(rows), below, width),
        ]
    plot = ggplot(steps, aes("time", "estimate", color="line", linetype="line"))
    gap = theme(panel_spacing_y=_PANEL_GAP / width)
    return with_alt_text(
        plot + layers + gap + scales_and_legend(lines, room, style),
        title,
        [
            f"{shown}, where curves end or fade: "
            + one_by_one(
                last_estimates(
                    curves[curves["cause"].astype(str) == cause],
                    "group",
                    groups,
                    few_at_risk,
                ),
                lambda value: format_number(value, style=style),
            )
            for cause, shown in causes.items()
        ],
    )


def _steps(
    curves: pd.DataFrame,
    groups: Mapping[str, str],
    causes: Mapping[str, str],
    few_at_risk: int,
) -> pd.DataFrame:
    """Return the corners of all curves, and the ``line`` that each belongs to."""
    keys = curves.assign(
        cause=curves["cause"].astype(str),
        group=curves["group"].astype(str) if "group" in curves else "",
    )
    parts = []
    for group in groups:
        for cause in causes:
            is_curve = (keys["group"] == group) & (keys["cause"] == cause)
            curve = curves[is_curve].sort_values("time")
            line = group if len(groups) > 1 else cause
            parts.append(
                corners(curve, few_at_risk, 0.0).assign(cause=cause, line=line)
            )
    lines = groups if len(groups) > 1 else causes
    steps = pd.concat(parts, ignore_index=True)
    return steps.assign(
        cause=pd.Categorical(steps["cause"], categories=list(causes)),
        line=pd.Categorical(steps["line"], categories=list(lines)),
    )


def _incidence_axis(steps: pd.DataFrame, style: JournalStyle) -> list[Any]:
    """Return an axis from 0 to a round height above all lines and firm bands."""
    highest = np.nanmax(
        [steps["estimate"].max(), steps.loc[~steps["few"], "conf_high"].max()]
    )
    top = next((height for height in _HEIGHTS if height >= highest), 1.0)
    ticks = [tick for tick in round_ticks(top, 5) if tick < 1.001 * top]
    return [
        scale_y_continuous(breaks=ticks, labels=tick_numbers(style), expand=(0.01, 0)),
        coord_cartesian(ylim=(0, top)),
    ]


def _panels_height(n_panels: int) -> float:
    if n_panels == 1:
        return _ONE_PANEL
    return n_panels * (_EACH_PANEL + _STRIP + _PANEL_GAP)


def _rows_at_risk(groups: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per group: its name in lines, and inches below the panel."""
    names = list(groups.values()) if len(groups) > 1 else ["At risk"]
    labels = [wrap(name.replace("\n", " "), _NAME_WIDTH, TEXT_SIZE) for name in names]
    heights = np.array([1 + label.count("\n") for label in labels]) * _ROW_HEIGHT
    first = FIRST_ROW + (_ROW_HEIGHT / 2 if len(groups) > 1 else 0)
    bottom = -(first + np.cumsum(heights))
    return pd.DataFrame(
        {
            "group": list(groups),
            "column": "n_at_risk",
            "label": labels,
            "dy": bottom + heights / 2,
            "bottom": bottom,
        }
    )


def _table(
    at_risk: pd.DataFrame, rows: pd.DataFrame, causes: list[str], style: JournalStyle
) -> list[Any]:
    """Return the numbers at risk below the last panel, and whose they are."""
    last = pd.Categorical([causes[-1]], categories=causes)
    start = _left_of_panel(rows)
    common = {"inherit_aes": False, "show_legend": False, "size": TEXT_SIZE}
    rows = rows.assign(cause=last.repeat(len(rows)))
    text = {"fontweight": "normal", "color": INK, **common}
    place = aes(label="label", dy="dy")
    layers = []
    if len(rows) > 1:
        head = rows.iloc[:1].assign(label="At risk", dy=-FIRST_ROW)
        layers += [
            geom_margin_text(place, head, dx=start, **{**text, "fontweight": "bold"}),
            geom_margin_text(
                aes(label="mark", dy="dy", color="group"),
                rows.assign(
                    mark="\N{BLACK SQUARE}",
                    group=pd.Categorical(rows["group"], categories=rows["group"]),
                ),
                dx=start,
                **common,
            ),
        ]
        layers.append(geom_margin_text(place, rows, dx=start + MARK_WIDTH, **text))
    else:
        layers.append(geom_margin_text(place, rows, dx=-COUNT_GAP, ha="right", **text))
    cells = count_cells(at_risk, rows, style)
    cells = cells.assign(cause=last.repeat(len(cells)))
    count = aes(x="time", label="label", dy="dy")
    layers.append(geom_margin_text(count, cells, ha="center", **text))
    return layers


def _left_of_panel(rows: pd.DataFrame) -> float:
    """Return where the marks of the groups start, in inches."""
    widest = max(text_width(label, TEXT_SIZE) for label in [*rows["label"], "At risk"])
    return -(COUNT_GAP + widest + MARK_WIDTH)
