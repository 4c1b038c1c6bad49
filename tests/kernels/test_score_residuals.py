"""Score residuals against a partial likelihood written out denominator by denominator.

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
)
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.score_residuals import (
    hazard_weighted_means,
    risk_set_means,
    score_residuals,
)

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
N = 40


def ours(rows, X, beta, *, efron=True):
    """Residuals in the order of the rows given, and the gradient they sum to."""
    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), X[sets.order]
    sums = block_sums(sets, blocks, Z @ beta, efron=efron)
    residuals = np.full(X.shape, np.nan)
    for part, chunk in score_residuals(sets, blocks, sums, Z):
        residuals[sets.order[part]] = chunk
    return residuals, gradient(sums, Z)


def assert_agrees(rows, X, beta, *, efron=True):
    """Compare with the twin, on the scale of the terms that a residual sums."""
    parts = find_denominators(**rows, efron=efron)
    weights = rows.get("weights", np.ones(len(X)))
    wanted = likelihood(X, beta, parts, event=rows["event"], weights=weights)
    found, _ = ours(rows, X, beta, efron=efron)
    size = weights[rows["event"]].sum() * np.abs(X).max()
    np.testing.assert_allclose(
        found, wanted.residuals, rtol=TWIN_RTOL, atol=TWIN_RTOL * size
    )


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_residuals_agree_with_the_twin(case, efron):
    rng = np.random.default_rng(1)
    X, rows = rng.normal(size=(N, 3)), random_rows(2, N, **case)
    assert_agrees(rows, X, np.zeros(3), efron=efron)
    assert_agrees(rows, X, rng.normal(size=3), efron=efron)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_residuals_of_all_rows_sum_to_the_gradient(case, efron):
    rng = np.random.default_rng(3)
    X, rows = rng.normal(size=(N, 2)), random_rows(4, N, **case)
    residuals, slope = ours(rows, X, rng.normal(size=2), efron=efron)
    np.testing.assert_allclose(residuals.sum(axis=0), slope, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("spread", [20.0, 30.0, 100.0])
def test_a_large_risk_that_enters_late_leaves_no_trace_before(spread):
    rng = np.random.default_rng(5)
    rows = random_rows(6, N, ties=True, weights="none", strata=3, delayed=True)
    X = rng.normal(size=(N, 2))
    X[np.argsort(rows["entry"])[-6:], 0] += 6
    assert_agrees(rows, X, np.array([spread / 6, 0.5]))


@pytest.mark.parametrize("span", [1e3, 1e5])
@pytest.mark.parametrize("strata", [1, 3])
def test_residuals_of_linear_predictors_of_any_span_sum_to_the_gradient(span, strata):
    rng = np.random.default_rng(7)
    rows = random_rows(
        8, N, ties=True, weights="fractional", strata=strata, delayed=False
    )
    X = rng.normal(size=(N, 2))
    residuals, slope = ours(rows, X, np.array([span, 0.1]))
    assert np.isfinite(residuals).all()
    np.testing.assert_allclose(residuals.sum(axis=0), slope, rtol=1e-9, atol=1e-9)


def test_chunks_of_residuals_follow_each_other_and_hold_whole_blocks():
    n = 9000
    rng = np.random.default_rng(31)
    rows = {
        "time": np.repeat(np.arange(3.0), n // 3),
        "event": rng.random(n) < 0.3,
    }
    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), rng.normal(size=(n, 1))
    sums = block_sums(sets, blocks, Z[:, 0], efron=False)
    parts = [
        (part.start, part.stop, len(chunk))
        for part, chunk in score_residuals(sets, blocks, sums, Z)
    ]
    assert len(parts) > 1
    assert parts[0][0] == 0
    assert parts[-1][1] == n
    assert [stop for _, stop, _ in parts[:-1]] == [start for start, _, _ in parts[1:]]
    assert all(size == stop - start for start, stop, size in parts)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_means_of_risk_sets_agree_with_the_twin(case, efron):
    """Average over the denominators of a block, and summed over them by hazard."""
    rng = np.random.default_rng(9)
    X, rows, beta = rng.normal(size=(N, 3)), random_rows(10, N, **case), np.ones(3) / 2
    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), X[sets.order]
    sums = block_sums(sets, blocks, Z @ beta, efron=efron)
    parts = find_denominators(**rows, efron=efron)
    held = parts.share * rows.get("weights", np.ones(N)) * np.exp(X @ beta)
    denominator = held.sum(axis=1)
    mean, first = held @ X / denominator[:, None], (parts.own > 0).argmax(axis=1)
    unit = np.exp((Z @ beta).min() / 2 + (Z @ beta).max() / 2)
    by_hazard = mean * (parts.weight * unit / denominator)[:, None]
    block = blocks.block[np.argsort(sets.order)][first]
    n_blocks = sets.tie_start.size - 1
    wanted, lived = np.zeros((n_blocks, 3)), np.zeros((n_blocks, 3))
    np.add.at(wanted, block, mean / (parts.own > 0).sum(axis=1)[:, None])
    np.add.at(lived, block, by_hazard)
    found = risk_set_means(sets, blocks, sums, Z)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=TWIN_RTOL)
    found = hazard_weighted_means(sets, blocks, sums, Z)
    np.testing.assert_allclose(found, lived, rtol=1e-11, atol=TWIN_RTOL)
