"""Figures are drawn once, small, the same in every run, and look as they did."""

from __future__ import annotations

import re
from io import BytesIO, StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from plotnine import aes, geom_point, ggplot, scale_fill_gradient, theme

from fahrstats.display.alt_text import with_alt_text
from fahrstats.report.drawings import LARGEST_SVG, register, small_svg
from fahrstats.report.typesetting import as_pixels

MIME = "image/svg+xml"


class Formatter:
    """What a shell's formatter does with the types that are registered."""

    def __init__(self, kind: str) -> None:
        self.show = {}
        register(self, kind)

    def for_type_by_name(self, module, name, function):
        self.show[name] = function


@pytest.fixture
def steps():
    """Draw a step curve with a band, letters and marks."""
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    time = np.linspace(0, 10, 300)
    axes.step(time, np.exp(-time / 5), where="post")
    axes.fill_between(time, 0.8 * np.exp(-time / 5), np.exp(-time / 6), alpha=0.3)
    axes.plot([1, 5, 9], [0.2, 0.9, 0.4], "o")
    axes.set(title="Survival ≥ 0", xlabel="time (years)")
    return figure


def cloud(n_points):
    figure = Figure(figsize=(3, 2))
    x, y = np.random.default_rng(0).normal(size=(2, n_points))
    figure.subplots().scatter(x, y, s=3)
    return figure


def saved(figure):
    text = StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 10 20 L 30 20 L 35 20 L 35 25 z ", "m10 20h25v5z"),
        ("M 0.5 0 L 0.5 -0.25 L 0.5 0.25 ", "m.5 0v-.25v.5"),
        ("M 1 1 L 1.001 1 L 2 3 ", "m1 1l1 2"),
        ("M 0 0 Q 1 2 3 3 L 4 4 ", "m0 0q1 2 3 3l1 1"),
        ("M 5 5 L 6 6 z M 7 7 L 7 8 ", "m5 5l1 1zm2 2v1"),
        ("M 5 5 L 5 5 M 1 1 L 1 1 L 2 1 ", "m5 5v0m-4-4h1"),
        ("M 1.5,2.25 L 3,4 ", "M 1.5,2.25 L 3,4 "),
        ("M 0 0 A 1 1 0 0 1 2 2", "M 0 0 A 1 1 0 0 1 2 2"),
        ("M 1e-05 0 H 5", "M 1e-05 0 H 5"),
        ("m 1 1 l 2 2", "m 1 1 l 2 2"),
    ],
)
def test_paths_are_written_from_point_to_point(path, short):
    assert small_svg(f'<svg><path d="{path}"/></svg>') == (
        f'<svg><path d="{short}"/></svg>'
    )


NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
ARGUMENTS = {"m": 2, "l": 2, "h": 1, "v": 1, "q": 4, "c": 6, "z": 0}


def corners(path):
    """Follow a path of relative steps, by the grammar of SVG: command, points."""
    at, start = np.zeros(2), np.zeros(2)
    for command, text in re.findall(r"([mlhvqcz])([^mlhvqcz]*)", path):
        numbers = [float(number) for number in NUMBER.findall(text)]
        assert len(numbers) == ARGUMENTS[command]
        if command in "hv":
            numbers.insert("vh".index(command), 0.0)
        points = at + np.reshape(numbers, (-1, 2)) if numbers else start[None]
        at = points[-1]
        start = at if command == "m" else start
        yield {"h": "l", "v": "l"}.get(command, command), points.round(2)


COORDINATES = st.one_of(
    st.integers(-3, 3), st.floats(-1e-5, 1e-5), st.floats(-2000, 2000)
).map(lambda value: f"{value:.6f}".rstrip("0").rstrip("."))
STEPS = st.sampled_from("LLLLQCMz").flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(
            COORDINATES,
            min_size=ARGUMENTS[name.lower()],
            max_size=ARGUMENTS[name.lower()],
        ),
    )
)


@settings(max_examples=150, deadline=None)
@given(st.lists(COORDINATES, min_size=2, max_size=2), st.lists(STEPS, max_size=8))
def test_a_short_path_goes_where_the_long_one_went(first, steps):
    written = [("M", first), *steps]
    path = " ".join(" ".join([name, *numbers]) for name, numbers in written)
    short = small_svg(f'<svg><path d="{path}"/></svg>').split('"')[1]
    left = list(corners(short))
    at, start = np.zeros(2), np.zeros(2)
    for name, numbers in written:
        points = np.reshape([round(float(x), 2) for x in numbers], (-1, 2))
        points = points if name != "z" else start[None]
        step, target = left[0] if left else ("", points)
        if name == "L" and (step != "l" or not np.allclose(points, target)):
            before, at = at, points[-1]  # left out: on the way, or nowhere at all
            nowhere = np.allclose(at, before, atol=0.011)
            way = np.sign(target[-1] - at) == np.sign(at - before)
            assert nowhere or (
                step == "l" and way.all() and 0 in (at - before).round(2)
            )
            continue
        assert name.lower() == step
        assert np.allclose(points, target, atol=0.011)
        left.pop(0)
        at = points[-1]
        start = at if name == "M" else start
    assert not left


def test_what_nobody_sees_is_left_out():
    svg = (
        '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg>\n <metadata>2026</metadata>\n'
        ' <!-- letters -->\n <g id="axes"><use href="#m1"/></g>\n '
        '<g id="m1"/>\n</svg>\n'
    )
    assert small_svg(svg) == '<svg><g><use href="#m1"/></g><g id="m1"/></svg>'


def test_a_small_drawing_looks_like_the_large_one(steps, tmp_path):
    large = saved(steps)
    small = small_svg(large)
    assert len(small) < 0.6 * len(large)
    drawings = {"large": tmp_path / "large.svg", "small": tmp_path / "small.svg"}
    for name, svg in {"large": large, "small": small}.items():
        drawings[name].write_text(svg, encoding="utf-8")
    images = as_pixels(drawings, tmp_path)
    seen = [np.asarray(Image.open(images[name]), float) for name in drawings]
    assert seen[0].shape[:2] == (600, 900)  # 3 by 2 inches at 300 dpi
    assert np.abs(seen[0] - seen[1]).mean() < 0.05  # of 255
    assert seen[0][0, 0].tolist() == [255, 255, 255, 255]


def test_the_same_drawing_is_equal_to_the_byte_and_shares_no_mark_with_the_next(steps):
    runs = []
    for _ in range(2):
        show = Formatter("svg").show["Figure"]
        runs.append([show(steps)[0][MIME] for _ in range(2)])
    assert runs[0] == runs[1]
    names = [set(re.findall(r' id="([^"]+)"', svg)) for svg in runs[0]]
    letters = {name for name in names[0] if name.startswith("DejaVu")}
    assert letters
    assert names[0] & names[1] == letters


def test_thousands_of_points_become_a_picture_and_few_do_not():
    few, _ = Formatter("svg").show["Figure"](cloud(100))
    many, _ = Formatter("svg").show["Figure"](cloud(20_000))
    assert "<image" not in few[MIME]
    assert many[MIME].count("<image") == 1
    assert len(many[MIME]) < LARGEST_SVG
    assert "DejaVuSans" in many[MIME]  # its letters are still drawn


def test_a_colour_bar_is_where_it_was_in_the_colours_of_its_scale(tmp_path):
    values = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 1.0]})
    plot = (
        ggplot(values, aes("a", "b", fill="a"))
        + geom_point(shape="s", size=9, color="black")
        + scale_fill_gradient(low="#ffffff", high="#ff0000")
        + theme(figure_size=(3, 2), legend_position="bottom")
    )
    svg = Formatter("svg").show["ggplot"](plot)[0][MIME]
    assert svg.count("<image") == 1
    assert "linearGradient" not in svg
    (tmp_path / "bar.svg").write_text(svg, encoding="utf-8")
    inside = as_pixels({"bar": tmp_path / "bar.svg"}, tmp_path)["bar"]
    whole = BytesIO(Formatter("png").show["ggplot"](plot)[0]["image/png"])
    np.testing.assert_allclose(pale_reds(inside), pale_reds(whole), atol=4)


def pale_reds(image):
    """Return rows and columns between which a colour bar from white to red lies."""
    red, green, blue = np.moveaxis(
        np.asarray(Image.open(image).convert("RGB"), int), -1, 0
    )
    is_bar = (red > 250) & (green > 40) & (green < 215) & (np.abs(green - blue) < 3)
    rows, columns = np.nonzero(is_bar)
    assert len(rows) > 5000
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_the_width_of_a_figure_is_that_of_its_drawing(steps):
    data, metadata = Formatter("svg").show["Figure"](steps)
    points = float(data[MIME].split('width="')[1].split("pt")[0])
    assert metadata[MIME]["width"] == round(points * 96 / 72)


def test_a_document_may_ask_for_png(steps):
    data, metadata = Formatter("png").show["Figure"](steps)
    assert list(data) == ["image/png"]
    pixels = int.from_bytes(data["image/png"][16:20], "big")
    assert metadata["image/png"]["width"] == round(pixels * 96 / 300)


def test_a_plot_of_plotnine_is_drawn_with_its_theme():
    plot = ggplot(pd.DataFrame({"a": [1, 2]}), aes("a", "a")) + geom_point()
    plot += theme(figure_size=(2, 1.5))
    data, metadata = Formatter("svg").show["ggplot"](plot)
    assert metadata[MIME]["width"] == 2 * 96
    assert 'height="108pt"' in data[MIME]
    assert metadata[MIME]["alt"] == ""


def test_what_a_plot_says_of_itself_goes_with_its_image():
    plot = ggplot(pd.DataFrame({"a": [1, 2]}), aes("a", "a")) + geom_point()
    plot = with_alt_text(plot, "FaceAge", ["HR 1.2"])
    for kind, mime in (("svg", MIME), ("png", "image/png")):
        _, metadata = Formatter(kind).show["ggplot"](plot + theme(figure_size=(2, 2)))
        assert metadata[mime]["alt"] == "FaceAge. HR 1.2."
