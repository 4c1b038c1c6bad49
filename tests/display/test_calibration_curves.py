"""Figure of observed against predicted risk."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words

from fahrstats.display.figures import calibration_curves
from fahrstats.errors import DataError

LONG = "predictions_of_the_registry_model_of_2009_without_the_face_" * 2


@pytest.fixture(autouse=True)
def _no_screen():
    with mpl.rc_context({"backend": "agg"}):
        yield


def tables(terms=("risk",), top=0.4):
    """Make groups, smooth curve and distribution of each set of predictions."""
    parts = []
    for size in (5, 40):
        predicted = np.linspace(0.1 * top, top, size)
        frames = [
            pd.DataFrame(
                {
                    "term": term,
                    "time": 5.0,
                    "predicted": predicted,
                    "estimate": 0.9 * predicted,
                    "conf_low": 0.8 * predicted,
                    "conf_high": predicted,
                }
            )
            for term in terms
        ]
        parts.append(pd.concat(frames, ignore_index=True))
    middles = (np.arange(20) + 0.5) * top / 20
    bins = [
        pd.DataFrame({"term": term, "time": 5.0, "predicted": middles, "n": 7})
        for term in terms
    ]
    return *parts, pd.concat(bins, ignore_index=True)


@pytest.mark.parametrize("terms", [("risk",), ("a", "b"), ("a", LONG, "c")])
@pytest.mark.parametrize("top", [0.003, 0.06, 0.95])
def test_nothing_is_cut_off_or_printed_over_another(terms, top):
    with drawn(calibration_curves(*tables(terms, top), title="Model")) as figure:
        assert texts_outside(figure) == []
        assert overlapping(figure) == []
        said = words(figure)
        assert len(figure.axes) == len(terms)
    assert {"Predicted risk", "Observed risk (95% CI)", "Model", "0%"} <= set(said)


@pytest.mark.parametrize(("n", "across", "down"), [(3, 3, 1), (4, 2, 2), (5, 3, 2)])
def test_panels_are_square_and_no_larger_than_a_reader_needs(n, across, down):
    with drawn(calibration_curves(*tables(tuple("abcde"[:n])))) as figure:
        boxes = [axes.get_window_extent() for axes in figure.axes]
        assert len({round(box.x0) for box in boxes}) == across
        assert len({round(box.y0) for box in boxes}) == down
        assert figure.get_size_inches()[1] < 7
        for box in boxes:
            assert box.height == pytest.approx(1.1 * box.width, rel=0.07)  # with bars
            assert box.width < 2.6 * figure.dpi


def test_axes_end_at_a_round_risk_that_holds_all():
    with drawn(calibration_curves(*tables(top=0.36))) as figure:
        assert figure.axes[0].get_xlim()[1] == pytest.approx(0.4, rel=0.05)
        assert figure.axes[0].get_ylim()[0] < 0


def test_without_a_distribution_the_axis_starts_at_zero():
    groups, curves, _ = tables()
    with drawn(calibration_curves(groups, curves)) as figure:
        low, high = figure.axes[0].get_ylim()
        assert abs(low) < 0.03 * high


def test_a_group_without_a_risk_and_a_missing_curve_are_left_out():
    groups, curves, bins = tables()
    limits = ["estimate", "conf_low", "conf_high"]
    groups.loc[0, limits] = np.nan
    groups.loc[1, limits[1:]] = np.nan
    with drawn(calibration_curves(groups, curves.iloc[:0], bins)) as figure:
        assert len(figure.axes) == 1


def test_two_horizons_are_refused():
    groups, curves, bins = tables()
    later = pd.concat([groups, groups.assign(time=9.0)], ignore_index=True)
    with pytest.raises(DataError, match="`time` has 2 values"):
        calibration_curves(later, curves, bins)
