"""Rubin's rules: hand calculations, limits, and the pooled tests."""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.kernels.rubins_rules import (
    chi_squared_test,
    combine,
    likelihood_ratio_test,
    wald_test,
)

TWIN_RTOL = 1e-12


def test_three_tables_by_hand():
    """Estimates 1, 2, 3 with variance 1: B = 1, T = 1 + 4/3, riv = 4/3."""
    pooled = combine(np.array([[1.0], [2], [3]]), np.ones((3, 1)), np.array([np.inf]))
    assert pooled.estimate[0] == 2
    assert pooled.within[0] == pooled.between[0] == 1
    assert pooled.total[0] == pytest.approx(7 / 3, rel=TWIN_RTOL)
    assert pooled.relative_increase[0] == pytest.approx(4 / 3, rel=TWIN_RTOL)
    # df = (m - 1) (1 + 1 / riv)^2 = 2 (7 / 4)^2
    df = 2 * (7 / 4) ** 2
    assert pooled.df[0] == pytest.approx(df, rel=TWIN_RTOL)
    fmi = (4 / 3 + 2 / (df + 3)) / (4 / 3 + 1)
    assert pooled.missing_information[0] == pytest.approx(fmi, rel=TWIN_RTOL)


def test_few_complete_df_bound_the_df():
    """Barnard and Rubin: never more than without missing values."""
    estimates = np.array([[1.0], [1.001], [0.999]])
    large = combine(estimates, np.ones((3, 1)), np.array([np.inf]))
    small = combine(estimates, np.ones((3, 1)), np.array([20.0]))
    assert large.df[0] > 1e6
    assert small.df[0] < 20
    # the observed-data df tend to (21 / 23) 20 without missing values
    assert small.df[0] == pytest.approx(21 / 23 * 20, rel=1e-3)


def test_identical_tables_have_nothing_missing():
    pooled = combine(np.full((4, 1), 0.3), np.full((4, 1), 0.04), np.array([np.inf]))
    assert pooled.total[0] == pytest.approx(0.04)
    assert pooled.relative_increase[0] == 0
    assert pooled.missing_information[0] == pytest.approx(0, abs=1e-7)


def test_no_variance_at_all_gives_no_inference():
    pooled = combine(np.zeros((3, 1)), np.zeros((3, 1)), np.array([np.inf]))
    assert pooled.total[0] == 0
    assert np.isnan(pooled.df[0])
    assert np.isnan(pooled.missing_information[0])


def test_variance_between_tables_only_means_all_is_missing():
    pooled = combine(np.array([[1.0], [2.0]]), np.zeros((2, 1)), np.array([np.inf]))
    assert pooled.relative_increase[0] == np.inf
    assert pooled.missing_information[0] == 1
    assert pooled.df[0] == 1


def test_one_coefficient_is_the_square_of_t():
    rng = np.random.default_rng(3)
    estimates, variances = rng.normal(1, 0.2, (5, 1)), rng.uniform(0.1, 0.2, (5, 1))
    pooled = combine(estimates, variances, np.array([np.inf]))
    test = wald_test(estimates, variances[:, :, None])
    assert test.statistic == pytest.approx(
        pooled.estimate[0] ** 2 / pooled.total[0], rel=TWIN_RTOL
    )
    assert test.relative_increase == pytest.approx(
        pooled.relative_increase[0], rel=TWIN_RTOL
    )


@pytest.mark.parametrize("k", [1, 3])
def test_tables_that_agree_give_the_test_of_one(k):
    """Without variation between tables F on k and infinite df is chi-squared / k."""
    value = 7.0
    d2 = chi_squared_test(np.full(5, value), k)
    d3 = likelihood_ratio_test(np.full(5, value), np.full(5, value), k)
    for test in (d2, d3):
        assert test.df_residual == np.inf
        assert test.statistic == pytest.approx(value / k, rel=TWIN_RTOL)
    covs = np.broadcast_to(np.eye(k), (5, k, k))
    d1 = wald_test(np.full((5, k), np.sqrt(value / k)), covs)
    assert d1.statistic == pytest.approx(value / k)


def test_an_increase_below_zero_counts_as_none():
    test = likelihood_ratio_test(np.array([3.0, 4.0]), np.array([4.0, 5.0]), 1)
    assert test.relative_increase == 0
    assert test.statistic == 4.5


def test_few_tables_and_one_coefficient_use_the_other_formula():
    """With k (m - 1) = 3, not above 4, df = v (1 + 1/k) (1 + 1/r)^2 / 2."""
    estimates = np.array([[1.0], [2.0], [2.5], [3.0]])
    test = wald_test(estimates, np.ones((4, 1, 1)))
    r = test.relative_increase
    assert test.df_residual == pytest.approx(3 * (1 + 1 / r) ** 2, rel=TWIN_RTOL)
