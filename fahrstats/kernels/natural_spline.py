"""Natural cubic splines: linear beyond the outer knots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def natural_spline(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Return a basis of the natural cubic splines with k knots, shape (n, k).

    A constant, the value itself, and k - 2 truncated cubes in units of the span of the
    knots, which are ascending.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), Elements of Statistical Learning, 5.2.1.
    """
    x = (values - knots[0]) / (knots[-1] - knots[0])
    at = (knots - knots[0]) / (knots[-1] - knots[0])
    cubes = np.maximum(x[:, None] - at, 0.0) ** 3
    steep = (cubes[:, :-1] - cubes[:, -1:]) / (at[-1] - at[:-1])
    return np.column_stack([np.ones(x.size), x, steep[:, :-1] - steep[:, -1:]])
