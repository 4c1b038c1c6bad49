"""Rules for the follow-up columns: what is refused, what is left out, what ties."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TIE_TOLERANCE = 1e-9
"""Times closer than this, relative to their size, differ by rounding only and tie."""

_LEVELS_SHOWN = 6


def column_problems(data: pd.DataFrame, column: str, role: str) -> Iterator[str]:
    """Yield what is wrong with one follow-up column, ``role`` saying what it is for.

    Roles are ``event``, ``time``, ``entry`` and ``weights``; missing values are no
    problem here, since they are counted and left out.
    """
    values = data[column].infer_objects()
    if role == "event":
        yield from _event_problems(values, column)
    elif not pd.api.types.is_numeric_dtype(values) or values.dtype.kind == "c":
        yield (
            f"`{column}` must hold numbers, but its type is {values.dtype}; "
            "give durations in days, months or years, and weights as numbers."
        )
    else:
        numbers = as_float(values)
        n_infinite = int(np.isinf(numbers).sum())
        if n_infinite:
            yield (
                f"`{column}` is infinite in {n_infinite} of {len(values)} rows; "
                "give finite values, or leave them empty to drop the rows."
            )
        n_negative = int((numbers < 0).sum())
        if n_negative:
            hint = (
                "weights count how much a row stands for"
                if role == "weights"
                else "dates in the wrong order?"
            )
            yield (
                f"`{column}` is negative in {n_negative} of {len(values)} rows "
                f"({hint}); correct them, or leave them empty to drop the rows."
            )


def _event_problems(values: pd.Series, column: str) -> Iterator[str]:
    """Yield why an event column is not 0/1 or boolean."""
    present = values.dropna().infer_objects()
    is_logical = pd.api.types.is_bool_dtype(present)
    is_number = pd.api.types.is_numeric_dtype(present)
    if is_logical or present.empty or (is_number and present.isin([0, 1]).all()):
        return
    counts = present.value_counts().head(_LEVELS_SHOWN)
    shown = ", ".join(f"{level} ({n} rows)" for level, n in counts.items())
    levels = set(counts.index)
    is_competing = is_number and levels <= {0, 1, 2} and {0, 2} <= levels
    question = "competing risk? " if is_competing else ""
    yield (
        f"`{column}` must be 0/1 or boolean, but it holds {shown}; "
        f"{question}recode it so that 1 marks an event and 0 a censored time."
    )


def as_float(values: pd.Series) -> NDArray[np.float64]:
    """Convert a numeric or boolean column to float64, missing values to NaN."""
    values = values.infer_objects()
    if values.dtype == object:
        values = values.astype("boolean")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def merge_near_ties(
    time: NDArray[np.float64], entry: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Make times equal that differ by rounding error only, entries and ends together.

    Thirty days over 365.25, reached by two routes, must tie with itself. The tolerance
    is relative to the times compared, so the unit does not matter and times around
    1e-9 stay apart.
    """
    both = time if entry is None else np.concatenate([time, entry])
    if np.array_equal(both, np.rint(both)) and np.abs(both).max() < 1 / TIE_TOLERANCE:
        return time, entry
    order = np.argsort(both)
    ascending = both[order]
    starts = np.ones(both.size, np.bool_)
    starts[1:] = np.diff(ascending) > TIE_TOLERANCE * np.abs(ascending[1:])
    merged = np.empty_like(both)
    merged[order] = ascending[starts][np.cumsum(starts) - 1]
    if entry is None:
        return merged, None
    return merged[: time.size], merged[time.size :]
