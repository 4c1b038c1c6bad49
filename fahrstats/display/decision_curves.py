"""Net benefit by threshold, one line a strategy."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    coord_cartesian,
    geom_line,
    geom_ribbon,
    ggplot,
    labs,
    scale_color_manual,
    scale_fill_manual,
    scale_linetype_manual,
    scale_x_continuous,
    scale_y_continuous,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.axes import tick_numbers, tick_percents
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_number
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns, only_one
from fahrstats.display.step_curves import legend_above, legend_height
from fahrstats.display.theme import (
    INK,
    MUTED,
    TEXT_SIZE,
    colours,
    house_theme,
    line_types,
    page_width,
)

_WITHOUT: Final = {"treat all": "Treat all", "treat none": "Treat none"}
_BELOW: Final = 0.15  # of the largest net benefit, shown below 0
_ABOVE: Final = 1.08

# Inches
_HEIGHT: Final = 2.8
_TITLE_HEIGHT: Final = 0.3
_NAME_WIDTH: Final = 5.6


def decision_curves(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw net benefit by threshold, models in colour, treating all and none grey.

    The vertical axis ends a little below 0, where treating all goes on falling. Models
    have bands where the table has limits.

    Parameters
    ----------
    table
        ``term``, ``threshold``, ``estimate``, ``conf_low``, ``conf_high``; missing net
        benefits end a line.
    labels
        Label and unit of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the number of
        strategies.

    Raises
    ------
    DataError
        A column is absent, the table holds several estimands or horizons, or more
        models than can be told apart.

    References
    ----------
    Vickers, van Calster and Steyerberg (2019), Diagnostic and Prognostic Research 3:18.
    """
    width = page_width(width, style)
    shown = ("term", "threshold", "estimate", "conf_low", "conf_high")
    need_columns(table, shown, "a decision curve")
    only_one(table, ("estimand", "time", "biomarker", "outcome"), "a decision curve")
    terms = list(table["term"].unique())
    names = dict(zip(terms, [_name(term, labels) for term in terms], strict=True))
    rows = table.assign(term=pd.Categorical(table["term"], terms))
    rows = rows.dropna(subset="estimate")
    top = float(rows["estimate"].max())
    height = _HEIGHT + legend_height(names, width) + (_TITLE_HEIGHT if title else 0)
    banded = rows[~rows["term"].isin(_WITHOUT)]
    banded = banded.dropna(subset=["conf_low", "conf_high"])
    plot = (
        ggplot(rows, aes("threshold", "estimate", color="term", linetype="term"))
        + _bands(banded)
        + geom_line(size=0.8)
        + _scales(names, style, has_bands=not banded.empty)
        + scale_x_continuous(labels=tick_percents(style), expand=(0.02, 0))
        + scale_y_continuous(labels=tick_numbers(style))
        + coord_cartesian(ylim=(-_BELOW * top, _ABOVE * top))
        + labs(x="Threshold of predicted risk", y="Net benefit", title=plain(title))
        + house_theme(width, height)
        + legend_above(names, width)
    )
    low, high = (
        format_number(100 * end, 0, style=style)
        for end in (rows["threshold"].min(), rows["threshold"].max())
    )
    told = f"Thresholds from {low}% to {high}%: {', '.join(names.values())}"
    return with_alt_text(plot, title, [told])


def _name(term: str, labels: Labels | None) -> str:
    """Return what to call a strategy, in lines that fit the legend."""
    name = _WITHOUT.get(term) or plain(column_label(term, labels))
    return wrap(name, _NAME_WIDTH, TEXT_SIZE)


def _bands(banded: pd.DataFrame) -> list[Any]:
    """Return pointwise bands; none without limits."""
    if banded.empty:
        return []
    band = aes(ymin="conf_low", ymax="conf_high", fill="term")
    return [geom_ribbon(band, banded, alpha=0.12, color="none", show_legend=False)]


def _scales(
    names: dict[str, str], style: JournalStyle, *, has_bands: bool
) -> list[Any]:
    """Return colours and line types: grey for strategies without a model."""
    terms = list(names)
    models = [term for term in terms if term not in _WITHOUT]
    colour = dict(zip(models, colours(len(models), style), strict=True))
    dash = dict(zip(models, line_types(len(models)), strict=True))
    grey = {"treat all": (MUTED, "dashed"), "treat none": (INK, "solid")}
    colour |= {term: shade for term, (shade, _) in grey.items()}
    dash |= {term: line for term, (_, line) in grey.items()}
    shown = {"name": "", "labels": list(names.values()), "limits": terms}
    shades = [colour[term] for term in terms]
    fill = [scale_fill_manual(shades, **shown)] if has_bands else []
    dashes = scale_linetype_manual([dash[term] for term in terms], **shown)
    return [scale_color_manual(shades, **shown), dashes, *fill]
