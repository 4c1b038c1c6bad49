"""Joint covariance of concordances and of differences, and a test resting on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.cross_concordance import CrossAgreement

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ROUNDING = 1e-12
"""Share of two variances that rounding can leave of that of their difference."""


def joint_covariance(
    agreement: CrossAgreement, group: IntArray, clusters: IntArray | None = None
) -> FloatArray:
    """Covariance of all g g values of C(a, b), row by row, then of the 2 g outside.

    Rows are independent, or clusters where given; both arrays have shape (n,) and the
    order of the risk sets. A row moves only the pairs that its group is in, so the cost
    is O(n g g) without clusters. Values without pairs have NaN.
    """
    g = len(agreement.c_index)
    cov = np.zeros((g * g + 2 * g, g * g + 2 * g))
    every = np.arange(g)
    rest = g * g + np.arange(2 * g)
    places, influences, members = [], [], []
    for a in range(g):
        rows = np.flatnonzero(group == a)
        others = every != a
        event = agreement.of_event[rows]
        event[:, a] += agreement.of_survivor[rows, a]
        influence = np.hstack(
            [
                event,
                agreement.of_survivor[np.ix_(rows, others)],
                agreement.of_outside[rows].reshape(rows.size, 2 * g),
            ]
        )
        places.append(np.concatenate([a * g + every, every[others] * g + a, rest]))
        if clusters is not None:
            member, codes = np.unique(clusters[rows], return_inverse=True)
            influence = np.column_stack([np.bincount(codes, c) for c in influence.T])
            members.append(member)
        influences.append(influence)
        cov[np.ix_(places[a], places[a])] += influence.T @ influence
    if clusters is not None:
        for a in range(g):
            for b in range(a):
                _, in_a, in_b = np.intersect1d(
                    members[a], members[b], assume_unique=True, return_indices=True
                )
                both = influences[a][in_a].T @ influences[b][in_b]
                cov[np.ix_(places[a], places[b])] += both
                cov[np.ix_(places[b], places[a])] += both.T
    return cov


def without_rounding(
    cov: FloatArray, first: FloatArray, second: FloatArray
) -> FloatArray:
    """Covariance of differences, zero where rounding is all that is left of a variance.

    ``cov`` has shape (d, d), and the variances of the two sides of differences (d,).
    """
    nothing = np.diag(cov) <= _ROUNDING * (first + second)
    return np.where(nothing[:, None] | nothing, 0.0, cov)


def principal_chi_squared(difference: FloatArray, cov: FloatArray, df: int) -> float:
    """Squared length of a difference in the ``df`` directions in which it varies most.

    Of g groups alike in every way, C(a, b) - C(b, a) is a difference of two values, one
    of each group, but for terms of smaller order: though there are g (g - 1) / 2 of
    them, they vary in g - 1 directions, and all others hold noise that no chi-squared
    distribution describes. Lengths are in standard deviations along each direction.
    """
    spread = np.sqrt(np.diag(cov))
    values, vectors = np.linalg.eigh(cov / np.outer(spread, spread))
    along = (difference / spread) @ vectors[:, -df:]
    return float(along @ (along / values[-df:]))
