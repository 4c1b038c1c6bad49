"""Error of predicted age in bands of age by group, as tiles."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    facet_wrap,
    geom_text,
    geom_tile,
    ggplot,
    labs,
    scale_fill_gradient2,
    theme,
)

from fahrstats.display.alt_text import from_to, with_alt_text
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import MINUS, format_number
from fahrstats.display.labels import CROSS, Labels, column_label
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import by_value, need_columns, only_one
from fahrstats.display.theme import (
    BASE_SIZE,
    FAINT,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

COOL: Final = "#92c5de"
WARM: Final = "#f4a582"
PALE: Final = "#f7f7f7"
_LEAST_REACH: Final = 5.0  # years; smaller errors keep pale tiles

# Inches
_TILE_HEIGHT: Final = 0.3
_PANEL_FRAME: Final = 0.3
_FRAME: Final = 0.75
_TITLE_HEIGHT: Final = 0.3
_MOST_NAME: Final = 1.6


def error_tiles(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the mean error in each band of age and group, a panel for each model.

    Warm tiles are faces read too old, cool ones faces read too young. A tile that has
    no number holds too few people.

    Parameters
    ----------
    table
        Rows of one ``estimand`` in one crossing of bands of age with a group:
        ``model``, ``subgroup``, ``level``, ``estimate``.
    labels
        Label of each column.
    width
        Inches; a page of the journal by default. The height follows from the groups and
        models.

    Raises
    ------
    DataError
        A column is absent, the table holds several statistics or groupings, or none
        that crosses age with a group.
    """
    width = page_width(width, style)
    needed = ("model", "subgroup", "level", "estimand", "estimate")
    need_columns(table, needed, "tiles of errors")
    only_one(table, ("estimand", "subgroup"), "tiles of errors")
    subgroup = str(table["subgroup"].iloc[0])
    if CROSS not in subgroup:
        raise DataError(
            f"`subgroup` is `{subgroup}`; tiles of errors need a crossing of age with "
            "a group."
        )
    group = subgroup.split(CROSS, maxsplit=1)[1]
    tiles = _placed(table, labels, style)
    groups, n_panels = list(tiles["group"].cat.categories), tiles["panel"].nunique()
    reach = max(_LEAST_REACH, float(np.nanmax(np.abs([0.0, *tiles["estimate"]]))))
    height = n_panels * (_TILE_HEIGHT * len(groups) + _PANEL_FRAME) + _FRAME
    room = height - _FRAME
    name = plain(column_label(group, labels))
    plot = (
        ggplot(tiles, aes("band", "group"))
        + geom_tile(aes(fill="estimate"), color="white", size=1.2)
        + geom_text(aes(label="text"), size=TEXT_SIZE, color=INK)
        + facet_wrap("panel", ncol=1)
        + scale_fill_gradient2(
            low=COOL,
            mid=PALE,
            high=WARM,
            midpoint=0,
            limits=(-reach, reach),
            na_value=FAINT,
        )
        + labs(
            x="True age (years)",
            y=wrap(name, room, BASE_SIZE),
            title=plain(title),
        )
        + house_theme(width, height + (_TITLE_HEIGHT if title else 0))
        + theme(
            legend_position="none",
            axis_line=element_blank(),
            axis_ticks_major=element_blank(),
            axis_title_y=element_text(color=MUTED),
        )
    )
    errors = [
        f"{panel}: {_reach(part, style)}" for panel, part in by_value(tiles, "panel")
    ]
    return with_alt_text(plot, title, [f"By age and {name}, {'; '.join(errors)}"])


def _reach(tiles: pd.DataFrame, style: JournalStyle) -> str:
    """Say which tile of a model is lowest, and which is highest."""
    return from_to(
        zip(tiles["level"], tiles["estimate"], strict=True),
        lambda value: signed(value, style),
    )


def _placed(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> pd.DataFrame:
    """Give every row its band, group, panel and text."""
    parts = table["level"].str.split(CROSS, n=1, expand=True, regex=False)
    names = parts[1].map(lambda name: wrap(plain(name), _MOST_NAME, TEXT_SIZE))
    panels = table["model"].map(lambda model: plain(column_label(model, labels)))
    return table.assign(
        band=pd.Categorical(parts[0], list(dict.fromkeys(parts[0]))),
        group=pd.Categorical(names, list(dict.fromkeys(names))[::-1]),
        panel=pd.Categorical(panels, list(dict.fromkeys(panels))),
        text=[signed(value, style) for value in table["estimate"]],
    )


def signed(value: float, style: JournalStyle) -> str:
    """Return a number of years with its sign; nothing where there is none."""
    if np.isnan(value):
        return ""
    text = format_number(abs(value), 1, style=style)
    if not text.strip("0.·,"):
        return text
    return f"{MINUS if value < 0 else '+'}{text}"
