"""The penalised partial likelihood and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import find_denominators, likelihood
from rows import random_rows

from fahrstats.kernels.newton import PartialLikelihood, climb
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.ridge import RidgeLikelihood
from fahrstats.kernels.risk_sets import sort_risk_sets

PENALTY = np.array([3.0, 0.5])


@pytest.fixture
def problem():
    rng = np.random.default_rng(1)
    rows = random_rows(2, 40, ties=True, weights="whole", strata=3, delayed=True)
    X = rng.normal(size=(40, 2))
    sets = sort_risk_sets(**rows)
    partial = PartialLikelihood(sets, find_tie_blocks(sets), X[sets.order], efron=True)
    return rows, X, RidgeLikelihood(partial, PENALTY)


def test_the_penalty_is_half_the_weighted_sum_of_squares(problem):
    rows, X, ridge = problem
    beta = np.array([0.4, -1.2])
    there = likelihood(
        X,
        beta,
        find_denominators(**rows),
        event=rows["event"],
        weights=rows["weights"],
    )
    point = ridge.at(beta)
    assert point.log_likelihood == pytest.approx(
        there.value - PENALTY @ beta**2 / 2, rel=1e-12
    )
    np.testing.assert_allclose(
        ridge.gradient(point), there.gradient - PENALTY * beta, rtol=1e-10
    )
    np.testing.assert_allclose(
        ridge.information(point), there.information + np.diag(PENALTY), rtol=1e-10
    )


def test_the_gradient_vanishes_at_the_peak(problem):
    rows, _, ridge = problem
    events = float(rows["weights"][rows["event"]].sum())
    peak = climb(ridge, np.zeros(2), events, int(rows["event"].sum()))
    assert peak.has_converged
    np.testing.assert_allclose(ridge.gradient(peak.sums), 0, atol=1e-10)
