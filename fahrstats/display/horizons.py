"""Estimates at several horizons, one line a score."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    geom_hline,
    geom_line,
    geom_pointrange,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    MUTED,
    TEXT_SIZE,
    colours,
    house_theme,
    line_types,
    page_width,
)

_NAMES: Final = {
    "auc": "AUC (95% CI)",
    "delta_auc": "Difference in AUC (95% CI)",
}
_NO_EFFECT: Final = {"auc": 0.5, "delta_auc": 0.0}
_DODGE: Final = 0.012  # of the range of horizons, between neighbouring scores

# Inches
_HEIGHT: Final = 3.0
_LEGEND_ROW_HEIGHT: Final = 0.24
_LINE_HEIGHT: Final = 0.13
_TITLE_HEIGHT: Final = 0.3
_NAME_WIDTH: Final = 5.6


def over_horizons(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    time_label: str = "Horizon",
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw estimates with their intervals against the horizon, one colour a score.

    Scores stand a little beside each other, so that their intervals do not overlap. A
    line marks no discrimination or no difference.

    Parameters
    ----------
    table
        One estimand: ``term``, ``time``, ``estimate``, ``conf_low``, ``conf_high``.
    labels
        Label and unit of each column of the data.
    time_label
        Title of the time axis, with its unit.
    width
        Inches; a page of the journal by default. The height follows from the number of
        scores.

    Raises
    ------
    DataError
        A column is absent, the table holds several estimands, or more scores than can
        be told apart.
    """
    width = page_width(width, style)
    shown = ("term", "estimand", "time", "estimate", "conf_low", "conf_high")
    need_columns(table, shown, "a plot over horizons")
    only_one(table, ("estimand", "biomarker", "outcome"), "a plot over horizons")
    estimand = str(table["estimand"].iloc[0])
    terms = list(table["term"].unique())
    names = [_name(term, labels) for term in terms]
    times = np.sort(table["time"].unique())
    rows = table.assign(
        at=table["time"] + _beside(table["term"], terms, times),
        term=pd.Categorical(table["term"], terms),
    )
    n_lines = sum(name.count("\n") + 1 for name in names)
    room = n_lines * _LINE_HEIGHT + len(names) * (_LEGEND_ROW_HEIGHT - _LINE_HEIGHT)
    height = _HEIGHT + (room if len(names) > 1 else 0)
    return (
        ggplot(rows, aes("at", "estimate", color="term", linetype="term"))
        + geom_hline(
            yintercept=_NO_EFFECT.get(estimand, np.nan),
            color=MUTED,
            linetype="dashed",
            size=0.4,
            na_rm=True,
        )
        + (geom_line(size=0.5) if times.size > 1 else None)
        + geom_pointrange(
            aes(ymin="conf_low", ymax="conf_high"), linetype="solid", fatten=2
        )
        + scale_x_continuous(
            breaks=list(times),
            labels=tick_ratios(style),
            limits=(0.9 * times[0], 1.1 * times[0]) if times.size == 1 else None,
            expand=(0.06, 0),
        )
        + scale_y_continuous(labels=tick_numbers(style))
        + _scales(names, style)
        + labs(
            x=plain(time_label), y=_NAMES.get(estimand, estimand), title=plain(title)
        )
        + house_theme(width, height + (_TITLE_HEIGHT if title else 0))
        + _legend(names)
    )


def _name(term: str, labels: Labels | None) -> str:
    """Return what to call a score, in lines that fit the legend."""
    return wrap(plain(column_label(term, labels)), _NAME_WIDTH, TEXT_SIZE)


def _beside(
    term: pd.Series[Any], terms: list[str], times: np.ndarray[Any, Any]
) -> pd.Series[float]:
    """Return the shift of every row along the axis, around 0."""
    span = times[-1] - times[0] or times[-1]
    middle = (len(terms) - 1) / 2
    return term.map(
        {name: (i - middle) * _DODGE * span for i, name in enumerate(terms)}
    )


def _scales(names: list[str], style: JournalStyle) -> list[Any]:
    shown = {"name": "", "labels": names}
    return [
        scale_color_manual(colours(len(names), style), **shown),
        scale_linetype_manual(line_types(len(names)), **shown),
    ]


def _legend(names: list[str]) -> Any:
    if len(names) == 1:
        return theme(legend_position="none")
    return [
        guides(color=guide_legend(ncol=1), linetype=guide_legend(ncol=1)),
        theme(legend_position="top", legend_key_width=28),
    ]
