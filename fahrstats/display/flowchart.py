"""The flow of participants: who was in the table, who was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_blank,
    geom_point,
    geom_rect,
    geom_segment,
    geom_text,
    ggplot,
    scale_x_continuous,
    scale_y_continuous,
    theme,
    theme_void,
)

from fahrstats.display.alt_text import with_alt_text
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.result_table import need_columns, only_one, records
from fahrstats.display.theme import BASE_SIZE, INK, page_width

_ANALYSED: Final = "Analysed"
_BULLET: Final = "\N{BULLET} "
_HANGING: Final = "\N{EN SPACE}\N{THIN SPACE}"

# Inches
_LINE_HEIGHT: Final = 0.17
_PADDING: Final = 0.1
_MAIN_WIDTH: Final = 2.5
_GAP: Final = 0.3
_INDENT: Final = 0.15
_EDGE: Final = 0.03


def flow(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    width: float | None = None,
    style: JournalStyle = DEFAULT,
) -> ggplot:
    """Draw the flow of participants: all, those left out by reason, those analysed.

    Parameters
    ----------
    table
        One row per ``step``: ``reason``, ``column``, ``n`` and ``n_events`` that remain
        and, after the first step, ``n_removed`` and ``n_removed_events``.
    labels
        Label of each column of the data.
    width
        Inches; a page of the journal by default. The height follows from the reasons.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    width = page_width(width, style)
    need_columns(
        table, ("step", "reason", "n", "n_events", "n_removed"), "a participant flow"
    )
    only_one(table, ("outcome",), "a participant flow")
    steps = table.sort_values("step")
    first, last = steps.iloc[0], steps.iloc[-1]
    side_left = _MAIN_WIDTH / 2 + _GAP
    removed = _removed_lines(steps, labels, width - side_left - 3 * _PADDING, style)
    reason = str(first["reason"])
    begin = wrap(
        plain(reason[:1].upper() + reason[1:]), _MAIN_WIDTH - 2 * _PADDING, BASE_SIZE
    )
    everyone = _Box.at(0.0, 0.0, [*begin.split("\n"), _size(first, style)])
    aside = _Box.at(side_left, everyone.bottom - _GAP, removed)
    analysed = _Box.at(0.0, aside.bottom - _GAP, [_ANALYSED, _size(last, style)])
    boxes = [everyone, aside, analysed]
    middle = _MAIN_WIDTH / 2
    plot = (
        ggplot()
        + _arrow((middle, everyone.bottom), (middle, analysed.top), "v")
        + _arrow((middle, aside.centre), (aside.left, aside.centre), ">")
        + _outlines(boxes)
        + _contents(boxes)
        + scale_x_continuous(
            breaks=[], limits=(-_EDGE, width - _EDGE / 2), expand=(0, 0)
        )
        + scale_y_continuous(
            breaks=[], limits=(analysed.bottom - _EDGE, _EDGE), expand=(0, 0)
        )
        + theme_void()
        + theme(
            figure_size=(width, 2 * _EDGE - analysed.bottom),
            plot_margin=0,
            axis_title=element_blank(),
        )
    )
    return with_alt_text(
        plot,
        "",
        [f"{begin}: {_size(first, style)}", f"{_ANALYSED}: {_size(last, style)}"],
    )


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of text; positions in inches, upwards from the top of the figure."""

    left: float
    right: float
    top: float
    bottom: float
    text: str

    @classmethod
    def at(cls, left: float, top: float, lines: list[str]) -> _Box:
        widest = max(text_width(line, BASE_SIZE) for line in lines)
        width = max(widest + 2 * _PADDING, _MAIN_WIDTH)
        height = len(lines) * _LINE_HEIGHT + 2 * _PADDING
        return cls(left, left + width, top, top - height, "\n".join(lines))

    @property
    def centre(self) -> float:
        return (self.top + self.bottom) / 2


def _removed_lines(
    steps: pd.DataFrame, labels: Labels | None, width: float, style: JournalStyle
) -> list[str]:
    """Return the reasons with the numbers that each took out, none of them zero.

    A number that is not published is missing, and so is then that of all left out.
    """
    first, last = steps.iloc[0], steps.iloc[-1]
    removed = steps.iloc[1:]
    removed = removed[removed["n_removed"].fillna(1) > 0]
    if removed.empty:
        return ["Left out: none"]
    n, n_events = (
        first[name] - last[name] if removed[name_removed].notna().all() else np.nan
        for name, name_removed in (
            ("n", "n_removed"),
            ("n_events", "n_removed_events" if "n_removed_events" in steps else "n"),
        )
    )
    total = _counts(n, n_events, style)
    lines = [f"Left out: {total}"]
    for row in records(removed):
        where = row.get("column")
        reason = str(row["reason"])
        if isinstance(where, str) and where:
            reason = f"{column_label(where, labels)}: {reason}"
        counts = _counts(row["n_removed"], row.get("n_removed_events"), style)
        wrapped = wrap(plain(f"{reason}, {counts}"), width - _INDENT, BASE_SIZE)
        start, *more = wrapped.split("\n")
        lines += [f"{_BULLET}{start}", *(f"{_HANGING}{line}" for line in more)]
    return lines


def _size(step: pd.Series[Any], style: JournalStyle) -> str:
    return _counts(step["n"], step["n_events"], style)


def _counts(n: float, n_events: float | None, style: JournalStyle) -> str:
    if n_events is None or pd.isna(n_events):
        text = f"n = {format_count(n, style=style)}"
    else:
        events = "event" if n_events == 1 else "events"
        shown = format_count(n_events, style=style)
        text = f"n = {format_count(n, style=style)} ({shown} {events})"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _arrow(start: tuple[float, float], end: tuple[float, float], tip: str) -> list[Any]:
    line = pd.DataFrame([(*start, *end)], columns=["x", "y", "xend", "yend"])
    back = 0.04  # half of the tip
    dx, dy = (-back, 0.0) if tip == ">" else (0.0, back)
    head = line.assign(xend=line["xend"] + dx, yend=line["yend"] + dy)
    return [
        geom_segment(aes("x", "y", xend="xend", yend="yend"), line, color=INK),
        geom_point(aes("xend", "yend"), head, shape=tip, color=INK, size=2),
    ]


def _outlines(boxes: list[_Box]) -> geom_rect:
    corners = pd.DataFrame(
        [(box.left, box.right, box.bottom, box.top) for box in boxes],
        columns=["xmin", "xmax", "ymin", "ymax"],
    )
    sides = aes(xmin="xmin", xmax="xmax", ymin="ymin", ymax="ymax")
    return geom_rect(sides, corners, fill="white", color=INK, size=0.5)


def _contents(boxes: list[_Box]) -> geom_text:
    texts = pd.DataFrame(
        [(box.left + _PADDING, box.centre, box.text) for box in boxes],
        columns=["x", "y", "text"],
    )
    return geom_text(
        aes("x", "y", label="text"),
        texts,
        ha="left",
        va="center",
        size=BASE_SIZE,
        color=INK,
        lineheight=1.35,
    )
