"""Calibration kernels against twins, fitted models and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from censoring import influence, inverse_weights
from hypothesis import given
from hypothesis import strategies as st
from simulated import simulate

import fahrstats as fs
from fahrstats.kernels.calibration import (
    bounded_log_hazard,
    calibration_distances,
    complementary_log_log,
    fit_until,
    log_hazard_at,
    observed_and_expected,
    observed_and_expected_influence,
    observed_risk,
    smooth_risk,
    spline_knots,
)
from fahrstats.kernels.censoring_weights import weigh_by_censoring
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets

TWIN_RTOL = 1e-12  # both sides add the same terms
STEP_RTOL = 1e-4  # central differences, step 1e-4
seeds = st.integers(0, 2**32 - 1)


def cohort(seed, n=40):
    """Heavily tied rows, some beyond the horizon 5, and two predicted risks."""
    rng = np.random.default_rng(seed)
    time, event = rng.integers(1, 9, n).astype(float), rng.random(n) < 0.5
    time[:4], event[:4] = [9, 9, 1, 2], [False, True, True, True]
    return time, event, rng.uniform(0.2, 3, n), rng.uniform(0.01, 0.99, (n, 2))


@given(seeds)
def test_observed_and_expected_equal_the_twin(seed):
    time, event, case_weights, risk = cohort(seed)
    sets = sort_risk_sets(time, event, weights=case_weights)
    weights = weigh_by_censoring(sets, 5.0)
    values = observed_and_expected(sets, weights, risk[sets.order])
    found = observed_and_expected_influence(sets, weights, risk[sets.order])
    share = case_weights / case_weights.sum()
    inverse = inverse_weights(time, event, case_weights, 5.0)
    observed = inverse[time <= 5].sum() / case_weights.sum()
    np.testing.assert_allclose(values, [observed, *(share @ risk)], rtol=1e-10)
    is_case = (time <= 5) / case_weights.sum()
    moved = influence(time, event, case_weights, 5.0, is_case) - share * observed
    np.testing.assert_allclose(found[:, 0], moved[sets.order], rtol=1e-9, atol=1e-14)
    wanted = share[:, None] * (risk - share @ risk)
    np.testing.assert_allclose(found[:, 1:], wanted[sets.order], rtol=1e-10, atol=1e-15)


def test_influence_of_the_observed_risk_is_greenwoods_but_for_the_last_factor():
    """Greenwood divides by n (n - d) where the martingale form divides by n n."""
    time, event, _, risk = cohort(2, n=4000)
    sets = sort_risk_sets(time, event)
    found = observed_and_expected_influence(
        sets, weigh_by_censoring(sets, 5.0), risk[sets.order]
    )[:, 0]
    data = pd.DataFrame({"time": time, "event": event})
    greenwood = fs.kaplan_meier("Surv(time, event) ~ 1", data).at([5.0])["std_error"]
    assert np.sqrt(found @ found) == pytest.approx(greenwood[0], rel=1e-3)


def test_knots_are_quantiles():
    assert spline_knots(np.arange(101.0)).tolist() == [10, 50, 90]


def fit(columns, data, horizon):
    sets = sort_risk_sets(data["time"].to_numpy(), data["event"].to_numpy())
    blocks = find_tie_blocks(sets)
    return sets, fit_until(sets, blocks, horizon, columns[sets.order])


def test_a_fit_until_the_horizon_is_the_cox_model_of_rows_cut_there():
    data = simulate(3, 200)
    horizon = 15.0
    _, found = fit(data[["x", "z"]].to_numpy(), data, horizon)
    cut = data.assign(
        event=data["event"] & (data["time"] <= horizon),
        time=data["time"].clip(upper=horizon),
    )
    wanted = fs.cox("Surv(time, event) ~ x + z", cut)
    np.testing.assert_allclose(found.beta, wanted.log_hr, rtol=1e-9)
    np.testing.assert_allclose(found.cov, wanted.cov, rtol=1e-8)
    assert found.has_converged


def test_the_hazard_is_efrons_sum_over_the_events():
    """Without covariate effects it is that of Fleming and Harrington: sum of 1/c."""
    data = pd.DataFrame(
        {"time": [1.0, 1.0, 2.0, 3.0, 4.0, 9.0], "event": [1, 1, 0, 1, 0, 0]}
    ).astype({"event": bool})
    # Symmetric in every risk set, so that the coefficient is 0.
    columns = np.array([[1.0], [-1.0], [0.0], [0.0], [1.0], [-1.0]])
    _, found = fit(columns, data, 3.0)
    assert found.beta[0] == pytest.approx(0, abs=1e-9)
    assert found.hazard == pytest.approx(1 / 6 + 1 / 5 + 1 / 3, rel=1e-9)
    variance = 1 / 36 + 1 / 25 + 1 / 9
    assert found.hazard_variance == pytest.approx(variance, rel=1e-9)


def test_the_slope_of_the_hazard_is_its_derivative():
    """Move the column by a multiple of itself: the fit undoes it, the hazard does not.

    d log H / d beta at fixed data is minus the mean of the covariate over the hazard.
    """
    data = simulate(5, 150)
    columns = data[["x"]].to_numpy()
    sets, found = fit(columns, data, 15.0)
    sorted_columns = columns[sets.order][:, 0] - found.centre[0]

    def hazard(beta):
        risk = np.exp(sorted_columns * beta)
        total = 0.0
        for t in np.unique(sets.time[sets.event & (sets.time <= 15)]):
            at_risk = risk[sets.time >= t].sum()
            dies = risk[(sets.time == t) & sets.event]
            total += sum(
                1 / (at_risk - d / dies.size * dies.sum()) for d in range(dies.size)
            )
        return total

    beta, step = found.beta[0], 1e-4
    assert found.hazard == pytest.approx(hazard(beta), rel=1e-10)
    slope = (hazard(beta - step) - hazard(beta + step)) / (2 * step)
    assert found.hazard_slope[0] == pytest.approx(slope, rel=STEP_RTOL)


def test_risk_and_log_hazard_agree():
    data = simulate(6, 150)
    _, found = fit(data[["x"]].to_numpy(), data, 15.0)
    rows = np.array([[-1.0], [0.0], [2.0]])
    log_hazard, std_error = log_hazard_at(found, rows)
    risk = observed_risk(found, rows)
    np.testing.assert_allclose(complementary_log_log(risk), log_hazard, rtol=1e-10)
    assert (std_error > 0).all()


def test_the_smooth_curve_of_a_fitted_model_is_close_to_its_predictions():
    data = simulate(7, 2000)
    sets, found = fit(data[["x", "z"]].to_numpy(), data, 15.0)
    risk = observed_risk(found, data[["x", "z"]].to_numpy())[sets.order]
    smooth = smooth_risk(sets, find_tie_blocks(sets), 15.0, risk)
    ici = calibration_distances(risk, smooth, sets.weights)[0]
    assert ici < 0.03


def test_distances_are_mean_median_and_ninetieth_percentile():
    predicted, weights = np.zeros(10), np.ones(10)
    observed = np.arange(10, 0, -1.0)
    assert calibration_distances(predicted, observed, weights).tolist() == [
        5.5,
        5.5,
        9.5,
    ]
    whole = np.array([1.0, 2, 1, 1, 3, 1, 1, 1, 2, 1])
    copies = np.repeat(observed, whole.astype(int))
    assert calibration_distances(predicted, observed, whole).tolist() == (
        calibration_distances(np.zeros(14), copies, np.ones(14)).tolist()
    )


@pytest.mark.parametrize("risk", [0.0, 1.0])
def test_certain_risks_have_no_finite_log_hazard(risk):
    assert np.isinf(complementary_log_log(np.array([risk]))).all()


def test_bounded_log_hazards_take_certain_risks_as_the_nearest_others():
    risk = np.array([0.0, 0.2, 0.7, 1.0])
    wanted = complementary_log_log(np.array([0.2, 0.2, 0.7, 0.7]))
    np.testing.assert_array_equal(bounded_log_hazard(risk), wanted)
    assert np.isnan(bounded_log_hazard(np.array([0.0, 1.0]))).all()


def test_without_enough_distinct_risks_or_a_maximum_there_is_no_smooth_curve():
    time = np.arange(1.0, 41)
    sets = sort_risk_sets(time, np.ones(40, bool))
    blocks = find_tie_blocks(sets)
    same, separating = np.full(40, 0.5), np.linspace(0.95, 0.05, 40)[sets.order]
    for risk in (same, separating):
        assert np.isnan(smooth_risk(sets, blocks, 20.0, risk)).all()
