"""Draws: what they take, and that they depend on the seed alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.resampling import deal_units, draw_counts, map_in_order


def taken(*args, **options):
    return [draw() for draw in draw_counts(*args, **options)]


def test_every_draw_takes_as_many_rows_as_there_are():
    draws = taken(1, 20, 30)
    assert {counts.sum() for counts in draws} == {30}
    assert len({tuple(counts) for counts in draws}) == 20


def test_a_draw_depends_on_the_seed_and_its_number_alone():
    few, many = taken(1, 3, 30), taken(1, 8, 30)
    np.testing.assert_array_equal(few, many[:3])
    again = draw_counts(1, 3, 30)
    np.testing.assert_array_equal(again[2](), few[2])
    np.testing.assert_array_equal(again[2](), few[2])
    assert (taken(2, 1, 30)[0] != few[0]).any()


def test_clusters_are_taken_whole():
    cluster = np.array([0, 1, 0, 2, 2, 2])
    for counts in taken(1, 20, 6, cluster=cluster):
        of_cluster = counts[[0, 1, 3]]
        np.testing.assert_array_equal(counts, of_cluster[cluster])
        assert of_cluster.sum() == 3


def test_strata_keep_their_sizes():
    strata = np.array([0, 1, 1, 0, 1, 2])
    for counts in taken(1, 20, 6, strata=strata):
        assert np.bincount(strata, counts).tolist() == [2, 3, 1]


def test_clusters_are_drawn_within_the_stratum_of_their_first_row():
    strata, cluster = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 2])
    for counts in taken(1, 20, 5, strata=strata, cluster=cluster):
        assert counts[:2].tolist() == [1, 1]
        assert counts[2] + counts[3] == 2


def test_rows_are_taken_equally_often():
    """Twenty rows, 2,000 draws: within four standard errors of a mean count of 1."""
    means = np.mean(taken(1, 2000, 20), axis=0)
    assert np.abs(means - 1).max() < 4 * np.sqrt(0.95 / 2000)


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_draws(n_workers):
    draws = draw_counts(1, 12, 30)

    def compute(draw):
        counts = draw()
        time.sleep(0.002 * (counts[0] % 3))
        return counts.tolist()

    found = list(map_in_order(compute, draws, n_workers=n_workers))
    assert found == [counts.tolist() for counts in taken(1, 12, 30)]


def test_an_error_in_a_draw_reaches_the_caller():
    def compute(draw):
        raise ZeroDivisionError("in a draw")

    with pytest.raises(ZeroDivisionError, match="in a draw"):
        list(map_in_order(compute, draw_counts(1, 4, 5), n_workers=2))


@pytest.mark.parametrize("seed", [None, 1.5, -1])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(
        DataError, match=f"`seed` is {seed}; give a whole number from 0"
    ):
        draw_counts(seed, 4, 5)


@given(seed=st.integers(0, 50), k=st.integers(2, 12), share=st.floats(0.2, 1))
def test_units_are_dealt_whole_and_nearly_equally(seed, k, share):
    rng = np.random.default_rng(seed)
    unit = rng.permutation(np.repeat(np.arange(100), rng.integers(1, 7, 100)))
    had_event = rng.random(100) < share
    had_event[:12] = True
    first = np.unique(unit, return_index=True)[1]
    event = np.zeros(unit.size, bool)
    event[first] = had_event
    fold = deal_units(unit, event, k, seed)
    assert set(fold) == set(range(k))
    np.testing.assert_array_equal(fold, fold[first][unit])
    assert np.ptp(np.bincount(fold, weights=event)) <= 1
    np.testing.assert_array_equal(fold, deal_units(unit, event, k, seed))
    assert not np.array_equal(fold, deal_units(unit, event, k, seed + 1))


def test_many_rows_of_one_unit_fill_a_fold_of_their_own():
    unit = np.repeat(np.arange(41), [1000, *[1] * 40])
    fold = deal_units(unit, np.zeros(unit.size, bool), 5, seed=0)
    assert sorted(np.bincount(fold)) == [10, 10, 10, 10, 1000]
