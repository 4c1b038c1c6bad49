"""Bland and Altman's plot: the change of each pair by the mean of its two scores."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_hline,
    geom_point,
    geom_rect,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import need_columns
from fahrstats.display.theme import FAINT, INK, MUTED, house_theme, page_width
from fahrstats.errors import DataError

_PANEL: Final = 2.6  # inches
_LINES: Final = ("mean_change", "loa_low", "loa_high")
_COLUMNS: Final = 3


def bland_altman(
    table: pd.DataFrame,
    points: pd.DataFrame,
    *,
    labels: Labels | None = None,
    unit: str = "years",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw every pair, with the mean change and the limits of agreement.

    Each point is a person: the figure is for who works with the data. For a
    publication, ``changes_by_mean`` draws bands of people.

    Parameters
    ----------
    table
        Rows of everyone: ``condition``, ``estimand`` (mean_change, loa_low, loa_high),
        ``estimate`` and limits.
    points
        One row for each pair: ``condition``, ``mean`` and ``change``.
    labels
        Label of each condition.
    unit
        Of the score.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, or there is no estimate.
    """
    width = page_width(width, style)
    need = ("condition", "estimand", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "Bland and Altman's plot")
    need_columns(points, ("condition", "mean", "change"), "Bland and Altman's plot")
    lines = table[table["estimand"].isin(_LINES)].dropna(subset="estimate")
    if lines.empty:
        raise DataError("No mean change of the table was estimated.")
    names = {c: plain(column_label(c, labels)) for c in lines["condition"].unique()}
    order = list(dict.fromkeys(names.values()))
    points = points[points["condition"].isin(names)]
    points, lines = (
        part.assign(condition=pd.Categorical(part["condition"].map(names), order))
        for part in (points, lines)
    )
    n_rows = -(-len(order) // _COLUMNS)
    figure = (
        ggplot(points, aes("mean", "change"))
        + geom_rect(
            aes(ymin="conf_low", ymax="conf_high"),
            lines,
            inherit_aes=False,
            xmin=-np.inf,
            xmax=np.inf,
            fill=FAINT,
            alpha=0.7,
        )
        + geom_hline(aes(yintercept="estimate"), lines, color=MUTED, linetype="dashed")
        + geom_hline(yintercept=0, color=INK, size=0.3)
        + geom_point(color=style.main, alpha=0.5, size=1.4, stroke=0)
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(labels=tick_numbers(style))
        + labs(x=f"Mean of both photos ({unit})", y=f"Change ({unit})")
        + house_theme(width, _PANEL * n_rows + 0.5)
    )
    return figure + facet_wrap("condition", ncol=_COLUMNS) if len(order) > 1 else figure
