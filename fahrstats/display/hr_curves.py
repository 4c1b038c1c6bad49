"""Hazard ratio as a curve over one variable, relative to a reference value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    annotate,
    element_text,
    geom_hline,
    geom_line,
    geom_ribbon,
    geom_rug,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_log10,
    theme,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.forest_lines import round_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_ratio, format_short
from fahrstats.display.labels import Labels, label_with_unit
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    BASE_SIZE,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_DIGITS: Final = 4
_LARGE: Final = 1000.0  # from here a rounded value misleads
_BEYOND: Final = 6.0  # times the curve, up to which its band is shown
_EXPAND: Final = 0.03

# Inches
_PANEL_HEIGHT: Final = 2.2
_AXIS_HEIGHT: Final = 0.55
_TITLE_HEIGHT: Final = 0.25
_CAPTION_HEIGHT: Final = 0.2
_SIDES: Final = 0.7


def hr_curve(
    table: pd.DataFrame,
    *,
    knots: Iterable[float] = (),
    labels: Labels | None = None,
    x_label: str = "",
    y_label: str = "",
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw a hazard ratio against the value of a variable, with its pointwise band.

    The axis is logarithmic. A dashed line marks the reference value, and ticks along
    the axis the knots of a spline. Where the band is very wide its ends are not shown.

    Parameters
    ----------
    table
        Points of one curve: ``value``, ``reference``, ``estimate``, ``conf_low``,
        ``conf_high``, with ``estimand`` ``hr``; ``variable`` names the axis.
    knots
        Knots of the spline; those beyond the curve are not drawn.
    labels
        Label and unit of each column of the data.
    x_label, y_label
        Titles of the axes.
    width
        Inches; 0.7 of a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, the table holds several curves, or none has an estimate.
    """
    width = 0.7 * page_width(None, style) if width is None else width
    needed = ("value", "reference", "estimate", "conf_low", "conf_high")
    need_columns(table, needed, "a hazard-ratio curve")
    only_one(
        table, ("biomarker", "model", "variable", "estimand"), "a hazard-ratio curve"
    )
    curve = table.dropna(subset=["estimate", "conf_low", "conf_high"])
    if len(curve) < 2:
        raise DataError(
            f"A hazard-ratio curve needs two estimates, and `table` has {len(curve)}."
        )
    reference = float(curve["reference"].iloc[0])
    low, high = _ratio_limits(curve)
    shown = curve.assign(
        conf_low=curve["conf_low"].clip(lower=low),
        conf_high=curve["conf_high"].clip(upper=high),
    )
    left = min(float(curve["value"].min()), reference)
    right = max(float(curve["value"].max()), reference)
    inside = [knot for knot in knots if left <= knot <= right]
    ticks = round_ratios(low, high)
    x_title = _x_title(curve, labels, x_label)
    titles = labs(
        x=wrap(x_title, width - _SIDES, BASE_SIZE),
        y=plain(y_label) or "Hazard ratio (95% CI)",
        title=plain(title),
        caption="Ticks along the axis: knots" if inside else "",
    )
    plot = (
        ggplot(shown, aes("value", "estimate"))
        + geom_hline(yintercept=1, color=MUTED, size=0.4)
        + geom_ribbon(
            aes(ymin="conf_low", ymax="conf_high"), fill=style.main, alpha=0.15
        )
        + geom_line(color=style.main, size=0.8)
        + _reference_mark(reference, (left, right), high, width, style)
        + _knot_marks(inside)
        + scale_x_continuous(
            labels=tick_numbers(style), limits=(left, right), expand=(_EXPAND, 0)
        )
        + scale_y_log10(
            breaks=ticks,
            labels=tick_ratios(style),
            limits=(low, high),
            expand=(0, 0),
        )
        + titles
        + house_theme(width, _height(title, inside))
        + theme(plot_caption=element_text(size=TEXT_SIZE, color=MUTED, ha="right"))
    )
    return with_alt_text(plot, title, [_in_words(curve, x_title, style)])


def _in_words(curve: pd.DataFrame, x_title: str, style: JournalStyle) -> str:
    """Say how high both ends of the curve are."""
    ordered = curve.sort_values("value")
    ends = " and ".join(
        f"{format_ratio(row['estimate'], style=style)} at "
        f"{format_short(row['value'], digits=_DIGITS, style=style)}"
        for row in records(ordered.iloc[[0, -1]])
    )
    reference = format_short(
        float(curve["reference"].iloc[0]), digits=_DIGITS, style=style
    )
    return f"{x_title}: hazard ratio {ends}, against {reference}"


def _ratio_limits(curve: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the ratio axis: past the band, unless it dwarfs the curve."""
    least, most = min(1.0, curve["estimate"].min()), max(1.0, curve["estimate"].max())
    low = max(float(curve["conf_low"].min()), least / _BEYOND)
    high = min(float(curve["conf_high"].max()), most * _BEYOND)
    middle = float(np.sqrt(low * high))
    low, high = min(low, middle / 1.1), max(high, middle * 1.1)
    room = (high / low) ** _EXPAND  # a band that is cut runs up to the edge
    return low / room, high * room


def _reference_mark(
    reference: float,
    ends: tuple[float, float],
    top: float,
    width: float,
    style: JournalStyle,
) -> list[Any]:
    """Mark the reference value by a line with its name, on the side that has room."""
    left, right = ends
    digits = _DIGITS if abs(reference) < _LARGE else 6
    text = f"Reference {format_short(reference, digits=digits, style=style)}"
    room = (right - reference) / (right - left) * (width - _SIDES)
    is_left = room > text_width(text, TEXT_SIZE) + 0.15
    gap = 0.012 * (right - left)
    return [
        geom_vline(xintercept=reference, color=MUTED, linetype="dashed", size=0.4),
        annotate(
            "text",
            x=reference + (gap if is_left else -gap),
            y=top,
            label=text,
            ha="left" if is_left else "right",
            va="top",
            size=TEXT_SIZE,
            color=INK,
        ),
        annotate("point", x=reference, y=1, color=style.main, size=1.8),
    ]


def _knot_marks(knots: list[float]) -> list[Any]:
    if not knots:
        return []
    at = pd.DataFrame({"value": knots})
    return [
        geom_rug(aes(x="value"), at, sides="b", color=INK, size=0.6, inherit_aes=False)
    ]


def _x_title(curve: pd.DataFrame, labels: Labels | None, x_label: str) -> str:
    if x_label or "variable" not in curve:
        return plain(x_label or "Value")
    return plain(label_with_unit(str(curve["variable"].iloc[0]), labels))


def _height(title: str, knots: list[float]) -> float:
    return (
        _PANEL_HEIGHT
        + _AXIS_HEIGHT
        + (_TITLE_HEIGHT if title else 0)
        + (_CAPTION_HEIGHT if knots else 0)
    )
