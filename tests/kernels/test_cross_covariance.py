"""Covariance of concordances between groups against one dense matrix of influences."""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.kernels.cross_concordance import cross_agreement
from fahrstats.kernels.cross_covariance import (
    joint_covariance,
    principal_chi_squared,
    without_rounding,
)
from fahrstats.kernels.risk_sets import sort_risk_sets


def four_groups(seed):
    rng = np.random.default_rng(seed)
    sets = sort_risk_sets(rng.integers(1, 12, 70).astype(float), rng.random(70) < 0.6)
    group = rng.integers(0, 4, 70)
    score = rng.integers(0, 25, 70).astype(float)
    return cross_agreement(sets, score, group, 4), group


def test_the_covariance_is_that_of_all_influences_side_by_side():
    """Twin: one dense matrix of influences, summed in clusters that span groups."""
    found, group = four_groups(5)
    clusters = np.random.default_rng(5).integers(0, 25, 70)
    dense = np.zeros((70, 16 + 8))
    for a in range(4):
        for b in range(4):
            dense[group == a, 4 * a + b] += found.of_event[group == a, b]
            dense[group == b, 4 * a + b] += found.of_survivor[group == b, a]
    dense[:, 16:] = found.of_outside.reshape(70, 8)
    sums = np.zeros((25, 24))
    np.add.at(sums, clusters, dense)
    for influence, codes in ((dense, None), (sums, clusters)):
        np.testing.assert_allclose(
            joint_covariance(found, group, codes),
            influence.T @ influence,
            rtol=1e-10,
            atol=1e-15,
        )


def test_a_full_number_of_directions_is_the_quadratic_form():
    """With all m directions it is d' V^-1 d; with one, the squared first component."""
    rng = np.random.default_rng(6)
    root, difference = rng.normal(size=(4, 9)), rng.normal(size=4)
    cov = root @ root.T
    whole = difference @ np.linalg.solve(cov, difference)
    assert principal_chi_squared(difference, cov, 4) == pytest.approx(whole, rel=1e-9)
    two = np.array([[1.0, 0.5], [0.5, 1.0]])
    first = principal_chi_squared(np.array([3.0, 1.0]), two, 1)
    assert first == pytest.approx((3 + 1) ** 2 / 2 / 1.5, rel=1e-12)


def test_what_rounding_leaves_of_a_variance_is_none():
    """The first difference is of two values that move alike, but for rounding."""
    cov = np.array([[3e-14, 1e-9], [1e-9, 0.5]])
    left = without_rounding(cov, np.array([0.04, 0.3]), np.array([0.04, 0.3]))
    assert left.tolist() == [[0.0, 0.0], [0.0, 0.5]]
    assert without_rounding(cov, *np.full((2, 2), 1e-4)).tolist() == cov.tolist()
