"""Error of predicted age over the lifespan."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_line,
    geom_line,
    geom_point,
    geom_ribbon,
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
from fahrstats.display.axes import tick_numbers
from fahrstats.display.display_table import count_or_empty
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.result_table import by_value, need_columns, only_one
from fahrstats.display.theme import FAINT, colours, house_theme, line_types, page_width

_HEIGHT: Final = 3.4  # inches
_NAMES: Final = {
    "mae": "Mean absolute error (years)",
    "mean_error": "Mean error (years)",
    "rmse": "Root mean square error (years)",
}


def errors_by_age(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw one statistic of the error by band of age, a line per model.

    Bands around the lines are pointwise intervals. Numbers of photos stand below the
    bands of age; bands without photos are not drawn, and those of which nothing is
    told break the line.

    Parameters
    ----------
    table
        Rows of one ``estimand``: ``model``, ``level`` (the band), ``estimate``,
        ``conf_low``, ``conf_high`` and ``n``.
    labels
        Label of each model's column.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, the table holds several statistics, or more models than can
        be told apart.
    """
    width = page_width(width, style)
    needed = ("model", "level", "estimand", "estimate", "conf_low", "conf_high", "n")
    need_columns(table, needed, "errors by age")
    only_one(table, ("estimand", "subgroup"), "errors by age")
    drawn = table[table["n"].fillna(1) > 0]  # a number not shown is not zero
    levels = list(dict.fromkeys(drawn["level"]))
    names = {name: plain(column_label(name, labels)) for name in drawn["model"]}
    order = list(dict.fromkeys(names.values()))
    drawn = drawn.assign(
        at=[levels.index(level) for level in drawn["level"]],
        model=pd.Categorical(drawn["model"].map(names), order),
    )
    counts = drawn.drop_duplicates("level").set_index("level")["n"]
    estimand = str(drawn["estimand"].iloc[0])
    name = _NAMES.get(estimand, estimand.replace("_", " "))
    plot = (
        ggplot(drawn, aes("at", "estimate", group="model"))
        + geom_ribbon(aes(ymin="conf_low", ymax="conf_high", fill="model"), alpha=0.15)
        + geom_line(aes(color="model", linetype="model"), size=0.8)
        + geom_point(aes(color="model"), size=1.8, na_rm=True)
        + model_scales(len(order), style)
        + scale_x_continuous(
            breaks=np.arange(len(levels)),
            labels=[
                f"{level}\n{count_or_empty(counts[level], style)}" for level in levels
            ],
            minor_breaks=[],
        )
        + scale_y_continuous(labels=tick_numbers(style))
        + labs(
            x="Age (years), number of photos",
            y=name,
            title=plain(title),
        )
        + house_theme(width, _HEIGHT)
        + theme(
            panel_grid_major_y=element_line(color=FAINT),
            legend_position="top" if len(order) > 1 else "none",
        )
    )
    reach = [
        f"{model}: {_reach(part, style)}" for model, part in by_value(drawn, "model")
    ]
    return with_alt_text(plot, title, [f"{name} by age, {'; '.join(reach)}"])


def _reach(errors: pd.DataFrame, style: JournalStyle) -> str:
    """Say at which ages a model errs least, and at which most."""
    return from_to(
        zip(errors["level"], errors["estimate"], strict=True),
        lambda value: format_number(value, 1, style=style),
    )


def model_scales(n: int, style: JournalStyle) -> list[Any]:
    """Return colours and line types that tell n models apart."""
    return [
        scale_color_manual(values=colours(n, style)),
        scale_fill_manual(values=colours(n, style)),
        scale_linetype_manual(values=line_types(n)),
    ]
