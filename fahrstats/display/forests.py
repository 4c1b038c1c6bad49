"""Forest plot: hazard ratios on a log axis between columns of text."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    geom_point,
    geom_polygon,
    geom_segment,
    ggplot,
    labs,
    scale_x_log10,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.axes import tick_ratios
from fahrstats.display.forest_columns import (
    BOLD,
    EDGE,
    LINE_HEIGHT,
    Column,
    ForestLayout,
    columns_beside,
)
from fahrstats.display.forest_lines import (
    NO_WEIGHT,
    RATIOS,
    axis_limits,
    check_limits,
    forest_lines,
    round_ratios,
)
from fahrstats.display.journal_styles import DEFAULT, NO_INTERACTION_P, JournalStyle
from fahrstats.display.journals import format_ratio
from fahrstats.display.labels import Labels, column_unit, per_label, term_label
from fahrstats.display.margin_text import geom_margin_text, plain, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    BASE_SIZE,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)

_NAMES: Final = {
    "hr": "Hazard ratio",
    "shr": "Subdistribution hazard ratio",
    "or": "Odds ratio",
}
_TIP: Final = 0.015  # of the axis, between its end and the tip of an arrow

# Inches
_HEAD: Final = 0.4
_DIAMOND: Final = 0.06
_AXIS_HEIGHT: Final = 0.45
_TITLE_HEIGHT: Final = 0.3


def forest(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    x_label: str = "",
    title: str = "",
    limits: tuple[float, float] | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw hazard or odds ratios with their intervals between columns of text.

    A table with ``subgroup`` and ``level`` is drawn as an audit: everyone as a diamond,
    the levels below the name of their variable, which carries the interaction test.
    A table with ``cohort`` is drawn as a meta-analysis: averages as diamonds, and the
    prediction interval as a bar. A table of several causes has a line per ``cause``
    below the name of each term. Any other table is drawn with one row per ``term``. A
    row without an estimate keeps its counts; an interval that leaves the axis ends in
    an arrow.

    Parameters
    ----------
    table
        Rows with ``estimand`` ``hr`` (and ``interaction_chi2`` in an audit), ``shr``
        for ratios of subdistribution hazards, or ``or`` for odds ratios.
    labels
        Label and unit of each column of the data.
    x_label
        Title of the axis; by default the hazard ratio with its step.
    limits
        Ends of the axis; by default they hold every estimate but those of cohorts that
        weigh nothing in the average.
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, the table holds no ratio or more than one score, or
        ``limits`` are not two positive numbers in rising order.
    """
    width = page_width(width, style)
    need_columns(table, ("estimand", "estimate", "conf_low", "conf_high"), "a forest")
    only_one(table, ("biomarker", "outcome", "model"), "a forest plot")
    lines = forest_lines(table, labels, style)
    weighty = lines[lines["weight"] != NO_WEIGHT]
    low, high = axis_limits(weighty) if limits is None else check_limits(limits)
    layout = columns_beside(lines, width, f"{RATIOS[_ratio_of(table)]} (95% CI)", style)
    lines, height = layout.lines, float(layout.lines["height"].sum())
    ticks = round_ratios(low, high)
    is_left_out = not style.interaction_p and "interaction_chi2" in set(
        table["estimand"]
    )
    room = width - layout.left - 2 * EDGE
    caption = wrap(NO_INTERACTION_P, room, TEXT_SIZE) if is_left_out else ""
    axis = _axis_title(table, labels, x_label, width, style)
    plot = (
        ggplot()
        + _reference_line(low, high, height)
        + _intervals(lines, low, high, style)
        + _predictions(lines, low, high, style)
        + _diamonds(lines, low, high, style)
        + _texts(layout)
        + scale_x_log10(
            breaks=ticks,
            labels=tick_ratios(style),
            limits=(low, high),
            expand=(0, 0),
        )
        + _title(title, layout)
        + scale_y_continuous(
            limits=(-height, _HEAD + (_TITLE_HEIGHT if title else 0)),
            breaks=[],
            expand=(0, 0),
        )
        + labs(x=axis, y="", caption=caption)
        + _size(layout, width, height, title, caption)
    )
    return with_alt_text(plot, title, [f"{axis}: {_in_words(lines, style)}"])


def _in_words(lines: pd.DataFrame, style: JournalStyle) -> str:
    """Give the ratios of diamonds, and from where to where the others reach."""
    drawn = lines[lines["estimate"].notna()]
    is_diamond = drawn["kind"] == "overall"
    others = drawn[~is_diamond & (drawn["kind"] != "prediction")]
    others = others[(others["weight"] != NO_WEIGHT) & np.isfinite(others["estimate"])]
    texts = [f"{row['label']} {row['ratio']}" for row in records(drawn[is_diamond])]
    reach = from_to(
        zip(others["label"], others["estimate"], strict=True),
        lambda value: format_ratio(value, style=style),
    )
    return "; ".join(filter(None, [*texts, reach]))


def _reference_line(low: float, high: float, height: float) -> list[Any]:
    if not low <= 1 <= high:
        return []
    line = pd.DataFrame({"x": [1.0], "y": [0.0], "yend": [-height]})
    return [
        geom_segment(
            aes(x="x", xend="x", y="y", yend="yend"), line, color=MUTED, size=0.4
        )
    ]


def _intervals(
    lines: pd.DataFrame, low: float, high: float, style: JournalStyle
) -> list[Any]:
    """Return lines from limit to limit, arrows where they go on, and the estimates."""
    is_line = ~lines["kind"].isin(["overall", "prediction"])
    drawn = lines[lines["estimate"].notna() & is_line]
    bounds = drawn[["estimate", "conf_low", "conf_high"]]
    goes_left, goes_right = bounds.min(axis=1) < low, bounds.max(axis=1) > high
    inner = (low * (high / low) ** _TIP, high * (low / high) ** _TIP)
    drawn = drawn.assign(
        start=bounds.min(axis=1).clip(low, high).mask(goes_left, inner[0]),
        end=bounds.max(axis=1).clip(low, high).mask(goes_right, inner[1]),
    )
    layers = [
        geom_segment(aes(x="start", xend="end", y="y", yend="y"), drawn, color=INK)
    ]
    for tips, side, shape in ((goes_left, "start", "<"), (goes_right, "end", ">")):
        if tips.any():
            tip = geom_point(
                aes(side, "y"), drawn[tips], shape=shape, size=2, color=INK
            )
            layers.append(tip)
    inside = drawn[drawn["estimate"].between(low, high)]
    if len(inside):
        marks = aes("estimate", "y")
        layers.append(geom_point(marks, inside, shape="s", size=2, color=style.main))
    return layers


def _predictions(
    lines: pd.DataFrame, low: float, high: float, style: JournalStyle
) -> list[Any]:
    """Return a bar from limit to limit of every prediction interval."""
    drawn = lines[(lines["kind"] == "prediction") & lines["conf_low"].notna()]
    if drawn.empty:
        return []
    ends = drawn.assign(
        start=drawn["conf_low"].clip(low, high), end=drawn["conf_high"].clip(low, high)
    )
    bar = aes(x="start", xend="end", y="y", yend="y")
    return [geom_segment(bar, ends, color=style.accent, size=1.6)]


def _diamonds(
    lines: pd.DataFrame, low: float, high: float, style: JournalStyle
) -> list[Any]:
    drawn = lines[lines["estimate"].notna() & (lines["kind"] == "overall")]
    if drawn.empty:
        return []
    corners = pd.concat(
        [
            drawn.assign(x=drawn[column].clip(low, high), corner_y=drawn["y"] + shift)
            for column, shift in (
                ("conf_low", 0.0),
                ("estimate", _DIAMOND),
                ("conf_high", 0.0),
                ("estimate", -_DIAMOND),
            )
        ]
    )
    return [geom_polygon(aes("x", "corner_y", group="y"), corners, fill=style.main)]


def _title(title: str, layout: ForestLayout) -> list[Any]:
    """Return the title above the heads of the columns, at the left of the figure."""
    if not title:
        return []
    return [
        geom_margin_text(
            aes(y="y", label="text"),
            pd.DataFrame({"y": [_HEAD + _TITLE_HEIGHT / 2], "text": [plain(title)]}),
            dx=-layout.left,
            color=INK,
            size=BASE_SIZE + 1,
        )
    ]


def _texts(layout: ForestLayout) -> list[Any]:
    """Return the title and the cells of every column; names of groups are bold."""
    lines = layout.lines
    is_name = lines["kind"].isin(BOLD)
    layers = []
    for column in layout.columns:
        is_label = column.cells == "label"
        cells = lines.assign(
            text=lines[column.cells],
            dx=column.dx + (lines["indent"] if is_label else 0.0),
        )
        titles = pd.DataFrame({"y": [_HEAD / 2], "text": column.title, "dx": column.dx})
        is_bold = is_name & is_label
        layers += _written(column, pd.concat([titles, cells[is_bold]]), "bold")
        layers += _written(column, cells[~is_bold], "normal")
    return layers


def _written(column: Column, cells: pd.DataFrame, weight: str) -> list[Any]:
    cells = cells[cells["text"] != ""]
    if cells.empty:
        return []
    return [
        geom_margin_text(
            aes(y="y", label="text", dx="dx"),
            cells,
            edge=column.edge,
            ha=column.ha,
            color=INK,
            size=TEXT_SIZE,
            fontweight=weight,
        )
    ]


def _axis_title(
    table: pd.DataFrame,
    labels: Labels | None,
    given: str,
    width: float,
    style: JournalStyle,
) -> str:
    """Return the given title, or name the step where all rows share it: an audit."""
    title = given or _ratio_with_step(table, labels, style)
    return wrap(plain(title), width * 0.7, BASE_SIZE)


def _ratio_of(table: pd.DataFrame) -> str:
    """Return the ratio that a table holds: the first of those that can be drawn."""
    return next(name for name in RATIOS if (table["estimand"] == name).any())


def _ratio_with_step(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> str:
    name = _NAMES[_ratio_of(table)]
    if not {"subgroup", "cohort"} & set(table) or "term" not in table:
        return f"{name} (95% CI)"
    ratios = table[table["estimand"] == _ratio_of(table)]
    term = str(ratios["term"].iloc[0])
    step = per_label(
        ratios["per"].iloc[0] if "per" in ratios else None,
        column_unit(term, labels),
        style=style,
    )
    of = ", ".join(part for part in (term_label(term, labels), step) if part)
    return f"{name} (95% CI) of {of}"


def _size(
    layout: ForestLayout, width: float, height: float, title: str, caption: str
) -> theme:
    """Return the theme with margins for the columns."""
    total = height + _HEAD + _AXIS_HEIGHT + (_TITLE_HEIGHT if title else 0)
    total += LINE_HEIGHT * (caption.count("\n") + 2) if caption else 0
    return house_theme(width, total) + theme(
        plot_caption=element_text(size=TEXT_SIZE, color=MUTED, ha="left"),
        plot_margin_left=(layout.left + EDGE) / width,
        plot_margin_right=layout.right / width,
        axis_line_y=element_blank(),
        axis_title_y=element_blank(),
    )
