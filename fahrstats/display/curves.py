"""Kaplan-Meier curves above a table of those at risk, censored and with the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import aes, coord_cartesian, ggplot, labs, scale_y_continuous

from fahrstats.display.alt_text import one_by_one, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.margin_text import geom_margin_text, plain, text_width
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
    scales_and_legend,
    shown_names,
    table_room,
    time_axis,
)
from fahrstats.display.theme import INK, TEXT_SIZE, house_theme, page_width

_COUNTS: Final = {
    "n_at_risk": "At risk",
    "n_censored": "Censored",
    "n_events": "Events",
}

# Inches
_PANEL_HEIGHT: Final = 2.25
_ROW_HEIGHT: Final = 0.125
_GROUP_GAP: Final = 0.05
_NAME_BESIDE: Final = 0.6  # names no wider than this stand beside their counts
_NAME_GAP: Final = 0.1


def survival_curves(
    curves: pd.DataFrame,
    at_risk: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    time_label: str = "Time",
    y_label: str = "Survival probability",
    title: str = "",
    few_at_risk: int = 10,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw Kaplan-Meier curves with confidence bands and, below, who is at risk.

    Parameters
    ----------
    curves
        Steps of the curves of one score: ``time``, ``estimate``, ``conf_low``,
        ``conf_high``, and ``group`` where there are several. With ``n_at_risk``, a
        curve fades where fewer than ``few_at_risk`` are left.
    at_risk
        One row per group and time: ``n_at_risk`` and, up to ``time``, ``n_censored``
        and ``n_events``. Its times become the breaks of the time axis.
    labels
        What to call the groups.
    time_label
        Title of the time axis, with its unit.
    width
        Inches; a page of the journal by default. The height follows from the number of
        groups.

    Raises
    ------
    DataError
        A column is absent, or the table holds more than one score, or more groups
        than can be told apart.

    References
    ----------
    Morris et al. (2019), BMJ Open 9:e030215, on the extended table.
    """
    width = page_width(width, style)
    need_columns(curves, ("time", "estimate", "conf_low", "conf_high"), "a curve")
    only_one(curves, ("biomarker", "model", "estimand"), "a survival plot")
    names = shown_names(curves, "group", labels, width)
    steps = _steps(curves, names, few_at_risk)
    height = _PANEL_HEIGHT + AXIS_HEIGHT + legend_height(names, width)
    height += TITLE_HEIGHT if title else 0
    layers = [
        *bands_and_lines(steps, ["group"]),
        time_axis(at_risk, float(steps["time"].max()), style),
        scale_y_continuous(
            breaks=np.linspace(0, 1, 6), labels=tick_numbers(style), expand=(0.01, 0)
        ),
        coord_cartesian(ylim=(0, 1)),
        labs(x=plain(time_label), y=plain(y_label), title=plain(title)),
    ]
    if at_risk is None:
        layers.append(house_theme(width, height))
    else:
        need_columns(at_risk, ("time", "n_at_risk"), "an at-risk table")
        rows = _table_rows(at_risk, names)
        below = -float(rows["dy"].min()) - AXIS_HEIGHT + _ROW_HEIGHT
        layers += [
            *_table(at_risk, rows, style),
            house_theme(width, height + below)
            + table_room(_left_of_panel(rows), below, width),
        ]
    plot = ggplot(steps, aes("time", "estimate", color="group", linetype="group"))
    ends = one_by_one(
        last_estimates(curves, "group", names, few_at_risk),
        lambda value: format_number(value, style=style),
    )
    return with_alt_text(
        plot + layers + scales_and_legend(names, width, style),
        title,
        [f"{y_label} where curves end or fade: {ends}"],
    )


def _steps(
    curves: pd.DataFrame, names: Mapping[str, str], few_at_risk: int
) -> pd.DataFrame:
    """Return the corners of all curves, starting from everybody alive at time 0."""
    parts = []
    for group in names:
        curve = curves[curves["group"].astype(str) == group] if group else curves
        corner = corners(curve.sort_values("time"), few_at_risk, 1.0)
        parts.append(corner.assign(group=group))
    return _as_groups(pd.concat(parts, ignore_index=True), names)


def _as_groups(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    groups = pd.Categorical(table["group"], categories=list(names))
    return table.assign(group=groups)


def _table_rows(at_risk: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per line of the at-risk table: its name, and inches below the panel.

    What names a group has no ``column``: it stands beside the first line of counts
    where all names are short, and otherwise above, in several lines where it has to
    be broken.
    """
    counts = {column: name for column, name in _COUNTS.items() if column in at_risk}
    is_beside = all(map(_fits_beside, names.values()))
    lines: list[tuple[str, str, str, float]] = []
    dy = -FIRST_ROW
    for group, shown in names.items():
        if len(names) > 1:
            more = shown.count("\n") * _ROW_HEIGHT
            lines.append((group, "", shown, dy - more / 2))
            dy -= 0 if is_beside else _ROW_HEIGHT + more
        for column, label in counts.items():
            lines.append((group, column, label, dy))
            dy -= _ROW_HEIGHT
        dy -= _GROUP_GAP
    rows = pd.DataFrame(lines, columns=["group", "column", "label", "dy"])
    return _as_groups(rows, names)


def _fits_beside(name: str) -> bool:
    return "\n" not in name and _bold_width(name) <= _NAME_BESIDE


def _bold_width(name: str) -> float:
    return text_width(name, TEXT_SIZE, weight="bold")


def _left_of_panel(rows: pd.DataFrame) -> float:
    """Return where group names start, in inches."""
    taken = COUNT_GAP + max(text_width(name, TEXT_SIZE) for name in _COUNTS.values())
    names = rows.loc[rows["column"] == "", "label"]
    if len(names) and all(map(_fits_beside, names)):
        taken += _NAME_GAP + max(map(_bold_width, names)) + MARK_WIDTH
    return -taken


def _table(at_risk: pd.DataFrame, rows: pd.DataFrame, style: JournalStyle) -> list[Any]:
    start = _left_of_panel(rows)
    common = {"inherit_aes": False, "show_legend": False, "size": TEXT_SIZE}
    heads, names = rows[rows["column"] == ""], rows[rows["column"] != ""]
    cells = count_cells(at_risk, names, style)
    place = aes(label="label", dy="dy")
    return [
        geom_margin_text(
            aes(label="mark", dy="dy", color="group"),
            heads.assign(mark="\N{BLACK SQUARE}"),
            dx=start,
            **common,
        ),
        geom_margin_text(
            place,
            heads,
            dx=start + MARK_WIDTH,
            fontweight="bold",
            color=INK,
            **common,
        ),
        geom_margin_text(place, names, dx=-COUNT_GAP, ha="right", color=INK, **common),
        geom_margin_text(
            aes(x="time", label="label", dy="dy"),
            cells,
            ha="center",
            color=INK,
            **common,
        ),
    ]
