"""The weighted likelihood of Fine and Gray against a twin with a matrix of weights.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from fahrstats.kernels.newton import PartialLikelihood
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.score_residuals import score_residuals
from fahrstats.kernels.subdistribution import (
    WeightedLikelihood,
    weigh_rows,
    weighted_influence,
)

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
ATOL = 1e-13  # residuals of numbers near 1 that cancel
CASES = list(product((False, True), (1, 3), range(2)))


def name_of(case):
    ties, n_groups, seed = case
    return f"{'ties' if ties else 'no ties'}, {n_groups} curves, seed {seed}"


def cohort(ties, n_groups, seed, n=50, p=3):
    """Rows as arrays; kinds are 0 censored, 1 the cause, 2 another."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 9, n).astype(float) if ties else rng.permutation(n) + 1.0
    return (
        time,
        rng.integers(0, 3, n),
        rng.normal(size=(n, p)),
        rng.integers(0, n_groups, n),
    )


def likelihood(time, kind, X, group):
    """Kernel's likelihood, its rows, and the order they are in."""
    sets = sort_risk_sets(time, kind > 0)
    order = sets.order
    rows = weigh_rows(sets, kind[order] == 1, group[order], group.max() + 1)
    return WeightedLikelihood(rows, np.ascontiguousarray(X[order])), rows, order


@dataclass(frozen=True, eq=False)
class Twin:
    value: float
    gradient: np.ndarray
    information: np.ndarray
    influence: np.ndarray


def by_definition(time, kind, X, group, beta):
    """Everything from the n x K matrix of weights; G as a product for every pair."""
    n, p = X.shape

    def stays(g, u):
        inside = group == g
        return 1 - np.sum(inside & (time == u) & (kind == 0)) / np.sum(
            inside & (time >= u)
        )

    def weight(i, t):
        if time[i] >= t:
            return 1.0
        if kind[i] != 2:
            return 0.0
        between = {u for u in time[group == group[i]] if time[i] <= u < t}
        return np.prod([stays(group[i], u) for u in between])

    events = sorted(set(time[kind == 1]))
    weights = np.array([[weight(i, t) for t in events] for i in range(n)])
    risk = np.exp(X @ beta)
    held = weights * risk[:, None]
    total = held.sum(axis=0)
    d = np.array([np.sum((time == t) & (kind == 1)) for t in events])
    mean = (held.T @ X) / total[:, None]
    hazard = d / total
    second = np.einsum("ik,ia,ib->kab", held / total, X, X)
    information = np.einsum("k,kab->ab", d, second) - np.einsum(
        "k,ka,kb->ab", d, mean, mean
    )
    centred = X[:, None] - mean[None]
    eta = -np.einsum("ik,k,ika->ia", held, hazard, centred)
    for i in np.flatnonzero(kind == 1):
        eta[i] += centred[i, events.index(time[i])]
    psi = np.zeros((n, p))
    for g in range(group.max() + 1):
        inside = group == g
        for u in sorted(set(time[inside & (kind == 0)])):
            pi = np.sum(inside & (time >= u))
            q = np.zeros(p)
            for i in np.flatnonzero(inside & (kind == 2) & (time < u)):
                for k, t in enumerate(events):
                    if t >= u:
                        q += held[i, k] * hazard[k] * centred[i, k]
            n_censored = np.sum(inside & (time == u) & (kind == 0))
            psi[inside & (time == u) & (kind == 0)] += q / pi
            psi[inside & (time >= u)] -= q / pi * n_censored / pi
    return Twin(
        value=float((X[kind == 1] @ beta).sum() - d @ np.log(total)),
        gradient=X[kind == 1].sum(axis=0) - d @ mean,
        information=information,
        influence=eta + psi,
    )


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_likelihood_and_derivatives_are_those_of_the_definition(case):
    data = cohort(*case)
    beta = np.array([0.4, -0.7, 0.1])
    ours, _, _ = likelihood(*data)
    point, twin = ours.at(beta), by_definition(*data, beta)
    assert point.log_likelihood == pytest.approx(twin.value, rel=TWIN_RTOL)
    np.testing.assert_allclose(ours.gradient(point), twin.gradient, rtol=1e-11)
    np.testing.assert_allclose(ours.information(point), twin.information, rtol=1e-11)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_influence_is_that_of_the_definition_and_adds_up_to_the_gradient(case):
    data = cohort(*case)
    beta = np.array([0.4, -0.7, 0.1])
    ours, rows, order = likelihood(*data)
    point = ours.at(beta)
    influence = weighted_influence(rows, point, ours.Z)
    wanted = by_definition(*data, beta).influence[order]
    np.testing.assert_allclose(influence, wanted, rtol=1e-11, atol=ATOL)
    total, gradient = influence.sum(axis=0), ours.gradient(point)
    np.testing.assert_allclose(total, gradient, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_without_competing_events_it_is_coxs_likelihood_with_breslows_ties(ties):
    time, kind, X, group = cohort(ties, 2, 5)
    kind = np.minimum(kind, 1)
    beta = np.array([0.4, -0.7, 0.1])
    ours, rows, order = likelihood(time, kind, X, group)
    sets = sort_risk_sets(time, kind > 0)
    blocks = find_tie_blocks(sets)
    theirs = PartialLikelihood(sets, blocks, ours.Z, efron=False)
    point, cox = ours.at(beta), theirs.at(beta)
    assert point.log_likelihood == pytest.approx(cox.log_likelihood, rel=TWIN_RTOL)
    np.testing.assert_allclose(
        ours.information(point), theirs.information(cox), rtol=1e-11
    )
    residuals = [part.copy() for _, part in score_residuals(sets, blocks, cox, ours.Z)]
    influence = weighted_influence(rows, point, ours.Z)
    np.testing.assert_allclose(
        influence, np.concatenate(residuals), rtol=1e-11, atol=ATOL
    )
    assert (order == sets.order).all()


def test_without_censoring_competing_rows_never_leave():
    """As if those with another event had been followed beyond the last event."""
    time, kind, X, group = cohort(True, 1, 8)
    kind = np.maximum(kind, 1)
    beta = np.array([0.4, -0.7, 0.1])
    ours, rows, _ = likelihood(time, kind, X, group)
    assert (rows.uncensored == 1).all()
    for_ever = np.where(kind == 2, 100.0, time)
    later, _, _ = likelihood(for_ever, np.where(kind == 2, 0, kind), X, group)
    assert ours.at(beta).log_likelihood == pytest.approx(
        later.at(beta).log_likelihood, rel=TWIN_RTOL
    )


def test_an_overflowing_predictor_has_no_likelihood():
    ours, _, _ = likelihood(*cohort(False, 1, 0))
    assert ours.at(np.array([1e4, 0, 0])).log_likelihood == -np.inf
