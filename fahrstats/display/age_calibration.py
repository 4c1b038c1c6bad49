"""By how much predicted ages are off at every age, and what a prediction means."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import (
    aes,
    element_line,
    facet_wrap,
    geom_hline,
    geom_line,
    geom_ribbon,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.age_errors import model_scales
from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import by_value, need_columns, records
from fahrstats.display.theme import FAINT, MUTED, house_theme, page_width
from fahrstats.errors import DataError

_HEIGHT: Final = 3.2  # inches
_TITLE_HEIGHT: Final = 0.3
_PANELS: Final = {
    "mean_predicted": "Mean predicted minus true age,\nby true age",
    "mean_age": "Mean true minus predicted age,\nby predicted age",
}


def age_calibration(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw mean predicted by true age, and true by predicted age, less the age itself.

    Zero is a prediction that is right on average. Bands hold for a whole curve.

    Parameters
    ----------
    table
        Curves of calibration in age: ``model``, ``value``, ``estimand``, ``estimate``,
        ``joint_low``, ``joint_high``.
    labels
        Label of each model's column.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, there are more models than can be told apart, or no model
        has a curve.
    """
    width = page_width(width, style)
    limits = ["estimate", "joint_low", "joint_high"]
    need_columns(table, ("model", "value", "estimand", *limits), "curves of age")
    drawn = table[table["estimand"].isin(list(_PANELS))].dropna(subset="estimate")
    if drawn.empty:
        raise DataError("No model of the table has a curve.")
    names = {name: plain(column_label(name, labels)) for name in drawn["model"]}
    order = list(dict.fromkeys(names.values()))
    panels = drawn["estimand"].map(_PANELS)
    drawn = drawn.assign(
        **{name: drawn[name] - drawn["value"] for name in limits},
        model=pd.Categorical(drawn["model"].map(names), order),
        panel=pd.Categorical(panels, list(_PANELS.values())),
    )
    band = aes(ymin="joint_low", ymax="joint_high", fill="model")
    plot = (
        ggplot(drawn, aes("value", "estimate", group="model"))
        + geom_hline(yintercept=0, color=MUTED, size=0.4)
        + geom_ribbon(band, alpha=0.18)
        + geom_line(aes(color="model", linetype="model"), size=0.8)
        + model_scales(len(order), style)
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(labels=tick_numbers(style))
        + facet_wrap("panel", nrow=1, scales="free_x")
        + labs(x="Age (years)", y="Years", title=plain(title))
        + house_theme(width, _HEIGHT + (_TITLE_HEIGHT if title else 0))
        + theme(
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing_x=0.04,
            legend_position="top" if len(order) > 1 else "none",
        )
    )
    return with_alt_text(
        plot,
        title,
        [_in_words(part, panel, style) for panel, part in by_value(drawn, "panel")],
    )


def _in_words(curves: pd.DataFrame, panel: str, style: JournalStyle) -> str:
    """Say how far both ends of each curve of a panel lie from the age."""
    texts = []
    for model, curve in by_value(curves, "model"):
        ends = " and ".join(
            f"{format_number(row['estimate'], 1, style=style)} years at "
            f"{format_number(row['value'], 0, style=style)}"
            for row in records(curve.sort_values("value").iloc[[0, -1]])
        )
        texts.append(f"{model} {ends}")
    return f"{panel}: {'; '.join(texts)}"
