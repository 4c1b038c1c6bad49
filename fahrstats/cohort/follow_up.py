"""Rules for the follow-up columns: what is refused, what is left out, what ties."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TIE_TOLERANCE = 1e-9
"""Times closer than this, relative to their size, differ by rounding only and tie."""

_LEVELS_SHOWN = 6

_HEAVIEST = 1e75
"""Size of weights whose sums can still be squared, and one over it too."""

_WIDEST_OFFSET = 600.0
"""Range of offsets within which the hazards of two rows can be added up."""


def column_problems(data: pd.DataFrame, column: str, role: str) -> Iterator[str]:
    """Yield what is wrong with one follow-up column, ``role`` saying what it is for.

    Roles are ``event``, ``time``, ``entry``, ``weights`` and ``offset``; missing values
    are no problem here, since they are counted and left out.
    """
    values = data[column]
    if values.dtype == object:
        values = values.dropna().infer_objects()
    if role == "event":
        yield from _event_problems(values.dropna(), column)
    elif not is_number(values) and len(values):
        hint = "give durations in days, months or years, and weights as numbers."
        if role == "offset":
            hint = "an offset is the log of a hazard ratio."
        yield f"`{column}` must hold numbers, but it holds {_kind(values)}; {hint}"
    else:
        numbers = as_float(values)
        n_infinite = int(np.isinf(numbers).sum())
        if n_infinite:
            yield (
                f"`{column}` is infinite in {n_infinite} of {len(data)} rows; "
                "give finite values, or leave them empty to drop the rows."
            )
        if role == "offset":
            yield from _offset_problems(numbers, column)
            return
        if role == "weights":
            yield from _weight_problems(numbers, column)
        n_negative = int((numbers < 0).sum())
        if n_negative:
            hint = (
                "weights count how much a row stands for"
                if role == "weights"
                else "dates in the wrong order?"
            )
            yield (
                f"`{column}` is negative in {n_negative} of {len(data)} rows "
                f"({hint}); correct them, or leave them empty to drop the rows."
            )


def _offset_problems(numbers: NDArray[np.float64], column: str) -> Iterator[str]:
    """Yield why the risks that an offset stands for are not numbers."""
    finite = numbers[np.isfinite(numbers)]
    span = float(np.ptp(finite)) if finite.size else 0.0
    if span > _WIDEST_OFFSET:
        yield (
            f"`{column}` spans {span:g} as an offset, and hazards differ by its "
            "exponential, which no number can hold; give the log of a hazard ratio."
        )


def _weight_problems(numbers: NDArray[np.float64], column: str) -> Iterator[str]:
    """Yield why squares of weights are not numbers."""
    weights = numbers[(numbers > 0) & np.isfinite(numbers)]
    is_extreme = (weights > _HEAVIEST) | (weights < 1 / _HEAVIEST)
    if is_extreme.any():
        yield (
            f"`{column}` is {weights[is_extreme][0]:g} as a weight, whose square no "
            "number can hold; divide all weights by one number."
        )


def _event_problems(present: pd.Series, column: str) -> Iterator[str]:
    """Yield why the known values of an event column are not 0/1 or boolean."""
    is_logical = pd.api.types.is_bool_dtype(present)
    if (
        is_logical
        or present.empty
        or (is_number(present) and present.isin([0, 1]).all())
    ):
        return
    counts = present.value_counts()
    levels = set(counts.index)
    shown = ", ".join(
        f"{level} ({n} rows)" for level, n in counts.head(_LEVELS_SHOWN).items()
    )
    if len(counts) > _LEVELS_SHOWN:
        shown += f" and {len(counts) - _LEVELS_SHOWN} more"
    held = "" if is_number(present) else f"{_kind(present)}: "
    is_competing = is_number(present) and {0, 2} <= levels <= {0, 1, 2}
    question = "competing risk? " if is_competing else ""
    yield (
        f"`{column}` must be 0/1 or boolean, but it holds {held}{shown}; "
        f"{question}recode it so that 1 marks an event and 0 a censored time."
    )


def interval_problems(
    data: pd.DataFrame, exit_column: str, entry_column: str | None, id: str | None
) -> Iterator[str]:
    """Yield entries after exits, and subjects on more rows than they may have.

    ``id`` is the column of subjects, or None where they may be on several rows.
    """
    exit_ = as_float(data[exit_column])
    entry = None if entry_column is None else as_float(data[entry_column])
    if entry is not None:
        n_reversed = int(_is_after(entry, exit_).sum())
        if n_reversed:
            yield (
                f"`{entry_column}` is after `{exit_column}` in {n_reversed} of "
                f"{len(data)} rows; follow-up must end after it starts."
            )
    if id is None:
        return
    if entry is None:
        n_repeats = int(data[id].dropna().duplicated().sum())
        if n_repeats:
            yield (
                f"`{id}` repeats in {n_repeats} of {len(data)} rows; keep one row a "
                "subject, or give `cluster` so that standard errors allow for it."
            )
        return
    spans = pd.DataFrame({"id": data[id], "entry": entry, "exit": exit_}).dropna()
    spans = spans.sort_values(["id", "entry", "exit"])
    until = spans.groupby("id", observed=True)["exit"].cummax()
    until = until.groupby(spans["id"], observed=True).shift()
    n_overlapping = int(_is_after(until.to_numpy(), spans["entry"].to_numpy()).sum())
    if n_overlapping:
        yield (
            f"{n_overlapping} of {len(data)} rows overlap an earlier interval of the "
            f"same `{id}`; a subject is at risk once at a time: correct the "
            "intervals, or give `cluster`."
        )


def _kind(values: pd.Series) -> str:
    """Say in words what a column holds that is not numbers."""
    if pd.api.types.infer_dtype(values) == "string":
        return "text"
    return f"values of type {values.dtype}"


def is_number(values: pd.Series) -> bool:
    """Whether a column holds real numbers; truth values and text are none."""
    return (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and not pd.api.types.is_complex_dtype(values)
    )


def as_float(values: pd.Series) -> NDArray[np.float64]:
    """Convert a numeric or boolean column to float64, missing values to NaN."""
    if values.dtype == object:
        values = values.where(values.notna(), np.nan).astype(np.float64)
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def merge_near_ties(
    time: NDArray[np.float64], entry: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Make times equal that differ by rounding error only, entries and ends together.

    Thirty days over 365.25, reached by two routes, must tie with itself. The tolerance
    is relative to the times compared, so the unit does not matter and times around
    1e-9 stay apart. Missing times stay missing.
    """
    both = time if entry is None else np.concatenate([time, entry])
    is_whole = (both == np.rint(both)) & (np.abs(both) < 1 / TIE_TOLERANCE)
    if (is_whole | np.isnan(both)).all():
        return time, entry
    order = np.argsort(both)
    ascending = both[order]
    starts = np.ones(both.size, np.bool_)
    starts[1:] = ~(np.diff(ascending) <= TIE_TOLERANCE * np.abs(ascending[1:]))
    merged = np.empty_like(both)
    merged[order] = ascending[starts][np.cumsum(starts) - 1]
    if entry is None:
        return merged, None
    return merged[: time.size], merged[time.size :]


def tie_with(
    times: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Replace times by the known ones from which they differ by rounding only."""
    ordered = np.unique(known)
    after = np.searchsorted(ordered, times)
    tied = times
    for nearest in (after - 1, after):
        candidate = ordered[np.clip(nearest, 0, ordered.size - 1)]
        is_tied = np.abs(candidate - times) <= TIE_TOLERANCE * np.abs(candidate)
        tied = np.where(is_tied, candidate, tied)
    return tied


def _is_after(
    later: NDArray[np.float64], earlier: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether times are later than others by more than rounding error."""
    return later - earlier > TIE_TOLERANCE * np.abs(later)
