"""Natural cubic splines by what they must be: cubic pieces, smooth, linear outside."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from fahrstats.kernels.natural_spline import natural_spline

KNOTS = np.array([1.0, 2.5, 3.0, 7.0])
MORE_KNOTS = (30.0, 45.0, 60.0, 62.0, 80.0)


def test_each_column_is_a_cubic_between_knots_and_linear_outside():
    for low, high, degree in (
        (-5, 1, 1),
        (1, 2.5, 3),
        (2.5, 3, 3),
        (3, 7, 3),
        (7, 20, 1),
    ):
        x = np.linspace(low, high, 30)
        for column in natural_spline(x, KNOTS).T:
            left = column - np.polyval(np.polyfit(x, column, degree), x)
            assert np.abs(left).max() < 1e-9


def test_value_slope_and_curvature_are_continuous_at_the_knots():
    h = 1e-4
    for knot in KNOTS:
        at = knot + h * np.array([-2, -1, 0, 1, 2])
        below, near, here, above, far = natural_spline(at, KNOTS)
        np.testing.assert_allclose(above - here, here - near, atol=1e-7)
        bend_left = here - 2 * near + below
        bend_right = far - 2 * above + here
        np.testing.assert_allclose(bend_left / h**2, bend_right / h**2, atol=1e-2)


def test_a_column_for_each_knot_but_one_that_are_independent():
    basis = natural_spline(np.linspace(0, 8, 50), KNOTS)
    assert basis.shape == (50, 3)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(50), basis])) == 4


def test_every_natural_cubic_spline_is_a_combination_of_the_columns():
    """Twin: scipy's natural spline through arbitrary values at the knots."""
    heights = np.array([1.0, -2, 0.5, 3, 1])
    wanted = CubicSpline(MORE_KNOTS, heights, bc_type="natural")
    inside = np.linspace(MORE_KNOTS[0], MORE_KNOTS[-1], 50)
    columns = np.column_stack([np.ones(50), natural_spline(inside, MORE_KNOTS)])
    coefficients = np.linalg.lstsq(columns, wanted(inside), rcond=None)[0]
    np.testing.assert_allclose(columns @ coefficients, wanted(inside), atol=1e-11)
    beyond = np.array([-10.0, 0, 25, 81, 100, 500])
    end = np.where(beyond < MORE_KNOTS[0], MORE_KNOTS[0], MORE_KNOTS[-1])
    line = wanted(end) + wanted(end, 1) * (beyond - end)
    columns = np.column_stack([np.ones(6), natural_spline(beyond, MORE_KNOTS)])
    np.testing.assert_allclose(columns @ coefficients, line, rtol=1e-9)


def test_one_bend_is_the_formula_of_the_book():
    """Three knots 0, 1, 2: x cubed less 2 (x - 1) cubed plus (x - 2) cubed, over 4."""
    x = np.array([-1.0, 0.5, 1.5, 3])
    basis = natural_spline(x, [0, 1, 2])
    np.testing.assert_array_equal(basis[:, 0], x)
    wanted = [0, 0.5**3 / 4, (1.5**3 - 2 * 0.5**3) / 4, (27 - 16 + 1) / 4]
    np.testing.assert_allclose(basis[:, 1], wanted, rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_columns_change_unit_with_the_variable(scale):
    x = np.linspace(20, 90, 30)
    scaled = natural_spline(scale * x, [scale * knot for knot in MORE_KNOTS])
    np.testing.assert_allclose(
        scaled, scale * natural_spline(x, MORE_KNOTS), rtol=1e-12
    )
