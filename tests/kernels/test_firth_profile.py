"""Profiles of Firth's penalised likelihood, against closed forms and a search.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import random_rows
from scipy.optimize import brentq, minimize
from scipy.stats import norm

from fahrstats.kernels.firth import maximize_penalized
from fahrstats.kernels.firth_profile import profile_coefficient
from fahrstats.kernels.newton import PartialLikelihood, standardize
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

CLOSED_RTOL = 1e-8
SEARCH_RTOL = 1e-6  # the twin searches its profile without slopes
ROOTS = np.asarray(norm.isf((1 - np.array([0.9, 0.95, 0.99])) / 2))


def profiled(rows, X, j, *, efron=True, offset=None):
    """Estimate, statistic and limits per unit of the column."""
    sets = sort_risk_sets(**rows)
    Z, _, spread = standardize(X, sets.order)
    known = None if offset is None else offset[sets.order]
    ours = PartialLikelihood(sets, find_tie_blocks(sets), Z, efron=efron, offset=known)
    peak = maximize_penalized(ours)
    assert peak.has_converged
    profile = profile_coefficient(ours, peak, j, ROOTS)
    limits = profile.low / spread[j], profile.high / spread[j]
    return peak.beta / spread, profile.lr_statistic, *limits


@pytest.mark.parametrize("k", [1, 3, 20])
def test_the_first_of_a_few_has_a_profile_in_closed_form(k):
    """With q the probability of the event: log q + log(q (1 - q)) / 2, top at 3/4."""
    rows = {"time": np.array([1.0] + [2.0] * k), "event": np.arange(k + 1) == 0}
    X = np.append(1.0, np.zeros(k))[:, None]
    beta, statistic, low, high = profiled(rows, X, 0)

    def height(b):
        return -1.5 * np.log1p(k * np.exp(-b)) - np.log1p(np.exp(b) / k) / 2

    top = height(np.log(3 * k))
    assert beta[0] == pytest.approx(np.log(3 * k), rel=CLOSED_RTOL)
    assert statistic == pytest.approx(2 * (top - height(0)), rel=CLOSED_RTOL)
    for root, lower, upper in zip(ROOTS, low, high, strict=True):
        for limit, end in ((lower, -60), (upper, 60)):
            wanted = brentq(
                lambda b, root=root: height(b) - top + root**2 / 2,
                np.log(3 * k),
                end,
                xtol=1e-13,
            )
            assert limit == pytest.approx(wanted, rel=CLOSED_RTOL)


CASES = [
    {"ties": True, "weights": "none", "strata": 1, "delayed": False},
    {"ties": False, "weights": "whole", "strata": 3, "delayed": False},
    {"ties": True, "weights": "none", "strata": 1, "delayed": True},
]


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_search_over_the_others_finds_the_same(case, efron):
    """Twin: the likelihood written out, Nelder and Mead for the others, bisection."""
    rng = np.random.default_rng(4)
    n = 25
    rows, X = random_rows(7, n, **case), rng.normal(size=(n, 2))
    beta, statistic, low, high = profiled(rows, X, 0, efron=efron)
    parts = find_denominators(**rows, efron=efron)

    def penalized(b):
        here = likelihood(
            X, np.array(b), parts, event=rows["event"], weights=rows.get("weights")
        )
        return here.value + np.linalg.slogdet(here.information)[1] / 2

    def height(b):
        found = minimize(
            lambda other: -penalized([b, other[0]]),
            [beta[1]],
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-13},
        )
        return -found.fun

    top = penalized(beta)
    assert statistic == pytest.approx(2 * (top - height(0.0)), rel=SEARCH_RTOL)
    for limits, side in ((low, -1), (high, 1)):
        wanted = brentq(
            lambda b: height(b) - top + ROOTS[1] ** 2 / 2,
            beta[0],
            beta[0] + side * 8,
            xtol=1e-8,
        )
        assert limits[1] == pytest.approx(wanted, rel=SEARCH_RTOL)
        assert (np.diff(side * limits) > 0).all()


def test_separated_rows_have_finite_limits():
    """The likelihood alone rises for ever; the penalty brings both limits in."""
    rng = np.random.default_rng(3)
    n = 40
    x = (rng.random(n) < 0.3).astype(float)
    rows = {"time": rng.permutation(n) + 1.0, "event": (rng.random(n) < 0.5) & (x == 0)}
    beta, statistic, low, high = profiled(rows, np.column_stack([x, rng.random(n)]), 0)
    assert np.isfinite([*low, *high]).all()
    assert (low < beta[0]).all()
    assert (beta[0] < high).all()
    # An interval holds zero exactly if its level exceeds one less the p value.
    for root, upper in zip(ROOTS, high, strict=True):
        assert (upper < 0) == (statistic > root**2)


def test_units_and_offsets_of_nothing_do_not_matter():
    rng = np.random.default_rng(5)
    rows = random_rows(8, 30, ties=True, weights="none", strata=1, delayed=False)
    X = rng.normal(size=(30, 2))
    _, statistic, low, high = profiled(rows, X, 1)
    _, again, low_again, high_again = profiled(
        rows, 1e6 * X + 5, 1, offset=np.full(30, 3.0)
    )
    assert again == pytest.approx(statistic, rel=1e-8)
    np.testing.assert_allclose(1e6 * low_again, low, rtol=1e-7)
    np.testing.assert_allclose(1e6 * high_again, high, rtol=1e-7)
