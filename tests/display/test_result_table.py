from __future__ import annotations

import math

import pandas as pd
import pytest

from fahrstats.display.result_table import (
    by_value,
    excludes,
    in_percent,
    limits,
    need_columns,
    only_one,
    records,
    without_refusals,
)
from fahrstats.errors import DataError


def test_absent_columns_and_rows_are_named():
    table = pd.DataFrame({"term": []})
    with pytest.raises(DataError, match=r"no column `estimate`, `n`; a plot needs"):
        need_columns(table, ("term", "estimate", "n"), "a plot")
    with pytest.raises(DataError, match=r"no rows; a plot needs at least one"):
        need_columns(table, ("term",), "a plot")


def test_several_values_where_one_is_shown_are_refused():
    table = pd.DataFrame({"model": ["a", "b", None]})
    with pytest.raises(DataError, match=r"`model` has 2 values \(a, b\), but a plot"):
        only_one(table, ("outcome", "model"), "a plot")
    only_one(table.head(1), ("outcome", "model"), "a plot")


def test_parts_keep_the_order_of_the_table():
    table = pd.DataFrame({"biomarker": ["z", "a", "z", None], "n": [1, 2, 3, 4]})
    parts = by_value(table, "biomarker")
    assert [(name, list(part["n"])) for name, part in parts] == [
        ("z", [1, 3]),
        ("a", [2]),
        ("", [4]),
    ]
    assert by_value(table, "model")[0][0] == ""


def test_a_row_is_a_mapping():
    table = pd.DataFrame({"term": ["x"], "n": [1]})
    assert records(table) == [{"term": "x", "n": 1}]


def test_an_estimate_without_limits_has_none():
    assert limits({"estimate": 0.4}) == (0.4, None, None)
    assert limits({"estimate": 1, "conf_low": 0, "conf_high": 2}) == (1, 0, 2)


def test_a_share_in_percent_keeps_missing_limits_missing():
    estimate, low, high = in_percent({"estimate": 0.25, "conf_low": 0.2})
    assert (estimate, low) == (25.0, 20.0)
    assert math.isnan(high)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False), (0.0, 0.1, False)],
)
def test_an_interval_that_touches_no_effect_does_not_exclude_it(low, high, expected):
    assert excludes({"conf_low": low, "conf_high": high}, 0) is expected


def test_missing_limits_exclude_nothing():
    assert not excludes({"conf_low": math.nan, "conf_high": math.nan}, 0)


def test_rows_that_only_say_why_are_parted_from_the_others():
    table = pd.DataFrame(
        {"estimate": [1.0, math.nan], "note": ["", "not estimated: x"]}
    )
    kept, refused = without_refusals(table)
    assert list(kept["estimate"]) == [1.0]
    assert list(refused["note"]) == ["not estimated: x"]
    kept, refused = without_refusals(table.drop(columns="note"))
    assert (len(kept), len(refused)) == (2, 0)
