"""The column of causes: what it may hold, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.design import build_design
from fahrstats.errors import DataError, FormulaError
from fahrstats.survival.competing_risks.causes import read_causes

FORMULA = "Surv(time, event) ~ x"


@pytest.fixture
def data():
    return pd.DataFrame(
        {
            "time": [1.0, 2, 3, 4, 5, 6, 7, 8],
            "event": [1, 1, 0, 1, 0, 1, 1, 0],
            "cause": ["b", "a", None, "a", "none", "c", "b", None],
            "x": [0.0, 1, 1, 0, 2, 1, None, 2],
        }
    )


def read(data, cause="cause", formula=FORMULA):
    return read_causes(build_design(formula, data), data, cause, formula=formula)


def test_causes_are_sorted_and_those_of_censored_rows_ignored(data):
    causes = read(data)
    assert causes.labels == ("a", "b", "c")
    assert causes.codes.tolist() == [1, 0, -1, 0, -1, 2, -1]
    assert causes.n_events.tolist() == [2, 1, 1]


def test_categories_keep_their_order_and_unused_ones_are_none(data):
    order = pd.CategoricalDtype(["c", "b", "z", "a", "none"])
    causes = read(data.assign(cause=data["cause"].astype(order)))
    assert causes.labels == ("c", "b", "a")
    assert causes.codes.tolist() == [1, 2, -1, 2, -1, 0, -1]


def test_numbers_are_causes_too(data):
    numbers = data["cause"].map({"a": 2, "b": 1, "c": 10})
    causes = read(data.assign(cause=numbers))
    assert causes.labels == ("1", "2", "10")
    assert causes.position(10) == causes.position("10") == 2


def test_an_unknown_cause_is_refused_and_the_known_ones_named(data):
    message = "`of` is `d`, but the causes in `cause` are `a`, `b`, `c`; choose one"
    with pytest.raises(DataError, match=message):
        read(data).position("d")


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_an_event_without_a_cause_is_refused_and_counted(data, nothing):
    data.loc[[0, 3], "cause"] = nothing
    message = (
        "`cause` is missing in 2 of 4 rows with an event; name the cause, or leave "
        "`event` empty to drop the rows"
    )
    with pytest.raises(DataError, match=message):
        read(data)


def test_rows_left_out_need_no_cause(data):
    data.loc[6, "cause"] = None
    assert read(data).labels == ("a", "b", "c")


def test_an_absent_column_is_refused(data):
    with pytest.raises(DataError, match="`data` has no column `reason`"):
        read(data, cause="reason")


def test_a_repeated_column_is_refused(data):
    twice = pd.concat([data, data[["cause"]]], axis=1)
    with pytest.raises(DataError, match="several columns named `cause`; rename all"):
        read(twice)


@pytest.mark.parametrize("column", ["event", "time", "x"])
def test_a_column_of_the_formula_is_refused(data, column):
    message = f"`{column}` names causes and is part of `Surv.*~ x` too; keep the event"
    with pytest.raises(FormulaError, match=message):
        read(data, cause=column)


def test_numbers_among_text_are_refused(data):
    mixed = data["cause"].replace({"a": 1})
    with pytest.raises(DataError, match="`cause` mixes numbers and text; make it all"):
        read(data.assign(cause=mixed))


def test_a_column_with_too_many_values_is_refused():
    n = 30
    data = pd.DataFrame({"time": np.arange(1.0, n + 1), "event": 1, "id": range(n)})
    message = "`id` has 30 values in 30 rows with an event, too many to compete; merge"
    with pytest.raises(DataError, match=message):
        read(data, cause="id", formula="Surv(time, event) ~ 1")
