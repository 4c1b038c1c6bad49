"""Swaps of labels: all of them by hand, an inverse, a twin, and differences of none."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from fahrstats.kernels.label_swaps import (
    deviations,
    largest_when_swapped,
    means_within,
    share_as_large,
    skew_free,
)

TWIN_RTOL = 1e-10  # third powers are subtracted from each other


def draws(seed: int, shape: tuple[int, int] = (12, 3)) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1.0, size=shape) - 0.8


def hall(column: np.ndarray) -> float:
    """Return Hall's statistic of one column, by the library's skewness."""
    n = len(column)
    t = np.sqrt(n) * column.mean() / column.std(ddof=1)
    g = skew(column) / np.sqrt(n) * (1 + 10 / n)
    return t + g * t**2 / 3 + g**2 * t**3 / 27 + g / 6


def test_the_statistic_is_halls():
    found = skew_free(draws(1))
    expected = [hall(column) for column in draws(1).T]
    np.testing.assert_allclose(found, expected, TWIN_RTOL)


def test_random_swaps_are_a_sample_of_all_swaps():
    """4,096 swaps of 12 pairs: the share beyond any size is that of the random ones."""
    differences = draws(2)
    every = [
        np.abs(skew_free(np.array(signs)[:, None] * differences)).max()
        for signs in product([-1.0, 1.0], repeat=12)
    ]
    largest = largest_when_swapped(differences, 20_000, np.random.default_rng(3))
    for size in np.quantile(every, [0.5, 0.9, 0.95, 0.99]):
        expected = np.mean(np.array(every) >= size * (1 - 1e-9))
        found = share_as_large(largest, np.array(size))
        assert found == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 20_000))


@given(seed=st.integers(0, 50), size=st.floats(0.5, 5))
def test_limits_are_the_means_whose_statistic_is_the_size(seed, size):
    differences = draws(seed, (30, 4))
    low, high = means_within(differences, size)
    assert (low < high).all()
    for limit, wanted in ((low, size), (high, -size)):
        np.testing.assert_allclose(skew_free(differences - limit), wanted, 1e-8)


@given(seed=st.integers(0, 50), factor=st.floats(1e-6, 1e6))
def test_units_and_order_change_nothing_and_a_swap_of_all_the_sign(seed, factor):
    differences = draws(seed)
    found = skew_free(differences)
    np.testing.assert_allclose(skew_free(factor * differences), found, 1e-8)
    np.testing.assert_allclose(skew_free(differences[::-1]), found, 1e-8)
    np.testing.assert_allclose(skew_free(-differences), -found, 1e-8)


def test_without_skewness_it_is_the_studentised_mean():
    column = np.array([[-1.0], [0.0], [1.0]]) + 0.5
    (found,) = skew_free(column)
    assert found == pytest.approx(0.5 * np.sqrt(3))  # standard deviation 1, n = 3
    low, high = means_within(column, 2.0)
    assert (0.5 - low[0], high[0] - 0.5) == pytest.approx((2 / np.sqrt(3),) * 2)


def test_differences_of_none_are_never_large_and_constant_ones_always():
    differences = np.column_stack([np.zeros(9), np.full(9, 0.1), np.arange(9.0)])
    found = skew_free(differences)
    assert found[0] == 0
    assert found[1] == np.inf
    largest = largest_when_swapped(
        deviations(differences), 199, np.random.default_rng(1)
    )
    p = share_as_large(largest, found)
    assert (p[0], p[1]) == (1.0, 1 / 200)
    low, high = means_within(differences, 3.0)
    assert low[:2].tolist() == high[:2].tolist() == [0.0, pytest.approx(0.1)]


def test_no_differences_at_all_have_a_p_value_of_one():
    nothing = np.zeros((5, 2))
    largest = largest_when_swapped(nothing, 99, np.random.default_rng(1))
    assert share_as_large(largest, np.abs(skew_free(nothing)).max()) == 1


def test_deviations_lose_the_rounding_of_constants():
    differences = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    found = deviations(differences)
    assert not found[:, 0].any()
    assert found[:, 1].tolist() == [-3, -2, -1, 0, 1, 2, 3]
