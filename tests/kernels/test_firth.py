"""Firth's penalised likelihood against closed forms and a twin that differentiates.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import COMPLICATIONS, name_of, random_rows
from scipy.optimize import minimize

from fahrstats.kernels.firth import maximize_penalized
from fahrstats.kernels.newton import PartialLikelihood, standardize
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

CLOSED_RTOL = 1e-8  # closed form through an iteration
SLOPE_ATOL = 1e-6  # central differences of the twin's penalised likelihood
N = 30


def climb(rows, X, *, efron=True):
    sets = sort_risk_sets(**rows)
    Z, _, spread = standardize(X, sets.order)
    blocks = find_tie_blocks(sets)
    peak = maximize_penalized(PartialLikelihood(sets, blocks, Z, efron=efron))
    assert peak.has_converged
    return peak.beta / spread, peak.cov / np.outer(spread, spread)


def penalized(rows, X, beta, *, efron=True):
    parts = find_denominators(**rows, efron=efron)
    here = likelihood(X, beta, parts, event=rows["event"], weights=rows.get("weights"))
    return here.value + np.linalg.slogdet(here.information)[1] / 2


def follow_up(time, event):
    return {"time": np.array(time, float), "event": np.array(event, bool)}


def test_two_rows_have_a_closed_form():
    """Maximum of log q + log(q (1 - q)) / 2 at q = 3/4, so beta = log 3."""
    beta, cov = climb(follow_up([1, 2], [1, 1]), np.array([[1.0], [0]]))
    assert beta[0] == pytest.approx(np.log(3), rel=CLOSED_RTOL)
    assert cov[0, 0] == pytest.approx(16 / 3, rel=CLOSED_RTOL)


@pytest.mark.parametrize("k", [1, 2, 7, 50])
def test_the_first_of_a_few_has_a_closed_form(k):
    """One event with x = 1 and k at risk with x = 0: again q = 3/4, beta = log 3k."""
    rows = follow_up([1] + [2] * k, [1] + [0] * k)
    X = np.append(1.0, np.zeros(k))[:, None]
    beta, _ = climb(rows, X)
    assert beta[0] == pytest.approx(np.log(3 * k), rel=CLOSED_RTOL)
    beta, _ = climb(rows, -X)
    assert beta[0] == pytest.approx(-np.log(3 * k), rel=CLOSED_RTOL)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_the_twin_has_no_slope_at_the_maximum(case, efron):
    rng = np.random.default_rng(1)
    rows, X = random_rows(2, N, **case), rng.normal(size=(N, 2))
    beta, cov = climb(rows, X, efron=efron)
    h = 1e-4
    for step in h * np.eye(2):
        up, down = (
            penalized(rows, X, beta + sign * step, efron=efron) for sign in (1, -1)
        )
        assert (up - down) / (2 * h) == pytest.approx(0, abs=SLOPE_ATOL)
        assert max(up, down) < penalized(rows, X, beta, efron=efron)
    parts = find_denominators(**rows, efron=efron)
    there = likelihood(X, beta, parts, event=rows["event"], weights=rows.get("weights"))
    np.testing.assert_allclose(cov, np.linalg.inv(there.information), rtol=1e-9)


@pytest.mark.parametrize("n_columns", [1, 2])
def test_separated_rows_have_the_maximum_that_a_search_finds(n_columns):
    """Every event leads its risk set by the first column; a search without slopes."""
    rng = np.random.default_rng(3)
    rows = follow_up(np.arange(1, 9), np.ones(8))
    X = np.column_stack([-rows["time"] + 0.1 * rng.random(8), rng.normal(size=8)])
    X = X[:, :n_columns]
    beta, _ = climb(rows, X)
    found = minimize(
        lambda b: -penalized(rows, X, b),
        np.zeros(n_columns),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000},
    )
    np.testing.assert_allclose(beta, found.x, rtol=1e-5)  # the search stops there


def test_a_late_entry_with_a_large_weight_does_not_upset_the_maximum():
    """Walking back in time, the risk set loses a millionth part short of everything."""
    rng = np.random.default_rng(5)
    rows = random_rows(6, N, ties=True, weights="fractional", strata=3, delayed=True)
    rows["weights"][rows["entry"] >= 3] *= 1e6
    X = rng.normal(size=(N, 2))
    beta, _ = climb(rows, X)
    parts = find_denominators(**rows)
    there = likelihood(X, beta, parts, event=rows["event"], weights=rows["weights"])
    h = 1e-4
    for step in h * np.eye(2):
        up, down = (penalized(rows, X, beta + sign * step) for sign in (1, -1))
        size = np.sqrt(step @ there.information @ step)
        assert (up - down) / (2 * size) == pytest.approx(0, abs=1e-3)
        assert max(up, down) < penalized(rows, X, beta)


def test_a_maximum_far_out_is_found():
    """Two hundred rows in perfect order: the linear predictor spans 1500 and more."""
    n = 200
    rows = follow_up(np.arange(1, n + 1), np.ones(n))
    x = -np.arange(float(n)) + 0.4 * np.random.default_rng(9).random(n)
    beta, _ = climb(rows, x[:, None])
    assert np.ptp(x) * beta[0] > 600

    def value(b):
        """Log-likelihood by differences from the leader, who is the first to die."""
        gaps = [b * (x[i:] - x[i]) for i in range(n)]
        risks = [np.exp(gap) for gap in gaps]
        info = sum(
            (r @ x[i:] ** 2) / r.sum() - ((r @ x[i:]) / r.sum()) ** 2
            for i, r in enumerate(risks)
        )
        return -sum(np.log(r.sum()) for r in risks) + np.log(info) / 2

    step = 1e-3 * beta[0]
    slope = (value(beta[0] + step) - value(beta[0] - step)) / (2 * step)
    assert slope * beta[0] == pytest.approx(0, abs=1e-4)
    assert value(beta[0]) > max(value(1.01 * beta[0]), value(0.99 * beta[0]))


@pytest.mark.parametrize("power", [3, 9])
def test_entry_at_zero_changes_nothing_however_far_out_the_maximum(power):
    rows = follow_up(np.arange(1, 13), np.ones(12))
    X = -(np.arange(1.0, 13) ** power)[:, None]
    plain, _ = climb(rows, X)
    delayed, _ = climb(rows | {"entry": np.zeros(12)}, X)
    np.testing.assert_allclose(delayed, plain, rtol=CLOSED_RTOL)


def test_units_of_the_columns_do_not_matter():
    rng = np.random.default_rng(7)
    rows = random_rows(8, N, ties=True, weights="whole", strata=3, delayed=False)
    X = rng.normal(size=(N, 2))
    beta, cov = climb(rows, X)
    scale = np.array([1e8, 1e-8])
    scaled, scaled_cov = climb(rows, (X + 3) * scale)
    np.testing.assert_allclose(scaled * scale, beta, rtol=CLOSED_RTOL)
    np.testing.assert_allclose(scaled_cov * np.outer(scale, scale), cov, rtol=1e-7)
