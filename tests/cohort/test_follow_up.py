"""Rules for follow-up columns: codings refused, missing values, ties, intervals."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.cohort.follow_up import (
    TIE_TOLERANCE,
    as_float,
    column_problems,
    interval_problems,
    merge_near_ties,
    tie_with,
)

DAYS_PER_YEAR = 365.25


def problems(values: object, role: str) -> list[str]:
    return list(column_problems(pd.DataFrame({"column": values}), "column", role))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [1, 2, 2, 1, 1],
            "`column` must be 0/1 or boolean, but it holds 1 (3 rows), 2 (2 rows); "
            "recode it so that 1 marks an event and 0 a censored time.",
        ),
        ([0, 0, 1, 1, 2], "0 (2 rows), 1 (2 rows), 2 (1 rows); competing risk? recode"),
        ([0, 2, 2], "2 (2 rows), 0 (1 rows); competing risk? recode"),
        ([2, 2], "it holds 2 (2 rows); recode"),
        ([0, 1, 0.5], "0.5 (1 rows)"),
        ([0, 1, np.inf], "inf (1 rows)"),
        ([0, 1, -1], "-1 (1 rows)"),
        (["0", "1", "1"], "it holds text: 1 (2 rows), 0 (1 rows); recode"),
        (["dead", "alive"], "it holds text: dead (1 rows), alive (1 rows)"),
        (pd.Categorical([0, 1]), "it holds values of type category: 0 (1 rows)"),
        (range(10), "5 (1 rows) and 4 more; recode"),
        ([1, "dead"], "values of type object: 1 (1 rows), dead (1 rows)"),
        (pd.array(["dead", None], "string[pyarrow]"), "text: dead (1 rows)"),
        (pd.to_datetime(["2020-01-01"]), "values of type datetime64"),
    ],
)
def test_other_codings_of_the_event_are_refused_with_their_levels(values, message):
    (problem,) = problems(values, "event")
    assert message in problem


@pytest.mark.parametrize(
    "values",
    [
        [0, 1, np.nan],
        [0.0, 1.0, np.nan],
        [False, True, False],
        pd.Series([False, True, None], dtype=object),
        pd.Series([0, 1, pd.NA], dtype=object),
        pd.array([0, 1, None], "Int64"),
        pd.array([0, 1, None], "Float64"),
        pd.array([False, True, None], "boolean"),
        pd.array([False, True, None], "bool[pyarrow]"),
        pd.array([0, 1, None], "int8[pyarrow]"),
        pd.Categorical([False, True, None]),
        [1, 1, 1],
        [np.nan, np.nan, np.nan],
        [None, None, None],
    ],
    ids=str,
)
def test_zeros_and_ones_of_every_type_are_events(values):
    assert problems(values, "event") == []
    as_numbers = as_float(pd.Series(values))
    assert as_numbers.dtype == np.float64
    known = pd.Series(values).notna().to_numpy()
    np.testing.assert_array_equal(np.isnan(as_numbers), ~known)
    wanted = [float(value) for value in pd.Series(values).dropna()]
    assert as_numbers[known].tolist() == wanted


@pytest.mark.parametrize("role", ["time", "entry", "weights"])
@pytest.mark.parametrize(
    ("values", "held"),
    [
        (["1", "2"], "text"),
        ([True, False], "values of type bool"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "values of type datetime64"),
        (pd.to_timedelta([1, 2], "D"), "values of type timedelta64"),
        ([1 + 1j, 2], "values of type complex128"),
        (pd.Categorical([1, 2]), "values of type category"),
        ([Decimal(1), Decimal(2)], "values of type object"),
    ],
)
def test_times_and_weights_must_be_numbers(role, values, held):
    (problem,) = problems(values, role)
    assert re.match(
        rf"`column` must hold numbers, but it holds {held}.*; give durations in "
        r"days, months or years, and weights as numbers\.",
        problem,
    )


@pytest.mark.parametrize(
    ("role", "hint"),
    [
        ("time", "dates in the wrong order?"),
        ("entry", "dates in the wrong order?"),
        ("weights", "weights count how much a row stands for"),
    ],
)
def test_negative_and_infinite_numbers_are_refused_and_counted(role, hint):
    infinite, negative = problems([1, -1, -2, np.inf, np.nan], role)
    assert infinite == (
        "`column` is infinite in 1 of 5 rows; "
        "give finite values, or leave them empty to drop the rows."
    )
    assert negative == (
        f"`column` is negative in 2 of 5 rows ({hint}); "
        "correct them, or leave them empty to drop the rows."
    )


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        [0, 2.5, np.nan],
        pd.Series([1.5, None, 2], dtype=object),
        pd.Series([1, pd.NA, 2], dtype=object),
        pd.array([1, None], "Int64"),
        pd.array([1.5, None], "Float64"),
        pd.array([1.5, None], "double[pyarrow]"),
        np.array([1, 2], np.float32),
    ],
    ids=str,
)
def test_numbers_of_every_type_are_times(values):
    assert problems(values, "time") == []
    assert as_float(pd.Series(values)).dtype == np.float64


def test_thirty_days_tie_with_thirty_days_by_another_route():
    one = 30 / DAYS_PER_YEAR
    other = 31 / DAYS_PER_YEAR - 1 / DAYS_PER_YEAR
    assert one != other
    merged, _ = merge_near_ties(np.array([other, 1.0, one]), None)
    assert merged[0] == merged[2]
    assert merged[1] == 1


@pytest.mark.parametrize("unit", [1e-12, 1e-9, 1.0, 86_400.0, 1e9])
def test_distinct_times_stay_apart_in_every_unit(unit):
    time = unit * np.array([1.0, 1.001, 1 + 1e-7, 2.5, 7.3])
    merged, _ = merge_near_ties(time, None)
    np.testing.assert_array_equal(merged, time)


@pytest.mark.parametrize("unit", [1e-12, 1e-9, 1.0, 86_400.0, 1e9])
def test_times_within_rounding_tie_in_every_unit(unit):
    time = unit * np.array([1.5, 1.5 * (1 + 0.5 * TIE_TOLERANCE), 2.5])
    merged, _ = merge_near_ties(time, None)
    assert merged[0] == merged[1] == time[0]
    assert merged[2] == time[2]


def test_entries_tie_with_the_times_they_differ_from_by_rounding():
    time = np.array([0.1 + 0.2, 1.0])
    entry = np.array([0.0, 0.3])
    merged, merged_entry = merge_near_ties(time, entry)
    assert merged[0] == merged_entry[1]
    assert merged_entry[0] == 0


def test_zero_ties_only_with_zero():
    merged, _ = merge_near_ties(np.array([0.0, 1e-300, 0.5]), None)
    np.testing.assert_array_equal(merged, [0.0, 1e-300, 0.5])


def test_missing_times_stay_missing_and_change_no_other():
    merged, entry = merge_near_ties(
        np.array([np.nan, 0.1 + 0.2, 0.3]), np.array([0.1, np.nan, np.nan])
    )
    assert np.isnan(merged[0])
    assert np.isnan(entry[1:]).all()
    assert merged[1] == merged[2] == 0.3
    assert entry[0] == 0.1


def test_whole_times_are_returned_as_they_are():
    time = np.array([5.0, np.nan, 1.0, 1.0])
    merged, _ = merge_near_ties(time, None)
    assert merged is time


@given(
    st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=30),
    st.integers(0, 2**32 - 1),
)
def test_merging_keeps_order_and_size_and_does_not_depend_on_row_order(times, seed):
    time = np.array(times)
    merged, _ = merge_near_ties(time, None)
    # A run of n near ties can move its last member by n tolerances.
    np.testing.assert_allclose(merged, time, rtol=2 * time.size * TIE_TOLERANCE)
    assert (np.diff(merged[np.argsort(time, kind="stable")]) >= 0).all()
    again, _ = merge_near_ties(merged, None)
    assert len(np.unique(again)) == len(np.unique(merged))
    shuffle = np.random.default_rng(seed).permutation(time.size)
    np.testing.assert_array_equal(
        merge_near_ties(time[shuffle], None)[0], merged[shuffle]
    )


def interval_problems_of(**columns: object) -> list[str]:
    data = pd.DataFrame(columns)
    id = "id" if "id" in data else None
    return list(
        interval_problems(data, "exit", "entry" if "entry" in data else None, id)
    )


def test_entry_after_exit_is_refused_and_counted():
    (problem,) = interval_problems_of(entry=[0, 5, np.nan, 3], exit=[1, 2, 3, np.nan])
    assert problem == (
        "`entry` is after `exit` in 1 of 4 rows; follow-up must end after it starts."
    )


def test_an_entry_that_rounding_puts_after_its_exit_is_not_refused():
    assert interval_problems_of(entry=[0.1 + 0.2], exit=[0.3]) == []


def test_repeated_subjects_are_refused_and_counted():
    ids = ["a", "b", "a", "a", None, None]
    (problem,) = interval_problems_of(id=ids, exit=1.0)
    assert problem == (
        "`id` repeats in 2 of 6 rows; keep one row a subject, or give `cluster` so "
        "that standard errors allow for it."
    )


def test_intervals_of_a_subject_that_follow_each_other_are_sound():
    times = {"entry": [0.3, 0, 5, 0], "exit": [9, 0.1 + 0.2, 6, 2]}
    assert interval_problems_of(id=[1, 1, 2, 2], **times) == []


def test_overlapping_intervals_of_a_subject_are_refused_and_counted():
    """Two short intervals lie within a long one, and a third lies after it."""
    (problem,) = interval_problems_of(
        id=[1, 1, 1, 1, 2], entry=[0, 1, 3, 10, 1], exit=[10, 2, 4, 11, 5]
    )
    assert problem == (
        "2 of 5 rows overlap an earlier interval of the same `id`; a subject is at "
        "risk once at a time: correct the intervals, or give `cluster`."
    )


def test_times_tie_with_the_known_times_that_rounding_moved():
    known = np.array([0.1 + 0.2, 0.7, 5.0])
    found = tie_with(np.array([0.3, 0.299, 0.7, 0.0, 9.0, 5 * (1 + 1e-12)]), known)
    assert found.tolist() == [0.1 + 0.2, 0.299, 0.7, 0.0, 9.0, 5.0]


@pytest.mark.parametrize("weight", [1e80, 1e-80])
def test_weights_that_cannot_be_squared_are_refused(weight):
    data = pd.DataFrame({"weight": [1.0, weight, 2.0]})
    (problem,) = column_problems(data, "weight", "weights")
    assert problem == (
        f"`weight` is {weight:g} as a weight, whose square no number can hold; divide "
        "all weights by one number."
    )
