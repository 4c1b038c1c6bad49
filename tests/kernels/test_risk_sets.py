"""The order of the kernels, checked against its description."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.risk_sets import sort_risk_sets


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_rows_are_sorted_by_stratum_time_and_event(case):
    rows = random_rows(1, 50, **case)
    sets = sort_risk_sets(**rows)
    strata = rows.get("strata", np.zeros(50))[sets.order]
    keys = list(zip(strata, -sets.time, sets.event, strict=True))
    assert keys == sorted(keys)
    assert sorted(sets.order) == list(range(50))


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_sorted_columns_are_those_of_the_rows(case):
    rows = random_rows(2, 50, **case)
    sets = sort_risk_sets(**rows)
    for name in ("time", "event"):
        np.testing.assert_array_equal(getattr(sets, name), rows[name][sets.order])
    weights = rows.get("weights", np.ones(50))
    np.testing.assert_array_equal(sets.weights, weights[sets.order])
    if case["delayed"]:
        np.testing.assert_array_equal(sets.entry, rows["entry"][sets.order])
    else:
        assert sets.entry.size == sets.entry_order.size == 0


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_blocks_hold_equal_stratum_and_time(case):
    rows = random_rows(3, 50, **case)
    sets = sort_risk_sets(**rows)
    strata = rows.get("strata", np.zeros(50))[sets.order]
    blocks = [
        set(zip(strata[a:b], sets.time[a:b], strict=True))
        for a, b in zip(sets.tie_start[:-1], sets.tie_start[1:], strict=True)
    ]
    assert all(len(block) == 1 for block in blocks)
    assert len(set.union(*blocks)) == len(blocks)
    sizes = np.diff(sets.stratum_start)
    np.testing.assert_array_equal(sizes, np.bincount(strata.astype(int)))
    assert sets.stratum_start[-1] == sets.tie_start[-1] == 50


@pytest.mark.parametrize("strata", [1, 3])
def test_entries_are_listed_from_the_latest_within_strata(strata):
    rows = random_rows(4, 50, ties=True, weights="none", strata=strata, delayed=True)
    sets = sort_risk_sets(**rows)
    codes = rows.get("strata", np.zeros(50))[sets.order]
    keys = [(codes[i], -sets.entry[i]) for i in sets.entry_order]
    assert keys == sorted(keys)
    assert sorted(sets.entry_order) == list(range(50))


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.sampled_from(COMPLICATIONS))
def test_row_order_does_not_change_the_order_of_distinct_rows(seed, case):
    rows = random_rows(seed, 20, **case)
    shuffle = np.random.default_rng(seed).permutation(20)
    sets = sort_risk_sets(**rows)
    again = sort_risk_sets(**{name: column[shuffle] for name, column in rows.items()})
    for name in ("time", "event", "tie_start", "stratum_start"):
        np.testing.assert_array_equal(getattr(sets, name), getattr(again, name))
    for a, b in zip(sets.tie_start[:-1], sets.tie_start[1:], strict=True):
        assert set(sets.order[a:b]) == set(shuffle[again.order[a:b]])


def test_one_row_is_one_block():
    sets = sort_risk_sets(np.array([2.0]), np.array([True]))
    assert sets.order.tolist() == [0]
    assert sets.tie_start.tolist() == sets.stratum_start.tolist() == [0, 1]
