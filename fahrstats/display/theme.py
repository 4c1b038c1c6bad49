"""Sizes, colours and line types shared by all figures.

Nothing here is global: a figure adds the theme to itself, and a user may add another.
"""

from __future__ import annotations

from typing import Final

from plotnine import element_blank, element_line, element_text, theme, theme_classic

from fahrstats.errors import DataError

WIDTH: Final = 7.2
"""Inches: two columns of a journal, and a page of a report on a screen."""

BASE_SIZE: Final = 9
TEXT_SIZE: Final = 8
"""Points: axes, and the text of tables inside figures."""

INK: Final = "#222222"
MUTED: Final = "#6b6b6b"
FAINT: Final = "#e4e4e4"

BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
_GREEN: Final = "#009E73"
_SKY: Final = "#56B4E9"
_ORANGE: Final = "#E69F00"
_PURPLE: Final = "#CC79A7"

# Okabe and Ito's colours, cold to warm, because groups of a score are ordered.
_COLOURS: Final[dict[int, tuple[str, ...]]] = {
    1: (BLUE,),
    2: (BLUE, VERMILION),
    3: (BLUE, _GREEN, VERMILION),
    4: (BLUE, _SKY, _ORANGE, VERMILION),
    5: (BLUE, _SKY, _GREEN, _ORANGE, VERMILION),
    6: (BLUE, _SKY, _GREEN, _ORANGE, VERMILION, _PURPLE),
}
MOST_COLOURS: Final = max(_COLOURS)
"""Groups that colours can tell apart."""

# Line types tell groups apart where a page is printed in grey.
_LINE_TYPES: Final = ("solid", "dashed", "dashdot", "dotted", (0, (5, 1)), (0, (1, 1)))


def colours(n_groups: int) -> tuple[str, ...]:
    """Return colours that differ also to colour-blind readers, cold to warm.

    Raises
    ------
    DataError
        More groups than a reader can tell apart.
    """
    if n_groups not in _COLOURS:
        raise DataError(
            f"`group` has {n_groups} levels, but a figure shows 1 to {MOST_COLOURS}; "
            "select groups before drawing."
        )
    return _COLOURS[n_groups]


def line_types(n_groups: int) -> tuple[object, ...]:
    """Return line types for as many groups as :func:`colours` serves."""
    return _LINE_TYPES[:n_groups]


def house_theme(width: float, height: float) -> theme:
    """Return the theme of every figure at a size in inches."""
    return theme_classic(base_size=BASE_SIZE) + theme(
        figure_size=(width, height),
        text=element_text(color=INK),
        axis_text=element_text(color=INK, size=TEXT_SIZE),
        axis_line=element_line(color=INK, size=0.5),
        axis_ticks_major=element_line(color=INK, size=0.5),
        axis_ticks_minor=element_blank(),
        panel_grid_major=element_blank(),
        plot_title=element_text(size=BASE_SIZE + 1, ha="left"),
        plot_title_position="plot",
        plot_margin_top=0.015,
        legend_title=element_blank(),
        legend_key=element_blank(),
        legend_text=element_text(size=TEXT_SIZE),
        strip_background=element_blank(),
        strip_text=element_text(size=BASE_SIZE, ha="left"),
    )
