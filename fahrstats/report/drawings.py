"""Figures as images: drawn once, saved in the formats that are asked for.

A figure becomes an SVG that is small and the same in every run, or a PNG for Word.
Letters are outlines, so that every reader sees the same widths. Points by the thousand
become one picture inside the drawing, whose axes and letters stay sharp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from io import BytesIO
from itertools import count
from typing import Any, TypeAlias

FORMATS = ("svg", "png")
DPI = 300
"""Pixels per inch of PNG images, and of what is a picture inside an SVG."""

LARGEST_SVG = 250_000
"""Bytes above which the parts of a drawing with many points become a picture."""

_MANY = 200  # points or marks of one part of a drawing
_POINTS_PER_INCH = 72
_PIXELS_PER_INCH = 96  # of a browser, in which the size of an image is written
_UNSEEN = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_BETWEEN = re.compile(r">\s+<")
_BREAK = re.compile(r"\s*\n\s*")
_PATH = re.compile(r'(?<= d=")[^"]*')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:href="|url\()#([^")]*)')
_WIDTH = re.compile(r'<svg[^>]* width="([\d.]+)pt"')

# Representations by MIME type, and what is said about them.
Bundle: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


def register(formatter: Any, formats: Collection[str], dpi: float = DPI) -> None:
    """Have IPython show figures of Matplotlib and plotnine in these formats.

    Parameters
    ----------
    formatter
        The ``mimebundle_formatter`` of a shell.
    formats
        Of ``FORMATS``.
    dpi
        Pixels per inch of PNG images.
    """
    numbers = count(1)

    def show_figure(figure: Any) -> Bundle:
        return _bundle(figure, formats, dpi, next(numbers), bbox_inches="tight")

    def show_plot(plot: Any) -> Bundle:
        with _drawn(plot) as figure:
            return _bundle(figure, formats, dpi, next(numbers))

    by_name: Callable[..., Any] = formatter.for_type_by_name
    by_name("matplotlib.figure", "Figure", show_figure)
    by_name("plotnine.ggplot", "ggplot", show_plot)
    by_name("plotnine.composition._compose", "Compose", show_plot)


def small_svg(svg: str) -> str:
    """Leave out of an SVG of Matplotlib what nobody sees.

    Hundredths of a point are kept; comments, dates and names that nothing refers
    to are not.
    """
    svg = _BETWEEN.sub("><", _UNSEEN.sub("", svg))
    svg = _PATH.sub(lambda path: _LONG_NUMBER.sub(_rounded, path[0]), svg)
    used = set(_USED.findall(svg))
    svg = _ID.sub(lambda found: found[0] if found[1] in used else "", svg)
    return _BREAK.sub(" ", svg).strip()


@contextmanager
def _drawn(plot: Any) -> Iterator[Any]:
    """Draw a plot of plotnine under the settings of its theme."""
    import matplotlib as mpl

    plot = deepcopy(plot)
    figure = plot.draw()
    theme = getattr(plot, "theme", None) or plot.last_plot.theme
    with mpl.rc_context(theme.rcParams):
        yield figure


def _bundle(
    figure: Any, formats: Collection[str], dpi: float, number: int, **how: object
) -> Bundle:
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    if "svg" in formats:
        svg = _svg(figure, dpi, number, how)
        data["image/svg+xml"] = svg
        points = _WIDTH.search(svg)
        if points:
            metadata["image/svg+xml"] = _width(float(points[1]) / _POINTS_PER_INCH)
    if "png" in formats:
        png = _saved(figure, "png", dpi, how)
        data["image/png"] = png
        pixels = int.from_bytes(png[16:20], "big")  # where a PNG says its width
        metadata["image/png"] = _width(pixels / dpi)
    return data, metadata


def _width(inches: float) -> dict[str, int]:
    return {"width": round(inches * _PIXELS_PER_INCH)}


def _svg(figure: Any, dpi: float, number: int, how: dict[str, object]) -> str:
    import matplotlib as mpl

    # Names inside a drawing come from a hash, which differs from figure to figure.
    settings = {"svg.hashsalt": f"fahrstats-{number}", "svg.fonttype": "path"}
    with mpl.rc_context(settings):
        svg = small_svg(_saved(figure, "svg", dpi, how).decode())
        if len(svg) > LARGEST_SVG and _make_pictures(figure):
            svg = small_svg(_saved(figure, "svg", dpi, how).decode())
    return svg


def _saved(figure: Any, kind: str, dpi: float, how: dict[str, object]) -> bytes:
    buffer = BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    colours = {"facecolor": figure.get_facecolor(), "edgecolor": "none"}
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata, **colours, **how)
    return buffer.getvalue()


def _make_pictures(figure: Any) -> bool:
    """Mark what holds many points to be drawn as a picture; whether there is any."""
    from matplotlib.collections import Collection as Marks
    from matplotlib.lines import Line2D

    heavy = [
        part
        for part in (*figure.findobj(Marks), *figure.findobj(Line2D))
        if _n_points(part) > _MANY
    ]
    for part in heavy:
        part.set_rasterized(True)
    return bool(heavy)


def _n_points(part: Any) -> int:
    if hasattr(part, "get_xydata"):
        return len(part.get_xydata())
    n_vertices = sum(len(path.vertices) for path in part.get_paths())
    return max(n_vertices, len(part.get_offsets()))


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
