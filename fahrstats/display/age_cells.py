"""Predicted against true age: as shares in cells, and photo by photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from plotnine import (
    aes,
    coord_fixed,
    element_text,
    facet_wrap,
    geom_abline,
    geom_line,
    geom_rect,
    geom_ribbon,
    ggplot,
    labs,
    scale_fill_gradient,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import by_value, need_columns, records
from fahrstats.display.theme import (
    BASE_SIZE,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

if TYPE_CHECKING:
    from seaborn import JointGrid

_BAR: Final = 5  # years
_PALE: Final = "#e3eff6"
_TITLE_HEIGHT: Final = 0.3
_FRAME: Final = 1.1
_MOST_COLUMNS: Final = 2
_TRUE, _PREDICTED = "True age (years)", "Predicted age (years)"


def age_cells(
    table: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw how photos lie over true and predicted age, a panel for each model.

    No photo is drawn: the darker a cell, the larger its share of people.
    Predictions without error lie on the line.

    Parameters
    ----------
    table
        Shares in cells: ``model``, ``value``, ``predicted``, ``per``, ``estimate``.
    curves
        Mean predicted age by true age, with joint limits, drawn over the cells.
    labels
        Label of each model's column.
    width
        Inches; a page of the journal by default. The height follows from the panels.

    Raises
    ------
    DataError
        A column is absent, or no cell holds enough people to be shown.
    """
    width = page_width(width, style)
    needed = ("model", "value", "predicted", "per", "estimate")
    need_columns(table, needed, "a figure of cells")
    cells = table.dropna(subset="estimate")
    if cells.empty:
        raise DataError("No cell of the table has a share; ages must be known exactly.")
    models = list(dict.fromkeys(cells["model"]))
    n_columns = min(len(models), _MOST_COLUMNS)
    room = width / n_columns - 0.5
    panels = {m: wrap(plain(column_label(m, labels)), room, BASE_SIZE) for m in models}
    cells = cells.assign(
        panel=pd.Categorical(cells["model"].map(panels), list(panels.values())),
        right=cells["value"] + cells["per"],
        top=cells["predicted"] + cells["per"],
        percent=100 * cells["estimate"],
    )
    low = min(cells["value"].min(), cells["predicted"].min())
    high = max(cells["right"].max(), cells["top"].max())
    n_lines = -(-len(models) // n_columns)
    height = n_lines * (room + 0.35) + _FRAME + (_TITLE_HEIGHT if title else 0)
    sides = aes(xmin="value", xmax="right", ymin="predicted", ymax="top")
    plot = (
        ggplot(cells)
        + geom_rect(aes(**sides, fill="percent"))
        + geom_abline(slope=1, intercept=0, color=MUTED, linetype="dashed", size=0.4)
        + _mean_lines(curves, panels, style)
        + facet_wrap("panel", ncol=n_columns)
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(labels=tick_numbers(style))
        + scale_fill_gradient(
            low=_PALE,
            high=style.main,
            labels=tick_numbers(style),
            name="% of people  ",
        )
        + coord_fixed(xlim=(low, high), ylim=(low, high))
        + labs(x=_TRUE, y=_PREDICTED, title=plain(title))
        + house_theme(width, height)
        + theme(
            legend_position="bottom",
            legend_title=element_text(size=TEXT_SIZE),
            legend_title_position="left",
            legend_key_width=60,
            legend_key_height=8,
        )
    )
    return with_alt_text(plot, title, [_in_words(cells, style)])


def _in_words(cells: pd.DataFrame, style: JournalStyle) -> str:
    """Say where each model has the largest share of people."""
    texts = []
    for panel, part in by_value(cells, "panel"):
        (row,) = records(part.nlargest(1, "percent"))
        share = format_number(row["percent"], 1, style=style)
        low, high, read_low, read_high = (
            format_number(row[name], 0, style=style)
            for name in ("value", "right", "predicted", "top")
        )
        texts.append(
            f"{panel}: most, {share}% of people, are {low} to {high} years old and "
            f"read as {read_low} to {read_high}"
        )
    return "; ".join(texts)


def age_scatter(
    data: pd.DataFrame,
    *,
    predicted: str,
    age: str = "age",
    labels: Labels | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> JointGrid:
    """Draw every photo by true and predicted age, with the spread of both at the sides.

    The points are people's data: for your eyes, and not for a report that others read.
    :func:`age_cells` shows the same without any.

    Parameters
    ----------
    data
        One row per photo.
    predicted, age
        Columns of predicted and true age in years; rows that lack one are not drawn.
    labels
        Label of each column.
    width
        Inches; a page of the journal by default.

    Returns
    -------
    seaborn.JointGrid
        Its axes are ``ax_joint``, ``ax_marg_x`` and ``ax_marg_y``.

    Raises
    ------
    DataError
        A column is absent, or no row has both ages.
    """
    width = page_width(width, style)
    import seaborn as sns

    need_columns(data, (predicted, age), "a scatter of ages")
    known = data.loc[data[[predicted, age]].notna().all(axis=1), [predicted, age]]
    if known.empty:
        raise DataError(f"No row has both `{predicted}` and `{age}`.")
    ends = known.min().min() - 2, known.max().max() + 2
    grid = sns.JointGrid(
        data=known, x=age, y=predicted, height=width, ratio=6, xlim=ends, ylim=ends
    )
    points = {"s": 14, "color": style.main, "alpha": 0.5, "linewidth": 0}
    grid.plot_joint(sns.scatterplot, **points)
    bars = {"binwidth": _BAR, "binrange": _whole_bars(ends), "color": style.main}
    grid.plot_marginals(sns.histplot, **bars, edgecolor="white")
    grid.ax_joint.plot(ends, ends, color=MUTED, linestyle="--", linewidth=1)
    grid.set_axis_labels(
        _axis(age, labels, _TRUE), _axis(predicted, labels, _PREDICTED), color=INK
    )
    return grid


def _mean_lines(
    curves: pd.DataFrame | None, panels: dict[str, str], style: JournalStyle
) -> list[object]:
    """Return the mean predicted age by true age, with its joint band."""
    if curves is None:
        return []
    on = curves[(curves["estimand"] == "mean_predicted") & curves["estimate"].notna()]
    on = on[on["model"].isin(list(panels))]
    if on.empty:
        return []
    names = list(panels.values())
    on = on.assign(panel=pd.Categorical(on["model"].map(panels), names))
    band = aes("value", ymin="joint_low", ymax="joint_high")
    return [
        geom_ribbon(band, on, fill=style.accent, alpha=0.25),
        geom_line(aes("value", "estimate"), on, color=style.accent, size=0.8),
    ]


def _whole_bars(ends: tuple[float, float]) -> tuple[float, float]:
    return _BAR * (ends[0] // _BAR), _BAR * (ends[1] // _BAR + 1)


def _axis(column: str, labels: Labels | None, default: str) -> str:
    known = column in (labels or {})
    return plain(f"{column_label(column, labels)} (years)") if known else default
