"""Sample sizes as bars, and printed p values beside what their intervals imply."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    coord_flip,
    element_blank,
    element_line,
    geom_col,
    geom_hline,
    geom_linerange,
    geom_point,
    geom_text,
    ggplot,
    labs,
    scale_color_manual,
    scale_shape_manual,
    scale_x_discrete,
    scale_y_continuous,
    scale_y_log10,
    theme,
)

from fahrstats.display.axes import tick_numbers, tick_ratios
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count, in_style
from fahrstats.display.margin_text import plain, wrap
from fahrstats.display.result_table import need_columns, records
from fahrstats.display.theme import (
    FAINT,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_LEAST_P: Final = 1e-6
_AGREES: Final = "agrees, or is alone"
_FLAGGED: Final = "see its note"

# Inches
_ROW_HEIGHT: Final = 0.36
_LINE_HEIGHT: Final = 0.14
_ROW_GAP: Final = 0.12
_FRAME: Final = 0.6
_LEGEND_HEIGHT: Final = 0.3
_TITLE_HEIGHT: Final = 0.3
_NAME_WIDTH: Final = 2.4


def sample_sizes(
    table: pd.DataFrame,
    *,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the people that each demand on a study takes, as bars.

    Parameters
    ----------
    table
        ``term``, ``estimand`` and ``estimate``; rows of ``sample_size`` are drawn.
    width
        Inches; a page of the journal by default. The height follows from the demands.

    Raises
    ------
    DataError
        A column is absent, or no row is a sample size.
    """
    width = page_width(width, style)
    shown = ("term", "estimand", "estimate")
    need_columns(table, shown, "a figure of sample sizes")
    rows = table[table["estimand"] == "sample_size"]
    need_columns(rows, shown, "a figure of sample sizes")
    names = [_name(in_style(term, style=style)) for term in rows["term"]]
    rows = rows.assign(
        name=pd.Categorical(names, list(dict.fromkeys(names))[::-1]),
        text=[format_count(n, style=style) for n in rows["estimate"]],
    )
    height = len(rows) * _ROW_HEIGHT + _FRAME + (_TITLE_HEIGHT if title else 0)
    return (
        ggplot(rows, aes("name", "estimate"))
        + geom_col(fill=style.main, width=0.6)
        + geom_text(
            aes(label="text"),
            ha="left",
            nudge_y=0.01 * float(rows["estimate"].max()),
            size=TEXT_SIZE,
            color=INK,
        )
        + scale_y_continuous(
            limits=(0, 1.15 * float(rows["estimate"].max())),
            expand=(0, 0),
            labels=tick_numbers(style),
        )
        + coord_flip()
        + labs(x="", y="People", title=plain(title))
        + house_theme(width, height)
        + theme(axis_title_y=element_blank())
    )


def printed_p_values(
    table: pd.DataFrame,
    *,
    title: str = "",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw printed p values beside those that estimate and interval imply.

    A line spans the p values that rounding of the printed numbers allows, and the name
    of a row ends with its printed p value; rows with a note stand out. Values below one
    in a million are drawn there.

    Parameters
    ----------
    table
        ``term``, ``p_value``, ``p_low``, ``p_high``, ``published_p`` and ``note``, as
        from a check of printed numbers; rows without an implied p value are not drawn.
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, or no row has a p value.
    """
    width = page_width(width, style)
    shown = ("term", "p_value", "p_low", "p_high", "published_p", "note")
    need_columns(table, shown, "a figure of printed p values")
    rows = table[table["p_value"].notna()]
    if rows.empty:
        raise DataError("No row of the table has a p value from its interval.")
    names = [_name(_with_p(row)) for row in records(rows)]
    # Two rows of one name keep their places.
    places = [f"{k:04d}" for k in range(len(rows))]
    rows = rows.assign(
        place=pd.Categorical(places, places[::-1]),
        kind=np.where(rows["note"] == "", _AGREES, _FLAGGED),
        **{name: rows[name].clip(lower=_LEAST_P) for name in shown[1:4]},
    )
    most_lines = max(name.count("\n") for name in names) + 1
    row_height = max(_ROW_HEIGHT, most_lines * _LINE_HEIGHT + _ROW_GAP)
    height = len(rows) * row_height + _FRAME + _LEGEND_HEIGHT
    look: dict[str, Any] = {"name": "", "limits": [_AGREES, _FLAGGED]}
    return (
        ggplot(rows, aes("place", "p_value", color="kind"))
        + geom_hline(yintercept=0.05, color=MUTED, linetype="dashed", size=0.4)
        + geom_linerange(aes(ymin="p_low", ymax="p_high"), size=0.8)
        + geom_point(aes(shape="kind"), size=2.5)
        + scale_color_manual([style.main, style.accent], **look)
        + scale_shape_manual(["o", "s"], **look)
        + scale_x_discrete(labels=names[::-1])
        + scale_y_log10(
            limits=(min(1e-3, float(rows["p_low"].min())), 1),
            labels=tick_ratios(style),
        )
        + coord_flip()
        + labs(
            x="", y=f"{style.p_symbol} from estimate and interval", title=plain(title)
        )
        + house_theme(width, height + (_TITLE_HEIGHT if title else 0))
        + theme(
            axis_title_y=element_blank(),
            legend_position="top",
            panel_grid_major_y=element_line(color=FAINT),
        )
    )


def _with_p(row: dict[str, Any]) -> str:
    """Return the name of a row with its printed p value, unless that is part of it."""
    printed = str(row["published_p"])
    if not printed or printed in row["term"]:
        return str(row["term"])
    sign = "" if printed[0] in "<>" else "="
    return f"{row['term'] or 'row'}, P{sign}{printed}"


def _name(text: str) -> str:
    return wrap(plain(" ".join(text.split())), _NAME_WIDTH, TEXT_SIZE)
