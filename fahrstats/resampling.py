"""Bootstrap draws and folds that respect the design, reproducible by their seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from heapq import heapify, heapreplace
from itertools import islice
from numbers import Integral
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from fahrstats.errors import DataError

IntArray = NDArray[np.int64]
Result = TypeVar("Result")


def draw_counts(
    seed: int,
    n_boot: int,
    n: int,
    *,
    strata: IntArray | None = None,
    cluster: IntArray | None = None,
) -> Sequence[Callable[[], IntArray]]:
    """Return ``n_boot`` functions, each of which draws how often every row is taken.

    Clusters are drawn whole, strata separately (a cluster belongs to the stratum of its
    first row). Draw b depends on ``seed`` and b alone, so neither the order nor the
    number of workers changes a result.

    Raises
    ------
    DataError
        ``seed`` is no whole number from 0 on.
    """
    check_seed(seed)
    units = np.arange(n) if cluster is None else cluster
    first = np.unique(units, return_index=True)[1]
    codes = np.zeros(first.size, np.int64) if strata is None else strata[first]
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    streams = np.random.SeedSequence(seed).spawn(n_boot)

    def draw(stream: np.random.SeedSequence) -> IntArray:
        rng = np.random.default_rng(stream)
        taken = np.zeros(first.size, np.int64)
        for part in members:
            chosen = rng.integers(0, part.size, part.size)
            taken[part] = np.bincount(chosen, minlength=part.size)
        return taken if cluster is None else taken[cluster]

    return [partial(draw, stream) for stream in streams]


def deal_units(
    unit: IntArray, event: NDArray[np.bool_], n_folds: int, seed: int
) -> IntArray:
    """Return the fold of every row, from 0; all rows of a unit are in the same one.

    Units are shuffled. Those with events go first, the most events before fewer, each
    to the fold with the fewest events; then the others, the most rows before fewer,
    each to the fold with the fewest rows.

    Parameters
    ----------
    unit
        Code of each row's subject or cluster, from 0 without gaps, shape (n,).
    event
        Whether the row ends with the event, shape (n,).
    """
    rows = np.bincount(unit)
    events = np.bincount(unit, weights=event).astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(rows.size)
    order = shuffled[np.lexsort((-rows[shuffled], -events[shuffled]))]
    fold = np.empty(rows.size, np.int64)
    by_events = [(0, 0, at) for at in range(n_folds)]  # (events, rows, fold)
    n_with_event = int((events > 0).sum())
    for one in order[:n_with_event]:
        held_events, held_rows, at = by_events[0]
        fold[one] = at
        added = (held_events + int(events[one]), held_rows + int(rows[one]), at)
        heapreplace(by_events, added)
    by_rows = [(held, at) for _, held, at in by_events]
    heapify(by_rows)
    for one in order[n_with_event:]:
        held, at = by_rows[0]
        fold[one] = at
        heapreplace(by_rows, (held + int(rows[one]), at))
    return fold[unit]


def check_seed(seed: int) -> None:
    """Refuse a seed that is no whole number from 0 on."""
    if not isinstance(seed, Integral) or seed < 0:
        raise DataError(
            f"`seed` is {seed}; give a whole number from 0 on, so that the draws can "
            "be repeated."
        )


def map_in_order(
    compute: Callable[[Callable[[], IntArray]], Result],
    draws: Sequence[Callable[[], IntArray]],
    *,
    n_workers: int = 1,
) -> Iterator[Result]:
    """Yield ``compute`` of every draw in order, from threads.

    Kernels release the interpreter while they run; linear algebra is kept to one thread
    a worker, so that sums, and with them results, do not depend on ``n_workers``.
    """
    with threadpool_limits(1), ThreadPoolExecutor(n_workers) as pool:
        waiting = iter(draws)
        queue = [pool.submit(compute, draw) for draw in islice(waiting, 2 * n_workers)]
        while queue:
            done = queue.pop(0)
            yield done.result()
            queue += [pool.submit(compute, draw) for draw in islice(waiting, 1)]
