"""How far the most influential row moves each coefficient."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_line,
    element_text,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_short
from fahrstats.display.labels import Labels, term_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    FAINT,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)

# Inches
_ROW_HEIGHT: Final = 0.3
_AXIS_HEIGHT: Final = 0.65
_TITLE_HEIGHT: Final = 0.3
_CAPTION_HEIGHT: Final = 0.2
_NAME_WIDTH: Final = 2.2


def largest_influence(
    table: pd.DataFrame,
    threshold: float,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the largest change of each coefficient; the dashed line is the threshold.

    Parameters
    ----------
    table
        One row per ``term``: ``estimate``, a change in standard errors. Terms without
        an estimate are left out.
    threshold
        Change from which rows are called influential.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the number of
        terms.

    Raises
    ------
    DataError
        A column is absent, no term has an estimate, or the table holds several models.
    """
    width = page_width(width, style)
    only_one(table, ("biomarker", "model", "estimand"), "a plot of influence")
    rows = table.dropna(subset="estimate") if "estimate" in table else table
    need_columns(rows, ("term", "estimate"), "a plot of influence")
    names = [
        wrap(plain(term_label(term, labels)), _NAME_WIDTH, TEXT_SIZE)
        for term in rows["term"]
    ]
    rows = rows.assign(name=pd.Categorical(names, list(dict.fromkeys(names))[::-1]))
    n_lines = sum(name.count("\n") + 1 for name in names)
    height = _ROW_HEIGHT * n_lines + _AXIS_HEIGHT + (_TITLE_HEIGHT if title else 0)
    return (
        ggplot(rows, aes("estimate", "name"))
        + geom_vline(
            xintercept=threshold, color=style.accent, linetype="dashed", size=0.6
        )
        + geom_segment(aes(xend="estimate", yend="name"), x=0, color=INK, size=0.4)
        + geom_point(size=2.5, color=style.main)
        + scale_x_continuous(
            labels=tick_numbers(style), limits=(0, None), expand=(0, 0, 0.05, 0)
        )
        + labs(
            x="Largest change by one row, in standard errors",
            y="",
            title=plain(title),
            caption="Dashed line: influential from "
            f"{format_short(threshold, digits=3, style=style)} on",
        )
        + house_theme(width, height + _CAPTION_HEIGHT)
        + theme(
            axis_title_y=element_blank(),
            panel_grid_major_y=element_line(color=FAINT),
            plot_caption=element_text(size=TEXT_SIZE, color=MUTED, ha="right"),
        )
    )
