"""Measures of every group side by side: dots on intervals beside everyone's value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_blank,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.audit_measures import (
    MEASURES,
    OVERALL,
    measure_of,
    measure_text,
    unknown,
)
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, group_label
from fahrstats.display.margin_text import geom_margin_text, plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import INK, MUTED, TEXT_SIZE, house_theme, page_width
from fahrstats.errors import DataError

_NEED: Final = ("subgroup", "level", "term", "estimand", "estimate")
_LIMITS: Final = ("conf_low", "conf_high")
_KNOWN, _UNKNOWN = "Estimate with 95% CI", "Unknown, not fair"
_MOST_TICKS: Final = 3
_REACH: Final = 1.5  # panels end this many middle intervals beyond the outermost dots

# Inches
_LINE_HEIGHT: Final = 0.16
_HEAD_GAP: Final = 0.06
_FRAME: Final = 1.15
_TITLE_LINE: Final = 0.14
_TITLE_HEIGHT: Final = 0.3
_MOST_NAME: Final = 1.75
_INDENT: Final = 0.12
_GAP: Final = 0.1
_EDGE: Final = 0.08
_SPACING: Final = 0.16


def group_measures(
    table: pd.DataFrame,
    *,
    measures: Sequence[str],
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw measures of every level of every group, a panel each, beside everyone's.

    The line of a panel is the value of everyone. A dot is hollow and its interval
    dashed where the interval holds that value and also one further from it than a
    margin that would matter, see :mod:`fahrstats.display.audit_measures`: that is
    unknown, and not fair. A group below the floor of the audit keeps its line and says
    so. An interval that leaves the panel ends in an arrow.

    Parameters
    ----------
    table
        An audit of one score, ratios exponentiated.
    measures
        Keys of :data:`fahrstats.display.audit_measures.MEASURES`, from left to right;
        those that the table has not are left out.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the number of
        levels.

    Raises
    ------
    DataError
        A column is absent, the table holds several scores, or no level has one of the
        measures.
    """
    width = page_width(width, style)
    need_columns(table, (*_NEED, *_LIMITS), "a figure of groups")
    only_one(table, ("biomarker", "outcome"), "a figure of groups")
    rows, shown = _chosen(table, measures)
    levels = rows[rows["subgroup"] != OVERALL]
    lines, name_width = _lines(levels, labels)
    room = (width - name_width - _EDGE) / len(shown) - _SPACING
    everyone = rows[rows["subgroup"] == OVERALL].set_index("measure")["estimate"]
    titles = {name: _title(name, everyone, room, style) for name in shown}
    drawn = _placed(levels, lines, titles)
    height = float(lines["height"].sum())
    plot = (
        ggplot(drawn, aes("estimate", "y"))
        + geom_blank()
        + _everyone(everyone, titles)
        + _dots(drawn)
        + _said(drawn, lines, titles, name_width, style)
        + facet_wrap("panel", nrow=1, scales="free_x")
        + scale_x_continuous(
            breaks=_ticks, labels=tick_numbers(style), expand=(0.04, 0)
        )
        + scale_y_continuous(limits=(-height, 0), breaks=[], expand=(0, 0))
        + _legend(style)
        + labs(x="", y="", title=plain(title))
        + _size(width, height + (_TITLE_HEIGHT if title else 0), titles, name_width)
    )
    return with_alt_text(
        plot,
        title,
        [f"{titles[name]}; {_reach(levels, name, style)}" for name in shown],
    )


def _chosen(
    table: pd.DataFrame, measures: Sequence[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of the measures that some level has, and these measures."""
    if isinstance(measures, str):
        raise DataError(f"`measures` is the text `{measures}`; give a list of names.")
    rows = table.assign(measure=measure_of(table), unknown=unknown(table))
    rows = _in_units(rows[rows["measure"].isin(list(measures))])
    is_estimate = rows["estimate"].notna() & (rows["subgroup"] != OVERALL)
    estimated = set(rows.loc[is_estimate, "measure"])
    if not estimated:
        wanted = " or ".join(f"`{name}`" for name in measures)
        raise DataError(f"No level of the table has {wanted}.")
    return rows, [name for name in measures if name in estimated]


def _reach(levels: pd.DataFrame, name: str, style: JournalStyle) -> str:
    """Say in which level a measure is lowest, and in which it is highest."""
    rows = levels[levels["measure"] == name]
    return from_to(
        zip(rows["level"].astype(str), rows["estimate"], strict=True),
        lambda value: format_number(value, MEASURES[name].decimals, style=style),
    )


def _size(
    width: float, height: float, titles: Mapping[str, str], name_width: float
) -> theme:
    """Return the theme with room for the names of groups and the titles of panels."""
    n_lines = max(title.count("\n") + 1 for title in titles.values())
    return house_theme(width, height + _FRAME + _TITLE_LINE * n_lines) + theme(
        axis_title=element_blank(),
        axis_line_y=element_blank(),
        legend_position="bottom",
        legend_margin=0,
        panel_spacing_x=_SPACING / width,
        strip_text_x=element_text(size=TEXT_SIZE, ha="center"),
        plot_margin_left=(name_width + _EDGE) / width,
        plot_margin_right=0.02,
    )


def _in_units(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the measures that are printed in percent into percent."""
    factor = [100.0 if MEASURES[name].in_percent else 1.0 for name in rows["measure"]]
    names = ["estimate", *_LIMITS]
    return rows.assign(**{name: rows[name] * factor for name in names})


def _lines(levels: pd.DataFrame, labels: Labels | None) -> tuple[pd.DataFrame, float]:
    """Return a head for each group and a line for each level, with their places."""
    lines: list[dict[str, Any]] = []
    for subgroup, part in levels.groupby("subgroup", sort=False):
        name = wrap(plain(group_label(str(subgroup), labels)), _MOST_NAME, TEXT_SIZE)
        lines.append({"subgroup": subgroup, "level": "", "text": name, "is_head": True})
        for level in part["level"].unique():
            text = wrap(plain(str(level)), _MOST_NAME - _INDENT, TEXT_SIZE)
            lines.append(
                {"subgroup": subgroup, "level": level, "text": text, "is_head": False}
            )
    table = pd.DataFrame(lines)
    table["height"] = [
        _LINE_HEIGHT * (text.count("\n") + 1) + (_HEAD_GAP if head else 0)
        for text, head in zip(table["text"], table["is_head"], strict=True)
    ]
    table["y"] = table["height"] / 2 - table["height"].cumsum()
    table["indent"] = np.where(table["is_head"], 0.0, _INDENT)
    widths = [
        text_width(text, TEXT_SIZE, weight="bold" if head else "normal") + indent
        for text, head, indent in zip(
            table["text"], table["is_head"], table["indent"], strict=True
        )
    ]
    return table, max(widths) + _GAP


def _title(
    name: str, everyone: pd.Series[float], room: float, style: JournalStyle
) -> str:
    """Return the name of a measure, and below it everyone's value."""
    measure = MEASURES[name]
    unit = ", %" if measure.in_percent else ""
    text = wrap(plain(measure.name + unit), room, TEXT_SIZE)
    value = everyone.to_dict().get(name)
    if value is None or pd.isna(value):
        return text
    return f"{text}\nall: {format_number(value, measure.decimals, style=style)}"


def _placed(
    levels: pd.DataFrame, lines: pd.DataFrame, titles: Mapping[str, str]
) -> pd.DataFrame:
    """Give every row its panel and line, and cut its interval at the panel's ends."""
    drawn = levels[levels["measure"].isin(list(titles))]
    drawn = drawn.merge(lines[["subgroup", "level", "y"]], on=["subgroup", "level"])
    panels = drawn["measure"].map(titles)
    drawn = drawn.assign(panel=pd.Categorical(panels, list(titles.values())))
    parts = []
    for _, part in drawn.groupby("panel", observed=True):
        low, high = _ends(part)
        start, end = (part[name].clip(low, high) for name in _LIMITS)
        parts.append(
            part.assign(
                start=start,
                end=end,
                goes_left=part["conf_low"] < low,
                goes_right=part["conf_high"] > high,
                kind=np.where(part["unknown"], _UNKNOWN, _KNOWN),
            )
        )
    return pd.concat(parts, ignore_index=True)


def _ends(part: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of a panel: they hold every dot and most intervals."""
    known = part.dropna(subset="estimate")
    reach = _REACH * float((known["conf_high"] - known["conf_low"]).median()) / 2
    reach = 0.0 if np.isnan(reach) else reach
    lowest = min(known["estimate"].min(), known["conf_low"].min())
    highest = max(known["estimate"].max(), known["conf_high"].max())
    return (
        max(lowest, known["estimate"].min() - reach),
        min(highest, known["estimate"].max() + reach),
    )


def _everyone(everyone: pd.Series[float], titles: Mapping[str, str]) -> list[Any]:
    """Return the line of everyone's value in each panel."""
    marks = everyone[everyone.index.isin(list(titles))].dropna().to_frame()
    if marks.empty:
        return []
    panels = pd.Categorical([titles[name] for name in marks.index], [*titles.values()])
    line = aes(xintercept="estimate")
    return [geom_vline(line, marks.assign(panel=panels), color=MUTED, size=0.4)]


def _dots(drawn: pd.DataFrame) -> list[Any]:
    """Return intervals with their arrows, and the dots upon them."""
    has_limits = drawn.dropna(subset=list(_LIMITS))
    ends = aes(x="start", xend="end", yend="y", color="kind", linetype="kind")
    layers = [geom_segment(ends, has_limits, size=0.5)]
    for goes, end, shape in (("goes_left", "start", "<"), ("goes_right", "end", ">")):
        tips = has_limits[has_limits[goes]]
        if len(tips):
            at = aes(end, "y", color="kind")
            layers.append(
                geom_point(at, tips, shape=shape, size=1.2, show_legend=False)
            )
    known = drawn.dropna(subset="estimate")
    return [*layers, geom_point(aes(color="kind", fill="kind"), known, size=2)]


def _said(
    drawn: pd.DataFrame,
    lines: pd.DataFrame,
    titles: Mapping[str, str],
    name_width: float,
    style: JournalStyle,
) -> list[Any]:
    """Return the names beside the first panel, and why a line has no dot."""
    first = pd.Categorical(
        [next(iter(titles.values()))] * len(lines), [*titles.values()]
    )
    names = lines.assign(panel=first, dx=lines["indent"] - name_width)
    layers = [
        geom_margin_text(
            aes(y="y", label="text", dx="dx"),
            names[names["is_head"] == is_head],
            inherit_aes=False,
            color=INK,
            size=TEXT_SIZE,
            fontweight="bold" if is_head else "normal",
        )
        for is_head in (True, False)
    ]
    silent = drawn[drawn["estimate"].isna()]
    if silent.empty:
        return layers
    reasons = [measure_text(row, style=style) for row in records(silent)]
    said = geom_margin_text(
        aes(y="y", label="reason"),
        silent.assign(reason=reasons),
        inherit_aes=False,
        dx=0.04,
        color=MUTED,
        size=TEXT_SIZE - 1,
    )
    return [*layers, said]


def _legend(style: JournalStyle) -> list[Any]:
    """Return the scales that tell known from unknown."""
    names = [_KNOWN, _UNKNOWN]
    return [
        scale_color_manual(values=(style.main, MUTED), limits=names),
        scale_fill_manual(values=(style.main, "white"), limits=names),
        scale_linetype_manual(values=("solid", "dashed"), limits=names),
    ]


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Return at most three round numbers between two."""
    low, high = limits
    power = 10.0 ** np.floor(np.log10((high - low) / _MOST_TICKS))
    for step in (power * m for m in (1, 2, 2.5, 5, 10, 20)):
        first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
        if last - first < _MOST_TICKS:
            break
    return [float(k * step) + 0.0 for k in np.arange(first, last + 1)]
