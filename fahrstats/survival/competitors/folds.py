"""Rows dealt into folds: events spread evenly, clusters kept whole."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError

IntArray = NDArray[np.int64]

_FEWEST = 2


def deal_folds(design: Design, n_folds: int, seed: int) -> IntArray:
    """Return the fold of every row, from 0.

    Units (clusters, or rows) are shuffled. Those with events go first, the most events
    before fewer, each to the fold with the fewest events; then the others, each to the
    smallest fold.

    Raises
    ------
    DataError
        ``n_folds`` or ``seed`` is no such number, or there are fewer events or clusters
        than folds.
    """
    _check_numbers(n_folds, seed)
    units = np.arange(design.n) if design.cluster is None else design.cluster
    sizes = np.bincount(units)
    events = np.bincount(units, weights=design.event).astype(np.int64)
    if design.n_events < n_folds:
        raise DataError(
            f"`{design.formula.event}` marks {design.n_events} events, fewer than the "
            f"{n_folds} folds of `n_folds`; every fold needs one."
        )
    if sizes.size < n_folds:
        raise DataError(
            f"`{design.roles.cluster}` has {sizes.size} clusters, fewer than the "
            f"{n_folds} folds of `n_folds`; clusters are kept whole."
        )
    shuffled = np.random.default_rng(seed).permutation(sizes.size)
    order = shuffled[np.argsort(-events[shuffled], kind="stable")]
    return _deal(sizes, events, order, n_folds)[units]


def _deal(sizes: IntArray, events: IntArray, order: IntArray, n_folds: int) -> IntArray:
    """Deal units in an order, each to the fold that needs it most; ties to the first.

    ``sizes`` and ``events`` count the rows and events of each unit.
    """
    fold = np.empty(sizes.size, np.int64)
    held: list[tuple[int, int]] = [(0, 0)] * n_folds
    for unit in order:
        n_events, n = int(events[unit]), int(sizes[unit])
        needs = held if n_events else [(rows, at) for at, (_, rows) in enumerate(held)]
        at = needs.index(min(needs))
        fold[unit] = at
        held[at] = held[at][0] + n_events, held[at][1] + n
    return fold


def _check_numbers(n_folds: int, seed: int) -> None:
    """Refuse numbers of folds, and seeds, that are none."""
    is_whole = isinstance(n_folds, Integral) and not isinstance(n_folds, bool)
    if not is_whole or n_folds < _FEWEST:
        raise DataError(
            f"`n_folds` is {n_folds}; give a whole number of at least {_FEWEST}."
        )
    if not isinstance(seed, Integral) or seed < 0:
        raise DataError(
            f"`seed` is {seed}; give a whole number from 0 on, so that the folds can "
            "be repeated."
        )
