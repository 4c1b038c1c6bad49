"""Added terms g(t) x against a likelihood written out denominator by denominator.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.partial_likelihood import (
    block_sums,
    find_tie_blocks,
    gradient,
    information,
)
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.time_varying import time_varying_terms

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
N = 40


def twin(rows, X, beta, g, *, efron):
    """Gradient, both informations, and residuals summed by stratum and time."""
    parts = find_denominators(**rows, efron=efron)
    weights = rows.get("weights", np.ones(len(X)))
    strata = rows.get("strata", np.zeros(len(X)))
    held = parts.share * weights * np.exp(X @ beta)
    probability = held / held.sum(axis=1)[:, None]
    mean = probability @ X
    first = (parts.own > 0).argmax(axis=1)
    at = g(rows["time"][first])
    observed = weights * rows["event"] * g(rows["time"])
    cov = np.einsum("ki,ia,ib->kab", probability, X, X)
    cov -= np.einsum("ka,kb->kab", mean, mean)
    residuals = {}
    for k, row in enumerate(first):
        own = parts.own[k] > 0
        block = residuals.setdefault(
            (strata[row], rows["time"][row]), np.zeros(X.shape[1])
        )
        block += X[own].sum(axis=0) / own.sum() - mean[k]
    return (
        observed @ X - (parts.weight * at) @ mean,
        np.einsum("k,kab->ab", parts.weight * at, cov),
        np.einsum("k,kab->ab", parts.weight * at**2, cov),
        residuals,
    )


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_added_terms_agree_with_the_twin(case, efron):
    rng = np.random.default_rng(1)
    rows, X, beta = (
        random_rows(2, N, **case),
        rng.normal(size=(N, 3)),
        rng.normal(size=3),
    )

    def g(time):
        return np.sqrt(time) - 1.7

    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), X[sets.order]
    sums = block_sums(sets, blocks, Z @ beta, efron=efron)
    times = sets.time[sets.tie_start[:-1]]
    found = time_varying_terms(sets, blocks, sums, Z, g(times))
    gradient, shared, own, residuals = twin(rows, X, beta, g, efron=efron)
    size = rows.get("weights", np.ones(N)).sum() * np.abs(X).max() ** 2
    for ours, wanted in (
        (found.gradient, gradient),
        (found.shared, shared),
        (found.own, own),
    ):
        np.testing.assert_allclose(ours, wanted, rtol=TWIN_RTOL, atol=TWIN_RTOL * size)
    strata = rows.get("strata", np.zeros(N))[sets.order[sets.tie_start[:-1]]]
    for stratum, time, ours in zip(strata, times, found.residuals, strict=True):
        wanted = residuals.get((stratum, time), np.zeros(3))
        np.testing.assert_allclose(ours, wanted, rtol=TWIN_RTOL, atol=TWIN_RTOL * size)


def test_a_constant_function_of_time_gives_back_the_likelihood():
    """With g = 2, the gradient doubles and information doubles, then again."""
    rng = np.random.default_rng(27)
    rows = random_rows(28, N, ties=True, weights="whole", strata=3, delayed=True)
    sets, Z = sort_risk_sets(**rows), rng.normal(size=(N, 2))
    blocks = find_tie_blocks(sets)
    sums = block_sums(sets, blocks, rng.normal(size=N), efron=True)
    twice = np.full(sets.tie_start.size - 1, 2.0)
    found = time_varying_terms(sets, blocks, sums, Z, twice)
    info = information(sets, blocks, sums, Z)
    np.testing.assert_allclose(found.gradient, 2 * gradient(sums, Z), rtol=1e-11)
    np.testing.assert_allclose(found.shared, 2 * info, rtol=1e-11)
    np.testing.assert_allclose(found.own, 4 * info, rtol=1e-11)


def test_a_risk_set_that_nearly_empties_keeps_its_digits():
    """A large risk that entered late must leave no trace in those before it."""
    rng = np.random.default_rng(3)
    rows = random_rows(4, N, ties=True, weights="none", strata=1, delayed=True)
    X = rng.normal(size=(N, 2))
    X[np.argsort(rows["entry"])[-6:], 0] += 6
    beta = np.array([5.0, 0.5])
    sets = sort_risk_sets(**rows)
    blocks, Z = find_tie_blocks(sets), X[sets.order]
    sums = block_sums(sets, blocks, Z @ beta, efron=True)
    found = time_varying_terms(sets, blocks, sums, Z, sets.time[sets.tie_start[:-1]])
    gradient, shared, own, _ = twin(rows, X, beta, lambda time: time, efron=True)
    np.testing.assert_allclose(found.gradient, gradient, rtol=1e-11)
    np.testing.assert_allclose(found.shared, shared, rtol=1e-11)
    np.testing.assert_allclose(found.own, own, rtol=1e-11)
