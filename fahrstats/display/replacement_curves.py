"""Score of faces that are blurred, or restored, region by region."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import (
    aes,
    element_line,
    facet_wrap,
    geom_line,
    geom_point,
    ggplot,
    labs,
    scale_color_manual,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import one_by_one, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, label_with_unit
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import by_value, need_columns, only_one
from fahrstats.display.theme import FAINT, MUTED, house_theme, page_width

_PANEL: Final = 2.2  # inches
_MARGIN: Final = 0.9
_HALF: Final = 50.0  # percent
_CURVES: Final = {"deletion": "blurred", "insertion": "restored"}
_ORDERS: Final = {"importance": "by importance", "random": "in random order"}


def replacement_curves(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the mean score while regions are blurred, and restored, one after the other.

    A row of panels for each model; lines by importance, the highest first, and in
    random order. An explanation that is right falls faster, and rises faster, than
    chance.

    Parameters
    ----------
    table
        ``model``, ``condition`` (deletion or insertion), ``dose`` (share of the regions
        that is blurred, or restored), ``group`` (importance or random), ``estimand``
        and ``estimate``.
    labels
        Label and unit of each score.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, or the table holds several statistics.
    """
    width = page_width(width, style)
    needed = ("model", "condition", "dose", "group", "estimand", "estimate")
    need_columns(table, needed, "curves of replaced regions")
    only_one(table, ("estimand",), "curves of replaced regions")
    panels = [
        f"{plain(label_with_unit(model, labels))}: {_CURVES[curve]}"
        for model, curve in zip(table["model"], table["condition"], strict=True)
    ]
    drawn = table.assign(
        panel=pd.Categorical(panels, list(dict.fromkeys(panels))),
        order=pd.Categorical(table["group"].map(_ORDERS), list(_ORDERS.values())),
        dose=100 * table["dose"],
    )
    n_rows = -(-len(set(panels)) // len(_CURVES))
    plot = (
        ggplot(drawn, aes("dose", "estimate", color="order", linetype="order"))
        + geom_line(size=0.8)
        + geom_point(size=1.2)
        + scale_color_manual(values=(style.main, MUTED))
        + scale_linetype_manual(values=("solid", "dashed"))
        + facet_wrap("panel", ncol=len(_CURVES), scales="free_y")
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(labels=tick_numbers(style))
        + labs(x="Regions replaced (%)", y="Mean score", title=plain(title))
        + house_theme(width, _MARGIN + _PANEL * n_rows)
        + theme(
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing=0.05,
            legend_position="top",
        )
    )
    return with_alt_text(
        plot,
        title,
        [_in_words(part, name, style) for name, part in by_value(drawn, "panel")],
    )


def _in_words(curves: pd.DataFrame, panel: str, style: JournalStyle) -> str:
    """Say the mean score once half of the regions are replaced, in each order."""
    told = curves.dropna(subset="estimate")
    half = told[told["dose"] >= _HALF].sort_values("dose").drop_duplicates("order")
    scores = one_by_one(
        zip(half["order"].astype(str), half["estimate"], strict=True),
        lambda value: format_number(value, 1, style=style),
    )
    return f"{panel}, once half of the regions are so: {scores}"
