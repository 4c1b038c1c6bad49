"""Correction for measurement error: closed forms, and numerical influences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fahrstats.kernels.error_correction import ErrorProne, correct_coefficients


def columns_of(seed: int) -> ErrorProne:
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(60, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1.0]])
    error_cov = np.array([[0.2, 0.05], [0.05, 0.1]])
    return ErrorProne(
        Z - Z.mean(axis=0), 59, np.array([0, 2]), error_cov, np.zeros(2), None
    )


def test_one_column_alone_is_divided_by_its_reliability():
    """It is b / lambda, with lambda = 1 - error variance / variance."""
    rng = np.random.default_rng(1)
    Z = rng.normal(size=(50, 1))
    Z -= Z.mean()
    columns = ErrorProne(Z, 49, np.array([0]), np.array([[0.3]]), np.zeros(1), None)
    ours = correct_coefficients(columns, np.array([0.4]), np.zeros((50, 1)))
    reliability = 1 - 0.3 / Z.var(ddof=1)
    assert ours.reliability[0] == pytest.approx(reliability, rel=1e-12)
    assert ours.beta[0] == pytest.approx(0.4 / reliability, rel=1e-12)
    hidden = ours.beta[0] * np.sqrt(Z.var(ddof=1) * reliability * (1 - reliability))
    assert ours.hidden_sd == pytest.approx(hidden, rel=1e-10)


def test_expected_true_columns_have_the_corrected_coefficients():
    """The linear predictor is one and the same: Z b = E[true | Z] beta."""
    columns = columns_of(2)
    b = np.array([0.5, -0.2, 0.3])
    beta = correct_coefficients(columns, b, np.zeros((60, 3))).beta
    expected = columns.Z @ np.linalg.inv(columns.S) @ (columns.S - columns.E)
    assert_allclose(expected @ beta, columns.Z @ b, rtol=1e-11)


def test_the_covariance_is_that_of_leaving_rows_out():
    """Influences agree with the change that a little more weight of a row makes."""
    columns, step = columns_of(3), 1e-6
    b = np.array([0.5, -0.2, 0.3])
    ours = correct_coefficients(columns, b, np.zeros((60, 3)))
    moved, shares = [], []
    for row in range(60):
        weights = np.ones(60)
        weights[row] += step
        root = np.sqrt(weights * (60 / weights.sum()))
        heavier = replace(columns, Z=columns.Z * root[:, None])
        other = correct_coefficients(heavier, b, np.zeros((60, 3)))
        moved.append((other.beta - ours.beta) / step)
        shares.append((other.reliability - ours.reliability) / step)
    assert_allclose(ours.cov, np.array(moved).T @ np.array(moved), rtol=1e-4)
    assert_allclose(
        ours.reliability_std_error, np.linalg.norm(shares, axis=0), rtol=1e-4
    )


def test_an_estimated_error_adds_its_variance():
    columns = columns_of(4)
    known = replace(columns, error_cov=np.diag([0.2, 0.1]))
    estimated = replace(known, error_cov_variance=np.array([0.01, 0]))
    b, none = np.array([0.5, -0.2, 0.3]), np.zeros((60, 3))
    first, second = (correct_coefficients(c, b, none) for c in (known, estimated))
    step = 1e-6
    other = replace(known, error_cov=np.diag([0.2 + step, 0.1]))
    slope = (correct_coefficients(other, b, none).beta - first.beta) / step
    assert_allclose(second.cov - first.cov, 0.01 * np.outer(slope, slope), rtol=1e-4)
    lost = 0.01 * np.linalg.inv(columns.S)[0, 0] ** 2
    assert second.reliability_std_error[0] ** 2 == pytest.approx(
        first.reliability_std_error[0] ** 2 + lost, rel=1e-10
    )


def test_rows_of_a_cluster_count_together():
    single = columns_of(5)
    b, influence = np.array([0.5, -0.2, 0.3]), np.full((60, 3), 0.01)
    alone = correct_coefficients(single, b, influence)
    same = replace(single, cluster=np.arange(60))
    assert_allclose(correct_coefficients(same, b, influence).cov, alone.cov, rtol=1e-12)
    everyone = replace(single, cluster=np.zeros(60, np.int64))
    together = correct_coefficients(everyone, b, influence)
    # influences on the covariance of the columns add up to nothing
    moved = np.linalg.solve(single.S - single.E, single.S @ (60 * influence[0]))
    assert_allclose(together.cov, np.outer(moved, moved), rtol=1e-9)


def test_the_share_of_error_is_that_of_the_worst_combination():
    columns = columns_of(6)
    worst = np.linalg.eigvals(np.linalg.solve(columns.S, columns.E)).real.max()
    assert columns.largest_share() == pytest.approx(worst, rel=1e-10)
    given = columns.Z[:, [1, 2]]
    rest = columns.Z[:, 0] - given @ np.linalg.lstsq(given, columns.Z[:, 0])[0]
    assert columns.conditional_sd()[0] == pytest.approx(
        np.sqrt(rest @ rest / 59), rel=1e-10
    )
