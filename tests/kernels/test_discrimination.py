"""AUC at a horizon against every pair in turn, by hand, and in what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from censoring import influence, inverse_weights
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.discrimination import auc, auc_influence, rank_scores
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same products
seeds = st.integers(0, 2**32 - 1)


def cohort(seed, n=40, *, whole=False):
    """Rows tied in time and in the first of two scores, some beyond the horizon 5."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    time[:4], event[:4] = [9, 9, 1, 2], [False, True, True, True]
    scores = np.column_stack([rng.integers(0, 6, n), rng.normal(size=n)])
    weights = rng.integers(1, 4, n) if whole else rng.uniform(0.2, 3, n)
    return time, event, weights.astype(float), scores.astype(float)


def at_horizon(time, event, weights, scores, horizon=5.0):
    """AUC and influence, the latter in the order of the data."""
    sets = sort_risk_sets(time, event, weights=weights)
    ranks = rank_scores(scores[sets.order])
    of_rows = weigh_by_censoring(sets, horizon)
    found = np.empty(scores.shape)
    found[sets.order] = auc_influence(sets, of_rows, ranks)
    return auc(of_rows, ranks), found


def every_pair(time, event, weights, score, horizon=5.0):
    """Twin: a matrix of cases by controls; AUC, and its derivative in the weights."""
    inverse = inverse_weights(time, event, weights, horizon)
    is_case, is_control = (time <= horizon) & event, time > horizon
    won = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    pair = np.outer(is_case, is_control)
    n_pairs = inverse @ pair @ inverse
    value = inverse @ (pair * won) @ inverse / n_pairs
    excess = pair * (won - value)
    return value, (excess @ inverse + inverse @ excess) / n_pairs


@given(seeds, st.booleans())
def test_auc_and_influence_equal_those_of_every_pair(seed, whole):
    time, event, weights, scores = cohort(seed, whole=whole)
    values, found = at_horizon(time, event, weights, scores)
    for j in range(2):
        value, derivative = every_pair(time, event, weights, scores[:, j])
        assert values[j] == pytest.approx(value, rel=TWIN_RTOL)
        wanted = influence(time, event, weights, 5.0, derivative)
        np.testing.assert_allclose(found[:, j], wanted, rtol=1e-10, atol=1e-14)


def test_without_censoring_it_is_the_statistic_of_mann_and_whitney():
    time = np.array([1.0, 2, 3, 4, 5, 6])
    score = np.array([[3.0], [5], [1], [3], [0], [4]])
    values, found = at_horizon(time, np.ones(6, bool), np.ones(6), score, 3.0)
    assert values.tolist() == [(1.5 + 3 + 1) / 9]
    # Above the case of score 5 no control ranks: 3 of 3, less the AUC, for 1 of 3.
    assert found[1, 0] == pytest.approx((1 - 5.5 / 9) / 3, rel=TWIN_RTOL)


@given(seeds)
def test_whole_weights_equal_replicated_rows(seed):
    time, event, weights, scores = cohort(seed, whole=True)
    copies = np.repeat(np.arange(time.size), weights.astype(int))
    once = np.ones(copies.size)
    weighted = at_horizon(time, event, weights, scores)
    many = at_horizon(time[copies], event[copies], once, scores[copies])
    np.testing.assert_allclose(weighted[0], many[0], rtol=TWIN_RTOL)
    np.testing.assert_allclose(
        weighted[1][copies], many[1] * weights[copies][:, None], rtol=1e-9, atol=1e-14
    )


@given(seeds)
@pytest.mark.parametrize("rescale", [np.exp, lambda s: 1e-9 * s, lambda s: 2 * s - 64])
def test_only_the_order_of_a_score_matters(rescale, seed):
    time, event, weights, scores = cohort(seed)
    plain = at_horizon(time, event, weights, scores)
    rescaled = at_horizon(time, event, weights, rescale(scores))
    np.testing.assert_array_equal(plain[0], rescaled[0])
    np.testing.assert_array_equal(plain[1], rescaled[1])


@given(seeds)
def test_reversing_a_score_gives_one_minus_the_auc(seed):
    time, event, weights, scores = cohort(seed)
    plain = at_horizon(time, event, weights, scores)
    reverse = at_horizon(time, event, weights, -scores)
    np.testing.assert_allclose(reverse[0], 1 - plain[0], rtol=TWIN_RTOL)
    np.testing.assert_allclose(reverse[1], -plain[1], atol=1e-13)


def test_influences_sum_to_zero():
    _, found = at_horizon(*cohort(11))
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-13)


def test_a_constant_score_is_no_better_than_chance():
    time, event, weights, scores = cohort(4)
    values, found = at_horizon(time, event, weights, np.ones_like(scores))
    np.testing.assert_allclose(values, 0.5, rtol=TWIN_RTOL)
    np.testing.assert_allclose(found, 0, atol=1e-14)


@pytest.mark.parametrize("horizon", [0.5, 9.0], ids=["no case", "no control"])
def test_without_cases_or_controls_there_is_no_auc(horizon):
    time, event, weights, scores = cohort(5)
    sets = sort_risk_sets(time, event, weights=weights)
    ranks = rank_scores(scores[sets.order])
    assert np.isnan(auc(weigh_by_censoring(sets, horizon), ranks)).all()
