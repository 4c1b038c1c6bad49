"""What a reader sees in a drawn figure: its texts, and whether they all fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text
from plotnine import ggplot


@contextmanager
def drawn(plot: ggplot) -> Iterator[Figure]:
    """Draw a plot as it would be saved, everything in its place, and close it after."""
    figure = plot.draw()
    figure.draw_without_rendering()
    try:
        yield figure
    finally:
        plt.close(figure)


def texts(figure: Figure) -> list[Text]:
    """Every text of a figure that is not empty."""
    found = figure.findobj(Text)
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def words(figure: Figure) -> list[str]:
    """Return what these texts say."""
    return [text.get_text() for text in texts(figure)]


def texts_outside(figure: Figure) -> list[str]:
    """Texts that are cut off by the edge of the figure."""
    width, height = figure.bbox.size
    return [
        text.get_text()
        for text in texts(figure)
        for box in [text.get_window_extent()]
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that are printed over each other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    return [
        (first, second)
        for i, (first, one) in enumerate(boxes)
        for second, other in boxes[i + 1 :]
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    ]
