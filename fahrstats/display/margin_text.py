"""Text beside a panel: columns of a forest plot, the at-risk table under curves.

Positions outside the panel are measured in inches from its edges, so they hold whatever
scale, limits or size a user gives the plot later.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any, ClassVar, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextToPath
from matplotlib.transforms import ScaledTranslation, blended_transform_factory
from plotnine.geoms.geom import geom

from fahrstats.errors import ResultWarning

_POINTS_PER_INCH: Final = 72
_PARTS: Final = re.compile(r"[^_\-./]+[_\-./]*|[_\-./]+")
_HINTING: Final = (
    1.06  # letters set to whole pixels of a screen are wider than on paper
)


class geom_margin_text(geom):  # type: ignore[misc]  # plotnine is not typed
    """Text at a place given by the data along one axis and in inches along the other.

    Aesthetics are ``label``, an ``x`` or a ``y`` of the data, and ``dx`` and ``dy``: a
    shift in inches. The axis that has no data counts from the panel's left edge, its
    right edge with ``edge="right"``, or its lower edge.
    """

    DEFAULT_AES: ClassVar[dict[str, Any]] = {
        "color": "black",
        "size": 8,
        "ha": "left",
        "va": "center",
        "fontweight": "normal",
        "dx": 0.0,
        "dy": 0.0,
    }
    REQUIRED_AES: ClassVar[set[str]] = {"label"}
    DEFAULT_PARAMS: ClassVar[dict[str, Any]] = {
        "stat": "identity",
        "position": "identity",
        "na_rm": False,
        "edge": "left",
    }

    def draw_panel(
        self, data: pd.DataFrame, panel_params: Any, coord: Any, ax: Axes
    ) -> None:
        """Write every row of ``data`` beside the panel."""
        placed = coord.transform(data, panel_params)
        has_x, has_y = "x" in placed, "y" in placed
        base = blended_transform_factory(
            ax.transData if has_x else ax.transAxes,
            ax.transData if has_y else ax.transAxes,
        )
        figure = ax.get_figure()
        assert figure is not None
        at_edge = 1.0 if self.params["edge"] == "right" else 0.0
        for row in placed.to_dict("records"):
            shift = ScaledTranslation(row["dx"], row["dy"], figure.dpi_scale_trans)
            ax.text(
                row["x"] if has_x else at_edge,
                row["y"] if has_y else 0.0,
                row["label"],
                transform=base + shift,
                color=row["color"],
                size=row["size"],
                ha=row["ha"],
                va=row["va"],
                fontweight=row["fontweight"],
                zorder=self.params["zorder"],
                clip_on=False,
            )


def plain(text: str) -> str:
    """Return text that matplotlib does not read as mathematics.

    A warning names letters that the font lacks, such as Chinese ones: they are drawn
    as boxes.
    """
    missing = {letter for letter in text if letter.isalpha() and not _has(letter)}
    if missing:
        _warn_of("".join(sorted(missing)))
    return text.replace("$", r"\$")


@cache
def _has(letter: str) -> bool:
    return ord(letter) in get_font(findfont(FontProperties())).get_charmap()


@cache
def _warn_of(letters: str) -> None:
    """Warn once of letters that figures cannot show."""
    font = FontProperties().get_name()
    warnings.warn(
        f"Figures show `{letters}` as boxes, since their font, {font}, lacks these "
        "letters; give columns and levels `label`s in letters that it has.",
        ResultWarning,
        stacklevel=3,
    )


def text_width(text: str, size: float, *, weight: str = "normal") -> float:
    """Return the width in inches of the widest line of ``text``, on a screen."""
    return max(_line_width(line, size, weight) for line in text.split("\n"))


@cache
def _line_width(line: str, size: float, weight: str) -> float:
    font = FontProperties(size=size, weight=weight)
    width, _, _ = TextToPath().get_text_width_height_descent(line, font, ismath=False)
    return _HINTING * float(width) / _POINTS_PER_INCH


def wrap(text: str, width: float, size: float) -> str:
    """Break ``text`` at spaces into lines of at most ``width`` inches.

    A no-break space keeps words together. A word too long for a line is broken after
    an underscore, a hyphen, a point or a slash, and keeps its line without one.
    """
    lines: list[str] = []
    for word in text.split(" "):
        is_long = text_width(word, size) > width
        for k, part in enumerate(_PARTS.findall(word) if is_long else [word]):
            longer = f"{lines[-1]}{'' if k else ' '}{part}" if lines else part
            if lines and text_width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(part)
    return "\n".join(lines)
