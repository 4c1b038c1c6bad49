"""Estimates as dots on intervals, and the spread of a score as boxes."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    coord_flip,
    element_blank,
    element_line,
    facet_wrap,
    geom_boxplot,
    geom_hline,
    geom_label,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    scale_y_log10,
    theme,
)

from fahrstats.columns import CONTRAST
from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference, format_short
from fahrstats.display.labels import Labels, label_with_unit
from fahrstats.display.margin_text import plain, text_width, wrap
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

_NAMES: Final = {
    "c_index": "C-index",
    "delta_c_index": "Difference in C-index",
    "auc": "AUC",
    "delta_auc": "Difference in AUC",
    "brier": "Brier score",
    "delta_brier": "Difference in Brier score",
    "ipa": "Index of prediction accuracy",
    "delta_ipa": "Difference in index of prediction accuracy",
    "survival": "Survival",
    "log_hr": "Log hazard ratio",
    "hr": "Hazard ratio",
    "measurement_sd": "SD of photos of one day",
    "error_sd": "SD of photos of different days",
    "icc_same_day": "ICC, one day",
    "icc": "ICC",
}
_IN_PERCENT: Final = {"ipa": "%", "delta_ipa": "% points"}
_OVERALL: Final = {"overall": "Overall"}
_NO_EFFECT: Final = {
    "delta_c_index": 0.0,
    "delta_auc": 0.0,
    "delta_brier": 0.0,
    "ipa": 0.0,
    "delta_ipa": 0.0,
    "log_hr": 0.0,
    "hr": 1.0,
}
_LIMITS: Final = ("estimate", "conf_low", "conf_high")
_MINUS: Final = " minus "
_DIGITS: Final = 3  # of a median in words
_SKEWED: Final = 2.5  # times the median, from which the 95th percentile asks for logs

# Inches
_ROW_HEIGHT: Final = 0.4
_PANEL_FRAME: Final = 0.75
_TITLE_HEIGHT: Final = 0.3
_BOX_HEIGHT: Final = 0.35
_NAME_WIDTH: Final = 2.2
_AXIS_WIDTH: Final = 0.3

_LEAST_SIDE: Final = 0.12  # of the range of an axis, before its first dot
_PANEL_SPACING: Final = 0.025  # of the width of the figure

_SUMMARY: Final = ("p5", "q1", "median", "q3", "p95")


def estimates(
    table: pd.DataFrame,
    *,
    decimals: int = 3,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw estimates with their intervals, one panel per estimand, time and validation.

    Rows without limits (a log-likelihood, a test) are not drawn. A line marks no
    difference where the estimand has such a value. The index of prediction accuracy is
    drawn in percent, as in tables.

    Parameters
    ----------
    table
        ``estimand``, ``estimate``, ``conf_low``, ``conf_high``; rows are named by
        ``level``, ``model`` or ``term``, whichever is first to have text.
    decimals
        Of the numbers written beside the dots; one fewer in percent.
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, or no row has an interval.
    """
    width = page_width(width, style)
    need_columns(table, ("estimand", *_LIMITS), "a dot plot")
    only_one(table, ("biomarker", "outcome"), "a dot plot")
    rows = table[table[[*_LIMITS]].notna().all(axis=1)].copy()
    if rows.empty:
        raise DataError("No row of the table has an estimate with both its limits.")
    names = [_row_name(row) for _, row in rows.iterrows()]
    order = list(dict.fromkeys(names))[::-1]
    panels = _panels(rows, style)
    is_percent = rows["estimand"].isin(_IN_PERCENT)
    rows.loc[is_percent, [*_LIMITS]] *= 100
    written = [
        format_difference(*values, decimals=max(decimals - percent, 0), style=style)
        for percent, values in zip(is_percent, rows[[*_LIMITS]].to_numpy(), strict=True)
    ]
    rows = rows.assign(
        name=pd.Categorical(names, order),
        panel=pd.Categorical(panels, list(dict.fromkeys(panels))),
        written=written,
    )
    n_panels = rows["panel"].nunique()
    n_rows = int(rows.groupby("panel", observed=True).size().max())
    height = n_panels * (_ROW_HEIGHT * n_rows + _PANEL_FRAME)
    plot = (
        ggplot(rows, aes("estimate", "name"))
        + _no_effect(rows)
        + geom_segment(aes(x="conf_low", xend="conf_high", yend="name"), color=INK)
        + geom_point(size=2.5, color=style.main)
        + geom_label(
            aes(label="written"),
            nudge_y=0.3,
            size=TEXT_SIZE,
            color=INK,
            fill="white",  # over the line of no effect
            label_size=0,
            label_padding=0.08,
        )
        + facet_wrap("panel", ncol=1, scales="free")
        + scale_x_continuous(
            labels=tick_numbers(style), expand=(_side(names, written, width), 0)
        )
        + labs(x="", y="", title=plain(title))
        + house_theme(width, height + (_TITLE_HEIGHT if title else 0))
        + theme(
            axis_title=element_blank(),
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing_y=_PANEL_SPACING,
        )
    )
    told = {
        str(panel): "; ".join(
            f"{name} {text}"
            for name, text in zip(part["name"], part["written"], strict=True)
        )
        for panel, part in rows.groupby("panel", observed=True)
    }
    return with_alt_text(
        plot, title, [f"{panel}: {texts}" for panel, texts in told.items()]
    )


def distribution(
    table: pd.DataFrame,
    cut_points: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the spread of one variable, overall and per group, as boxes.

    A box reaches from the first to the third quartile, its line is the median, and
    whiskers end at the 5th and 95th percentile. The axis is logarithmic where all of
    these are positive and the last is far from the middle.

    Parameters
    ----------
    table
        Rows of Table 1 for one ``variable``: ``group``, ``estimand``, ``estimate``.
    cut_points
        Upper bounds of the groups, drawn as lines; the last one is infinite.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the number of
        groups.

    Raises
    ------
    DataError
        A column is absent, the table describes several variables, or the variable has
        no quartiles.
    """
    width = page_width(width, style)
    need_columns(table, ("variable", "group", "estimand", "estimate"), "a box plot")
    only_one(table, ("variable",), "a box plot")
    absent = [name for name in _SUMMARY if name not in set(table["estimand"])]
    if absent:
        raise DataError(
            f"`estimand` lacks {', '.join(f'`{name}`' for name in absent)}; a box "
            "needs quartiles and outer percentiles, so the variable must be a number."
        )
    wide = table.pivot(index="group", columns="estimand", values="estimate")
    groups = list(table["group"].unique())
    shown = [_OVERALL.get(group, plain(str(group))) for group in groups]
    wide = wide.loc[groups].assign(
        group=pd.Categorical(shown, shown[::-1]),
        p5=wide["p5"].fillna(wide["q1"]),  # of few people, a box without whiskers
        p95=wide["p95"].fillna(wide["q3"]),
    )
    wide = wide.dropna(subset=list(_SUMMARY))
    title = label_with_unit(str(table["variable"].iloc[0]), labels)
    plot = (
        ggplot(wide, aes("group"))
        + _cuts(cut_points)
        + geom_boxplot(
            aes(ymin="p5", lower="q1", middle="median", upper="q3", ymax="p95"),
            stat="identity",
            width=0.55,
            fill="white",
            color=INK,
        )
        + coord_flip()
        + house_theme(width, _BOX_HEIGHT * len(groups) + _PANEL_FRAME)
        + theme(axis_title_y=element_blank())
        + _value_axis(wide, title, style)
    )
    return with_alt_text(plot, title, [_in_words(wide, style)])


def _in_words(wide: pd.DataFrame, style: JournalStyle) -> str:
    """Say the median and the quartiles of each box."""
    texts = []
    for row in records(wide):
        low, middle, high = (
            format_short(row[name], digits=_DIGITS, style=style)
            for name in ("q1", "median", "q3")
        )
        texts.append(f"{row['group']}: median {middle}, quartiles {low} and {high}")
    return "; ".join(texts)


def _side(names: list[str], written: list[str], width: float) -> float:
    """Return the share of the axis beside the dots that holds half of any number."""
    half = max(text_width(text, TEXT_SIZE) for text in written) / 2
    panel = width - max(text_width(name, TEXT_SIZE) for name in names) - _AXIS_WIDTH
    return max(_LEAST_SIDE, half / max(panel - 2 * half, half))


def _value_axis(wide: pd.DataFrame, title: str, style: JournalStyle) -> list[Any]:
    """Return the axis of a box plot; one box alone needs no name."""
    parts: list[Any] = []
    far = wide["p95"].max() > _SKEWED * wide["median"].median()
    if wide["p5"].min() > 0 and far:
        title += " (log scale)"
        parts.append(scale_y_log10(labels=tick_ratios(style)))
    else:
        parts.append(scale_y_continuous(labels=tick_numbers(style)))
    if len(wide) == 1:
        parts.append(
            theme(axis_text_y=element_blank(), axis_ticks_major_y=element_blank())
        )
    return [labs(x="", y=plain(title)), *parts]


def _panels(rows: pd.DataFrame, style: JournalStyle) -> list[str]:
    """Return what each row tells; when and how, where rows differ in that."""
    told = [_NAMES.get(name, name) for name in rows["estimand"]]
    if "time" in rows and rows["time"].nunique(dropna=False) > 1:
        told = [
            text if pd.isna(time) else f"{text} at {format_short(time, style=style)}"
            for text, time in zip(told, rows["time"], strict=True)
        ]
    told = [
        f"{text}, {_IN_PERCENT[name]}" if name in _IN_PERCENT else text
        for text, name in zip(told, rows["estimand"], strict=True)
    ]
    if "validation" in rows and rows["validation"].nunique() > 1:
        told = [
            f"{text}, {how}" if how else text
            for text, how in zip(told, rows["validation"], strict=True)
        ]
    return [f"{text} (95% CI)" for text in told]


def _row_name(row: pd.Series[Any]) -> str:
    for column in ("level", "model", "term"):
        value = row.get(column)
        if isinstance(value, str) and value:
            shown = plain(" ".join(value.split())).replace(CONTRAST, _MINUS)
            return wrap(shown, _NAME_WIDTH, TEXT_SIZE)
    return ""


def _no_effect(rows: pd.DataFrame) -> list[Any]:
    panels = rows[["estimand", "panel"]].drop_duplicates()
    panels = panels.assign(at=panels["estimand"].map(_NO_EFFECT)).dropna(subset="at")
    if panels.empty:
        return []
    return [geom_vline(aes(xintercept="at"), panels, color=MUTED, size=0.4)]


def _cuts(cut_points: pd.DataFrame | None) -> list[Any]:
    if cut_points is None:
        return []
    finite = cut_points[cut_points["estimate"].abs() < float("inf")]
    line = aes(yintercept="estimate")
    return [geom_hline(line, finite, color=MUTED, linetype="dashed", size=0.4)]
