"""Standardisation, the climb to the maximum, and systems of little information.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.newton import maximize, solve_scaled, standardize
from fahrstats.kernels.partial_likelihood import (
    block_sums,
    find_tie_blocks,
    information,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

PEAK_RTOL = 1e-10  # Newton's last step is a square of one below 1e-5 standard errors
N = 60


def problem(seed=1, n=N, p=3, **case):
    case = {"ties": True, "weights": "none", "strata": 1, "delayed": False} | case
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    rows = random_rows(seed, n, **case)
    sets = sort_risk_sets(**rows)
    return rows, sets, X


def climb(sets, X, *, efron=True):
    Z, _, spread = standardize(X, sets.order)
    return maximize(sets, find_tie_blocks(sets), Z, efron=efron), spread


@pytest.mark.parametrize("shift", [0, 1e3, 1e9])
@pytest.mark.parametrize("scale", [1e-100, 1e-8, 1, 1e8, 1e100])
def test_columns_are_sorted_centred_and_of_unit_spread(shift, scale):
    rng = np.random.default_rng(1)
    X = scale * (rng.integers(-1000, 1000, (N, 2)) / 8 + shift)
    order = rng.permutation(N)
    Z, centre, spread = standardize(X, order)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose((Z**2).mean(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(Z * spread + centre, X[order], rtol=1e-13)
    np.testing.assert_allclose(spread, (X / scale).std(axis=0) * scale, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3e8, 1e9 + 1 / 3, 1e-120])
def test_a_constant_column_becomes_zero(value):
    X = np.full((1001, 1), value)
    Z, _, spread = standardize(X, np.arange(1001))
    assert spread[0] == 0
    assert (Z == 0).all()


def test_data_are_not_modified():
    _, sets, X = problem()
    before = X.copy()
    climb(sets, X)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_the_gradient_of_the_twin_vanishes_at_the_peak(case, efron):
    rows, sets, X = problem(**case)
    peak, spread = climb(sets, X, efron=efron)
    assert peak.has_converged
    parts = find_denominators(**rows, efron=efron)
    there = likelihood(
        X, peak.beta / spread, parts, event=rows["event"], weights=rows.get("weights")
    )
    step = np.linalg.solve(there.information, there.gradient)
    np.testing.assert_allclose(step, 0, atol=PEAK_RTOL)
    assert peak.sums.log_likelihood == pytest.approx(there.value, rel=1e-12)
    np.testing.assert_allclose(
        peak.information, there.information / np.outer(spread, spread), rtol=1e-9
    )


def test_what_is_known_at_zero_is_used_again():
    _, sets, X = problem()
    Z, _, _ = standardize(X, sets.order)
    blocks = find_tie_blocks(sets)
    start = block_sums(sets, blocks, np.zeros(N), efron=True)
    null = start, information(sets, blocks, start, Z)
    again = maximize(sets, blocks, Z, efron=True, null=null)
    np.testing.assert_array_equal(again.beta, climb(sets, X)[0].beta)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_a_warm_start_leads_to_the_same_peak(case, efron):
    _, sets, X = problem(**case)
    Z, _, _ = standardize(X, sets.order)
    blocks = find_tie_blocks(sets)
    cold = maximize(sets, blocks, Z, efron=efron)
    for away in (0, 0.05, 3.0):
        start = cold.beta + away * np.array([1, -1, 1])
        warm = maximize(sets, blocks, Z, efron=efron, start=start)
        assert warm.has_converged
        np.testing.assert_allclose(warm.beta, cold.beta, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(warm.information, cold.information, rtol=1e-9)
        assert warm.sums.log_likelihood == pytest.approx(
            cold.sums.log_likelihood, rel=1e-13
        )


def test_a_warm_start_describes_where_it_started():
    _, sets, X = problem()
    Z, _, _ = standardize(X, sets.order)
    blocks = find_tie_blocks(sets)
    cold = maximize(sets, blocks, Z, efron=True)
    warm = maximize(sets, blocks, Z, efron=True, start=cold.beta)
    assert warm.log_likelihood_start == pytest.approx(cold.sums.log_likelihood)
    assert warm.score_statistic == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_an_offset_is_a_column_with_coefficient_one(case):
    """The gradient of the twin, with the offset as a further column, vanishes."""
    rows, sets, X = problem(**case)
    offset = np.random.default_rng(8).normal(size=N)
    Z, _, spread = standardize(X, sets.order)
    blocks = find_tie_blocks(sets)
    peak = maximize(sets, blocks, Z, efron=True, offset=offset[sets.order])
    there = likelihood(
        np.column_stack([X, offset]),
        np.append(peak.beta / spread, 1.0),
        find_denominators(**rows),
        event=rows["event"],
        weights=rows.get("weights"),
    )
    step = np.linalg.solve(there.information[:3, :3], there.gradient[:3])
    np.testing.assert_allclose(step, 0, atol=PEAK_RTOL)
    assert peak.sums.log_likelihood == pytest.approx(there.value, rel=1e-12)


def test_the_score_statistic_is_that_of_the_start():
    rows, sets, X = problem()
    peak, _ = climb(sets, X)
    parts = find_denominators(**rows)
    start = likelihood(X, np.zeros(3), parts, event=rows["event"])
    wanted = start.gradient @ np.linalg.solve(start.information, start.gradient)
    assert peak.score_statistic == pytest.approx(wanted, rel=1e-10)
    assert peak.log_likelihood_start == pytest.approx(start.value, rel=1e-12)


@pytest.mark.parametrize("factor", [1e-12, 1e-6, 1e6, 1e12])
def test_the_unit_of_weights_does_not_matter(factor):
    rows, sets, X = problem(weights="fractional")
    plain, _ = climb(sets, X)
    scaled = sort_risk_sets(**rows | {"weights": factor * rows["weights"]})
    peak, _ = climb(scaled, X)
    np.testing.assert_allclose(peak.beta, plain.beta, rtol=1e-9)
    np.testing.assert_allclose(peak.information, factor * plain.information, rtol=1e-9)


def test_without_columns_there_is_nothing_to_climb():
    _, sets, X = problem()
    peak, _ = climb(sets, X[:, :0])
    assert peak.has_converged
    assert peak.beta.size == 0
    assert peak.sums.log_likelihood == peak.log_likelihood_start


@pytest.mark.parametrize("outlier", [1e2, 1e4, 1e6, -1e6])
def test_an_outlier_first_to_die_leaves_the_others_their_estimate(outlier):
    """Its own factor of the likelihood is 1 in the limit; the rest is the others'."""
    rows, _, X = problem(seed=3, n=200, p=1)
    rows["time"] = 1 + rows["time"] * np.exp(-X[:, 0])
    rows["time"][0], rows["event"][0] = 0.5, True
    X[0] = abs(outlier)
    without = {name: column[1:] for name, column in rows.items()}
    alone, alone_spread = climb(sort_risk_sets(**without), X[1:])
    both, spread = climb(sort_risk_sets(**rows), np.sign(outlier) * X)
    assert both.has_converged
    assert both.beta / spread == pytest.approx(
        np.sign(outlier) * alone.beta / alone_spread, rel=1e-6
    )


def test_systems_in_units_far_apart_are_solved():
    scale = np.array([1e-150, 1.0, 1e150])
    matrix = np.array([[4, 1, 0], [1, 3, 1], [0, 1, 2.0]])
    right = np.array([1.0, 2, 3])
    solved = solve_scaled(matrix * np.outer(scale, scale), right * scale)
    np.testing.assert_allclose(solved * scale, np.linalg.solve(matrix, right))
    inverse = solve_scaled(matrix, np.eye(3))
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix))


def test_directions_without_information_get_no_step():
    matrix = np.array([[2.0, 0, 0], [0, 0, 0], [0, 0, 3]])
    np.testing.assert_allclose(solve_scaled(matrix, np.ones(3)), [1 / 2, 0, 1 / 3])
    twins = np.ones((2, 2))
    np.testing.assert_allclose(solve_scaled(twins, np.ones(2)), [1 / 2, 1 / 2])
    assert solve_scaled(np.empty((0, 0)), np.empty(0)).size == 0
