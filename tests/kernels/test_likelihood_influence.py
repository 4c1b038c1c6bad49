"""Contributions to the partial likelihood, against denominators written out one by one.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import COMPLICATIONS, name_of, random_rows

from fahrstats.kernels.likelihood_influence import likelihood_influence
from fahrstats.kernels.newton import maximize
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order
SLOPE_RTOL = 1e-6  # a difference quotient with steps of 1e-5
N = 40


def ours(rows, linear_predictor, *, efron):
    """Influence in the order of the rows given."""
    sets = sort_risk_sets(**rows)
    blocks = find_tie_blocks(sets)
    sums = block_sums(sets, blocks, linear_predictor[sets.order], efron=efron)
    influence = np.empty(N)
    influence[sets.order] = likelihood_influence(sets, blocks, sums, efron=efron)
    return influence, sums.log_likelihood


def twin(rows, linear_predictor, *, efron):
    """Differentiate every denominator by the weight of every row."""
    parts = find_denominators(**rows, efron=efron)
    weights = rows.get("weights", np.ones(N))
    held = parts.share * weights * np.exp(linear_predictor)
    denominator = held.sum(axis=1)
    own = weights * (linear_predictor * rows["event"] - np.log(denominator) @ parts.own)
    return own - (parts.weight / denominator) @ held


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
@pytest.mark.parametrize("case", COMPLICATIONS, ids=name_of)
def test_influence_agrees_with_the_twin(case, efron):
    linear_predictor = np.random.default_rng(1).normal(size=N)
    rows = random_rows(2, N, **case)
    found, _ = ours(rows, linear_predictor, efron=efron)
    wanted = twin(rows, linear_predictor, efron=efron)
    np.testing.assert_allclose(found, wanted, rtol=TWIN_RTOL, atol=TWIN_RTOL)


@pytest.mark.parametrize("efron", [True, False], ids=["efron", "breslow"])
def test_influence_is_the_derivative_by_the_weight(efron):
    case = {"ties": True, "weights": "fractional", "strata": 3, "delayed": True}
    rows, X = random_rows(4, N, **case), np.random.default_rng(3).normal(size=(N, 1))
    found, _ = ours(rows, X[:, 0], efron=efron)
    weights, step = rows["weights"], 1e-5
    for row in range(0, N, 7):
        values = []
        for sign in (1, -1):
            moved = weights.copy()
            moved[row] *= 1 + sign * step
            parts = find_denominators(**{**rows, "weights": moved}, efron=efron)
            event = rows["event"]
            values.append(
                likelihood(X, np.ones(1), parts, event=event, weights=moved).value
            )
        slope = (values[0] - values[1]) / (2 * step)
        assert found[row] == pytest.approx(slope, rel=SLOPE_RTOL, abs=SLOPE_RTOL)


def test_the_order_of_tied_rows_is_immaterial():
    case = {"ties": True, "weights": "fractional", "strata": 1, "delayed": False}
    rows = random_rows(5, N, **case)
    rng = np.random.default_rng(6)
    linear_predictor, shuffled = rng.normal(size=N), rng.permutation(N)
    found, _ = ours(rows, linear_predictor, efron=True)
    again, _ = ours(
        {name: values[shuffled] for name, values in rows.items()},
        linear_predictor[shuffled],
        efron=True,
    )
    np.testing.assert_allclose(again, found[shuffled], rtol=TWIN_RTOL, atol=TWIN_RTOL)


def test_at_the_maximum_contributions_sum_to_the_likelihood_less_the_events():
    case = {"ties": True, "weights": "fractional", "strata": 3, "delayed": True}
    rows, X = random_rows(7, N, **case), np.random.default_rng(8).normal(size=(N, 2))
    sets = sort_risk_sets(**rows)
    blocks = find_tie_blocks(sets)
    peak = maximize(sets, blocks, X[sets.order], efron=True)
    found = likelihood_influence(sets, blocks, peak.sums, efron=True)
    events = sets.weights[sets.event].sum()
    assert found.sum() == pytest.approx(peak.sums.log_likelihood - events, rel=1e-10)
