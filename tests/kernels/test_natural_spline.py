"""Natural cubic splines by what they must be: cubic pieces, smooth, linear outside."""

from __future__ import annotations

import numpy as np

from fahrstats.kernels.natural_spline import natural_spline

KNOTS = np.array([1.0, 2.5, 3.0, 7.0])


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


def test_as_many_columns_as_knots_that_are_independent():
    basis = natural_spline(np.linspace(0, 8, 50), KNOTS)
    assert basis.shape == (50, 4)
    assert np.linalg.matrix_rank(basis) == 4


def test_units_of_the_values_do_not_change_the_basis_beyond_the_line():
    x = np.linspace(0, 8, 50)
    np.testing.assert_allclose(
        natural_spline(1e6 * x - 3, 1e6 * KNOTS - 3),
        natural_spline(x, KNOTS),
        rtol=1e-8,
        atol=1e-9,
    )
