"""Squared influence of subjects against a slow twin.

The whole file also passes with compilation off (NUMBA_DISABLE_JIT=1).
"""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.kernels.jackknife import sum_squared_influence

TWIN_RTOL = 1e-12  # both sides add the same float64 terms, in another order


def by_definition(subject, position, change, basis):
    """Twin: one time and one subject after the other."""
    total = []
    for t, functions in enumerate(basis):
        held = [
            change[(subject == i) & (position <= t)].sum(axis=0)
            for i in np.unique(subject)
        ]
        total.append(sum((coefficients @ functions) ** 2 for coefficients in held))
    return np.array(total)


@pytest.mark.parametrize("q", [1, 2, 3])
def test_influences_are_summed_within_subjects_and_squared(q):
    rng = np.random.default_rng(20240607)
    arguments = (
        rng.integers(0, 6, 40),
        rng.integers(0, 15, 40),
        rng.normal(size=(40, q)),
        rng.normal(size=(15, q)),
    )
    found = sum_squared_influence(*arguments)
    np.testing.assert_allclose(found, by_definition(*arguments), rtol=TWIN_RTOL)


def test_nothing_is_left_of_a_change_that_is_taken_back():
    change = np.array([[0.1], [0.7], [-0.1], [-0.7]])
    found = sum_squared_influence(
        np.array([3, 8, 3, 8]), np.array([0, 1, 2, 3]), change, np.ones((5, 1))
    )
    np.testing.assert_allclose(found, [0.01, 0.5, 0.49, 0, 0], atol=1e-16)
