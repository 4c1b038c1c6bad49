from __future__ import annotations

import matplotlib as mpl
import pytest

from fahrstats.display.figures import estimates, flow, forest, survival_curves
from fahrstats.display.theme import WIDTH, colours, line_types
from fahrstats.errors import DataError

LEAST_CONTRAST = 2.0  # of a line on white, as the ratio that WCAG defines
CENTIMETRES = 2.54
PAGE_WIDTH, PAGE_HEIGHT = 19.0, 26.0  # A4 without margins


def luminance(colour):
    """Relative luminance of the sRGB standard, from 0 (black) to 1 (white)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("n", range(1, 7))
def test_every_number_of_groups_has_its_colours_and_line_types(n):
    assert len(set(colours(n))) == n
    assert len({str(kind) for kind in line_types(n)}) == n
    assert all(1.05 / (luminance(c) + 0.05) > LEAST_CONTRAST for c in colours(n))


@pytest.mark.parametrize("n", [0, 7])
def test_numbers_of_groups_without_colours_are_refused(n):
    with pytest.raises(DataError, match=rf"`group` has {n} levels"):
        colours(n)


def test_figures_fit_a_page(tables):
    for plot in (
        survival_curves(tables["curves"], tables["at_risk"]),
        forest(tables["subgroups"]),
        flow(tables["flow"]),
        estimates(tables["concordance"]),
    ):
        width, height = plot.theme.getp("figure_size")
        assert width == WIDTH
        assert width * CENTIMETRES <= PAGE_WIDTH
        assert height * CENTIMETRES <= PAGE_HEIGHT


def test_drawing_changes_nothing_outside(tables, draw):
    before = dict(mpl.rcParams)
    draw(estimates(tables["concordance"]))
    assert dict(mpl.rcParams) == before
