# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited import audit_table
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.display.audit_measures import (
    MEASURES,
    in_words,
    is_beyond_margin,
    margins_in_words,
    measure_of,
    measure_text,
    unknown,
)


def about(estimand, everyone, *levels):
    """Return everyone's value, and levels in the middle of these limits."""
    rows = [
        {"subgroup": "overall", "level": "overall", "estimate": everyone},
        *(
            {"subgroup": "g", "level": str(k), "conf_low": low, "conf_high": high}
            for k, (low, high) in enumerate(levels)
        ),
    ]
    table = pd.DataFrame(rows).assign(term="x", estimand=estimand)
    middle = (table["conf_low"] + table["conf_high"]) / 2
    return table.assign(estimate=table["estimate"].fillna(middle))


@pytest.mark.parametrize(
    ("limits", "is_unknown"),
    [
        ((0.66, 0.74), False),  # within the margin: alike
        ((0.64, 0.74), True),  # equality and a difference that would matter
        ((0.66, 0.76), True),
        ((0.71, 0.90), False),  # not equality
        ((0.30, 0.69), False),
        ((0.30, 0.95), True),
        ((0.65, 0.75), False),  # just up to the margin
    ],
)
def test_unknown_is_equality_and_a_difference_that_would_matter(limits, is_unknown):
    found = unknown(about("c_index", 0.70, limits))
    assert found.tolist() == [False, is_unknown]


def test_margins_of_ratios_are_factors():
    table = about("observed_expected", 2.0, (1.61, 2.49), (1.59, 2.1), (1.9, 2.51))
    assert unknown(table).tolist() == [False, False, True, True]


def test_what_has_no_margin_or_no_interval_is_not_called_unknown():
    assert not unknown(about("brier", 0.1, (0.0, 1.0))).any()
    assert not unknown(about("c_index", 0.7, (np.nan, np.nan))).any()
    assert not unknown(about("c_index", np.nan, (0.0, 1.0))).any()


@given(
    st.floats(0.3, 0.9), st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.floats(0.0, 0.2)
)
def test_a_wider_interval_around_equality_never_becomes_known(at, left, right, more):
    low, high = at - left, at + right
    narrow, wide = unknown(
        about("c_index", at, (low, high), (low - more, high + more))
    ).tolist()[1:]
    assert wide or not narrow


@pytest.mark.parametrize(
    ("measure", "size", "is_beyond"),
    [
        *[("c_index", 0.06, True), ("c_index", -0.06, True), ("c_index", 0.05, False)],
        *[("hr", 1.3, True), ("hr", 0.79, True), ("hr", 0.81, False)],
        *[("brier", 0.5, False), ("ipa", np.nan, False), ("hr", np.nan, False)],
    ],
)
def test_a_difference_matters_beyond_its_margin(measure, size, is_beyond):
    assert is_beyond_margin({"measure": measure, "estimate": size}) is is_beyond


def test_the_index_of_the_model_is_a_measure_of_its_own():
    table = audit_table()
    found = set(measure_of(table))
    assert {"c_index", "model_c_index", "hr"} <= found
    assert found <= MEASURES.keys()


def test_margins_are_told_in_the_units_of_their_measures():
    assert margins_in_words(("c_index", "observed_expected", "ipa", "brier")) == (
        "0.05 of the C-index, a factor of 1.25 of the ratio of observed to "
        "expected events and 5 percentage points of the IPA"
    )


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("c_index", "0.700 (0.650–0.750)"),
        ("hr", "0.70 (0.65–0.75)"),
        ("ipa", "70.0 (65.0–75.0)"),
    ],
)
def test_a_measure_is_written_as_it_is_read(measure, text):
    row = {"estimate": 0.7, "conf_low": 0.65, "conf_high": 0.75, "measure": measure}
    assert measure_text(row) == text


def test_a_measure_that_is_not_there_says_why():
    row = {"estimate": np.nan, "measure": "c_index"}
    assert measure_text(row) == "not estimated"
    assert measure_text({**row, "note": "too few: 1 to 19 people"}) == "too few"


def test_names_inside_a_sentence_keep_the_capitals_of_abbreviations():
    names = ("c_index", "ipa", "hr", "calibration_slope")
    assert [in_words(name) for name in names] == [
        "C-index",
        "IPA",
        "hazard ratio",
        "calibration slope",
    ]
