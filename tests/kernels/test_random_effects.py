"""Random effects: closed forms, a grid of the likelihood, and the Q profile."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from statsmodels.stats.meta_analysis import combine_effects

from fahrstats.kernels.random_effects import (
    fit_reml,
    tau_squared_at,
    typical_variance,
    weighted_mean,
)

TWIN_RTOL = 1e-12


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    k = rng.integers(2, 12)
    v = np.exp(rng.normal(-3, rng.uniform(0, 2), k))
    return rng.normal(0, np.sqrt(v + rng.choice([0, 0.05, 1]))), v


def restricted(y, v, tau_squared) -> float:
    """Log restricted likelihood as a density of all contrasts of y."""
    cov = np.diag(v + tau_squared)
    contrasts = np.diff(np.eye(y.size), axis=0)
    inner = contrasts @ cov @ contrasts.T
    z = contrasts @ y
    return -(np.linalg.slogdet(inner)[1] + z @ np.linalg.solve(inner, z)) / 2


def test_equal_variances_have_a_closed_form():
    """REML with equal v is the sample variance less v, at least 0; scale is 1."""
    y = np.array([0.1, 0.5, 0.9, 0.2])
    fit = fit_reml(y, np.full(4, 0.02))
    assert fit.has_converged
    assert fit.mean == pytest.approx(y.mean(), rel=TWIN_RTOL)
    assert fit.tau_squared == pytest.approx(y.var(ddof=1) - 0.02, rel=1e-10)
    assert fit.scale == pytest.approx(1, rel=1e-10)
    alike = fit_reml(y / 100, np.full(4, 0.02))
    assert alike.tau_squared == 0
    assert alike.i_squared == 0


def test_two_cohorts_by_hand():
    """For k = 2 the contrast has variance v1 + v2 + 2 tau squared."""
    y, v = np.array([0.2, 1.1]), np.array([0.04, 0.1])
    tau_squared = (0.9**2 - v.sum()) / 2
    assert fit_reml(y, v).tau_squared == pytest.approx(tau_squared, rel=1e-10)


@pytest.mark.parametrize("seed", range(40))
def test_no_point_of_a_grid_has_more_likelihood(seed):
    y, v = random_case(seed)
    fit = fit_reml(y, v)
    assert fit.has_converged
    grid = np.append(0, np.exp(np.linspace(-12, 6, 400)))
    best = max(restricted(y, v, tau_squared) for tau_squared in grid)
    assert restricted(y, v, fit.tau_squared) >= best - 1e-9


def test_steps_that_go_too_far_are_halved():
    """Here the expected information is half the observed: Fisher scoring circles."""
    v = np.array([1e-4, 0.3, 0.02, 0.5, 0.004, 0.01, 0.09])
    y = np.array([-0.118, 0.125, -0.394, 0.3, -0.05, 0.02, 0.4])
    assert fit_reml(y, v).has_converged


@pytest.mark.parametrize("seed", range(10))
def test_the_common_effect_and_q_are_those_of_statsmodels(seed):
    y, v = random_case(seed)
    mean, variance, q = weighted_mean(y, v)
    other = combine_effects(y, v, method_re="pm")
    assert mean == pytest.approx(other.mean_effect_fe, rel=TWIN_RTOL)
    assert np.sqrt(variance) == pytest.approx(other.sd_eff_w_fe, rel=TWIN_RTOL)
    assert q == pytest.approx(other.q, rel=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_the_q_profile_solves_its_equation(seed):
    y, v = random_case(seed)
    for tail in (0.025, 0.975):
        target = chi2.isf(tail, y.size - 1)
        tau_squared = tau_squared_at(y, v, target)
        q = weighted_mean(y, v + tau_squared)[2]
        if tau_squared > 0:
            assert q == pytest.approx(target, rel=1e-9)
        else:
            assert q <= target


def test_the_typical_variance_of_equal_ones_is_theirs():
    assert typical_variance(np.full(5, 0.3)) == pytest.approx(0.3, rel=TWIN_RTOL)


def test_extreme_variances_lose_nothing_to_rounding():
    """One cohort knows all: its estimate counts, and no division by zero is met."""
    fit = fit_reml(np.array([0.1, 0.2, 0.3]), np.array([1e-16, 1.0, 1e12]))
    assert fit.has_converged
    assert fit.mean == pytest.approx(0.1, rel=1e-12)
    assert fit.tau_squared == 0
