"""The order in which every kernel walks through follow-up, made once per data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Rows in the order of the kernels: strata one after another, time descending.

    Within a stratum the rows that outlast a given row stand before it, and where times
    tie the censored stand before the events, so whoever is comparable with an event has
    been met when the event is reached. All arrays but ``order`` are already sorted.

    Attributes
    ----------
    order : ndarray of int64, shape (n,)
        Row of the design at each sorted position.
    time : ndarray of float64, shape (n,)
        End of follow-up, exactly equal where tied.
    event : ndarray of bool, shape (n,)
        Whether the event was observed at ``time``.
    weights : ndarray of float64, shape (n,)
        Case weights, 1 where none were given.
    stratum_start : ndarray of int64, shape (n_strata + 1,)
        First sorted position of each stratum, and n.
    tie_start : ndarray of int64, shape (n_ties + 1,)
        First sorted position of each block of equal stratum and time, and n.
    entry : ndarray of float64, shape (n,) or (0,)
        Start of follow-up; a row is at risk at t if ``entry < t <= time``. Empty
        without delayed entry.
    entry_order : ndarray of int64, shape (n,) or (0,)
        Sorted positions by stratum, then ``entry`` descending.
    """

    order: NDArray[np.int64]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    weights: NDArray[np.float64]
    stratum_start: NDArray[np.int64]
    tie_start: NDArray[np.int64]
    entry: NDArray[np.float64]
    entry_order: NDArray[np.int64]


def sort_risk_sets(
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    *,
    entry: NDArray[np.float64] | None = None,
    strata: NDArray[np.int64] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> RiskSets:
    """Sort n rows for the kernels.

    Times that tie must be exactly equal; ``strata`` are codes from 0 without gaps.
    """
    n = time.size
    codes = np.zeros(n, np.int64) if strata is None else strata
    n_strata = int(codes.max()) + 1 if n else 0
    order, stratum_start = _arrange(np.argsort(time), time, event, codes, n_strata)
    sorted_time, sorted_codes = time[order], codes[order]
    is_start = np.ones(n, np.bool_)
    is_start[1:] = (np.diff(sorted_time) != 0) | (np.diff(sorted_codes) != 0)
    tie_start = np.append(np.flatnonzero(is_start), n).astype(np.int64)
    if entry is None:
        sorted_entry, entry_order = np.empty(0), np.empty(0, np.int64)
    else:
        sorted_entry = entry[order]
        entry_order = np.lexsort((-sorted_entry, sorted_codes)).astype(np.int64)
    return RiskSets(
        order=order,
        time=sorted_time,
        event=event[order],
        weights=np.ones(n) if weights is None else weights[order],
        stratum_start=stratum_start,
        tie_start=tie_start,
        entry=sorted_entry,
        entry_order=entry_order,
    )


@njit(cache=True, nogil=True)
def _arrange(
    ascending: NDArray[np.int64],
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
    strata: NDArray[np.int64],
    n_strata: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn rows sorted by time into the order of :class:`RiskSets`, in O(n)."""
    n = ascending.size
    start = np.zeros(n_strata + 1, np.int64)
    for row in range(n):
        start[strata[row] + 1] += 1
    for stratum in range(n_strata):
        start[stratum + 1] += start[stratum]
    free = start[:-1].copy()
    order = np.empty(n, np.int64)
    last = n - 1
    while last >= 0:
        first = last
        while first > 0 and time[ascending[first - 1]] == time[ascending[last]]:
            first -= 1
        for wanted in (False, True):
            for position in range(first, last + 1):
                row = ascending[position]
                if event[row] == wanted:
                    order[free[strata[row]]] = row
                    free[strata[row]] += 1
        last = first - 1
    return order, start
