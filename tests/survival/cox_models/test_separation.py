"""Directions without a maximum, against a linear program over every pair of rows."""

from __future__ import annotations

import numpy as np
import pytest
from rows import random_rows
from scipy.optimize import linprog

from fahrstats.kernels.newton import standardize
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.cox_models.separation import monotone_directions


def directions(rows, X):
    sets = sort_risk_sets(**rows)
    Z, _, _ = standardize(X, sets.order)
    return monotone_directions(sets, find_tie_blocks(sets), Z)


def every_pair(rows, X):
    """Twin: one inequality for each event and each row at risk with it."""
    n, p = X.shape
    time, event = rows["time"], rows["event"]
    entry = rows.get("entry", np.full(n, -np.inf))
    strata = rows.get("strata", np.zeros(n))
    inequalities = [
        X[k] - X[i]
        for i in np.flatnonzero(event)
        for k in range(n)
        if entry[k] < time[i] <= time[k] and strata[k] == strata[i]
    ]
    reached = np.zeros((2, p), bool)
    for row, sign in enumerate((1, -1)):
        for j in range(p):
            best = linprog(
                -sign * np.eye(p)[j],
                A_ub=np.array(inequalities),
                b_ub=np.zeros(len(inequalities)),
                bounds=[(-1, 1)] * p,
            )
            reached[row, j] = -best.fun > 1e-6
    return reached


@pytest.mark.parametrize("seed", range(40))
def test_small_cohorts_agree_with_every_pair(seed):
    """Few rows and coarse columns, a third of them separated, as many not."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(5, 14)), int(rng.integers(1, 4))
    rows = random_rows(
        seed,
        n,
        ties=bool(rng.random() < 0.5),
        weights="none",
        strata=int(rng.choice([1, 2])),
        delayed=bool(rng.random() < 0.5),
    )
    rows["event"][0] = True
    X = np.column_stack(
        [
            rng.integers(0, 4, n) if rng.random() < 0.5 else rng.random(n)
            for _ in range(p)
        ]
    ).astype(float)
    if rng.random() < 0.5:
        X[:, 0] -= 2 * rows["event"]
    X = X[:, np.ptp(X, axis=0) > 0]
    if X.shape[1]:
        np.testing.assert_array_equal(directions(rows, X), every_pair(rows, X))


def follow_up(time, event):
    return {"time": np.array(time, float), "event": np.array(event, bool)}


def test_a_column_that_leads_every_event_can_only_grow():
    rows = follow_up([1, 2, 3, 4], [1, 0, 1, 0])
    can_grow, can_fall = directions(rows, np.array([[5.0], [7], [4], [1]]))
    assert (can_grow[0], can_fall[0]) == (False, False)
    can_grow, can_fall = directions(rows, np.array([[7.0], [5], [4], [1]]))
    assert (can_grow[0], can_fall[0]) == (True, False)


def test_two_columns_can_separate_where_neither_does_alone():
    rng = np.random.default_rng(1)
    time = np.arange(1.0, 31)
    noise = 100 * rng.normal(size=30)
    X = np.column_stack([noise - time, -noise])
    rows = follow_up(time, np.ones(30))
    for column in X.T:
        can_grow, can_fall = directions(rows, column[:, None])
        assert not (can_grow | can_fall).any()
    can_grow, can_fall = directions(rows, X)
    assert can_grow.all()
    assert not can_fall.any()


def test_beside_a_column_that_decides_everything_others_can_do_both():
    rng = np.random.default_rng(2)
    X = np.column_stack([-np.arange(1.0, 31), rng.normal(size=30)])
    can_grow, can_fall = directions(follow_up(np.arange(1, 31), np.ones(30)), X)
    assert can_grow.tolist() == [True, True]
    assert can_fall.tolist() == [False, True]


def test_one_overtaken_event_among_many_is_enough_for_a_maximum():
    time = np.arange(1.0, 501)
    x = -time
    x[[250, 251]] = x[[251, 250]]
    can_grow, can_fall = directions(follow_up(time, np.ones(500)), x[:, None])
    assert not (can_grow | can_fall).any()


def test_tied_events_with_different_values_have_a_maximum():
    rows = follow_up([1, 1, 2], [1, 1, 0])
    can_grow, can_fall = directions(rows, np.array([[2.0], [1], [0]]))
    assert not (can_grow | can_fall).any()
