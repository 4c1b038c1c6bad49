r"""Natural cubic splines, also called restricted: linear beyond the outer two knots.

With k knots :math:`t_1 < ... < t_k` they are combinations of a constant and k - 1
columns: x itself and, for j = 1 ... k - 2 and with :math:`u_+ = \max(u, 0)`,

.. math::

    \left[ (x - t_j)_+^3 - (x - t_{k-1})_+^3 \frac{t_k - t_j}{t_k - t_{k-1}}
    + (x - t_k)_+^3 \frac{t_{k-1} - t_j}{t_k - t_{k-1}} \right] / (t_k - t_1)^2

in the units of x (Harrell 2015, section 2.4.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def natural_spline(x: FloatArray, knots: FloatArray | Sequence[float]) -> FloatArray:
    """Return the k - 1 columns of a spline, shape (n, k - 1), x itself first.

    References
    ----------
    Stone and Koo (1985), Proceedings of the Statistical Computing Section, ASA, 45-48.
    """
    t = np.asarray(knots, np.float64)
    last, width = t[-1] - t[-2], (t[-1] - t[0]) ** (2 / 3)

    def cube(knot: float) -> FloatArray:
        return np.asarray(np.maximum((x - knot) / width, 0.0) ** 3, np.float64)

    bends = [
        cube(s) + ((t[-2] - s) * cube(t[-1]) - (t[-1] - s) * cube(t[-2])) / last
        for s in t[:-2]
    ]
    return np.column_stack([x, *bends])


def natural_spline_slope(
    x: FloatArray, knots: FloatArray | Sequence[float]
) -> FloatArray:
    """Return the derivatives by x of the columns of :func:`natural_spline`."""
    t = np.asarray(knots, np.float64)
    last, width = t[-1] - t[-2], (t[-1] - t[0]) ** (2 / 3)

    def square(knot: float) -> FloatArray:
        return np.asarray(3 * np.maximum((x - knot) / width, 0.0) ** 2 / width)

    bends = [
        square(s) + ((t[-2] - s) * square(t[-1]) - (t[-1] - s) * square(t[-2])) / last
        for s in t[:-2]
    ]
    return np.column_stack([np.ones(x.size), *bends])
