"""Size of the change of a score by the dose of simulated changes of the face."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd
from plotnine import (
    aes,
    element_line,
    facet_wrap,
    geom_hline,
    geom_line,
    geom_point,
    geom_ribbon,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.age_errors import model_scales
from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label, column_unit, opening
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import by_value, need_columns, only_one
from fahrstats.display.theme import BASE_SIZE, FAINT, MUTED, house_theme, page_width

_COLUMNS: Final = 3
_PANEL: Final = 1.9  # inches
_MARGIN: Final = 0.9
_AXIS: Final = 0.45
_NAMES: Final = {
    "mean_absolute_change": "Mean size of the change (years)",
    "mean_change": "Mean change (years)",
    "sd_change": "Standard deviation of changes (years)",
    "share_moved": "Share of photos that moved",
    "share_lost": "Share of faces lost",
}


def dose_curves(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    limits: Sequence[float] = (),
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw one statistic of the change by dose: panels of conditions, lines of models.

    Bands around the lines are pointwise intervals. All panels share the vertical axis,
    so that conditions can be compared; each has its own dose.

    Parameters
    ----------
    table
        Rows of one ``estimand``: ``model``, ``condition``, ``dose``, ``estimate``,
        ``conf_low`` and ``conf_high``.
    labels
        Label of each model's column; label and unit of each condition.
    limits
        Sizes of change at which a dashed line is drawn.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, the table holds several statistics, or more models than can
        be told apart.
    """
    width = page_width(width, style)
    needed = ("model", "condition", "dose", "estimand", "estimate", "conf_low")
    need_columns(table, (*needed, "conf_high"), "dose curves")
    only_one(table, ("estimand",), "dose curves")
    drawn = table.dropna(subset=["dose", "estimate"])
    models = {name: plain(column_label(name, labels)) for name in drawn["model"]}
    order = list(dict.fromkeys(models.values()))
    n_columns = min(_COLUMNS, drawn["condition"].nunique())
    room = width / n_columns - _AXIS
    panels = {name: _titled(name, labels, room) for name in drawn["condition"]}
    drawn = drawn.assign(
        model=pd.Categorical(drawn["model"].map(models), order),
        condition=pd.Categorical(
            drawn["condition"].map(panels), list(dict.fromkeys(panels.values()))
        ),
    )
    n_rows = math.ceil(len(panels) / n_columns)
    estimand = str(table["estimand"].iloc[0])
    name = _NAMES.get(estimand, estimand)
    plot = (
        ggplot(drawn, aes("dose", "estimate", group="model"))
        + geom_hline(yintercept=list(limits), linetype="dashed", color=MUTED, size=0.4)
        + geom_ribbon(
            aes(ymin="conf_low", ymax="conf_high", fill="model"),
            alpha=0.15,
            na_rm=True,
        )
        + geom_line(aes(color="model", linetype="model"), size=0.7)
        + geom_point(aes(color="model"), size=1.3)
        + model_scales(len(order), style)
        + facet_wrap("condition", ncol=n_columns, scales="free_x")
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(labels=tick_numbers(style), expand=(0.02, 0, 0.05, 0))
        + labs(x="Dose", y=name, title=plain(title))
        + house_theme(width, _MARGIN + _PANEL * n_rows)
        + theme(
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing=0.03,
            legend_position="top" if len(order) > 1 else "none",
        )
    )
    reach = [
        f"{model}: {_reach(part, style)}" for model, part in by_value(drawn, "model")
    ]
    return with_alt_text(plot, title, [f"{name}, {'; '.join(reach)}"])


def _reach(doses: pd.DataFrame, style: JournalStyle) -> str:
    """Say which change moves a model least at its worst dose, and which most."""
    worst = doses.sort_values("estimate").drop_duplicates("condition", keep="last")
    return "at the worst dose " + from_to(
        zip(worst["condition"].astype(str), worst["estimate"], strict=True),
        lambda value: format_number(value, 1, style=style),
    )


def _titled(condition: str, labels: Labels | None, room: float) -> str:
    """Return the title of a panel: what is done, and the unit of its dose below."""
    name = wrap(opening(plain(column_label(condition, labels))), room, BASE_SIZE)
    unit = wrap(plain(column_unit(condition, labels)), room, BASE_SIZE)
    return f"{name}\n({unit})" if unit else name
