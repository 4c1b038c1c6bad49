"""Columns of a table of labels as arrays, with what is wrong said by row."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import level_text
from fahrstats.cohort.follow_up import (
    as_float,
    column_problems,
    is_number,
    merge_near_ties,
)
from fahrstats.cohort.table_file import MISSING_MARKERS
from fahrstats.errors import DataError
from fahrstats.resampling import IntArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(rf"(?P<day>\d{{1,2}})[-. /](?P<month>{_MONTHS})\.?", re.IGNORECASE)
_DATE_REVERSED = re.compile(
    rf"(?P<month>{_MONTHS})\.?[-. /](?P<day>\d{{1,2}})", re.IGNORECASE
)
_FULL_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_BIN = re.compile(r"(?P<low>\d{1,3})\s*(-|\u2013|to)\s*(?P<high>\d{1,3})")
_MOST_LEVELS = 5  # of sex, that a message shows


def texts_of(table: pd.DataFrame, column: str) -> NDArray[np.str_]:
    """Return a column as text without outer blanks, (n,); "" where it is missing."""
    values = table[column]
    texts = [
        level_text(value).strip() if is_known else ""
        for value, is_known in zip(values.tolist(), values.notna(), strict=True)
    ]
    return np.array(["" if t in MISSING_MARKERS else t for t in texts], np.str_)


def numbers_of(table: pd.DataFrame, column: str) -> FloatArray:
    """Return a column as float64, (n,); NaN where it is missing.

    Raises
    ------
    DataError
        A value is no number; bins, and bins that a spreadsheet has turned into dates,
        are told apart.
    """
    values = table[column]
    if is_number(values):
        return as_float(values)
    texts = texts_of(table, column)
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    is_unread = numbers.isna().to_numpy() & (texts != "")
    if is_unread.any():
        raise DataError(
            f"`{column}` is no number {in_rows(is_unread)}; {_advice(texts[is_unread])}"
        )
    exact = np.full(len(texts), np.nan)  # to_numeric may err in the last digit
    exact[texts != ""] = texts[texts != ""].astype(np.float64)
    return exact


def follow_up_of(table: pd.DataFrame) -> tuple[FloatArray, BoolArray] | None:
    """Return times and events, each (n,), or None where the table has neither column.

    A row with neither is not followed: its time is NaN and its event false. Times that
    differ by rounding only are made equal.

    Raises
    ------
    DataError
        One without the other, in the header or in a row; a time that is negative,
        infinite or no number; an event that is not 0/1 or true/false.
    """
    given = [column for column in ("time", "event") if column in table]
    if not given:
        return None
    if len(given) == 1:
        other = "event" if given == ["time"] else "time"
        raise DataError(
            f"The table has a column `{given[0]}` and none named `{other}`; give both, "
            "or neither."
        )
    for column in given:
        for problem in column_problems(table, column, column):
            raise DataError(problem)
    time, event = as_float(table["time"]), as_float(table["event"])
    for column, other, is_alone in (
        ("time", "event", np.isnan(time) & ~np.isnan(event)),
        ("event", "time", np.isnan(event) & ~np.isnan(time)),
    ):
        if is_alone.any():
            raise DataError(
                f"`{column}` is missing beside its `{other}` {in_rows(is_alone)}; give "
                "both, or leave both blank where there was no follow-up."
            )
    return merge_near_ties(time, None)[0], event == 1


def sex_of(table: pd.DataFrame) -> tuple[FloatArray, tuple[str, str]] | None:
    """Return the sex as 0 and 1, NaN where it is missing, and the levels they mean.

    Raises
    ------
    DataError
        The column does not hold two levels.
    """
    if "sex" not in table:
        return None
    texts = texts_of(table, "sex")
    levels = np.unique(texts[texts != ""])
    if levels.size != 2:
        shown = (
            f": {', '.join(f'`{level}`' for level in levels)}" if levels.size else ""
        )
        raise DataError(
            f"`sex` holds {levels.size} levels in {len(texts):,} rows"
            f"{shown if levels.size <= _MOST_LEVELS else ''}; as an input of a network "
            "it needs two: recode it, or name the column otherwise."
        )
    codes = np.where(texts == "", np.nan, (texts == levels[1]).astype(np.float64))
    return codes, (str(levels[0]), str(levels[1]))


def stratum_of(table: pd.DataFrame) -> IntArray | None:
    """Return the code of each row's stratum, (n,) from 0, or None without the column.

    Raises
    ------
    DataError
        A row has none.
    """
    if "stratum" not in table:
        return None
    texts = texts_of(table, "stratum")
    if (texts == "").any():
        raise DataError(
            f"`stratum` is missing {in_rows(texts == '')}; give those rows a stratum "
            "of their own, or leave them out."
        )
    return np.asarray(np.unique(texts, return_inverse=True)[1], np.int64)


def in_rows(is_wrong: BoolArray) -> str:
    """Say in how many rows of a table something is wrong, and in which one first."""
    return (
        f"in {int(is_wrong.sum()):,} of {is_wrong.size:,} rows, first in row "
        f"{int(is_wrong.argmax()) + 1:,}"
    )


def _advice(unread: NDArray[np.str_]) -> str:
    """Say what to do about text where numbers should be."""
    dates = [t for t in unread.tolist() if _short_date(t) or _FULL_DATE.fullmatch(t)]
    if dates:
        return (
            f"a spreadsheet seems to have turned {len(dates):,} of them into dates"
            f"{_former_bin(dates[0])}: restore them from the original table, and give "
            "bins as numbers, `age_low` and `age_high`."
        )
    found = next(filter(None, map(_BIN.fullmatch, unread.tolist())), None)
    if found:
        low, high = int(found["low"]), int(found["high"])
        return (
            f"`{found[0]}` is a bin: give `age_low` {low} and `age_high` {high + 1}, "
            "the first age that is not in it."
        )
    return "give numbers with decimal points, and leave unknown ones blank."


def _short_date(text: str) -> re.Match[str] | None:
    """Return day and month of a date such as 9-Mar or Oct-19."""
    return _DATE.fullmatch(text) or _DATE_REVERSED.fullmatch(text)


def _former_bin(date: str) -> str:
    """Return which bin a date such as 9-Mar has been, 3-9, where it is seen."""
    short = _short_date(date)
    if not short:
        return ""
    month = _MONTHS.split("|").index(short["month"].lower()) + 1
    low, high = sorted((int(short["day"]), month))
    return f" (`{date}` may have been {low}-{high})"
