"""Hazard ratios as curves over time, one panel for each term."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    element_line,
    element_text,
    facet_wrap,
    geom_hline,
    geom_line,
    geom_ribbon,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_log10,
    theme,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_ratio, format_short
from fahrstats.display.labels import Labels, term_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import by_value, need_columns, only_one, records
from fahrstats.display.theme import (
    BASE_SIZE,
    FAINT,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)

_MOST_COLUMNS: Final = 3
_CAPTION: Final = "Dashed: one hazard ratio for all times"

# Inches
_PANEL_HEIGHT: Final = 1.75
_STRIP_LINE: Final = 0.16
_AXIS_HEIGHT: Final = 0.45
_TITLE_HEIGHT: Final = 0.3
_CAPTION_HEIGHT: Final = 0.2
_SIDES: Final = 0.6


def hazard_ratios_over_time(
    curves: pd.DataFrame,
    constant: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    time_label: str = "Time",
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the hazard ratio of each term over time, with its band.

    The dashed line is the ratio that does not change with time, the grey one no effect.

    Parameters
    ----------
    curves
        Points of the curves: ``term``, ``time``, ``estimate``, ``conf_low`` and
        ``conf_high``, with ``estimand`` ``hr``.
    constant
        One row per term, the hazard ratio of the model: ``term``, ``estimate``.
    labels
        Label and unit of each column of the data.
    time_label
        Title of the time axis, with its unit.
    width
        Inches; a page of the journal by default. The height follows from the number of
        terms.

    Raises
    ------
    DataError
        A column is absent, or the table holds more than one model.
    """
    width = page_width(width, style)
    needed = ("term", "time", "estimate", "conf_low", "conf_high")
    need_columns(curves, needed, "a plot over time")
    only_one(curves, ("biomarker", "model", "estimand"), "a plot over time")
    terms = list(curves["term"].unique())
    n_columns = min(_MOST_COLUMNS, len(terms))
    panel_width = (width - _SIDES) / n_columns - 0.3
    names = {
        term: wrap(plain(term_label(term, labels)), panel_width, BASE_SIZE)
        for term in terms
    }
    n_lines = max(name.count("\n") + 1 for name in names.values())
    n_rows = -(-len(terms) // n_columns)
    height = n_rows * (_PANEL_HEIGHT + n_lines * _STRIP_LINE) + _AXIS_HEIGHT
    height += 0 if constant is None else _CAPTION_HEIGHT
    plot = (
        ggplot(_in_panels(curves, names), aes("time", "estimate"))
        + geom_hline(yintercept=1, color=MUTED, size=0.4)
        + geom_ribbon(
            aes(ymin="conf_low", ymax="conf_high"),
            fill=style.main,
            alpha=0.15,
            na_rm=True,
        )
        + geom_line(color=style.main, size=0.8, na_rm=True)
        + _constant_lines(constant, names, style)
        + facet_wrap("panel", ncol=n_columns, scales="free_y")
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_log10(labels=tick_ratios(style))
        + labs(
            x=plain(time_label),
            y="Hazard ratio",
            title=plain(title),
            caption="" if constant is None else _CAPTION,
        )
        + house_theme(width, height + (_TITLE_HEIGHT if title else 0))
        + theme(
            panel_grid_major_y=element_line(color=FAINT, size=0.4),
            plot_caption=element_text(size=TEXT_SIZE, color=MUTED, ha="right"),
        )
    )
    return with_alt_text(
        plot,
        title,
        [
            _in_words(part, f"{names[term]}, by {time_label}", style)
            for term, part in by_value(curves, "term")
        ],
    )


def _in_words(curve: pd.DataFrame, name: str, style: JournalStyle) -> str:
    """Say how high both ends of a curve are."""
    told = curve.dropna(subset="estimate").sort_values("time")
    ends = " and ".join(
        f"{format_ratio(row['estimate'], style=style)} at "
        f"{format_short(row['time'], digits=3, style=style)}"
        for row in records(told.iloc[[0, -1]] if len(told) else told)
    )
    return f"{name}: hazard ratio {ends}" if ends else ""


def _in_panels(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Add the panel that a row is drawn in; terms keep their order."""
    panels = pd.Categorical(
        table["term"].map(names), list(dict.fromkeys(names.values()))
    )
    return table.assign(panel=panels)


def _constant_lines(
    constant: pd.DataFrame | None, names: dict[str, str], style: JournalStyle
) -> list[Any]:
    if constant is None:
        return []
    rows = _in_panels(constant[constant["term"].isin(names)], names)
    line = aes(yintercept="estimate")
    return [geom_hline(line, rows, color=style.accent, linetype="dashed", size=0.6)]
