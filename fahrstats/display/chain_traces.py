"""Traces of chained equations: have the chains mixed, and is there a trend."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    element_line,
    facet_wrap,
    geom_line,
    geom_point,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns
from fahrstats.display.theme import BASE_SIZE, FAINT, house_theme, page_width

_N_ACROSS: Final = 2
_MOST_TICKS: Final = 8
_WHAT: Final = {"mean": "mean", "share": "share at the first level"}

# Inches
_PANEL_HEIGHT: Final = 1.5
_AXIS_HEIGHT: Final = 0.35


def chain_trace(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the drawn values of every column through the cycles, one line a table.

    Lines that cross each other without a common trend have mixed.

    Parameters
    ----------
    table
        ``variable``, ``imputation``, ``cycle``, ``estimand`` and ``estimate``.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the number of
        columns.

    Raises
    ------
    DataError
        A column is absent, or the table has no row.
    """
    width = page_width(width, style)
    wanted = ("variable", "imputation", "cycle", "estimand", "estimate")
    need_columns(table, wanted, "a trace")
    names = [
        f"{column_label(variable, labels)}, {_WHAT.get(what, what)}"
        for variable, what in zip(table["variable"], table["estimand"], strict=True)
    ]
    room = width / _N_ACROSS - 0.7
    panels = [wrap(plain(name), room, BASE_SIZE) for name in names]
    order = list(dict.fromkeys(panels))
    rows = table.assign(panel=pd.Categorical(panels, order))
    n_down = -(-len(order) // _N_ACROSS)
    last = int(table["cycle"].max())
    lines = max(name.count("\n") for name in order)
    height = n_down * (_PANEL_HEIGHT + 0.15 * lines) + _AXIS_HEIGHT
    return (
        ggplot(rows, aes("cycle", "estimate", group="imputation"))
        + _marks(last, style)
        + facet_wrap("panel", ncol=min(_N_ACROSS, len(order)), scales="free_y")
        + scale_x_continuous(
            breaks=list(range(1, last + 1, -(-last // _MOST_TICKS))),
            labels=tick_numbers(style),
        )
        + scale_y_continuous(labels=tick_numbers(style))
        + labs(x="Cycle of the chained equations", y="")
        + house_theme(width, height)
        + theme(panel_grid_major_y=element_line(color=FAINT))
    )


def _marks(last: int, style: JournalStyle) -> Any:
    """Return lines, or points where there is one cycle only."""
    if last == 1:
        return geom_point(color=style.main, alpha=0.5, size=2)
    return geom_line(color=style.main, alpha=0.5, size=0.4)
