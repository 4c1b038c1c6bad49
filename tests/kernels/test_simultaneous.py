"""Largest of several normal statistics against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm, studentized_range
from statsmodels.stats.multitest import multipletests

from fahrstats.kernels.simultaneous import (
    holm,
    joint_critical_value,
    largest_of_draws,
    largest_statistic,
    single_step_p,
)

POINTS_RTOL = 2e-3  # 32,768 directions: 0.001 around p = 0.05, more far out
Z = np.array([0.5, 1.96, 2.5, 3.5])


def all_pairs(k):
    """Covariance of all differences of k independent statistics: rank k - 1."""
    signs = [np.eye(k)[i] - np.eye(k)[j] for i in range(k) for j in range(i)]
    return np.stack(signs) @ np.stack(signs).T


def test_one_statistic_keeps_its_p_value_and_limit():
    largest = largest_statistic(np.array([[7.0]]))
    np.testing.assert_allclose(
        single_step_p(largest, np.append(Z, 12)), 2 * norm.sf(np.append(Z, 12)), 1e-12
    )
    assert joint_critical_value(largest, 0.95) == pytest.approx(norm.isf(0.025))


@pytest.mark.parametrize("m", [2, 3, 6])
def test_independent_statistics_have_sidaks_p_value(m):
    largest = largest_statistic(np.diag(np.arange(1.0, m + 1)))
    sidak = 1 - (1 - 2 * norm.sf(Z)) ** m
    np.testing.assert_allclose(single_step_p(largest, Z), sidak, POINTS_RTOL)
    critical = norm.isf((1 - 0.95 ** (1 / m)) / 2)
    assert joint_critical_value(largest, 0.95) == pytest.approx(critical, rel=1e-3)


@pytest.mark.parametrize("k", [3, 4, 5])
def test_all_pairs_of_equal_variance_are_the_studentized_range(k):
    """Tukey's method, whose distribution scipy has; the correlation is singular."""
    largest = largest_statistic(all_pairs(k))
    assert largest.rank == k - 1
    tukey = studentized_range.sf(np.sqrt(2) * Z, k, np.inf)
    np.testing.assert_allclose(single_step_p(largest, Z), tukey, POINTS_RTOL)
    critical = studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2)
    assert joint_critical_value(largest, 0.95) == pytest.approx(critical, rel=1e-3)


@pytest.mark.parametrize("n_draws", [40, 400])
def test_draws_have_the_largest_statistic_of_their_covariance(n_draws):
    """Fewer draws than the 66 differences, and more; many statistics are read off."""
    of_groups = np.random.default_rng(1).normal(size=(n_draws, 12))
    i, j = np.triu_indices(12, 1)
    draws = of_groups[:, i] - of_groups[:, j]
    found = largest_of_draws(draws)
    expected = largest_statistic(np.cov(draws, rowvar=False))
    assert found.rank == expected.rank == 11
    some = np.linspace(0, 3.5, 50)
    p = single_step_p(expected, some)
    np.testing.assert_allclose(single_step_p(found, some), p, 10 * POINTS_RTOL)
    many = np.repeat(some, 20)
    np.testing.assert_allclose(
        single_step_p(expected, many), np.repeat(p, 20), POINTS_RTOL
    )
    assert joint_critical_value(found, 0.95) == pytest.approx(
        joint_critical_value(expected, 0.95), rel=POINTS_RTOL
    )


def test_draws_without_a_statistic_make_it_less_correlated():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(4000, 1)) + 0.1 * rng.normal(size=(4000, 8))
    whole = joint_critical_value(largest_of_draws(draws), 0.95)
    holes = np.where(rng.random(draws.shape) < 0.6, np.nan, draws)
    between = joint_critical_value(largest_of_draws(holes), 0.95)
    apart = norm.isf((1 - 0.95 ** (1 / 8)) / 2)
    assert whole < between <= apart


@pytest.mark.parametrize("k", [2, 3])
def test_all_against_one_is_dunnetts_integral(k):
    """Differences from one reference: correlation 1/2, one integral over it."""
    largest = largest_statistic(0.5 + 0.5 * np.eye(k))

    def beyond(z):
        def inside(x):
            low, high = (-z - x / np.sqrt(2)), (z - x / np.sqrt(2))
            within = norm.cdf(high * np.sqrt(2)) - norm.cdf(low * np.sqrt(2))
            return norm.pdf(x) * within**k

        return 1 - quad(inside, -9, 9, epsabs=1e-12)[0]

    np.testing.assert_allclose(
        single_step_p(largest, Z), [beyond(z) for z in Z], POINTS_RTOL
    )


def test_statistics_that_are_the_same_count_once():
    largest = largest_statistic(np.array([[4.0, -6], [-6, 9]]))
    assert largest.rank == 1
    np.testing.assert_allclose(single_step_p(largest, Z), 2 * norm.sf(Z), 1e-12)
    assert joint_critical_value(largest, 0.9) == pytest.approx(norm.isf(0.05))


def test_adjusted_p_values_lie_between_their_own_and_sidaks():
    far = np.array([0, 1e-9, 6, 9, 30.0])
    adjusted = single_step_p(largest_statistic(all_pairs(6)), far)
    alone = 2 * norm.sf(far)
    assert (adjusted >= alone * (1 - 1e-12)).all()
    assert (adjusted <= np.minimum(1, 15 * alone) * (1 + 1e-12)).all()


def test_the_limit_is_where_the_adjusted_p_value_is_the_level():
    largest = largest_statistic(all_pairs(4))
    critical = joint_critical_value(largest, 0.9)
    assert single_step_p(largest, np.array([critical]))[0] == pytest.approx(0.1)


def test_holms_adjustment_is_that_of_statsmodels():
    p_values = np.array([0.02, np.nan, 0.3, 1e-4, 0.02, 1.0, 0.0, 0.04])
    known = ~np.isnan(p_values)
    expected = multipletests(p_values[known], method="holm")[1]
    found = holm(p_values)
    np.testing.assert_allclose(found[known], expected, rtol=1e-12)
    assert np.isnan(found[~known]).all()


@given(st.lists(st.sampled_from([0.0, 1e-4, 0.01, 0.02, 0.3, 1.0, np.nan]), max_size=9))
def test_holms_adjustment_is_its_definition(values):
    """The largest, over all p values up to one's own, of each times those not below."""
    known = [p for p in values if not np.isnan(p)]
    for p, found in zip(values, holm(np.array(values)), strict=True):
        if np.isnan(p):
            assert np.isnan(found)
            continue
        steps = [q * sum(r >= q for r in known) for q in known if q <= p]
        assert found == pytest.approx(min(max(steps), 1.0), rel=1e-12)
