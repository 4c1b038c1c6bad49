"""Net benefit against one Kaplan-Meier curve a threshold, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.net_benefit import count_reached, net_benefit
from fahrstats.kernels.product_limit import life_table, product_limit
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides multiply the same factors
THRESHOLDS = np.array([0.05, 0.2, 0.35, 0.6, 0.97])
seeds = st.integers(0, 2**32 - 1)


def cohort(seed, n=60, *, whole=False):
    """Heavily tied rows, some beyond the horizon 5, and two predicted risks."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    weights = rng.integers(1, 4, n) if whole else rng.uniform(0.2, 3, n)
    risk = np.round(rng.random((n, 2)), 2)
    return time, event, weights.astype(float), risk


def benefit(time, event, weights, risk, horizon=5.0):
    sets = sort_risk_sets(time, event, weights=weights)
    reached = count_reached(risk[sets.order], THRESHOLDS)
    return net_benefit(sets, horizon, reached, THRESHOLDS)


def one_by_one(time, event, weights, risk, threshold, horizon=5.0):
    """Twin: the curve of those who reach one threshold."""
    above = risk >= threshold
    if not above.any():
        return 0.0
    sets = sort_risk_sets(time[above], event[above], weights=weights[above])
    table = life_table(sets, 0)
    steps = np.append(1.0, product_limit(table))
    survival = steps[np.searchsorted(table.time, horizon, "right")]
    if survival > 0 and time[above].max() <= horizon:
        return np.nan
    share = weights[above].sum() / weights.sum()
    odds = threshold / (1 - threshold)
    return share * (1 - survival) - share * survival * odds


@given(seeds)
def test_net_benefit_equals_one_curve_a_threshold(seed):
    time, event, weights, risk = cohort(seed)
    found = benefit(time, event, weights, risk)
    for j in range(2):
        wanted = [
            one_by_one(time, event, weights, risk[:, j], threshold)
            for threshold in THRESHOLDS
        ]
        np.testing.assert_allclose(found[:, j], wanted, rtol=1e-11, atol=1e-14)


def test_without_censoring_it_counts_true_and_false_positives():
    """At 0.2, four are treated: three with the event by 5, and one without."""
    time = np.arange(1.0, 11)
    risk = np.array([0.9, 0.1, 0.3, 0.2, 0.1, 0.6, 0.1, 0, 0, 0])[:, None]
    found = benefit(time, np.ones(10, bool), np.ones(10), risk)
    assert found[1, 0] == pytest.approx(3 / 10 - 1 / 10 * 0.25, rel=TWIN_RTOL)
    assert found[4, 0] == 0.0


@given(seeds)
def test_whole_weights_equal_replicated_rows(seed):
    time, event, weights, risk = cohort(seed, whole=True)
    copies = np.repeat(np.arange(time.size), weights.astype(int))
    many = benefit(time[copies], event[copies], np.ones(copies.size), risk[copies])
    weighted = benefit(time, event, weights, risk)
    np.testing.assert_allclose(weighted, many, rtol=1e-11, atol=1e-14)


def test_treating_all_has_the_closed_form_of_the_kaplan_meier_risk():
    time, event, weights, _ = cohort(3)
    found = benefit(time, event, weights, np.ones((60, 1)))[:, 0]
    table = life_table(sort_risk_sets(time, event, weights=weights), 0)
    survival = product_limit(table)[np.searchsorted(table.time, 5.0)]
    wanted = (1 - survival) - survival * THRESHOLDS / (1 - THRESHOLDS)
    np.testing.assert_allclose(found, wanted, rtol=1e-11)


def test_follow_up_that_ends_before_the_horizon_leaves_the_benefit_missing():
    time, event = np.array([1.0, 2, 6, 7]), np.array([True, False, False, False])
    risk = np.array([[0.9], [0.9], [0.1], [0.1]])
    found = benefit(time, event, np.ones(4), risk)[:, 0]
    assert np.isfinite(found[0])
    assert np.isnan(found[1:4]).all()
