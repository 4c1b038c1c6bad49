"""Rows of contrasts: who is compared, how many, and how sure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.survival.over_time.contrast_rows import (
    contrast_rows,
    each_against,
    interval_text,
    joint_std_error,
)


@pytest.fixture
def levels():
    return pd.DataFrame(
        {
            "group": ["a", "a", "b", "b", "c", "c"],
            "time": [1.0, 2] * 3,
            "n": [10, 10, 20, 20, 30, 30],
            "n_events": [1, 2, 3, 4, 5, 6],
            "note": ["", "x", "", "y", "z", ""],
        }
    )


def test_every_other_group_is_set_beside_the_reference(levels):
    pairs = [
        (rows["group"].tolist(), base["group"].tolist())
        for rows, base in each_against(levels, "b")
    ]
    assert pairs == [(["a", "a"], ["b", "b"]), (["c", "c"], ["b", "b"])]


def test_sizes_are_added_and_notes_joined(levels):
    rows, base = next(each_against(levels, "b"))
    table = contrast_rows(rows, base, "delta_survival")
    assert table["n"].tolist() == [30, 30]
    assert table["n_events"].tolist() == [4, 6]
    assert table["note"].tolist() == ["", "`a`: x; `b`: y"]
    assert "n_at_risk" not in table


def test_no_variation_on_one_side_is_no_standard_error():
    found = joint_std_error(np.array([3.0, 0, np.nan]), np.array([4.0, 4, 4]))
    np.testing.assert_array_equal(found, [5, np.nan, np.nan])


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.25, 0.1, 0.4, 0.01), "0.25 (0.1 to 0.4), P=0.010"),
        ((0.25, 0.1, 0.4, np.nan), "0.25 (0.1 to 0.4)"),
        ((0.25, np.nan, np.nan, np.nan), "0.25 (no interval)"),
        ((np.nan, np.nan, np.nan, np.nan), "missing (no interval)"),
    ],
)
def test_intervals_are_written_with_what_there_is(values, text):
    names = ("estimate", "conf_low", "conf_high", "p_value")
    assert interval_text(dict(zip(names, values, strict=True)), 3) == text
