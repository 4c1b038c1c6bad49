"""Ages as a table of labels knows them: exactly, in a bin, or by two years."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.training.faces.label_columns import (
    BoolArray,
    FloatArray,
    in_rows,
    numbers_of,
)

OLDEST = 125.0
"""Years; a label beyond is a mistake, such as a year of birth or a code for unknown."""

AGE_COLUMNS = ("age", "age_low", "age_high", "birth_year", "photo_year")

_ROUNDING = 0.1  # years; an age counted in years of 365 days is that much off at 125


def known_ages(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of each row's age in years, each (n,).

    Equal where ``age`` is given, which is taken as exact. Otherwise the age is in
    [low, high): from ``age_low`` to ``age_high`` (blank or ``inf``: open), from
    ``photo_year - birth_year - 1`` to ``photo_year - birth_year + 1`` (the birthday and
    the day of the photo being unknown), or in both where both are given. NaN where
    nothing is known.

    Raises
    ------
    DataError
        An age outside of 0 to 125 years, a bin upside down or empty or without its
        lower end, columns that disagree or lack their other half, or no number.
    """
    n = len(table)
    age = _ages(table, "age")
    low, high = np.full(n, -np.inf), np.full(n, np.inf)
    is_known = np.zeros(n, np.bool_)
    for columns, (from_, to), slack in _intervals(table):
        is_given = ~np.isnan(from_)
        outside = (age < from_ - slack) | (age >= to + slack)
        if outside.any():
            raise DataError(f"`age` disagrees with {columns} {in_rows(outside)}.")
        low, high = np.fmax(low, from_), np.fmin(high, to)
        if (low >= high).any():
            raise DataError(
                f"`age_low` and `age_high` disagree with {columns} "
                f"{in_rows(low >= high)}."
            )
        is_known |= is_given
    is_exact = ~np.isnan(age)
    low, high = np.where(is_known, low, np.nan), np.where(is_known, high, np.nan)
    return np.where(is_exact, age, low), np.where(is_exact, age, high)


def bins_of(low: FloatArray, high: FloatArray, edges: FloatArray) -> NDArray[np.int64]:
    """Return the bin of each age, (n,); see `labels.age_bins`."""
    is_right = edges.ndim == 1 and edges.size > 1 and np.isfinite(edges[:-1]).all()
    if not is_right or not (edges[1:] > edges[:-1]).all():
        raise DataError(
            f"`edges` are {edges.tolist()}; give at least two ages that ascend, of "
            "which the last may be infinite."
        )
    # An open interval lies where it begins: few live to be much older.
    is_point = ~((low < high) & np.isfinite(high))
    bins = np.searchsorted(edges, low, side="right") - 1
    bins[bins == edges.size - 1] = -1  # beyond the last edge, or NaN
    from_, to = low[~is_point, None], high[~is_point, None]
    shared = np.minimum(to, edges[1:]) - np.maximum(from_, edges[:-1])  # (n, bins)
    bins[~is_point] = np.where(shared.max(axis=1) > 0, shared.argmax(axis=1), -1)
    return np.asarray(bins, np.int64)


def _intervals(
    table: pd.DataFrame,
) -> Iterator[tuple[str, tuple[FloatArray, FloatArray], float]]:
    """Yield what bounds the ages: its columns, bounds, and what rounding may add."""
    if _has_both(table, "age_low", "age_high"):
        yield "`age_low` and `age_high`", _given_bins(table), 0.0
    if _has_both(table, "birth_year", "photo_year"):
        yield "`birth_year` and `photo_year`", _years(table), _ROUNDING


def _has_both(table: pd.DataFrame, first: str, second: str) -> bool:
    given = [column for column in (first, second) if column in table]
    if len(given) == 1:
        missing = second if given == [first] else first
        raise DataError(
            f"The table has a column `{given[0]}` and none named `{missing}`; an age "
            "takes both."
        )
    return bool(given)


def _given_bins(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    low, high = _ages(table, "age_low"), _ages(table, "age_high", is_open=True)
    is_low_known = ~np.isnan(low)
    is_wrong = ~is_low_known & ~np.isnan(high)
    if is_wrong.any():
        raise DataError(
            f"`age_low` is missing beside its `age_high` {in_rows(is_wrong)}; give 0 "
            "where a bin begins at birth."
        )
    high = np.where(is_low_known & np.isnan(high), np.inf, high)
    if (low >= high).any():
        raise DataError(
            f"`age_low` is not below `age_high` {in_rows(low >= high)}; a bin is "
            "[low, high), and an age that is known exactly stands in `age`."
        )
    return low, high


def _years(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    born, taken = numbers_of(table, "birth_year"), numbers_of(table, "photo_year")
    for column, year in (("birth_year", born), ("photo_year", taken)):
        is_wrong = ~np.isnan(year) & ((year != np.rint(year)) | np.isinf(year))
        if is_wrong.any():
            raise DataError(
                f"`{column}` is no whole year {in_rows(is_wrong)}; give years such as "
                "1961, and an age that is known better in `age`."
            )
    between = taken - born
    is_wrong = (between < 0) | (between > OLDEST)
    if is_wrong.any():
        raise DataError(
            f"`photo_year` is before `birth_year` or over {OLDEST:g} years after it "
            f"{in_rows(is_wrong)}; correct them or leave them blank."
        )
    return np.maximum(between - 1, 0.0), between + 1


def _ages(table: pd.DataFrame, column: str, *, is_open: bool = False) -> FloatArray:
    """Return ages in years, NaN where unknown; ``is_open`` lets them be infinite."""
    if column not in table:
        return np.full(len(table), np.nan)
    age = numbers_of(table, column)
    is_wrong: BoolArray = (age < 0) | (age > OLDEST)
    if is_open:
        is_wrong &= age != np.inf
    if is_wrong.any():
        raise DataError(
            f"`{column}` is outside of 0 to {OLDEST:g} years {in_rows(is_wrong)} "
            f"({age[is_wrong][0]:g}); correct such labels, or leave them blank where "
            "the age is unknown."
        )
    return age
