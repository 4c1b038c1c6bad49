"""Columns of text beside the panel of a forest plot, in inches from its edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from fahrstats.display.journal_styles import JournalStyle
from fahrstats.display.margin_text import plain, text_width, wrap
from fahrstats.display.theme import TEXT_SIZE

BOLD: Final = ("head", "overall")
"""Kinds of lines whose labels are bold."""

# Inches
EDGE: Final = 0.08
LINE_HEIGHT: Final = 0.135
_ROW_GAP: Final = 0.065
_COLUMN_GAP: Final = 0.16
_NOTE_WIDTH: Final = 1.65
_INDENT: Final = 0.12

_LEAST_PANEL: Final = 0.26  # of the width of the figure


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text beside the panel.

    Its text starts or ends ``dx`` inches from the ``edge`` of the panel.
    """

    title: str
    cells: str
    edge: str
    ha: str
    dx: float


@dataclass(frozen=True, slots=True)
class ForestLayout:
    """Lines with their places, columns, and the inches they take on either side."""

    lines: pd.DataFrame
    columns: tuple[Column, ...]
    left: float
    right: float


def columns_beside(
    lines: pd.DataFrame, width: float, heading: str, style: JournalStyle
) -> ForestLayout:
    """Place columns from the panel outwards; labels are wrapped to what is left.

    Parameters
    ----------
    lines
        What :func:`~fahrstats.display.forest_lines.forest_lines` returns.
    width
        Of the figure, in inches.
    heading
        Title of the column of ratios.
    """
    ratio = [wrap(plain(text), _NOTE_WIDTH, TEXT_SIZE) for text in lines["ratio"]]
    lines = lines.assign(ratio=ratio)
    p_title = style.p_symbol
    p_title += " for\ninteraction" if (lines["kind"] == "level").any() else ""
    titles = {"ratio": heading, "weight": "Weight", "p": p_title}
    right, on_right = _side(lines, titles, "right")
    left, on_left = _side(lines, {"n_events": "Events", "n": "n"}, "left")
    room = width * (1 - _LEAST_PANEL) - on_right - on_left - EDGE
    lines = _with_labels(lines, room, on_left - _COLUMN_GAP)
    on_left += lines["taken"].max()
    n_lines = 1 + lines[["label", "ratio"]].map(lambda text: text.count("\n")).max(
        axis=1
    )
    height = n_lines * LINE_HEIGHT + _ROW_GAP
    return ForestLayout(
        lines=lines.assign(height=height, y=height / 2 - height.cumsum()),
        columns=(Column("", "label", "left", "left", -on_left), *left, *right),
        left=on_left,
        right=on_right,
    )


def _with_labels(lines: pd.DataFrame, room: float, columns: float) -> pd.DataFrame:
    """Break labels to the ``room`` there is, and say how much each has ``taken``.

    The name of a group has no counts beside it, so that it may reach over the
    ``columns`` that hold them.
    """
    over = np.where(lines["kind"] == "head", columns, 0.0)
    indent = np.where(lines["kind"].isin(["level", "cause"]), _INDENT, 0.0)
    labels = [
        wrap(plain(label), width, TEXT_SIZE)
        for label, width in zip(lines["label"], room + over - indent, strict=True)
    ]
    is_bold = lines["kind"].isin(BOLD)
    widths = [
        text_width(label, TEXT_SIZE, weight="bold" if bold else "normal")
        for label, bold in zip(labels, is_bold, strict=True)
    ]
    return lines.assign(label=labels, indent=indent, taken=indent + widths - over)


def _side(
    lines: pd.DataFrame, titles: dict[str, str], edge: str
) -> tuple[list[Column], float]:
    """Return the columns of one side that hold something, and the inches they take."""
    columns = []
    taken = _COLUMN_GAP
    for cells, title in titles.items():
        if not (lines[cells] != "").any():
            continue
        sign, ha = (1, "left") if edge == "right" else (-1, "right")
        columns.append(Column(title, cells, edge, ha, sign * taken))
        widths = [text_width(cell, TEXT_SIZE) for cell in lines[cells]]
        taken += max(text_width(title, TEXT_SIZE, weight="bold"), *widths) + _COLUMN_GAP
    return columns, taken
