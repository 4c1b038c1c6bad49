"""Figures as images, each drawn once.

A figure becomes an SVG that is small and the same in every run; what Word shows is
made from that. Letters are outlines, so that every reader sees the same widths. Points
by the thousand and colour bars, whose shading few readers know, become pictures inside
the drawing; axes and letters stay sharp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from io import BytesIO
from itertools import count
from typing import Any, TypeAlias

from fahrstats.display.alt_text import alt_text

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
_PATH = re.compile(r'(?<= d=")[MLQCz\d.\s-]*(?=")')  # as Matplotlib writes them
_STEP = re.compile(r"([MLQCz])([^MLQCz]*)")
_DOT = ("v", [0])  # a way to nowhere, which the end of a line makes visible
_LEADING_ZERO = re.compile(r"(?<![\d.])0(?=\.)")
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:href="|url\()#([^")]*)')
_WIDTH = re.compile(r'<svg[^>]* width="([\d.]+)pt"')

# Representations by MIME type, and what is said about them.
Bundle: TypeAlias = tuple[dict[str, Any], dict[str, Any]]


def register(formatter: Any, kind: str, dpi: float = DPI) -> None:
    """Have IPython show figures of Matplotlib and plotnine in this format.

    Parameters
    ----------
    formatter
        The ``mimebundle_formatter`` of a shell.
    kind
        ``"svg"``, or ``"png"`` for a document that asks for it.
    dpi
        Pixels per inch of PNG images.
    """
    numbers = count(1)
    shown = _svg if kind == "svg" else _png

    def show_figure(figure: Any) -> Bundle:
        return shown(figure, dpi, next(numbers), bbox_inches="tight")

    def show_plot(plot: Any) -> Bundle:
        with _drawn(plot) as figure:
            data, metadata = shown(figure, dpi, next(numbers))
        for about in metadata.values():
            about["alt"] = alt_text(plot)
        return data, metadata

    by_name: Callable[..., Any] = formatter.for_type_by_name
    by_name("matplotlib.figure", "Figure", show_figure)
    by_name("plotnine.ggplot", "ggplot", show_plot)
    by_name("plotnine.composition._compose", "Compose", show_plot)


def small_svg(svg: str) -> str:
    """Leave out of an SVG of Matplotlib what nobody sees.

    Hundredths of a point are kept; comments, dates and names that nothing refers to
    are not.
    """
    svg = _BETWEEN.sub("><", _UNSEEN.sub("", svg))
    svg = _PATH.sub(lambda path: _short_path(path[0]), svg)
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


def _svg(figure: Any, dpi: float, number: int, **how: object) -> Bundle:
    import matplotlib as mpl

    # Names inside a drawing come from a hash, which differs from figure to figure.
    settings: Any = {"svg.hashsalt": f"fahrstats-{number}", "svg.fonttype": "path"}
    with mpl.rc_context(settings):
        _picture_meshes(figure)
        svg = small_svg(_saved(figure, "svg", dpi, how).decode())
        if len(svg) > LARGEST_SVG and _make_pictures(figure):
            svg = small_svg(_saved(figure, "svg", dpi, how).decode())
    points = _WIDTH.search(svg)
    width = float(points[1]) / _POINTS_PER_INCH if points else 0
    return _bundle("image/svg+xml", svg, width)


def _png(figure: Any, dpi: float, number: int, **how: object) -> Bundle:
    png = _saved(figure, "png", dpi, how)
    pixels = int.from_bytes(png[16:20], "big")  # where a PNG says its width
    return _bundle("image/png", png, pixels / dpi)


def _bundle(mime: str, image: object, inches: float) -> Bundle:
    return {mime: image}, {mime: {"width": round(inches * _PIXELS_PER_INCH)}}


def _saved(figure: Any, kind: str, dpi: float, how: dict[str, object]) -> bytes:
    buffer = BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    colours = {"facecolor": figure.get_facecolor(), "edgecolor": "none"}
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata, **colours, **how)
    return buffer.getvalue()


def _picture_meshes(figure: Any) -> None:
    """Mark meshes, such as colour bars, to be drawn as a picture.

    As an SVG they are triangles blended by filters, which come out in wrong colours or
    not at all. In the box of a legend their places are counted in points, and pictures
    are drawn in pixels of their own.
    """
    from matplotlib.collections import QuadMesh
    from matplotlib.offsetbox import AuxTransformBox
    from matplotlib.transforms import Affine2D

    to_pixels = Affine2D().scale(1 / _POINTS_PER_INCH) + figure.dpi_scale_trans
    in_legends = {
        part for box in figure.findobj(AuxTransformBox) for part in box.get_children()
    }
    for mesh in figure.findobj(QuadMesh):
        if mesh in in_legends and not mesh.get_rasterized():
            mesh.set_transform(mesh.get_transform() + to_pixels)
        mesh.set_rasterized(True)


def _make_pictures(figure: Any) -> bool:
    """Mark what holds many points to be drawn as a picture; whether there is any."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D

    heavy = [
        part
        for part in (*figure.findobj(Collection), *figure.findobj(Line2D))
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


def _short_path(path: str) -> str:
    """Write a path from point to point, in hundredths of a point.

    Level and upright lines have commands of their own, so that a step curve is a
    third as long; on a straight way what lies between its ends is left out.
    """
    parts: list[tuple[str, list[int]]] = []
    x = y = 0
    start = (0, 0)
    for command, numbers in _STEP.findall(path):
        points = [round(100 * float(number)) for number in numbers.split()]
        if command == "z":
            parts.append(("z", []))
            x, y = start
            continue
        steps = [value - (y if i % 2 else x) for i, value in enumerate(points)]
        x, y = points[-2:]
        if command == "M":
            start = (x, y)
        _append(parts, command.lower(), steps)
    return "".join(name + _written(steps) for name, steps in parts)


def _append(parts: list[tuple[str, list[int]]], name: str, steps: list[int]) -> None:
    if name == "l" and 0 in steps:
        name, steps = ("h", steps[:1]) if steps[0] else ("v", steps[1:])
    last, before = parts[-1] if parts else ("", [])
    if last == name in "hv" and before[0] * steps[0] > 0:
        before[0] += steps[0]
        return
    if steps == [0] and last != "m":
        return
    if (last, before) == _DOT and name != "m":
        parts.pop()
    parts.append((name, steps))


def _written(steps: list[int]) -> str:
    """Write lengths as short as SVG lets them be: `.5-3 12.25`."""
    numbers = [f"{step / 100:.2f}".rstrip("0").rstrip(".") for step in steps]
    text = " ".join(_LEADING_ZERO.sub("", number) for number in numbers)
    return text.replace(" -", "-")
