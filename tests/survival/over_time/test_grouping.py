"""Groups of rows from the right-hand side of a formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.errors import DataError
from fahrstats.survival.over_time.grouping import group_cohort, group_position

FORMULA = "Surv(time, event) ~ group"


def cohort(groups) -> pd.DataFrame:
    n = len(groups)
    return pd.DataFrame({"time": range(1, n + 1), "event": 1, "group": groups})


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (["b", "a", "b"], ("a", "b")),
        ([2.0, 1.0, 2.0], ("1", "2")),
        ([0.5, 1.0, 0.5], ("0.5", "1")),
        ([True, False, True], ("False", "True")),
        (pd.Categorical(["x", "y", "x"], ["y", "z", "x"]), ("y", "x")),
    ],
    ids=["text", "whole floats", "fractions", "booleans", "categories"],
)
def test_groups_are_named_by_their_levels(groups, names):
    grouped = group_cohort(FORMULA, cohort(groups))
    assert grouped.groups == names
    assert grouped.codes[0] == grouped.codes[2] != grouped.codes[1]


def test_rows_without_a_group_are_left_out_and_counted_by_column():
    grouped = group_cohort(FORMULA, cohort(["a", None, "b", "b"]))
    assert grouped.codes.tolist() == [0, 1, 1]
    assert [(d.reason, d.column, d.n) for d in grouped.design.dropped] == [
        ("missing", "group", 1)
    ]


def test_combinations_that_do_not_occur_are_no_groups():
    data = cohort(["a", "a", "b"]).assign(other=[1, 2, 1])
    grouped = group_cohort(FORMULA + " + other", data)
    assert grouped.groups == ("a, 1", "a, 2", "b, 1")
    assert np.array_equal(grouped.codes, [0, 1, 2])


def test_columns_in_backticks_are_found():
    data = cohort(["a", "b", "b"]).rename(columns={"group": "age band"})
    assert group_cohort("Surv(time, event) ~ `age band`", data).groups == ("a", "b")


def test_groups_with_one_name_are_refused():
    message = "2 groups of `group` are all called `1`; rename levels, such as numbers"
    with pytest.raises(DataError, match=message):
        group_cohort(FORMULA, cohort(pd.Series([1, "1", 1], dtype=object)))


def test_combinations_with_one_name_are_refused():
    data = cohort(["a, b", "a", "b"]).assign(other=["c", "b, c", "c"])
    message = "2 groups of `group`, `other` are all called `a, b, c`"
    with pytest.raises(DataError, match=message):
        group_cohort(FORMULA + " + other", data)


def test_a_group_without_a_name_is_refused():
    message = "A group of `group` has a blank name; name it, or leave the cells empty"
    with pytest.raises(DataError, match=message):
        group_cohort(FORMULA, cohort(["a", " ", "b"]))


@pytest.mark.parametrize("arguments", [(None, cohort("ab")), (FORMULA, {"time": 1})])
def test_arguments_of_the_wrong_type_are_refused(arguments):
    with pytest.raises(DataError, match="give text first and a pandas data frame"):
        group_cohort(*arguments)


def test_the_reference_may_be_named_by_a_number():
    assert group_position(("0", "1"), 1) == group_position(("0", "1"), 1.0) == 1
