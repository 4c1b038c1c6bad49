"""Censoring weights against the twin, closed forms and derivatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from censoring import influence, inverse_weights
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.censoring_weights import spread_influence, weigh_by_censoring
from fahrstats.kernels.product_limit import life_table, product_limit
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides multiply the same factors
TWIN_ATOL = 1e-13  # of influences of order 1/n, zero where terms cancel

seeds = st.integers(0, 2**32 - 1)
kinds = st.sampled_from(["none", "whole", "fractional"])


def cohort(seed, n=40, *, weights="none"):
    """Heavily tied rows, of which some outlast the horizon 5."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    time[:2] = 9.0
    given_weights = {
        "none": np.ones(n),
        "whole": rng.integers(0, 4, n).astype(float),
        "fractional": rng.uniform(0.2, 3, n),
    }[weights]
    given_weights[:2] = np.maximum(given_weights[:2], 1.0)
    return time, event, given_weights


@given(seeds, kinds)
def test_weights_equal_those_written_out(seed, kind):
    time, event, case_weights = cohort(seed, weights=kind)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    wanted = inverse_weights(time, event, case_weights, 5.0)[sets.order]
    np.testing.assert_allclose(weights.inverse, wanted, rtol=TWIN_RTOL)
    assert weights.n_beyond == (time > 5).sum()
    assert weights.total == pytest.approx(case_weights.sum(), rel=TWIN_RTOL)


@given(seeds, kinds)
def test_influence_equals_that_written_out(seed, kind):
    time, event, case_weights = cohort(seed, weights=kind)
    derivative = np.random.default_rng(seed).normal(size=(time.size, 2))
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    found = spread_influence(sets, weights, derivative[sets.order])
    for j in range(2):
        wanted = influence(time, event, case_weights, 5.0, derivative[:, j])
        np.testing.assert_allclose(
            found[:, j], wanted[sets.order], rtol=1e-10, atol=TWIN_ATOL * time.size
        )


@given(seeds, kinds)
def test_weights_of_cases_add_up_to_the_kaplan_meier_risk(seed, kind):
    time, event, case_weights = cohort(seed, weights=kind)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    table = life_table(sets, 0)
    survival = product_limit(table)[np.searchsorted(table.time, 5.0, "right") - 1]
    risk = weights.cases / weights.total
    assert risk == pytest.approx(1 - survival, rel=1e-10, abs=1e-14)
    assert weights.cases + weights.controls == pytest.approx(weights.total, rel=1e-10)


@given(seeds)
def test_whole_weights_equal_replicated_rows(seed):
    time, event, case_weights = cohort(seed, weights="whole")
    weighted = sort_risk_sets(time, event, weights=case_weights)
    copies = np.repeat(np.arange(time.size), case_weights.astype(int))
    replicated = sort_risk_sets(time[copies], event[copies])
    one, many = (weigh_by_censoring(sets, 5.0) for sets in (weighted, replicated))
    wanted = np.bincount(copies[replicated.order], many.inverse, time.size)
    np.testing.assert_allclose(one.inverse, wanted[weighted.order], rtol=TWIN_RTOL)


def test_without_censoring_every_row_weighs_one():
    time = np.arange(1.0, 11)
    sets = sort_risk_sets(time, np.ones(10, bool))
    weights = weigh_by_censoring(sets, 4.0)
    assert weights.inverse.tolist() == [1.0] * 10
    assert (weights.cases, weights.controls) == (4.0, 6.0)
    derivative = np.arange(10.0)[:, None]
    assert (spread_influence(sets, weights, derivative) == derivative).all()


def test_four_rows_by_hand():
    """One of three is censored at 2, so those after it stand for one and a half."""
    sets = sort_risk_sets(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, False])
    )
    assert weigh_by_censoring(sets, 3.0).inverse.tolist() == [1.5, 1.5, 0.0, 1.0]
    # Of an event and a censoring at 2, the event was not at risk of being censored.
    tied = sort_risk_sets(np.array([2.0, 2.0, 3.0]), np.array([True, False, False]))
    assert weigh_by_censoring(tied, 2.0).inverse.tolist() == [2.0, 0.0, 1.0]


def test_influence_is_the_derivative_where_many_are_at_risk():
    """The martingale form equals the derivative up to terms of order 1/n."""
    time, event, case_weights = cohort(3, n=4000)
    values = np.random.default_rng(3).normal(size=4000)
    sets = sort_risk_sets(time, event, weights=case_weights)
    column = values[sets.order][:, None]
    found = spread_influence(sets, weigh_by_censoring(sets, 5.0), column)[:, 0]
    step = 1e-4
    for i in range(0, 4000, 371):
        moved = np.zeros(4000)
        moved[i] = step
        up, down = (
            weigh_by_censoring(replace(sets, weights=sets.weights + d), 5.0).inverse
            @ column[:, 0]
            for d in (moved, -moved)
        )
        assert found[i] == pytest.approx((up - down) / (2 * step), abs=0.01)


def test_nobody_of_weight_beyond_the_horizon_leaves_the_controls_missing():
    """As in a draw of the bootstrap that takes none of them."""
    time, event = np.array([1.0, 2.0, 3.0, 6.0]), np.array([True, True, False, False])
    sets = sort_risk_sets(time, event, weights=np.array([1.0, 1, 1, 0]))
    weights = weigh_by_censoring(sets, 5.0)
    assert np.isnan(weights.controls)
    assert weights.cases == 2.0
