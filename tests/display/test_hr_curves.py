"""Figure of a hazard ratio against one variable."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import hr_curve
from fahrstats.errors import DataError

LABELS = {"faceage": {"label": "FaceAge", "unit": "years"}}


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


def curve(reference=60.0, slope=0.04, spread=0.01, low=30.0, high=90.0):
    value = np.linspace(low, high, 41)
    log_hr = slope * (value - reference)
    margin = spread * np.abs(value - reference)
    return pd.DataFrame(
        {
            "variable": "faceage",
            "value": value,
            "reference": f"{reference:g}",
            "estimand": "hr",
            "estimate": np.exp(log_hr),
            "conf_low": np.exp(log_hr - margin),
            "conf_high": np.exp(log_hr + margin),
        }
    )


def test_a_curve_names_its_axes_reference_and_knots():
    with drawn(hr_curve(curve(), knots=(40, 60, 80), labels=LABELS)) as figure:
        said = words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
    for text in ("FaceAge, years", "Hazard ratio (95% CI)", "Reference 60"):
        assert text in said
    assert "Ticks along the axis: knots" in said
    assert {"0.5", "1", "2"} <= set(said)


def test_without_knots_there_is_no_caption():
    with drawn(hr_curve(curve())) as figure:
        assert "Ticks along the axis: knots" not in words(figure)
        assert "faceage" in words(figure)


@pytest.mark.parametrize("reference", [30.0, 60.0, 90.0, 12345.678])
def test_the_name_of_the_reference_stays_inside(reference):
    high = max(90.0, reference)
    table = curve(reference=reference, slope=1e-3, spread=1e-4, high=high)
    with drawn(hr_curve(table, title="A title")) as figure:
        assert f"Reference {reference:,g}" in words(figure)
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


@pytest.mark.parametrize("width", [3.0, 5.0, 7.2])
def test_long_names_wrap(width):
    label = (
        "Predicted age from a face photograph, taken before the start of treatment, "
    )
    plot = hr_curve(curve(), x_label=label + "in years", title="Title", width=width)
    with drawn(plot) as figure:
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
        assert figure.get_size_inches()[0] == pytest.approx(width)


@pytest.mark.parametrize(("slope", "spread"), [(0.0, 1e-6), (0.2, 0.5), (0.001, 0.3)])
def test_flat_steep_and_uncertain_curves_have_readable_axes(slope, spread):
    with drawn(hr_curve(curve(slope=slope, spread=spread))) as figure:
        (axis,) = figure.axes
        low, high = 10.0 ** np.array(axis.get_ylim())
        assert low < 1 < high
        assert 1 <= len(axis.get_yticks()) <= 8
        assert texts_outside(figure) == []
        assert overlapping(figure) == []


def test_a_table_that_holds_no_curve_is_refused():
    with pytest.raises(DataError, match="`conf_low`"):
        hr_curve(curve().drop(columns="conf_low"))
    two = pd.concat([curve(), curve().assign(variable="age")])
    with pytest.raises(DataError, match="variable"):
        hr_curve(two)
    with pytest.raises(DataError, match="needs two estimates, and `table` has 0"):
        hr_curve(curve().assign(estimate=np.nan))
