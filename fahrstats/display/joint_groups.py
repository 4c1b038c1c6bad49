"""Two scores together: hazard ratios as tiles, and curves in a panel per group."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_cartesian,
    element_blank,
    element_line,
    element_text,
    facet_wrap,
    geom_step,
    geom_text,
    geom_tile,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_fill_gradient2,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import from_to, one_by_one, with_alt_text
from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count, format_number, format_ratio
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.step_curves import round_times
from fahrstats.display.theme import (
    BASE_SIZE,
    FAINT,
    INK,
    TEXT_SIZE,
    colours,
    house_theme,
    line_types,
    page_width,
)

_COOL: Final = "#92c5de"
_WARM: Final = "#f4a582"
_LEAST_REACH: Final = math.log(1.5)  # smaller effects keep pale tiles

# Inches
_TILE_HEIGHT: Final = 0.62
_TILE_FRAME: Final = 0.62
_TILE_PAD: Final = 0.12
_TITLE_HEIGHT: Final = 0.3
_PANEL_HEIGHT: Final = 1.9
_PANEL_FRAME: Final = 0.85

_TITLE_GAP: Final = 6  # points between the title of a legend and its first line


def joint_tiles(
    table: pd.DataFrame,
    *,
    scores: tuple[str, str],
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw hazard ratios of joint groups as tiles, the highest group at the top right.

    A tile holds the hazard ratio with its interval, and the events of its rows; colour
    follows the ratio on a log scale. A group without a ratio is grey and says why.

    Parameters
    ----------
    table
        Rows with ``estimand`` ``hr``, ``first_group`` and ``second_group``, in order
        from low to high; other rows are not drawn.
    scores
        Columns of the first score, up the tiles, and of the second, along them.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the groups.

    Raises
    ------
    DataError
        A column is absent, or no row is a joint group.
    """
    width = page_width(width, style)
    shown = ("first_group", "second_group", "estimand", "estimate", "n", "n_events")
    need_columns(table, shown, "a figure of joint groups")
    only_one(table, ("biomarker", "outcome"), "a figure of joint groups")
    rows = table[(table["first_group"] != "") & (table["estimand"] == "hr")]
    need_columns(rows, shown, "a figure of joint groups")
    first, second = (list(rows[name].unique()) for name in shown[:2])
    room = (width - 1.2) / len(second) - _TILE_PAD
    texts = [_tile_text(row, room, style) for row in records(rows)]
    ratio = rows["estimate"].astype(float).replace([0.0, np.inf], np.nan)
    rows = rows.assign(
        first=pd.Categorical(rows["first_group"], first),
        second=pd.Categorical(rows["second_group"], second),
        log_ratio=np.log(ratio),
        text=texts,
    )
    reach = max(_LEAST_REACH, float(rows["log_ratio"].abs().max()))
    lines = max(text.count("\n") for text in texts) + 1
    height = len(first) * max(_TILE_HEIGHT, 0.15 * lines + 2 * _TILE_PAD)
    plot = (
        ggplot(rows, aes("second", "first"))
        + geom_tile(aes(fill="log_ratio"), color="white", size=1.5)
        + geom_text(aes(label="text"), size=TEXT_SIZE, color=INK)
        + scale_fill_gradient2(
            low=_COOL,
            mid="#f7f7f7",
            high=_WARM,
            midpoint=0,
            limits=(-reach, reach),
            na_value=FAINT,
        )
        + labs(
            x=plain(column_label(scores[1], labels)),
            y=wrap(plain(column_label(scores[0], labels)), height, BASE_SIZE),
            title=plain(title),
        )
        + house_theme(width, height + _TILE_FRAME + (_TITLE_HEIGHT if title else 0))
        + theme(
            legend_position="none",
            axis_line=element_blank(),
            axis_ticks_major=element_blank(),
        )
    )
    names = [plain(column_label(score, labels)) for score in scores]
    groups = [
        f"{names[0]} {row['first_group']}, {names[1]} {row['second_group']}"
        for row in records(rows)
    ]
    told = from_to(
        zip(groups, np.exp(rows["log_ratio"]), strict=True),
        lambda value: format_ratio(value, style=style),
    )
    return with_alt_text(plot, title, [f"Hazard ratios from {told}" if told else ""])


def joint_curves(
    curves: pd.DataFrame,
    *,
    scores: tuple[str, str],
    labels: Labels | None = None,
    time_label: str = "Time",
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw survival of joint groups: a panel per group of the first score.

    Parameters
    ----------
    curves
        Steps of the curves: ``time``, ``estimate``, ``first_group``, ``second_group``,
        groups in order from low to high.
    scores
        Columns of the first score, which makes the panels, and of the second, which
        makes the curves in them.
    labels
        Label and unit of each column of the data.
    time_label
        Title of the time axis, with its unit.
    width
        Inches; a page of the journal by default. The height follows from the number of
        panels.

    Raises
    ------
    DataError
        A column is absent, or there are more groups than can be told apart.
    """
    width = page_width(width, style)
    shown = ("time", "estimate", "first_group", "second_group")
    need_columns(curves, shown, "curves of joint groups")
    first, second = (list(curves[name].unique()) for name in shown[2:])
    name = column_label(scores[0], labels)
    panels = [_panel_name(name, group, width) for group in first]
    steps = curves.assign(
        panel=pd.Categorical(
            curves["first_group"].map(dict(zip(first, panels, strict=True))), panels
        ),
        curve=pd.Categorical(curves["second_group"], second),
    )
    n_lines = -(-len(first) // 2)
    height = n_lines * _PANEL_HEIGHT + _PANEL_FRAME + (_TITLE_HEIGHT if title else 0)
    plot = (
        ggplot(steps, aes("time", "estimate", color="curve", linetype="curve"))
        + geom_step(size=0.8)
        + facet_wrap("panel", ncol=2)
        + scale_y_continuous(
            breaks=np.linspace(0, 1, 6), labels=tick_numbers(style), expand=(0.01, 0)
        )
        + scale_x_continuous(
            breaks=round_times(float(steps["time"].max())),
            labels=tick_ratios(style),
            expand=(0.02, 0),
        )
        + coord_cartesian(ylim=(0, 1))
        + _curve_scales(second, plain(column_label(scores[1], labels)), style)
        + labs(x=plain(time_label), y="Survival probability", title=plain(title))
        + house_theme(width, height)
        + theme(
            legend_position="top",
            legend_title=element_text(size=TEXT_SIZE, margin={"r": _TITLE_GAP}),
            legend_key_width=28,
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing_x=0.04,
            panel_spacing_y=0.05,
            legend_title_position="left",
        )
    )
    return with_alt_text(plot, title, [_ends(curves, scores, labels, style)])


def _ends(
    curves: pd.DataFrame,
    scores: tuple[str, str],
    labels: Labels | None,
    style: JournalStyle,
) -> str:
    """Say where the curve of each group ends."""
    keys = ["first_group", "second_group"]
    last = curves.sort_values("time").drop_duplicates(keys, keep="last")
    first, second = (plain(column_label(score, labels)) for score in scores)
    ends = one_by_one(
        (
            (f"{first} {row[keys[0]]}, {second} {row[keys[1]]}", row["estimate"])
            for row in records(last.sort_index())
        ),
        lambda value: format_number(value, style=style),
    )
    return f"Survival probability at the end: {ends}"


def _tile_text(row: dict[str, Any], room: float, style: JournalStyle) -> str:
    """Return the ratio, or why there is none, above the events of the rows."""
    n, n_events = (format_count(row[name], style=style) for name in ("n", "n_events"))
    limits = (row.get("conf_low"), row.get("conf_high"))
    note = row.get("note", "")
    if math.isnan(row["estimate"]):
        ratio = note.split(":")[0].split(" (")[0]
    elif note.startswith("reference"):
        ratio = "1 (reference)"
    else:
        ratio = format_ratio(row["estimate"], *limits, style=style)
    text = ratio if row["n"] == 0 else f"{ratio}\n{n_events}/{n} events"
    return plain("\n".join(_broken(line, room) for line in text.split("\n")))


def _broken(line: str, room: float) -> str:
    """Break a line at spaces where it is wider than its tile."""
    return line if text_width(line, TEXT_SIZE) <= room else wrap(line, room, TEXT_SIZE)


def _panel_name(score: str, group: str, width: float) -> str:
    return wrap(plain(f"{score}: {group}"), width / 2 - 0.6, BASE_SIZE)


def _curve_scales(groups: list[str], name: str, style: JournalStyle) -> list[Any]:
    shown = {"name": name, "labels": groups}
    return [
        scale_color_manual(colours(len(groups), style), **shown),
        scale_linetype_manual(line_types(len(groups)), **shown),
        guides(**{ae: guide_legend(nrow=1) for ae in ("color", "linetype")}),
    ]
