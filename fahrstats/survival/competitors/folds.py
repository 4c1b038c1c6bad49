"""Rows dealt into folds: events spread evenly, clusters kept whole."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from fahrstats.cohort.design import Design
from fahrstats.errors import DataError
from fahrstats.resampling import IntArray, check_seed, deal_units

_FEWEST = 2


def deal_folds(design: Design, n_folds: int, seed: int) -> IntArray:
    """Return the fold of every row, from 0, as ``deal_units`` deals clusters, or rows.

    Raises
    ------
    DataError
        ``n_folds`` or ``seed`` is no such number, or there are fewer events or clusters
        than folds.
    """
    _check_numbers(n_folds, seed)
    units = np.arange(design.n) if design.cluster is None else design.cluster
    n_units = int(units.max()) + 1
    if design.n_events < n_folds:
        raise DataError(
            f"`{design.formula.event}` marks {design.n_events} events, fewer than the "
            f"{n_folds} folds of `n_folds`; every fold needs one."
        )
    if n_units < n_folds:
        raise DataError(
            f"`{design.roles.cluster}` has {n_units} clusters, fewer than the "
            f"{n_folds} folds of `n_folds`; clusters are kept whole."
        )
    return deal_units(units, design.event, n_folds, seed)


def _check_numbers(n_folds: int, seed: int) -> None:
    """Refuse numbers of folds, and seeds, that are none."""
    is_whole = isinstance(n_folds, Integral) and not isinstance(n_folds, bool)
    if not is_whole or n_folds < _FEWEST:
        raise DataError(
            f"`n_folds` is {n_folds}; give a whole number of at least {_FEWEST}."
        )
    check_seed(seed)
