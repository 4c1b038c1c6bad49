"""Bootstrap draws that respect the design, each from a random stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
    if not isinstance(seed, Integral) or seed < 0:
        raise DataError(
            f"`seed` is {seed}; give a whole number from 0 on, so that the draws can "
            "be repeated."
        )
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
