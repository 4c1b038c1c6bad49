"""What figures of step curves share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.step_curves import corners, legend_height, round_times


@pytest.mark.parametrize(
    ("last", "wanted"),
    [(424, [0, 100, 200, 300, 400]), (5.2, [0, 1, 2, 3, 4, 5]), (0.9, None)],
)
def test_times_of_the_table_are_round(last, wanted):
    times = round_times(last)
    assert times[0] == 0
    assert times[-1] <= last
    assert wanted is None or times.tolist() == wanted


def test_a_level_lasts_until_the_next_and_a_thin_tail_is_marked():
    curve = pd.DataFrame(
        {"time": [2.0, 5], "estimate": [0.8, 0.4], "n_at_risk": [9, 3]}
    )
    found = corners(curve.assign(conf_low=0.1, conf_high=0.9), 5, 1.0)
    assert found["time"].tolist() == [0, 2, 2, 5, 5]
    np.testing.assert_array_equal(found["estimate"], [1, 1, 0.8, 0.8, 0.4])
    assert found["few"].tolist() == [False, False, True, True, True]


def test_a_legend_is_as_high_as_its_rows_and_lines():
    one_row = legend_height({"a": "a", "b": "b"}, 7.0)
    assert legend_height({"a": "a"}, 7.0) == 0
    assert legend_height({"a": "a\nlong", "b": "b"}, 7.0) > one_row
    assert legend_height({"a": "a" * 60, "b": "b"}, 7.0) == 2 * one_row
