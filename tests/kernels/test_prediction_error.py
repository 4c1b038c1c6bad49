"""Brier score and index of prediction accuracy against a twin and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from censoring import influence, inverse_weights
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.prediction_error import (
    accuracy_index,
    accuracy_influence,
    brier,
    brier_influence,
    null_brier,
    null_brier_influence,
    null_risk,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same products
seeds = st.integers(0, 2**32 - 1)


def cohort(seed, n=40, *, whole=False):
    """Heavily tied rows, some beyond the horizon 5, and two predicted risks."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    time[:4], event[:4] = [9, 9, 1, 2], [False, True, True, True]
    weights = rng.integers(1, 4, n) if whole else rng.uniform(0.2, 3, n)
    return time, event, weights.astype(float), rng.random((n, 2))


def squared_error(time, event, weights, risk, horizon=5.0):
    """Twin: Brier score and the influence of every row on it."""
    inverse = inverse_weights(time, event, weights, horizon)
    error = (((time <= horizon) & event) - risk) ** 2
    value = (inverse * error).sum() / weights.sum()
    moved = influence(time, event, weights, horizon, error / weights.sum())
    return value, moved - weights * value / weights.sum()


@given(seeds, st.booleans())
def test_brier_and_influence_equal_the_twin(seed, whole):
    time, event, case_weights, risk = cohort(seed, whole=whole)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    values = brier(weights, risk[sets.order])
    found = brier_influence(sets, weights, risk[sets.order])
    for j in range(2):
        value, wanted = squared_error(time, event, case_weights, risk[:, j])
        assert values[j] == pytest.approx(value, rel=TWIN_RTOL)
        np.testing.assert_allclose(
            found[:, j], wanted[sets.order], rtol=1e-9, atol=1e-15
        )


@given(seeds)
def test_the_null_model_has_the_brier_score_of_its_closed_form(seed):
    time, event, case_weights, _ = cohort(seed)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    risk = np.full((time.size, 1), null_risk(weights))
    assert null_brier(weights) == pytest.approx(brier(weights, risk)[0], rel=1e-10)
    assert accuracy_index(weights, risk)[0] == pytest.approx(0, abs=1e-10)
    np.testing.assert_allclose(
        null_brier_influence(sets, weights), brier_influence(sets, weights, risk)[:, 0]
    )


@given(seeds)
def test_accuracy_is_linear_in_the_two_errors(seed):
    """Its influence is that of a quotient: checked by moving both errors a little."""
    time, event, case_weights, risk = cohort(seed)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    sorted_risk = risk[sets.order]
    error, null = brier(weights, sorted_risk), null_brier(weights)
    np.testing.assert_allclose(accuracy_index(weights, sorted_risk), 1 - error / null)
    step = 1e-6
    moved = error + step * brier_influence(sets, weights, sorted_risk)
    moved_null = null + step * null_brier_influence(sets, weights)
    slope = ((1 - moved / moved_null[:, None]) - (1 - error / null)) / step
    np.testing.assert_allclose(
        accuracy_influence(sets, weights, sorted_risk), slope, rtol=1e-3, atol=1e-6
    )


def test_certain_and_right_predictions_have_no_error():
    time = np.array([1.0, 2.0, 3.0, 4.0])
    sets = sort_risk_sets(time, np.ones(4, bool))
    weights = weigh_by_censoring(sets, 2.0)
    right = (time <= 2)[sets.order][:, None].astype(float)
    assert brier(weights, right).tolist() == [0.0]
    assert brier(weights, 1 - right).tolist() == [1.0]
    assert accuracy_index(weights, right).tolist() == [1.0]
    assert accuracy_index(weights, 1 - right).tolist() == [-3.0]


@given(seeds)
def test_whole_weights_equal_replicated_rows(seed):
    time, event, case_weights, risk = cohort(seed, whole=True)
    copies = np.repeat(np.arange(time.size), case_weights.astype(int))
    weighted = sort_risk_sets(time, event, weights=case_weights)
    replicated = sort_risk_sets(time[copies], event[copies])
    np.testing.assert_allclose(
        accuracy_index(weigh_by_censoring(weighted, 5.0), risk[weighted.order]),
        accuracy_index(
            weigh_by_censoring(replicated, 5.0), risk[copies][replicated.order]
        ),
        rtol=1e-10,
        atol=1e-12,
    )


def test_nobody_beyond_the_horizon_leaves_no_error():
    time, event, case_weights, risk = cohort(5)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 9.0)
    assert np.isnan(brier(weights, risk)).all()
    assert np.isnan(null_brier(weights))


def test_no_case_leaves_no_index():
    time, event, case_weights, risk = cohort(5)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 0.5)
    assert np.isfinite(brier(weights, risk)).all()
    assert np.isnan(accuracy_index(weights, risk)).all()


def test_under_heavy_ties_the_error_is_close_to_the_jackknife():
    """Who is at risk of censoring matters here: with events at risk it is a third off.

    The martingale form has the hazard of censoring c/n where the derivative of the
    product has c/(n - c): a few per cent too much where a tenth is censored at once.
    """
    rng = np.random.default_rng(1)
    death, censoring = rng.exponential(1, 300), rng.exponential(1.4, 300)
    time, event = np.ceil(5 * np.minimum(death, censoring)), death <= censoring
    sets = sort_risk_sets(time, event)
    weights = weigh_by_censoring(sets, 5.0)
    left_out = []
    for i in range(300):
        others = np.ones(300)
        others[i] = 0.0
        without = sort_risk_sets(time, event, weights=others)
        left_out.append(null_brier(weigh_by_censoring(without, 5.0)))
    jackknife = np.sqrt(299 * np.var(left_out))
    found = np.linalg.norm(null_brier_influence(sets, weights))
    risk, ones = null_risk(weights), np.ones(300)
    error = ((time <= 5) & event) * (1 - risk) ** 2 + (time > 5) * risk**2
    moved = influence(time, event, ones, 5.0, error / 300, events_at_risk=True)
    theirs = np.std(moved) * np.sqrt(300)
    assert found == pytest.approx(jackknife, rel=0.05)
    assert theirs > 1.3 * jackknife
