"""Mean change and limits of agreement of conditions and groups, one below another."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from plotnine import (
    aes,
    element_blank,
    element_text,
    geom_point,
    geom_segment,
    geom_vline,
    ggplot,
    labs,
    scale_x_continuous,
    scale_y_continuous,
    theme,
)

from fahrstats.display.axes import tick_numbers
from fahrstats.display.display_table import count_or_empty
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_difference
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import geom_margin_text, plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import (
    FAINT,
    INK,
    MUTED,
    TEXT_SIZE,
    house_theme,
    page_width,
)
from fahrstats.errors import DataError

_KEYS: Final = ["condition", "subgroup", "level"]
_NEED: Final = (*_KEYS, "estimand", "estimate", "conf_low", "conf_high", "n", "note")
_OVERALL: Final = "overall"
_INDENT: Final = "\N{NO-BREAK SPACE}" * 4

# Inches
_LINE: Final = 0.14
_GAP: Final = 0.1
_FRAME: Final = 0.6
_NAME_WIDTH: Final = 1.8
_SPACE: Final = 0.12


def change_forest(
    table: pd.DataFrame,
    *,
    margin: float | None = None,
    labels: Labels | None = None,
    unit: str = "years",
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw mean changes with their intervals, on the limits of agreement of pairs.

    The narrow line is the interval of the mean change; the wide band reaches from one
    limit of agreement to the other, and tells how far single photos move. What was not
    estimated keeps its row, with the reason.

    Parameters
    ----------
    table
        Rows of ``mean_change``, ``loa_low`` and ``loa_high``: ``condition``,
        ``subgroup``, ``level``, ``estimand``, ``estimate``, limits, ``n``, ``note``.
    margin
        Size of mean change that would not matter, drawn on both sides of 0.
    labels
        Label of each condition and grouping.
    unit
        Of the score.
    width
        Inches; a page of the journal by default. The height follows from the rows.

    Raises
    ------
    DataError
        A column is absent, the table is of several models, or no mean change was
        estimated.
    """
    width = page_width(width, style)
    need_columns(table, _NEED, "a forest of changes")
    only_one(table, ("model", "cohort"), "a forest of changes")
    rows = _rows(table, labels, style)
    height = float(rows["height"].sum())
    text = max(text_width(words, TEXT_SIZE) for words in rows["words"]) + 2 * _SPACE
    borders = [] if margin is None else [-margin, margin]
    return (
        ggplot(rows, aes(y="y", yend="y"))
        + geom_vline(xintercept=0, color=MUTED, size=0.4)
        + geom_vline(
            xintercept=borders, color=style.accent, linetype="dashed", size=0.4
        )
        + geom_segment(
            aes(x="loa_low", xend="loa_high"), color=FAINT, size=3.5, na_rm=True
        )
        + geom_segment(aes(x="conf_low", xend="conf_high"), color=INK, na_rm=True)
        + geom_point(aes("estimate"), color=style.main, size=2, na_rm=True)
        + geom_margin_text(
            aes(y="y", label="words"),
            edge="right",
            dx=_SPACE,
            size=TEXT_SIZE,
            color=INK,
        )
        + scale_x_continuous(labels=tick_numbers(style))
        + scale_y_continuous(
            breaks=rows["y"].tolist(),
            labels=rows["name"].tolist(),
            limits=(-height, 0),
            expand=(0, 0),
        )
        + labs(x=f"Change ({unit})", y="")
        + house_theme(width, height + _FRAME)
        + theme(
            axis_title_y=element_blank(),
            axis_text_y=element_text(ha="left", ma="left"),
            axis_ticks_major_y=element_blank(),
            plot_margin_right=text / width,
        )
    )


def _rows(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> pd.DataFrame:
    """Return a row for each condition and level, with its name, words and place."""
    wide = table.pivot_table(
        index=_KEYS, columns="estimand", values="estimate", dropna=False, sort=False
    )
    means = table[table["estimand"] == "mean_change"]
    if means["estimate"].isna().all():
        raise DataError("No mean change of the table was estimated.")
    bands = wide.reindex(columns=["loa_low", "loa_high"]).reset_index()
    rows = means.merge(bands, on=_KEYS, how="left")
    names = [_name(row, labels) for row in records(rows)]
    words = [_words(row, style) for row in records(rows)]
    n_lines = [
        1 + max(name.count("\n"), text.count("\n"))
        for name, text in zip(names, words, strict=True)
    ]
    height = pd.Series(n_lines) * _LINE + _GAP
    return rows.assign(
        name=names, words=words, height=height, y=height / 2 - height.cumsum()
    )


def _name(row: dict[str, Any], labels: Labels | None) -> str:
    """Return the name of a condition, or below it that of a level."""
    condition, subgroup, level = (str(row[key]) for key in _KEYS)
    if subgroup == _OVERALL:
        name = "All pairs" if condition == _OVERALL else column_label(condition, labels)
        return wrap(plain(name), _NAME_WIDTH, TEXT_SIZE)
    name = f"{column_label(subgroup, labels)}: {level}"
    lines = wrap(plain(name), _NAME_WIDTH - _SPACE, TEXT_SIZE).split("\n")
    return "\n".join(_INDENT + line for line in lines)


def _words(row: dict[str, Any], style: JournalStyle) -> str:
    """Return the numbers of a row, or why it has none."""
    if pd.isna(row["estimate"]):
        return wrap(plain(str(row["note"])), _NAME_WIDTH, TEXT_SIZE)
    limits = (row["estimate"], row["conf_low"], row["conf_high"])
    number = format_difference(*limits, decimals=2, style=style)
    return f"{number}, n = {count_or_empty(row['n'], style)}"
