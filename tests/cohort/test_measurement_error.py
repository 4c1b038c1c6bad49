"""The three forms in which the error of a score is given, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fahrstats.cohort.measurement_error import MeasurementError, read_error
from fahrstats.errors import DataError


def test_a_number_is_a_known_standard_deviation():
    assert read_error("x", 2) == MeasurementError(2.0, np.inf)
    assert read_error("x", np.float32(1.5)) == MeasurementError(1.5, np.inf)
    assert read_error("x", 2).variance_of_variance == 0


def test_a_tuple_has_degrees_of_freedom():
    found = read_error("x", (2.0, 32))
    assert found == MeasurementError(2.0, 32.0)
    assert found.variance_of_variance == 1  # 2 sd^4 / df


def test_a_result_holds_both():
    result = SimpleNamespace(error_sd=1.5, error_df=7.5)
    assert read_error("x", result) == MeasurementError(1.5, 7.5)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (0, "0"),
        (-1.0, "-1.0"),
        (np.inf, "inf"),
        (np.nan, "nan"),
        (True, "True"),
        ("2", "2"),
        (None, "None"),
        ((2.0, 0), r"\(2.0, 0\)"),
        ((np.nan, 5), r"\(nan, 5\)"),
        ([2.0, 3], r"\[2.0, 3\]"),
    ],
)
def test_what_is_no_error_is_refused(error, shown):
    with pytest.raises(DataError, match=f"`x` is {shown}; give a positive number of"):
        read_error("x", error)
