"""Predicted ages and true ages, row for row, as they are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.measurement.gap_reference import read_numbers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

OLDEST = 125.0
"""Years that nobody has lived; larger numbers are months, days or mistakes."""

_PREDICTED_RANGE = (-25.0, 150.0)
"""Years that a network can say of a face. A baby may be given less than 0."""


@dataclass(frozen=True, slots=True, eq=False)
class AgeRows:
    """Photos of known age, with the ages that k models predict.

    Attributes
    ----------
    models : tuple of str
        Columns of predicted age, length k.
    predicted : ndarray of shape (n, k)
        Years; missing where a model has no prediction.
    low, high : ndarray of shape (n,)
        Age in years: low <= age < high, or exactly both where they are equal.
    subject : ndarray of shape (n,)
        Code of whom the photo shows, from 0 without gaps.
    position : ndarray of shape (n,)
        Rows of the data that these are.
    n_dropped : int
        Rows of the data whose age is missing.
    """

    models: tuple[str, ...]
    predicted: FloatArray
    low: FloatArray
    high: FloatArray
    subject: IntArray
    position: IntArray
    n_dropped: int

    @property
    def is_complete(self) -> BoolArray:
        """Whether every model has a prediction, shape (n,)."""
        return np.asarray(np.isfinite(self.predicted).all(axis=1))

    @property
    def is_exact(self) -> bool:
        """Whether every age is known exactly."""
        return bool((self.low == self.high).all())


def read_rows(
    predicted: Sequence[str],
    data: pd.DataFrame,
    age: str | tuple[str, str],
    subject: str | None,
) -> AgeRows:
    """Pass predicted and true ages through the gate.

    Raises
    ------
    DataError
        As :func:`fahrstats.age_accuracy` says.
    """
    truth = (age, age) if isinstance(age, str) else _two_ends(age)
    models = _model_columns(predicted, truth)
    low, high = _read_truth(data, truth)
    ages = np.column_stack(
        [_in_range(read_numbers(data, name), name, _PREDICTED_RANGE) for name in models]
    )
    position = np.flatnonzero(~np.isnan(low + high))
    rows = AgeRows(
        models=models,
        predicted=ages[position],
        low=low[position],
        high=high[position],
        subject=_subject_codes(data, subject)[position],
        position=position,
        n_dropped=len(data) - position.size,
    )
    n_people = np.unique(rows.subject[rows.is_complete]).size
    if n_people < 2:
        who = "1 person" if n_people == 1 else f"{n_people} people"
        has = "has" if n_people == 1 else "have"
        raise DataError(
            f"{who} of {len(data)} rows {has} an age and a prediction by "
            f"every model ({', '.join(f'`{name}`' for name in models)}); accuracy "
            "needs at least two."
        )
    return rows


def _model_columns(predicted: Sequence[str], truth: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of predictions, or refuse a list that is none."""
    if isinstance(predicted, str):
        raise DataError(
            f"`predicted` is the text `{predicted}`; give a list of columns."
        )
    models = tuple(predicted)
    if not models or len(set(models)) < len(models):
        raise DataError(
            f"`predicted` names {len(models)} columns, {len(set(models))} of them "
            "different; give one or more, each once."
        )
    for name in models:
        if name in truth:
            raise DataError(f"`{name}` is both a predicted age and the true one.")
    return models


def _two_ends(age: Sequence[str]) -> tuple[str, str]:
    """Return the columns of both ends of an interval."""
    if len(set(age)) != 2 or len(age) != 2:
        raise DataError(
            f"`age` is {age}; give one column, or two different ones that hold the "
            "first and the last age of an interval."
        )
    return age[0], age[1]


def _read_truth(
    data: pd.DataFrame, truth: tuple[str, str]
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of each true age; the last may be infinite."""
    first, last = truth
    low = _in_range(read_numbers(data, first), first, (0.0, OLDEST))
    if first == last:
        return low, low
    high = read_numbers(data, last)
    _in_range(np.where(np.isposinf(high), OLDEST, high), last, (0.0, OLDEST))
    n_inverted = int((high < low).sum())
    if n_inverted:
        raise DataError(
            f"`{last}` is below `{first}` in {n_inverted} of {len(data)} rows; an age "
            f"lies from `{first}` to below `{last}`, and the two are equal where it is "
            "exact."
        )
    return low, high


def _in_range(years: FloatArray, name: str, bounds: tuple[float, float]) -> FloatArray:
    """Refuse numbers that no age in years can be."""
    least, most = bounds
    is_bad = (years < least) | (years > most)
    if is_bad.any():
        worst = years[is_bad][np.abs(years[is_bad]).argmax()]
        raise DataError(
            f"`{name}` is outside {least:g} to {most:g} years in {int(is_bad.sum())} "
            f"of {years.size} rows, {worst:g} in one of them; give years, not months "
            "or days, and leave what is unknown empty."
        )
    return years


def _subject_codes(data: pd.DataFrame, subject: str | None) -> IntArray:
    """Return whom each row shows; every row its own subject without a column."""
    if subject is None:
        return np.arange(len(data))
    if (data.columns == subject).sum() != 1:
        held = "several columns" if subject in data.columns else "no column"
        raise DataError(f"`data` has {held} `{subject}`.")
    codes, _ = pd.factorize(data[subject])
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise DataError(
            f"`{subject}` is missing in {n_missing} of {len(data)} rows; photos of one "
            "person count together, so every row must say whom it shows."
        )
    return codes.astype(np.int64)
