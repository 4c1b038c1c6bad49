"""Reclassification against hand counts, a twin and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from censoring import influence, inverse_weights
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.reclassification import (
    NRI_WARNING,
    SHIFTS,
    category_direction,
    direction,
    shift_between,
    shift_influence,
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
    old = rng.random(n)
    new = np.clip(old + rng.choice([-0.3, 0, 0.2], n), 0, 1)
    return time, event, weights.astype(float), old, new


def test_directions_by_hand():
    old = np.array([0.1, 0.1, 0.3, 0.2, 0.2])
    new = np.array([0.2, 0.1 + 1e-15, 0.1, 0.19, 0.05])
    assert direction(old, new).tolist() == [1, 0, -1, -1, -1]
    cuts = np.array([0.1, 0.2])
    # 0.2 belongs to the highest category, 0.1 to the middle one.
    assert category_direction(old, new, cuts).tolist() == [1, 0, -1, -1, -1]
    assert category_direction(old, old, cuts).tolist() == [0] * 5


def test_improvements_without_censoring_by_hand():
    """Of three cases two rise and one falls; of four controls one rises, two fall."""
    time = np.array([1.0, 2, 3, 4, 5, 6, 7])
    sets = sort_risk_sets(time, np.ones(7, bool))
    values = np.array([1.0, 1, -1, 1, -1, -1, 0])[sets.order][:, None]
    shift = shift_between(weigh_by_censoring(sets, 3.0), values)
    np.testing.assert_allclose(shift[:, 0], [1 / 3, 1 / 4, 7 / 12], rtol=TWIN_RTOL)
    assert SHIFTS == ("events", "nonevents", "total")


@given(seeds, st.booleans())
def test_shifts_and_influence_equal_the_twin(seed, whole):
    time, event, case_weights, old, new = cohort(seed, whole=whole)
    values = np.column_stack([direction(old, new), new - old])
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    shift = shift_between(weights, values[sets.order])
    found = shift_influence(sets, weights, values[sets.order])
    inverse = inverse_weights(time, event, case_weights, 5.0)
    is_case, is_control = inverse * (time <= 5), inverse * (time > 5)
    for j in range(2):
        means = [(w * values[:, j]).sum() / w.sum() for w in (is_case, is_control)]
        wanted = [means[0], -means[1], means[0] - means[1]]
        np.testing.assert_allclose(shift[:, j], wanted, rtol=1e-10, atol=1e-14)
        derivative = (time <= 5) * (values[:, j] - means[0]) / is_case.sum() - (
            time > 5
        ) * (values[:, j] - means[1]) / is_control.sum()
        moved = influence(time, event, case_weights, 5.0, derivative)
        np.testing.assert_allclose(
            found[2, :, j], moved[sets.order], rtol=1e-9, atol=1e-14
        )
    np.testing.assert_allclose(found[0] + found[1], found[2], atol=1e-15)


@given(seeds)
def test_whole_weights_equal_replicated_rows(seed):
    time, event, case_weights, old, new = cohort(seed, whole=True)
    values = (new - old)[:, None]
    copies = np.repeat(np.arange(time.size), case_weights.astype(int))
    weighted = sort_risk_sets(time, event, weights=case_weights)
    many = sort_risk_sets(time[copies], event[copies])
    np.testing.assert_allclose(
        shift_between(weigh_by_censoring(weighted, 5.0), values[weighted.order]),
        shift_between(weigh_by_censoring(many, 5.0), values[copies][many.order]),
        rtol=1e-10,
        atol=1e-14,
    )


@given(seeds)
def test_going_back_undoes_every_improvement(seed):
    time, event, _, old, new = cohort(seed)
    sets = sort_risk_sets(time, event)
    weights = weigh_by_censoring(sets, 5.0)
    there, back = (
        shift_between(weights, move[sets.order][:, None])
        for move in (direction(old, new), direction(new, old))
    )
    np.testing.assert_array_equal(there, -back)


@pytest.mark.parametrize("horizon", [0.5, 9.0], ids=["no case", "no control"])
def test_without_cases_or_controls_there_is_no_total(horizon):
    time, event, _, old, new = cohort(1)
    sets = sort_risk_sets(time, event)
    values = (new - old)[sets.order][:, None]
    assert np.isnan(shift_between(weigh_by_censoring(sets, horizon), values)[2, 0])


def test_the_warning_says_what_is_wrong_and_who_showed_it():
    for part in ("says nothing", "Hilden and Gerds 2014", "Pepe et al. 2015"):
        assert part in NRI_WARNING
