"""Mean change of a score by simulated change and severity, as tiles."""

from __future__ import annotations

from typing import Final

import pandas as pd
from plotnine import (
    aes,
    element_blank,
    facet_wrap,
    geom_text,
    geom_tile,
    ggplot,
    labs,
    scale_fill_gradient2,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.error_tiles import COOL, PALE, WARM, signed
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_short
from fahrstats.display.labels import Labels, column_label, opening
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.result_table import by_value, need_columns, only_one, records
from fahrstats.display.theme import FAINT, INK, TEXT_SIZE, house_theme, page_width

_REACH: Final = 10.0  # years; larger changes are no darker
_TILE_HEIGHT: Final = 0.2  # inches
_FRAME: Final = 1.0
_EDGES: Final = 0.5
_MOST_NAME: Final = 2.4


def change_tiles(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the mean change at each severity of each condition, a panel for each model.

    Warm tiles are faces that are read older after the change, cool ones younger.

    Parameters
    ----------
    table
        Rows of one ``estimand``: ``model``, ``condition``, ``severity`` (from 1 on),
        ``estimate``.
    labels
        Label of each model and condition.
    width
        Inches; a page of the journal by default. The height follows from the
        conditions.

    Raises
    ------
    DataError
        A column is absent, or the table holds several statistics.
    """
    width = page_width(width, style)
    needed = ("model", "condition", "severity", "estimand", "estimate")
    need_columns(table, needed, "tiles of changes")
    only_one(table, ("estimand",), "tiles of changes")
    names = {
        name: wrap(opening(plain(column_label(name, labels))), _MOST_NAME, TEXT_SIZE)
        for name in table["condition"]
    }
    models = {name: plain(column_label(name, labels)) for name in table["model"]}
    severities = [
        format_short(severity, style=style)
        for severity in sorted(table["severity"].unique())
    ]
    tiles = table.assign(
        condition=pd.Categorical(
            table["condition"].map(names), list(dict.fromkeys(names.values()))[::-1]
        ),
        model=pd.Categorical(
            table["model"].map(models), list(dict.fromkeys(models.values()))
        ),
        severity=pd.Categorical(
            [format_short(value, style=style) for value in table["severity"]],
            severities,
        ),
        text=[signed(value, style) for value in table["estimate"]],
        shade=table["estimate"].clip(-_REACH, _REACH),
    )
    beside = max(text_width(name, TEXT_SIZE) for name in names.values()) + _EDGES
    tile = (width - beside) / (len(set(models.values())) * len(severities))
    is_roomy = max(text_width(text, TEXT_SIZE) for text in tiles["text"]) < tile
    plot = (
        ggplot(tiles, aes("severity", "condition"))
        + geom_tile(aes(fill="shade"), color="white", size=0.8)
        + geom_text(aes(label="text"), size=TEXT_SIZE - (not is_roomy), color=INK)
        + facet_wrap("model", nrow=1)
        + scale_fill_gradient2(
            low=COOL,
            mid=PALE,
            high=WARM,
            midpoint=0,
            limits=(-_REACH, _REACH),
            na_value=FAINT,
        )
        + labs(x="Severity", y="", title=plain(title))
        + house_theme(width, _FRAME + _TILE_HEIGHT * len(names))
        + theme(
            legend_position="none",
            axis_line=element_blank(),
            axis_ticks_major=element_blank(),
        )
    )
    reach = [
        f"{model}: {_reach(part, style)}" for model, part in by_value(tiles, "model")
    ]
    return with_alt_text(plot, title, reach)


def _reach(tiles: pd.DataFrame, style: JournalStyle) -> str:
    """Say which change of a model is lowest, and which is highest."""
    return from_to(
        (
            (f"{row['condition']}, severity {row['severity']}", row["estimate"])
            for row in records(tiles)
        ),
        lambda value: signed(value, style),
    )
