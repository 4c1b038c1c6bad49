from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plotnine import aes, geom_point, ggplot, scale_x_log10, theme

from fahrstats.display.margin_text import geom_margin_text, plain, text_width, wrap
from fahrstats.errors import ResultWarning

PIXEL = 1.0  # positions are compared on the canvas, where text is set to whole pixels

HINTING_RTOL = 0.1  # letters are set to whole pixels, each a fraction of one off


@pytest.fixture
def plot():
    data = pd.DataFrame({"x": [1.0, 10.0], "y": [0.0, 1.0]})
    return ggplot(data, aes("x", "y")) + geom_point() + theme(figure_size=(4, 3))


def anchors(figure):
    """Return where the texts beside the panel are tied to, in pixels."""
    return [
        tuple(text.get_transform().transform(text.get_position()))
        for text in figure.axes[0].texts
    ]


def test_text_stands_at_its_value_and_inches_below_the_panel(plot, draw):
    notes = pd.DataFrame({"x": [1.0, 10.0], "label": ["a", "b"], "dy": [-0.5, -0.25]})
    place = aes(x="x", label="label", dy="dy")
    layer = geom_margin_text(place, notes, inherit_aes=False)
    figure = draw(plot + layer + scale_x_log10())
    axes = figure.axes[0]
    left, bottom = axes.transData.transform((0, 0))[0], axes.bbox.y0
    right = axes.transData.transform((1, 0))[0]
    expected = [(left, bottom - 0.5 * figure.dpi), (right, bottom - 0.25 * figure.dpi)]
    np.testing.assert_allclose(anchors(figure), expected, atol=PIXEL)


@pytest.mark.parametrize("edge", ["left", "right"])
def test_text_stands_inches_from_either_edge_at_its_height(plot, edge, draw):
    notes = pd.DataFrame({"y": [0.5], "label": ["a"], "dx": [0.3]})
    place = aes(y="y", label="label", dx="dx")
    figure = draw(plot + geom_margin_text(place, notes, edge=edge, inherit_aes=False))
    axes = figure.axes[0]
    x = axes.bbox.x0 if edge == "left" else axes.bbox.x1
    y = axes.transData.transform((0, 0.5))[1]
    expected = [(x + 0.3 * figure.dpi, y)]
    np.testing.assert_allclose(anchors(figure), expected, atol=PIXEL)


def test_text_keeps_its_distance_when_the_figure_grows(plot, draw):
    notes = pd.DataFrame({"y": [0.5], "label": ["a"]})
    plot = plot + geom_margin_text(
        aes(y="y", label="label"), notes, dx=-0.4, inherit_aes=False
    )
    for size in ((4, 3), (8, 6)):
        figure = draw(plot + theme(figure_size=size))
        ((x, _),) = anchors(figure)
        distance = (figure.axes[0].bbox.x0 - x) / figure.dpi
        assert distance == pytest.approx(0.4, abs=PIXEL / figure.dpi)


def test_width_is_that_of_the_drawn_text(plot, draw):
    notes = pd.DataFrame({"y": [0.5], "label": ["Events and names"]})
    layer = geom_margin_text(
        aes(y="y", label="label"), notes, size=8, inherit_aes=False
    )
    figure = draw(plot + layer)
    drawn = figure.axes[0].texts[0].get_window_extent().width / figure.dpi
    assert text_width("Events and names", 8) == pytest.approx(drawn, rel=HINTING_RTOL)
    assert text_width("a\nEvents and names", 8) == text_width("Events and names", 8)


def test_lines_are_broken_at_spaces_within_the_width():
    text = "Breast (female), including ductal carcinoma in situ"
    lines = wrap(text, 1.2, 8).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(text_width(line, 8) <= 1.2 for line in lines)


def test_a_word_wider_than_the_line_and_a_fixed_space_are_kept():
    assert wrap("incomprehensibilities", 0.1, 8) == "incomprehensibilities"
    fixed = "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}3"
    assert wrap(f"left out {fixed}", 0.6, 8).split("\n")[-1] == fixed


def test_the_long_name_of_a_column_is_broken_after_its_underscores():
    name = "urine_albumin_creatinine_ratio_mg_per_g"
    lines = wrap(f"by {name}", 1.2, 8).split("\n")
    assert lines[0] == "by urine_albumin_"
    assert "".join(lines) == f"by {name}"
    assert all(text_width(line, 8) <= 1.2 for line in lines)


def test_a_dollar_does_not_start_a_formula():
    assert plain("$5 or $6") == r"\$5 or \$6"


def test_letters_that_figures_cannot_show_are_named_once():
    assert plain("Größe Ωμέγα Жизнь") == "Größe Ωμέγα Жизнь"
    with pytest.warns(ResultWarning, match=r"show `年齢` as boxes, .* DejaVu Sans"):
        assert plain("年齢") == "年齢"
    assert plain("年齢, years") == "年齢, years"
