"""Importance of the regions of the face, and how models differ in it."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import (
    aes,
    coord_flip,
    element_line,
    facet_wrap,
    geom_hline,
    geom_linerange,
    geom_point,
    ggplot,
    labs,
    position_dodge,
    scale_color_manual,
    scale_shape_manual,
    scale_y_continuous,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.axes import tick_numbers
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain
from fahrstats.display.region_names import pair_name, region_name
from fahrstats.display.result_table import by_value, need_columns, only_one
from fahrstats.display.theme import FAINT, MUTED, colours, house_theme, page_width

_LIMITS: Final = ("conf_low", "conf_high")
_MARGIN: Final = 0.9  # inches, as all of these
_LINE: Final = 0.2
_PER_MODEL: Final = 0.07
_SHAPES: Final = ("o", "s", "^", "D", "v", "P")
_DODGE: Final = position_dodge(width=0.6)
_NAMES: Final = {
    "importance_share": "Share of importance (%)",
    "importance_per_area": "Share of importance per share of area",
    "mean_change": "Mean change of the score",
    "mean_absolute_change": "Mean size of the change of the score",
}


def region_shares(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw one statistic of importance by region: a dot on an interval per model.

    Regions are in the order of the table, the first on top.

    Parameters
    ----------
    table
        Rows of one ``estimand``: ``model``, ``region``, ``estimate``, ``conf_low`` and
        ``conf_high``.
    labels
        Label of each model and, where it is not the usual one, of a region.
    width
        Inches; a page of the journal by default.

    Raises
    ------
    DataError
        A column is absent, the table holds several statistics, or more models than can
        be told apart.
    """
    width = page_width(width, style)
    needed = ("model", "region", "estimand", "estimate", *_LIMITS)
    need_columns(table, needed, "shares of regions")
    only_one(table, ("estimand",), "shares of regions")
    estimand = str(table["estimand"].iloc[0])
    factor = 100 if estimand == "importance_share" else 1
    names = {name: plain(column_label(name, labels)) for name in table["model"]}
    models = list(dict.fromkeys(names.values()))
    drawn = _in_order(table, labels, factor).assign(
        model=pd.Categorical(table["model"].map(names), models),
        at=[-models.index(names[name]) for name in table["model"]],  # first on top
    )
    n_regions = drawn["region"].nunique()
    plot = (
        ggplot(
            drawn, aes("region", "estimate", color="model", shape="model", group="at")
        )
        + geom_hline(yintercept=0, color=MUTED, size=0.3)
        + geom_linerange(
            aes(ymin="conf_low", ymax="conf_high"),
            position=_DODGE,
            size=0.7,
            na_rm=True,
        )
        + geom_point(position=_DODGE, size=1.8, na_rm=True)
        + scale_color_manual(values=colours(len(models), style))
        + scale_shape_manual(values=_SHAPES[: len(models)])
        + scale_y_continuous(labels=tick_numbers(style))
        + coord_flip()
        + labs(x="", y=_NAMES.get(estimand, estimand), title=plain(title))
        + house_theme(
            width, _MARGIN + n_regions * (_LINE + _PER_MODEL * (len(models) - 1))
        )
        + theme(
            panel_grid_major_x=element_line(color=FAINT),
            legend_position="top" if len(models) > 1 else "none",
        )
    )
    return with_alt_text(plot, title, _reaches(drawn, "model", style))


def region_differences(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw differences of shares by region, a panel for each pair of models.

    The thick line is the interval of a region alone, the thin one its limits that hold
    for all regions and pairs together: a region whose thin line leaves 0 out matters
    more to one of the models.

    Parameters
    ----------
    table
        ``term`` (the pair ``a - b``), ``region``, ``estimate``, ``conf_low``,
        ``conf_high``, ``joint_low`` and ``joint_high``.
    labels, width
        As in :func:`region_shares`.

    Raises
    ------
    DataError
        A column is absent.
    """
    width = page_width(width, style)
    joint = ("joint_low", "joint_high")
    needed = ("term", "region", "estimate", *_LIMITS, *joint)
    need_columns(table, needed, "differences of regions")
    panels = {term: plain(pair_name(term, labels)) for term in table["term"]}
    drawn = _in_order(table, labels, 100).assign(
        term=pd.Categorical(
            table["term"].map(panels), list(dict.fromkeys(panels.values()))
        )
    )
    n_regions = drawn["region"].nunique()
    plot = (
        ggplot(drawn, aes("region", "estimate"))
        + geom_hline(yintercept=0, color=MUTED, linetype="dashed", size=0.4)
        + geom_linerange(
            aes(ymin="joint_low", ymax="joint_high"),
            color=style.main,
            size=0.4,
            na_rm=True,
        )
        + geom_linerange(
            aes(ymin="conf_low", ymax="conf_high"),
            color=style.main,
            size=1.3,
            na_rm=True,
        )
        + geom_point(color=style.main, size=1.8, na_rm=True)
        + facet_wrap("term", ncol=1)
        + scale_y_continuous(labels=tick_numbers(style), expand=(0.04, 0))
        + coord_flip()
        + labs(
            x="",
            y="Difference of shares of importance (percentage points)",
            title=plain(title),
        )
        + house_theme(width, _MARGIN + len(panels) * (0.3 + n_regions * _LINE))
        + theme(panel_grid_major_x=element_line(color=FAINT))
    )
    return with_alt_text(plot, title, _reaches(drawn, "term", style))


def _reaches(drawn: pd.DataFrame, column: str, style: JournalStyle) -> list[str]:
    """Say in which regions the numbers of each model or pair are at their ends."""
    texts = []
    for name, part in by_value(drawn, column):
        reach = from_to(
            zip(part["region"].astype(str), part["estimate"], strict=True),
            lambda value: format_number(value, 1, style=style),
        )
        texts.append(f"{name}: {reach}")
    return texts


def _in_order(
    table: pd.DataFrame, labels: Labels | None, factor: float
) -> pd.DataFrame:
    """Name the regions, the last at the bottom, and put numbers into their unit."""
    names = {region: plain(region_name(region, labels)) for region in table["region"]}
    numbers = [
        name
        for name in ("estimate", *_LIMITS, "joint_low", "joint_high")
        if name in table
    ]
    return table.assign(
        region=pd.Categorical(
            table["region"].map(names), list(dict.fromkeys(names.values()))[::-1]
        ),
        **{name: factor * table[name] for name in numbers},
    )
