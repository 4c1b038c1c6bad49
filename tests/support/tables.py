"""The contract that every result table keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fahrstats.columns import GLOSSARY, in_order

COUNTS = ["n", "n_events", "n_dropped", "n_missing", "n_removed", "n_removed_events"]
TEXTS = [
    *("biomarker", "outcome", "model", "subgroup", "level", "group", "variable"),
    *("term", "reference", "reason", "column", "origin", "estimand", "note"),
    *("first_group", "second_group", "published_p", "cohort", "scale", "cause"),
    "time_weight",
    "measure",
    "validation",
    "learner",
    "condition",
    "region",
    *("guideline", "item", "section", "asks", "status", "places", "given", "missing"),
]
MAY_BE_TEXT = ["per"]


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Assert known columns in glossary order, a plain index, and what they hold.

    Counts are whole, texts are texts and never missing, all else is numbers; limits
    are in order, p values are probabilities, and a ratio has no standard error.
    """
    assert list(table.columns) == in_order(table.columns)
    assert table.columns.is_unique
    assert set(table.columns) <= GLOSSARY.keys()
    assert list(table.index) == list(range(len(table)))
    for column in table.columns:
        values = table[column]
        if column in COUNTS:
            assert pd.api.types.is_integer_dtype(values), column
        elif column in TEXTS:
            assert values.map(lambda value: isinstance(value, str)).all(), column
        elif column not in MAY_BE_TEXT:
            assert pd.api.types.is_numeric_dtype(values), column
    if "conf_low" in table:
        limits = table[["conf_low", "conf_high"]].dropna()
        assert (limits["conf_low"] <= limits["conf_high"]).all()
    if "p_value" in table:
        assert table["p_value"].dropna().between(0, 1).all()
    if "std_error" in table:
        std_error = table["std_error"]
        assert (std_error.dropna() >= 0).all()
        assert np.isnan(std_error[table["estimand"].isin(["hr", "hr_firth"])]).all()
    return table


def check_glance(table: pd.DataFrame) -> pd.DataFrame:
    """Assert the contract and that there is exactly one row."""
    assert len(table) == 1
    return check_table(table)
