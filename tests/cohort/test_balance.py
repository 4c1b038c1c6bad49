from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import check_table

from fahrstats.cohort.balance import standardized_differences
from fahrstats.errors import DataError

DATA = pd.DataFrame(
    {
        "group": ["low"] * 4 + ["high"] * 5,
        "x": [1.0, 2, 3, 4, 3, 4, 5, 6, np.nan],
        "sex": ["F", "F", "F", "M", "F", "M", "M", "M", None],
        "same": 1.0,
        "one": "a",
        "part": [True, False, True, False, True, True, True, False, False],
    }
)


def smd(name, data=DATA, groups=("low", "high")):
    table = standardized_differences(data, [name], by="group", groups=groups)
    return check_table(table).iloc[0]


def test_a_number_is_compared_in_root_mean_variances():
    """Means 2.5 and 4.5, both of variance 5/3."""
    row = smd("x")
    assert row["estimate"] == pytest.approx(2 / np.sqrt(5 / 3), rel=1e-12)
    assert (row["n"], row["n_missing"]) == (8, 1)
    assert (row["group"], row["reference"]) == ("high", "low")
    assert smd("x", groups=("high", "low"))["estimate"] == -row["estimate"]


def test_two_levels_give_the_formula_for_a_share():
    """Shares of women 0.75 and 0.25, each of variance 3/16."""
    expected = 0.5 / np.sqrt(3 / 16)
    assert smd("sex")["estimate"] == pytest.approx(expected, rel=1e-12)
    low, high = 2 / 4, 3 / 5
    spread = (low * (1 - low) + high * (1 - high)) / 2
    expected = (high - low) / np.sqrt(spread)
    assert smd("part")["estimate"] == pytest.approx(expected, rel=1e-12)


def test_what_does_not_vary_has_no_difference():
    assert np.isnan(smd("same")["estimate"])
    assert np.isnan(smd("one")["estimate"])


@given(st.lists(st.sampled_from("abc"), min_size=6, max_size=30), st.integers(2, 4))
def test_levels_are_those_of_their_indicators_together(levels, n_low):
    """The distance with a generalised inverse needs no level left out."""
    groups = np.where(np.arange(len(levels)) < n_low, "low", "high")
    data = pd.DataFrame({"group": groups, "x": levels})
    ours = smd("x", data)["estimate"]
    if np.isnan(ours):  # a level that one group has and the other lacks altogether
        return
    share = {
        group: np.array([(part == level).mean() for level in sorted(set(levels))])
        for group, part in data.groupby("group")["x"]
    }
    cov = sum((np.diag(s) - np.outer(s, s)) / 2 for s in share.values())
    apart = share["high"] - share["low"]
    theirs = np.sqrt(apart @ np.linalg.pinv(cov, rcond=1e-10) @ apart)
    assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-10)


def test_a_group_without_rows_is_refused():
    with pytest.raises(DataError, match="`group` has no rows in the group `middle`"):
        smd("x", groups=("low", "middle"))
