"""The exact likelihood of tied events against all subsets, counted one by one.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from rows import random_rows

from fahrstats.kernels.exact_ties import ExactLikelihood
from fahrstats.kernels.newton import PartialLikelihood
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12
CASES = [
    {"ties": ties, "weights": "none", "strata": strata, "delayed": delayed}
    for ties in (True, False)
    for strata in (1, 3)
    for delayed in (False, True)
]


def exact(rows, X, offset=None):
    sets = sort_risk_sets(**rows)
    sorted_offset = None if offset is None else offset[sets.order]
    return ExactLikelihood(sets, find_tie_blocks(sets), X[sets.order], sorted_offset)


def all_subsets(rows, X, beta, offset):
    """Twin: mean and covariance of z summed over every subset that could have died."""
    time, event = rows["time"], rows["event"]
    entry = rows.get("entry", np.full(len(X), -np.inf))
    strata = rows.get("strata", np.zeros(len(X)))
    predictor = X @ beta + offset
    value, gradient = 0.0, np.zeros(X.shape[1])
    information = np.zeros((X.shape[1], X.shape[1]))
    for stratum, t in set(zip(strata[event], time[event], strict=True)):
        at_risk = (strata == stratum) & (entry < t) & (t <= time)
        dies = np.flatnonzero(at_risk & event & (time == t))
        subsets = list(combinations(np.flatnonzero(at_risk), dies.size))
        sums = np.array([X[list(rows)].sum(axis=0) for rows in subsets])
        log_product = np.array([predictor[list(rows)].sum() for rows in subsets])
        product = np.exp(log_product - log_product.max())
        share = product / product.sum()
        mean = share @ sums
        value += predictor[dies].sum() - np.log(product.sum()) - log_product.max()
        gradient += X[dies].sum(axis=0) - mean
        information += (sums - mean).T @ ((sums - mean) * share[:, None])
    return value, gradient, information


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_small_cohorts_agree_with_all_subsets(case, seed):
    rng = np.random.default_rng(seed)
    n = 18
    rows = random_rows(seed, n, **case)
    rows["time"] = np.ceil(rows["time"] / 2)
    if "entry" in rows:
        rows["entry"] = np.minimum(np.floor(rows["entry"] / 2), rows["time"] - 1)
    X, offset = rng.normal(size=(n, 2)), rng.normal(size=n)
    beta = rng.normal(size=2)
    point = exact(rows, X, offset).at(beta)
    value, gradient, information = all_subsets(rows, X, beta, offset)
    assert point.log_likelihood == pytest.approx(value, rel=TWIN_RTOL)
    np.testing.assert_allclose(point.gradient, gradient, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(point.information, information, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(4, 2), (60, 30), (3000, 1200)])
def test_equal_risks_count_subsets(n, d):
    """At zero, log of 1 over n choose d, though the subsets outnumber float64."""
    rows = {"time": np.ones(n), "event": np.arange(n) < d}
    x = np.arange(n) % 2 - 0.5
    point = exact(rows, x[:, None]).at(np.zeros(1))
    log_subsets = sum(np.log(np.arange(n - d + 1, n + 1) / np.arange(1, d + 1)))
    assert point.log_likelihood == pytest.approx(-log_subsets, rel=1e-11)
    if n < 100:
        assert np.exp(-point.log_likelihood) == pytest.approx(comb(n, d), rel=1e-11)
    # The sum over a subset is hypergeometric: variance d (n - d) / (n - 1) of x.
    assert point.information[0, 0] == pytest.approx(
        d * (n - d) / (n - 1) * x.var(), rel=1e-11
    )


def test_events_at_times_of_their_own_have_coxs_likelihood():
    rng = np.random.default_rng(2)
    rows = random_rows(4, 50, ties=False, weights="none", strata=3, delayed=True)
    X, beta = rng.normal(size=(50, 3)), rng.normal(size=3)
    likelihood = exact(rows, X)
    sets, blocks = likelihood.sets, likelihood.blocks
    plain = PartialLikelihood(sets, blocks, likelihood.Z, efron=False)
    ours, wanted = likelihood.at(beta), plain.at(beta)
    assert ours.log_likelihood == pytest.approx(wanted.log_likelihood, rel=TWIN_RTOL)
    np.testing.assert_allclose(ours.gradient, plain.gradient(wanted), atol=1e-12)
    np.testing.assert_allclose(ours.information, plain.information(wanted), rtol=1e-11)


def test_where_everybody_at_risk_has_the_event_nothing_is_learned():
    rows = {"time": np.ones(5), "event": np.ones(5, bool)}
    point = exact(rows, np.arange(5.0)[:, None]).at(np.array([0.3]))
    assert point.log_likelihood == pytest.approx(0, abs=1e-12)
    assert point.gradient[0] == pytest.approx(0, abs=1e-12)
    assert point.information[0, 0] == 0


@pytest.mark.parametrize("span", [500, 599])
def test_odds_far_apart_are_held(span):
    """One event of two rows: log of 1 + exp(-span), and of the reverse."""
    rows = {"time": np.ones(2), "event": np.array([True, False])}
    x = np.array([[1.0], [0]])
    assert exact(rows, x).at(np.array([-1.0 * span])).log_likelihood == (
        pytest.approx(-span, rel=TWIN_RTOL)
    )
    assert exact(rows, x).at(np.array([1.0 * span])).log_likelihood == (
        pytest.approx(0, abs=1e-12)
    )


def test_odds_that_no_number_holds_have_no_likelihood():
    rows = {"time": np.ones(2), "event": np.array([True, False])}
    point = exact(rows, np.array([[1.0], [0]])).at(np.array([601.0]))
    assert point.log_likelihood == -np.inf
