"""Groups in which the accuracy of predicted age is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.levels import MISSING, subgroup_levels
from fahrstats.display.labels import CROSS
from fahrstats.errors import DataError
from fahrstats.measurement.age_rows import AgeRows

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

OVERALL = "overall"
ACROSS = "across bands"
"""Level of photos whose age is known to an interval in more than one band."""


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """How photos are parted.

    Attributes
    ----------
    subgroup : str
        The column, or the columns of a crossing.
    levels : tuple of str
        Groups in their order, those without a photo included.
    code : ndarray of shape (n,)
        Position of each photo's group among the levels.
    columns : tuple of str
        Columns that it is made of.
    """

    subgroup: str
    levels: tuple[str, ...]
    code: IntArray
    columns: tuple[str, ...]

    def members(self, level: int) -> IntArray:
        """Return the photos of a group."""
        return np.flatnonzero(self.code == level)


def everyone(n: int) -> Grouping:
    """Return the one group of all photos."""
    return Grouping(OVERALL, (OVERALL,), np.zeros(n, np.int64), ())


def age_grouping(rows: AgeRows, name: str, bands: Sequence[float]) -> Grouping:
    """Part photos by the band of age that they fall into; the last has no end.

    Bands that begin above the start of an interval without end are joined with the one
    that it starts in. Photos whose interval reaches into another band are a group of
    their own.

    Raises
    ------
    DataError
        ``bands`` do not ascend, or an age is below the first.
    """
    starts = _ascending(bands)
    n_below = int((rows.low < starts[0]).sum())
    if n_below:
        raise DataError(
            f"`age_bands` begin at {starts[0]:g}, but {n_below} of {rows.low.size} "
            "ages are below; begin at 0, or leave these rows out."
        )
    open_from = rows.low[np.isinf(rows.high)]
    if open_from.size:
        starts = starts[starts <= open_from.max()]
    code = np.searchsorted(starts, rows.low, side="right") - 1
    is_interval = rows.low < rows.high
    # An interval does not hold its end.
    last = np.searchsorted(starts, rows.high, side="left") - 1
    is_across = is_interval & (last > code)
    levels = _band_names(starts)
    if is_across.any():
        code = np.where(is_across, len(levels), code)
        levels = (*levels, ACROSS)
    return Grouping(name, levels, code.astype(np.int64), (name,))


def factor_grouping(data: pd.DataFrame, rows: AgeRows, column: str) -> Grouping:
    """Part photos by a column; its missing values are a level."""
    levels = subgroup_levels(data, column).iloc[rows.position]
    code = levels.cat.codes.to_numpy().astype(np.int64)
    return Grouping(column, tuple(levels.cat.categories), code, (column,))


def cross(parts: Sequence[Grouping]) -> Grouping:
    """Part photos by several columns together."""
    sizes = [len(part.levels) for part in parts]
    code = np.ravel_multi_index(tuple(part.code for part in parts), sizes)
    names = [
        CROSS.join(
            part.levels[at]
            for part, at in zip(parts, np.unravel_index(cell, sizes), strict=True)
        )
        for cell in range(int(np.prod(sizes)))
    ]
    return Grouping(
        CROSS.join(part.subgroup for part in parts),
        tuple(names),
        np.asarray(code, np.int64),
        tuple(column for part in parts for column in part.columns),
    )


def asked_for(
    by: Sequence[str | Sequence[str]],
    data: pd.DataFrame,
    rows: AgeRows,
    of_age: Grouping,
) -> list[Grouping]:
    """Return the groupings of ``by``: a name is a column, several are a crossing.

    Raises
    ------
    DataError
        ``by`` is a text, a crossing has fewer than two columns, or a column is absent,
        holds a measurement or is named as everyone is.
    """
    if isinstance(by, str):
        raise DataError(f"`by` is the text `{by}`; give a list of columns.")
    known = {of_age.subgroup: of_age}

    def find(column: str) -> Grouping:
        if column in rows.models:
            raise DataError(
                f"`by` names `{column}`, a predicted age; groups must be known before "
                "the prediction."
            )
        if column == OVERALL:
            raise DataError(
                f"`by` names `{OVERALL}`, the name of everyone in the result; give the "
                "column another one."
            )
        if column not in known:
            known[column] = factor_grouping(data, rows, column)
        return known[column]

    found = {}
    for entry in by:
        columns = [entry] if isinstance(entry, str) else list(entry)
        if not isinstance(entry, str) and len(set(columns)) < 2:
            raise DataError(
                f"`by` has the crossing {entry}; name two or more different columns, "
                "or one column as a text."
            )
        parts = [find(column) for column in columns]
        one = parts[0] if len(parts) == 1 else cross(parts)
        found[one.subgroup] = one
    found.pop(of_age.subgroup, None)  # bands of age are always shown
    return list(found.values())


def is_cell(level: str) -> bool:
    """Whether a band of age, or a crossing of bands with a group, counts in a mean.

    Photos across bands, and those whose group is unknown, do not.
    """
    band, *group = level.split(CROSS, maxsplit=1)
    return band != ACROSS and group != [MISSING]


def _ascending(bands: Sequence[float]) -> FloatArray:
    """Return the ages at which bands begin, or refuse what are none."""
    try:
        starts = np.asarray(bands, np.float64)
    except (TypeError, ValueError):
        starts = np.empty(0)
    if starts.ndim != 1 or not starts.size or not (np.diff(starts) > 0).all():
        given = np.asarray(bands, object).tolist()
        raise DataError(
            f"`age_bands` are {given}; give the ages at which bands begin, in "
            "ascending order."
        )
    return starts


def _band_names(starts: FloatArray) -> tuple[str, ...]:
    """Name bands by their first and last whole year."""
    is_whole = (starts == np.floor(starts)).all()
    names = [
        f"{a:g}-{b - 1:g}" if is_whole and b - a > 1 else f"{a:g} to <{b:g}"
        for a, b in pairwise(starts)
    ]
    return (*names, f"{starts[-1]:g}+")
