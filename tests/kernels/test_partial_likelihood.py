"""The partial likelihood against its written-out twin and against sums by hand.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.partial_likelihood import (
    block_sums,
    find_tie_blocks,
    gradient,
    information,
    linear_predictor,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
N = 40


def standardized(rng, n, p):
    X = rng.normal(size=(n, p))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def ours(rows, X, beta, *, efron):
    """Kernels' answers, rows in the order given."""
    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), X[sets.order]
    sums = block_sums(sets, blocks, Z @ beta, efron=efron)
    expected = np.empty(len(X))
    expected[sets.order] = sums.expected
    return {
        "value": sums.log_likelihood,
        "gradient": gradient(sums, Z),
        "information": information(sets, blocks, sums, Z),
        "expected": expected,
    }


def twin(rows, X, beta, *, efron):
    parts = find_denominators(**rows, efron=efron)
    return likelihood(X, beta, parts, event=rows["event"], weights=rows.get("weights"))


def assert_agrees(rows, X, beta, *, efron, rtol=TWIN_RTOL):
    """Compare everything; derivatives on the scale of the terms that they sum."""
    found, wanted = ours(rows, X, beta, efron=efron), twin(rows, X, beta, efron=efron)
    weights = rows.get("weights", np.ones(len(X)))
    scale = weights[rows["event"]].sum() * np.abs(X).max()
    assert found["value"] == pytest.approx(wanted.value, rel=rtol)
    for name, size in {
        "gradient": scale,
        "information": scale * np.abs(X).max(),
        "expected": weights.max(),
    }.items():
        np.testing.assert_allclose(
            found[name], getattr(wanted, name), rtol=rtol, atol=rtol * size
        )


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_likelihood_and_derivatives_agree_with_the_twin(case, efron):
    rng = np.random.default_rng(11)
    X = standardized(rng, N, 3)
    rows = random_rows(12, N, **case)
    assert_agrees(rows, X, np.zeros(3), efron=efron)
    assert_agrees(rows, X, rng.normal(size=3), efron=efron)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
def test_derivatives_are_those_of_the_likelihood(efron):
    """Central differences, so only half the digits agree."""
    rng = np.random.default_rng(15)
    X, beta, h = standardized(rng, N, 3), rng.normal(size=3), 1e-5
    rows = random_rows(16, N, ties=True, weights="fractional", strata=3, delayed=True)
    here = ours(rows, X, beta, efron=efron)
    for j in range(3):
        up, down = (
            ours(rows, X, beta + sign * h * np.eye(3)[j], efron=efron)
            for sign in (1, -1)
        )
        slope = (up["value"] - down["value"]) / (2 * h)
        bend = -(up["gradient"] - down["gradient"]) / (2 * h)
        assert here["gradient"][j] == pytest.approx(slope, abs=1e-7)
        np.testing.assert_allclose(here["information"][j], bend, atol=1e-7)


def test_three_rows_by_hand():
    """Events at 1 and 2, censored at 3, x = 1, 0, 2: sums of one, two, three terms."""
    rows = {"time": np.array([1.0, 2, 3]), "event": np.array([True, True, False])}
    X = np.array([[1.0], [0], [2]])
    found = ours(rows, X, np.array([np.log(2)]), efron=True)
    assert found["value"] == pytest.approx(np.log(2 / 7) + np.log(1 / 5), rel=1e-15)
    assert found["gradient"][0] == pytest.approx(1 - 10 / 7 - 8 / 5, rel=1e-15)
    variance = 18 / 7 - (10 / 7) ** 2 + 16 / 5 - (8 / 5) ** 2
    assert found["information"][0, 0] == pytest.approx(variance, rel=1e-14)
    wanted = [2 / 7, 1 / 7 + 1 / 5, 4 / 7 + 4 / 5]
    np.testing.assert_allclose(found["expected"], wanted, rtol=1e-15)


def test_ties_of_two_events_by_hand():
    """Two events and a survivor: Efron divides by 3 and 2, Breslow twice by 3."""
    rows = {"time": np.array([1.0, 1, 2]), "event": np.array([True, True, False])}
    X = np.zeros((3, 1))
    assert ours(rows, X, np.zeros(1), efron=True)["value"] == pytest.approx(-np.log(6))
    assert ours(rows, X, np.zeros(1), efron=False)["value"] == pytest.approx(-np.log(9))


@pytest.mark.parametrize("spread", [20.0, 30.0, 100.0])
def test_a_large_risk_that_enters_late_leaves_no_trace_before(spread):
    """Walking back in time, the sum falls to exp(-spread) of what it was."""
    rng = np.random.default_rng(17)
    rows = random_rows(18, N, ties=True, weights="none", strata=3, delayed=True)
    X = standardized(rng, N, 2)
    late = np.argsort(rows["entry"])[-6:]
    X[late, 0] += 6
    beta = np.array([spread / 6, 0.5])
    sets = sort_risk_sets(**rows)
    sums = block_sums(sets, find_tie_blocks(sets), X[sets.order] @ beta, efron=True)
    assert sums.must_refresh.any()
    assert_agrees(rows, X, beta, efron=True)


@pytest.mark.parametrize("span", [500.0, 700.0, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
def test_linear_predictors_of_any_span_have_a_likelihood(span, strata, efron):
    rng = np.random.default_rng(19)
    rows = random_rows(
        20, N, ties=True, weights="fractional", strata=strata, delayed=False
    )
    X = standardized(rng, N, 2)
    beta = np.array([span / np.ptp(X[:, 0]), 0.1])
    found = ours(rows, X, beta, efron=efron)
    parts = find_denominators(**rows, efron=efron)
    lp, weights = X @ beta, rows["weights"]
    with np.errstate(divide="ignore"):
        logs = np.log(parts.share) + np.log(weights) + lp
    top = logs.max(axis=1)
    total = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    value = (rows["event"] * weights) @ lp - parts.weight @ total
    assert found["value"] == pytest.approx(value, rel=TWIN_RTOL)
    probability = np.exp(logs - total[:, None])
    scale = weights.sum() * np.abs(X).max()
    wanted = (rows["event"] * weights) @ X - parts.weight @ probability @ X
    # Exponentials of differences of numbers of size `span` lose its digits.
    atol = max(1, span / 1e3) * TWIN_RTOL * scale
    np.testing.assert_allclose(found["gradient"], wanted, rtol=0, atol=atol)
    mean = probability @ X
    second = np.einsum("k,ki,ia,ib->ab", parts.weight, probability, X, X)
    info = second - np.einsum("k,ka,kb->ab", parts.weight, mean, mean)
    np.testing.assert_allclose(found["information"], info, rtol=0, atol=10 * atol)


def test_with_delayed_entry_a_span_beyond_float64_has_no_likelihood():
    rng = np.random.default_rng(21)
    rows = random_rows(22, N, ties=True, weights="none", strata=1, delayed=True)
    sets, values = sort_risk_sets(**rows), 3000 * rng.normal(size=N)
    sums = block_sums(sets, find_tie_blocks(sets), values, efron=True)
    assert sums.log_likelihood == -np.inf


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_adding_a_constant_to_the_linear_predictor_changes_nothing(case):
    rng = np.random.default_rng(23)
    sets = sort_risk_sets(**random_rows(24, N, **case))
    blocks, values = find_tie_blocks(sets), rng.normal(size=N)
    plain = block_sums(sets, blocks, values, efron=True)
    shifted = block_sums(sets, blocks, values + 1e3, efron=True)
    assert shifted.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-11)
    np.testing.assert_allclose(shifted.expected, plain.expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_expected_events_are_as_many_as_observed(case):
    rng = np.random.default_rng(25)
    sets = sort_risk_sets(**random_rows(26, N, **case))
    sums = block_sums(sets, find_tie_blocks(sets), rng.normal(size=N), efron=True)
    observed = sets.weights[sets.event].sum()
    assert sums.expected.sum() == pytest.approx(observed, rel=TWIN_RTOL)
    assert (sums.expected >= -1e-14).all()
    np.testing.assert_allclose(
        sums.martingale, sets.weights * sets.event - sums.expected, atol=1e-15
    )


def test_equal_rows_have_exactly_equal_linear_predictors():
    rng = np.random.default_rng(29)
    Z = np.repeat(rng.normal(size=(7, 5)), 3, axis=0)
    values = linear_predictor(Z, rng.normal(size=5)).reshape(7, 3)
    assert (values == values[:, :1]).all()
    assert linear_predictor(np.empty((4, 0)), np.empty(0)).tolist() == [0] * 4
