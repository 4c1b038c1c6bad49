"""Sizes, colours and line types shared by all figures.

Colours and widths are those of a journal's style; sizes of type are the same in all.
Nothing here is global: a figure adds the theme to itself, and a user may add another.
"""

from __future__ import annotations

from typing import Final

from plotnine import element_blank, element_line, element_text, theme, theme_classic

from fahrstats.display.journal_styles import JournalStyle
from fahrstats.errors import DataError

BASE_SIZE: Final = 9
TEXT_SIZE: Final = 8
"""Points: axes, and the text of tables inside figures."""

INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
FAINT: Final = "#e4e4e4"

MOST_COLOURS: Final = 6
"""Groups that colours can tell apart."""

_MILLIMETRES: Final = 25.4  # in an inch

# Line types tell groups apart where a page is printed in grey.
_LINE_TYPES: Final = ("solid", "dashed", "dashdot", "dotted", (0, (5, 1)), (0, (1, 1)))


def page_width(width: float | None, style: JournalStyle) -> float:
    """Return a width in inches; without one, that of a page of the journal."""
    return style.page_mm / _MILLIMETRES if width is None else width


def colours(n_groups: int, style: JournalStyle) -> tuple[str, ...]:
    """Return colours that differ also to colour-blind readers, cold to warm.

    Raises
    ------
    DataError
        More groups than a reader can tell apart.
    """
    if not 1 <= n_groups <= MOST_COLOURS:
        raise DataError(
            f"`group` has {n_groups} levels, but a figure shows 1 to {MOST_COLOURS}; "
            "select groups before drawing."
        )
    return style.palettes[n_groups - 1]


def line_types(n_groups: int) -> tuple[object, ...]:
    """Return line types for as many groups as :func:`colours` serves."""
    return _LINE_TYPES[:n_groups]


def house_theme(width: float, height: float) -> theme:
    """Return the theme of every figure at a size in inches."""
    return theme_classic(base_size=BASE_SIZE) + theme(
        figure_size=(width, height),
        text=element_text(color=INK),
        axis_text=element_text(color=INK, size=TEXT_SIZE),
        axis_text_y=element_text(ma="right"),
        axis_line=element_line(color=INK, size=0.5),
        axis_ticks_major=element_line(color=INK, size=0.5),
        axis_ticks_minor=element_blank(),
        panel_grid_major=element_blank(),
        plot_title=element_text(size=BASE_SIZE + 1, ha="left"),
        plot_title_position="plot",
        plot_margin_top=0.015,
        legend_box_spacing=0.01,
        legend_title=element_blank(),
        legend_key=element_blank(),
        legend_text=element_text(size=TEXT_SIZE),
        strip_background=element_blank(),
        strip_text=element_text(size=BASE_SIZE, ha="left", ma="left"),
    )
