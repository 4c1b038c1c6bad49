r"""The infinitesimal jackknife of a curve, summed within subjects.

The influence of a subject on a curve at time t is the sum over its rows of size times
the derivative with respect to the weight of the row. For the curves here it is linear
in q functions of t, the basis, with coefficients that change where a row enters or
ends; so the sum of its squares over subjects follows from running sums of products of
coefficients, and n rows and m times take O(n + m) steps.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def sum_squared_influence(
    subject: IntArray, position: IntArray, change: FloatArray, basis: FloatArray
) -> FloatArray:
    """Sum over subjects of their squared influence at each time, shape (m,).

    At ``position`` (p,) the coefficients of ``subject`` (p,) change by ``change``
    (p, q); their product with ``basis`` (m, q) is its influence from then on.
    """
    order = np.lexsort((position, subject))
    products = _running_products(
        subject[order], position[order], change[order], len(basis)
    )
    squares: FloatArray = np.einsum("mi,mij,mj->m", basis, products, basis)
    return squares


@njit(cache=True, nogil=True)
def _running_products(
    subject: IntArray, position: IntArray, change: FloatArray, m: int
) -> FloatArray:
    """Sum over subjects of the products of their coefficients, shape (m, q, q).

    Changes arrive by subject and, within one, by position.
    """
    q = change.shape[1]
    products = np.zeros((m, q, q))
    held = np.zeros(q)
    for k in range(subject.size):
        if k > 0 and subject[k] != subject[k - 1]:
            held[:] = 0.0
        at = products[position[k]]
        for i in range(q):
            for j in range(q):
                before = held[i] * held[j]
                after = (held[i] + change[k, i]) * (held[j] + change[k, j])
                at[i, j] += after - before
        for i in range(q):
            held[i] += change[k, i]
    for t in range(1, m):
        products[t] += products[t - 1]
    return products
