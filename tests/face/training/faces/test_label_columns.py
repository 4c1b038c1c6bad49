"""Columns of labels: what is read, and what is refused with its reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.training.faces.label_columns import (
    follow_up_of,
    in_rows,
    numbers_of,
    sex_of,
    stratum_of,
    texts_of,
)


def a_table(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([" a ", "007", "NA", None, "nan", "."], ["a", "007", "", "", "", ""]),
        ([3, 4], ["3", "4"]),
        ([3.0, np.nan, 0.5], ["3", "", "0.5"]),
        (pd.Categorical(["x", None]), ["x", ""]),
        (pd.array([1, None], dtype="Int64"), ["1", ""]),
    ],
)
def test_texts_are_as_written_and_missing_ones_empty(values, texts):
    assert texts_of(a_table(x=values), "x").tolist() == texts


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1, max_size=20))
def test_numbers_survive_being_text(numbers):
    column = pd.Series([None if x is None else repr(x) for x in numbers], dtype=object)
    expected = [np.nan if x is None else x for x in numbers]
    np.testing.assert_array_equal(numbers_of(a_table(x=column), "x"), expected)
    np.testing.assert_array_equal(numbers_of(a_table(x=expected), "x"), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["20", "9-Mar", "19-Oct", "Oct-19"],
            r"`age` is no number in 3 of 4 rows, first in row 2; a spreadsheet seems "
            r"to have turned 3 of them into dates \(`9-Mar` may have been 3-9\): "
            r"restore them .* `age_low` and `age_high`\.",
        ),
        (["19-Oct"], r"1 of them into dates \(`19-Oct` may have been 10-19\):"),
        (["Oct-19"], r"1 of them into dates \(`Oct-19` may have been 10-19\):"),
        (["2024-03-09"], "seems to have turned 1 of them into dates: restore them"),
        (["03/09/2024"], "seems to have turned 1 of them into dates: restore them"),
        (pd.to_datetime(["2024-03-09"]), "1 of them into dates: restore them"),
        (
            ["30-39", "more than 70"],
            r"`age` is no number in 2 of 2 rows, first in row 1; `30-39` is a bin: "
            "give `age_low` 30 and `age_high` 40, the first age that is not in it",
        ),
        (
            ["20", "34,5"],
            "in 1 of 2 rows, first in row 2; give numbers with decimal points, and "
            "leave unknown ones blank",
        ),
        ([True, False], "`age` is no number in 2 of 2 rows"),
    ],
)
def test_what_is_no_number_is_explained(values, message):
    with pytest.raises(DataError, match=message):
        numbers_of(a_table(age=values), "age")


def test_an_unreadable_value_that_may_be_a_name_is_not_shown():
    with pytest.raises(DataError) as raised:
        numbers_of(a_table(age=["Anna Example"]), "age")
    assert "Anna" not in str(raised.value)


def test_rows_are_counted_from_one():
    assert in_rows(np.array([False, True, True])) == "in 2 of 3 rows, first in row 2"


def test_follow_up_may_be_missing_but_not_half_of_it():
    time, event = follow_up_of(
        a_table(time=[1.5, None, 0.0], event=[True, None, False])
    )
    np.testing.assert_array_equal(time, [1.5, np.nan, 0.0])
    assert event.tolist() == [True, False, False]
    assert follow_up_of(a_table(age=[1])) is None


def test_times_that_differ_by_rounding_tie():
    time, _ = follow_up_of(a_table(time=[0.1 + 0.2, 0.3], event=[1, 0]))
    assert time[0] == time[1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"time": [1.0]}, "has a column `time` and none named `event`; give both"),
        ({"event": [1]}, "has a column `event` and none named `time`"),
        (
            {"time": [1, -2, 3], "event": [1, 0, 0]},
            "`time` is negative in 1 of 3 rows",
        ),
        ({"time": [1, np.inf], "event": [1, 0]}, "`time` is infinite in 1 of 2 rows"),
        ({"time": ["long"], "event": [1]}, "`time` must hold numbers, but it holds"),
        ({"time": [1, 2], "event": [1, 2]}, "`event` must be 0/1 or boolean, but"),
        ({"time": [1, 2], "event": ["dead", "alive"]}, "`event` must be 0/1 or boo"),
        (
            {"time": [1, None, None], "event": [1, 0, 1]},
            "`time` is missing beside its `event` in 2 of 3 rows, first in row 2; give",
        ),
        (
            {"time": [1, 2], "event": [1, None]},
            "`event` is missing beside its `time` in 1 of 2 rows, first in row 2; give",
        ),
    ],
)
def test_follow_up_that_cannot_be_learned_from_is_refused(columns, message):
    with pytest.raises(DataError, match=message):
        follow_up_of(a_table(**columns))


def test_sex_is_coded_in_the_order_of_the_alphabet():
    codes, levels = sex_of(a_table(sex=["male", "female", "", "male"]))
    np.testing.assert_array_equal(codes, [1, 0, np.nan, 1])
    assert levels == ("female", "male")
    assert sex_of(a_table(sex=[2.0, 1.0]))[1] == ("1", "2")
    assert sex_of(a_table(age=[1])) is None


@pytest.mark.parametrize(
    ("sex", "message"),
    [
        (["f", "f"], "`sex` holds 1 levels in 2 rows: `f`; .* it needs two: recode it"),
        (["f", "m", "M"], "`sex` holds 3 levels in 3 rows: `M`, `f`, `m`;"),
        (["", ""], "`sex` holds 0 levels in 2 rows; as an input"),
        (list("abcdef"), "`sex` holds 6 levels in 6 rows; as an input"),
    ],
)
def test_sex_of_other_than_two_levels_is_refused(sex, message):
    with pytest.raises(DataError, match=message):
        sex_of(a_table(sex=sex))


def test_strata_are_codes_without_gaps():
    assert stratum_of(a_table(stratum=["b", "a", "b"])).tolist() == [1, 0, 1]
    assert stratum_of(a_table(age=[1])) is None
    with pytest.raises(DataError, match="`stratum` is missing in 1 of 2 rows, first"):
        stratum_of(a_table(stratum=["a", ""]))
