"""Rows of a bootstrap draw, sorted already because the cohort is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fahrstats.kernels.risk_sets import RiskSets


def draw_risk_sets(
    sets: RiskSets, counts: NDArray[np.int64]
) -> tuple[RiskSets, NDArray[np.int64]]:
    """Keep the rows that were drawn, their weights multiplied by how often, in O(n).

    A row drawn twice is a row of twice the weight: it is tied with itself in the risk
    sets of Efron's approximation no more than any single row is.

    Parameters
    ----------
    sets
        The n rows in the order of the kernels.
    counts
        How often each is drawn, shape (n,), in that order.

    Returns
    -------
    tuple
        The rows with a count above zero, and their sorted positions in ``sets``. Strata
        without a row drawn are gone, so that the others keep no gap.
    """
    kept = np.flatnonzero(counts)
    n = counts.size
    new_position = np.empty(n + 1, np.int64)
    new_position[0] = 0
    np.cumsum(counts > 0, out=new_position[1:])
    entry, entry_order = sets.entry, sets.entry_order
    if entry.size:
        entry = entry[kept]
        drawn = entry_order[counts[entry_order] > 0]
        entry_order = new_position[drawn]
    drawn_sets = RiskSets(
        order=sets.order[kept],
        time=sets.time[kept],
        event=sets.event[kept],
        weights=sets.weights[kept] * counts[kept],
        stratum_start=_distinct(new_position[sets.stratum_start]),
        tie_start=_distinct(new_position[sets.tie_start]),
        entry=entry,
        entry_order=entry_order,
    )
    return drawn_sets, kept


def _distinct(ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each value of a sorted array once."""
    is_last = np.append(np.diff(ascending) > 0, True)
    return np.asarray(ascending[is_last], np.int64)
