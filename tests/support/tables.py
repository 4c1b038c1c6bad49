"""The contract that every result table keeps."""

from __future__ import annotations

import pandas as pd

from fahrstats.columns import GLOSSARY, in_order

COUNTS = ["n", "n_events", "n_dropped", "n_missing", "n_removed", "n_removed_events"]


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Assert known columns in glossary order, a plain index and whole counts."""
    assert list(table.columns) == in_order(table.columns)
    assert table.columns.is_unique
    assert set(table.columns) <= GLOSSARY.keys()
    assert list(table.index) == list(range(len(table)))
    for column in table.columns.intersection(COUNTS):
        assert pd.api.types.is_integer_dtype(table[column]), column
    return table


def check_glance(table: pd.DataFrame) -> pd.DataFrame:
    """Assert the contract and that there is exactly one row."""
    assert len(table) == 1
    return check_table(table)
