"""Shift and slope of predicted risks against closed forms and finite differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.kernels.calibration import complementary_log_log, fit_until
from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.recalibration import (
    shift_influence,
    shift_per_log_hazard,
    shift_to,
    shifted_risk,
    slope_influence,
)
from fahrstats.kernels.risk_sets import sort_risk_sets

STEP, STEP_RTOL = 1e-5, 1e-6  # central differences
MARTINGALE_RTOL = 0.01  # the martingale form leaves out terms of order 1 / n
HORIZON = 6.0
seeds = st.integers(0, 2**32 - 1)


def cohort(seed, n=80, *, tied=True):
    """Sorted rows and their predicted log hazards; times tie unless told otherwise."""
    rng = np.random.default_rng(seed)
    log_hazard = rng.normal(-1, 0.8, n)
    death = rng.exponential(6 / np.exp(1.3 * log_hazard))
    lost = rng.uniform(1, 20, n)
    time = np.minimum(death, lost)
    time[:2], event = [21.0, 1.0], death <= lost
    event[:2] = [False, True]
    sets = sort_risk_sets(np.ceil(time) if tied else time, event)
    return sets, log_hazard[sets.order]


def steps(n):
    """Yield some rows, and a small step of each."""
    for row in range(0, n, 9):
        yield row, STEP * (np.arange(n) == row)


@given(seeds, st.floats(0.01, 0.99))
def test_the_shift_makes_the_mean_risk_the_one_observed(seed, observed):
    _, log_hazard = cohort(seed)
    weights = np.random.default_rng(seed).uniform(0.2, 3, log_hazard.size)
    shift = shift_to(log_hazard, weights, observed)
    mean = weights @ shifted_risk(log_hazard, shift) / weights.sum()
    assert mean == pytest.approx(observed, rel=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_one_risk_for_all_is_shifted_in_closed_form(noise):
    log_hazard = np.full(5, -0.7) + noise * np.arange(5)
    shift = shift_to(log_hazard, np.ones(5), 0.3)
    wanted = complementary_log_log(np.array(0.3)) + 0.7
    assert shift == pytest.approx(float(wanted), rel=1e-12)


@given(seeds)
def test_influence_on_the_shift_is_its_derivative_by_the_weight(seed):
    sets, log_hazard = cohort(seed, tied=False)

    def shift(case_weights):
        weights = weigh_by_censoring(replace(sets, weights=case_weights), HORIZON)
        return shift_to(log_hazard, case_weights, weights.cases / weights.total)

    ones = np.ones(sets.time.size)
    weights = weigh_by_censoring(sets, HORIZON)
    found = shift_influence(sets, weights, log_hazard, shift(ones))
    scale = np.abs(found).max()
    for row, step in steps(sets.time.size):
        moved = (shift(ones + step) - shift(ones - step)) / (2 * STEP)
        assert found[row] == pytest.approx(moved, abs=MARTINGALE_RTOL * scale)
    assert found.sum() == pytest.approx(0, abs=1e-12)


@given(seeds)
def test_the_shift_falls_as_predictions_rise(seed):
    sets, log_hazard = cohort(seed)
    ones = sets.weights
    shift = shift_to(log_hazard, ones, 0.4)
    found = shift_per_log_hazard(log_hazard, ones, shift)
    for row, step in steps(sets.time.size):
        moved = shift_to(log_hazard + step, ones, 0.4)
        moved -= shift_to(log_hazard - step, ones, 0.4)
        assert found[row] == pytest.approx(moved / (2 * STEP), rel=STEP_RTOL, abs=1e-9)
    assert found.sum() == pytest.approx(-1, rel=1e-12)  # all rise by one, so it falls


@given(seeds)
def test_derivatives_of_the_slope_are_those_of_the_fit(seed):
    sets, log_hazard = cohort(seed)
    blocks = find_tie_blocks(sets)

    def slope(values, case_weights=sets.weights):
        rows = replace(sets, weights=case_weights)
        return float(fit_until(rows, blocks, HORIZON, values[:, None]).beta[0])

    at = slope(log_hazard)
    influence, derivative = slope_influence(sets, blocks, HORIZON, log_hazard, at)
    for row, step in steps(sets.time.size):
        by_weight = slope(log_hazard, 1 + step) - slope(log_hazard, 1 - step)
        by_value = slope(log_hazard + step) - slope(log_hazard - step)
        for found, moved in ((influence, by_weight), (derivative, by_value)):
            scale = np.abs(found).max()
            assert found[row] == pytest.approx(
                moved / (2 * STEP), rel=STEP_RTOL, abs=STEP_RTOL * scale
            )
    # The same rise for all changes nothing; twice the spread halves the slope.
    assert derivative.sum() == pytest.approx(0, abs=1e-10)
    assert derivative @ log_hazard == pytest.approx(-at, rel=1e-9)
