from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.display.result_table import by_value, need_columns, only_one, records
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
