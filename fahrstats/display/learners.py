"""Accuracy of several kinds of models, one colour a set of covariates."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_line,
    facet_wrap,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_short
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.theme import (
    FAINT,
    MUTED,
    TEXT_SIZE,
    colours,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_PANELS: Final = {
    "c_index": "C-index",
    "auc": "AUC",
    "brier": "Brier score",
    "ipa": "Index of prediction accuracy",
    "calibration_slope": "Calibration slope",
    "oe_ratio": "Observed over expected",
}
_NO_EFFECT: Final = {
    "c_index": 0.5,
    "auc": 0.5,
    "ipa": 0.0,
    "calibration_slope": 1.0,
    "oe_ratio": 1.0,
}
_LEARNERS: Final = {
    "cox": "Cox",
    "elastic_net": "Elastic net",
    "forest": "Survival forest",
    "weibull": "Weibull",
    "flexible": "Flexible parametric",
}
_SHARE: Final = 0.6  # of the height of a learner that its models divide
_PANEL_SPACING: Final = 0.04  # of the width of the figure

# Inches
_ROW_HEIGHT: Final = 0.17
_GAP_HEIGHT: Final = 0.16
_PANEL_FRAME: Final = 0.75
_LEGEND_ROW_HEIGHT: Final = 0.24
_LINE_HEIGHT: Final = 0.13
_NAME_WIDTH: Final = 5.6


def learner_dots(
    table: pd.DataFrame, *, width: float | None = None, style: JournalStyle = DEFAULT
) -> ggplot:
    """Draw accuracies with their intervals by learner, a panel per estimand and time.

    Rows of differences, and rows without an estimate, are not drawn. A line marks
    no discrimination, no gain over the null model, or perfect calibration.

    Parameters
    ----------
    table
        ``model``, ``learner``, ``estimand``, ``time``, ``estimate``, ``conf_low``,
        ``conf_high``; at most two estimands, each a column of panels.
    width
        Inches; a page of the journal by default. The height follows from the numbers of
        learners, models and times.

    Raises
    ------
    DataError
        A column is absent, no row has an estimate, there are more than two estimands,
        or more models than can be told apart.
    """
    width = page_width(width, style)
    shown = ("model", "learner", "estimand", "time", "estimate")
    need_columns(table, (*shown, "conf_low", "conf_high"), "a plot of learners")
    only_one(table, ("biomarker", "outcome"), "a plot of learners")
    is_told = (table["model"] != "") & (table["learner"] != "")
    rows = table[is_told & table["estimate"].notna()]
    if rows.empty:
        raise DataError("No row of the table has the accuracy of a model and learner.")
    estimands = list(rows["estimand"].unique())
    if len(estimands) > 2:
        raise DataError(
            f"`estimand` has {len(estimands)} values, but a plot of learners has room "
            "for two; select rows before drawing."
        )
    models, learners = list(rows["model"].unique()), list(rows["learner"].unique())
    panels = [
        _panel(name, time, style)
        for time in sorted(rows["time"].unique())
        for name in estimands
    ]
    middle = (len(models) - 1) / 2
    at = {name: (middle - k) * _SHARE / len(models) for k, name in enumerate(models)}
    levels = {name: len(learners) - 1 - k for k, name in enumerate(learners)}
    rows = rows.assign(
        at=rows["learner"].map(levels) + rows["model"].map(at),
        model=pd.Categorical(rows["model"], models),
        panel=pd.Categorical(
            [
                _panel(name, time, style)
                for name, time in zip(rows["estimand"], rows["time"], strict=True)
            ],
            panels,
        ),
        no_effect=rows["estimand"].map(_NO_EFFECT),
    )
    names = [wrap(plain(model), _NAME_WIDTH, TEXT_SIZE) for model in models]
    panel_height = len(learners) * (len(models) * _ROW_HEIGHT + _GAP_HEIGHT)
    height = len(panels) / len(estimands) * (panel_height + _PANEL_FRAME)
    return (
        ggplot(rows, aes("estimate", "at", color="model"))
        + geom_vline(
            aes(xintercept="no_effect"),
            rows.drop_duplicates("panel").dropna(subset="no_effect"),
            color=MUTED,
            linetype="dashed",
            size=0.4,
        )
        + geom_segment(
            aes(x="conf_low", xend="conf_high", yend="at"),
            rows.dropna(subset=["conf_low", "conf_high"]),
        )
        + geom_point(size=2)
        + facet_wrap("panel", ncol=len(estimands), scales="free_x")
        + scale_x_continuous(labels=tick_numbers(style), expand=(0.06, 0))
        + scale_y_continuous(
            breaks=list(levels.values()),
            labels=[plain(_LEARNERS.get(name, name)) for name in levels],
            expand=(0, 0.25),
        )
        + scale_color_manual(colours(len(models), style), name="", labels=names)
        + labs(x="", y="")
        + house_theme(width, height + _legend_height(names))
        + theme(
            axis_title=element_blank(),
            panel_grid_major_y=element_line(color=FAINT),
            panel_spacing_x=_PANEL_SPACING,
        )
        + _legend(names)
    )


def _panel(estimand: str, time: float, style: JournalStyle) -> str:
    name = _PANELS.get(estimand, estimand)
    return f"{name} at {format_short(time, style=style)} (95% CI)"


def _legend_height(names: list[str]) -> float:
    if len(names) == 1:
        return 0.0
    n_lines = sum(name.count("\n") + 1 for name in names)
    return n_lines * _LINE_HEIGHT + len(names) * (_LEGEND_ROW_HEIGHT - _LINE_HEIGHT)


def _legend(names: list[str]) -> Any:
    if len(names) == 1:
        return theme(legend_position="none")
    return [
        guides(color=guide_legend(ncol=1)),
        theme(legend_position="top"),
    ]
