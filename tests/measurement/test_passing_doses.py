"""Where curves pass limits: closed forms, and scipy's isotonic regression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from fahrstats.measurement.passing_doses import dose_at, isotonic, passing_severity

TWIN_RTOL = 1e-12
SEVERITY = np.arange(1.0, 6.0)
EQUAL = np.ones(5)


@given(
    st.lists(st.floats(0, 9), min_size=5, max_size=5),
    st.lists(st.integers(1, 50), min_size=5, max_size=5),
)
def test_the_isotonic_curve_is_that_of_scipy(values, weights):
    y, w = np.array(values), np.array(weights, dtype=float)
    np.testing.assert_allclose(
        isotonic(np.stack([y, y + 1]), w)[0],
        isotonic_regression(y, weights=w).x,
        rtol=TWIN_RTOL,
        atol=TWIN_RTOL,
    )


@pytest.mark.parametrize(
    ("values", "limit", "expected"),
    [
        ([1, 2, 3, 4, 5], 1.0, 1.0),  # reached at a severity
        ([2, 3, 4, 5, 6], 1.0, 0.5),  # between the photo itself and the first
        ([0, 0, 2, 2, 2], 1.0, 2.5),
        ([0, 3, 1, 3, 3], 2.5, 3.5),  # 3 and 1 are joined to 2
        ([0, 0, 0, 0, 0.9], 1.0, np.inf),
        ([0, 0, np.nan, 3, 3], 1.0, np.nan),
    ],
)
def test_a_limit_is_passed_where_the_straight_line_meets_it(values, limit, expected):
    found = passing_severity(np.array([values], float), EQUAL, SEVERITY, limit)
    np.testing.assert_allclose(found, [expected], rtol=TWIN_RTOL)


def test_doses_follow_severities_whichever_way_they_go():
    severity = np.array([0.0, 0.5, 2.0, 2.5, np.inf, np.nan])
    places = np.arange(3.0)
    rising = dose_at(severity, places, np.array([0.0, 10.0, 30.0]))
    np.testing.assert_array_equal(rising[:3], [0.0, 5.0, 30.0])
    assert (rising[4], np.isnan(rising[5])) == (np.inf, True)
    falling = dose_at(severity, places, np.array([100.0, 50.0, 10.0]))
    np.testing.assert_array_equal(falling[[1, 4]], [75.0, -np.inf])


def test_below_the_first_dose_an_unknown_start_has_no_dose():
    doses = np.array([np.nan, 10.0, 30.0])
    found = dose_at(np.array([0.5, 1.5]), np.arange(3.0), doses)
    np.testing.assert_array_equal(found, [np.nan, 20.0])
