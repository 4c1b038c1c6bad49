from __future__ import annotations

import matplotlib as mpl
import pytest

from fahrstats.display.figures import estimates, flow, forest, survival_curves
from fahrstats.display.journal_styles import DEFAULT, LANCET, STYLES
from fahrstats.display.theme import colours, line_types, page_width
from fahrstats.errors import DataError

CENTIMETRES = 2.54
PAGE_WIDTH, PAGE_HEIGHT = 19.0, 26.0  # A4 without margins


@pytest.mark.parametrize("n", range(1, 7))
def test_every_number_of_groups_has_its_colours_and_line_types(n):
    assert all(len(set(colours(n, style))) == n for style in STYLES.values())
    assert len({str(kind) for kind in line_types(n)}) == n


@pytest.mark.parametrize("n", [0, 7])
def test_numbers_of_groups_without_colours_are_refused(n):
    with pytest.raises(DataError, match=rf"`group` has {n} levels"):
        colours(n, DEFAULT)


def test_a_figure_is_as_wide_as_a_page_of_the_journal_unless_told_otherwise(tables):
    sizes = [
        estimates(tables["concordance"], **given).theme.getp("figure_size")[0]
        for given in ({}, {"style": LANCET}, {"style": LANCET, "width": 5.0})
    ]
    assert sizes == pytest.approx([183 / 25.4, 154 / 25.4, 5.0])


def test_figures_fit_a_page(tables):
    for plot in (
        survival_curves(tables["curves"], tables["at_risk"]),
        forest(tables["subgroups"]),
        flow(tables["flow"]),
        estimates(tables["concordance"]),
    ):
        width, height = plot.theme.getp("figure_size")
        assert width == page_width(None, DEFAULT)
        assert width * CENTIMETRES <= PAGE_WIDTH
        assert height * CENTIMETRES <= PAGE_HEIGHT


def test_drawing_changes_nothing_outside(tables, draw):
    before = dict(mpl.rcParams)
    draw(estimates(tables["concordance"]))
    assert dict(mpl.rcParams) == before
