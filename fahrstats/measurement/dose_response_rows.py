"""The scores of a panel of simulated changes, photo by photo, as changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.errors import DataError
from fahrstats.measurement.photo_subjects import photo_subjects

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_KEYS = ("photo", "condition", "severity")
_COLUMNS = (*_KEYS, "dose")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Photos with their scores before and after every simulated change.

    Attributes
    ----------
    models : tuple of str
        Columns of the scores, length k.
    cells : DataFrame
        ``condition``, ``severity`` and ``dose`` of every change, severities ascending
        within a condition; c rows.
    start : dict
        Dose of each condition at severity 0; missing where the data do not say it.
    change : ndarray of shape (n, c, k)
        Score after the change less that of the photo itself; missing where there is
        none.
    is_tested : ndarray of shape (n, c)
        Whether the data have the photo so changed, with a score or without.
    subject : ndarray of shape (n,)
        Code of whom the photo shows, from 0 without gaps.
    n_dropped : int
        Photos left out because some model has no score of the photo itself.
    """

    models: tuple[str, ...]
    cells: pd.DataFrame
    start: dict[str, float]
    change: FloatArray
    is_tested: BoolArray
    subject: IntArray
    n_dropped: int

    @property
    def is_compared(self) -> BoolArray:
        """Whether every model has a score before and after, shape (n, c)."""
        return np.asarray(np.isfinite(self.change).all(axis=2))


def read_panel(
    data: pd.DataFrame, predicted: Sequence[str], subject: str | None
) -> Panel:
    """Pass a long table of scores through the gate.

    Raises
    ------
    DataError
        As :func:`fahrstats.dose_response` says.
    """
    _check_columns(data, predicted, subject)
    rows = _rows(data, predicted, subject)
    untouched = _untouched(rows, predicted)
    is_whole = untouched.notna().all(axis=1)
    if not is_whole.any():
        raise DataError(
            f"None of the {len(untouched)} photos has a score of the photo itself "
            "(severity 0) by every model; a change cannot be told without it."
        )
    photos = untouched.index[is_whole]
    changed = rows[(rows["severity"] > 0) & rows["photo"].isin(photos)]
    cells = _cells(rows[rows["severity"] > 0])
    at = pd.MultiIndex.from_frame(cells[["condition", "severity"]]).get_indexer(
        pd.MultiIndex.from_frame(changed[["condition", "severity"]])
    )
    row = photos.get_indexer(pd.Index(changed["photo"]))
    models = list(predicted)
    change = np.full((photos.size, len(cells), len(models)), np.nan)
    change[row, at] = (
        changed[models].to_numpy() - untouched.loc[photos, models].to_numpy()[row]
    )
    is_tested = np.zeros(change.shape[:2], np.bool_)
    is_tested[row, at] = True
    codes = photo_subjects(
        rows["photo"],
        rows.get("subject"),
        photos,
        subject=subject,
        what="changes vary",
    )
    return Panel(
        models=tuple(predicted),
        cells=cells,
        start=_start(rows),
        change=change,
        is_tested=is_tested,
        subject=codes,
        n_dropped=int((~is_whole).sum()),
    )


def _check_columns(
    data: pd.DataFrame, predicted: Sequence[str], subject: str | None
) -> None:
    """Refuse a table that lacks a column, and models that are named twice."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"`data` is a {type(data).__name__}; give a pandas data frame.")
    if not predicted or len(set(predicted)) < len(predicted):
        raise DataError(
            f"`predicted` names {len(predicted)} columns, {len(set(predicted))} of "
            "them different; give one or more, each once."
        )
    for name in (*_COLUMNS, *predicted, *([] if subject is None else [subject])):
        if (data.columns == name).sum() != 1:
            held = "several columns" if name in data.columns else "no column"
            raise DataError(
                f"`data` has {held} `{name}`; a panel has one row for each photo, "
                "condition and severity, with its dose and scores."
            )
    for name in ("severity", "dose", *predicted):
        if not is_number(data[name].infer_objects()):
            raise DataError(
                f"`{name}` must hold numbers, but its type is {data[name].dtype}."
            )
    if not len(data):
        raise DataError("`data` has no rows.")


def _rows(
    data: pd.DataFrame, predicted: Sequence[str], subject: str | None
) -> pd.DataFrame:
    """Return the columns that count, severities whole and every row once."""
    rows = data[["photo", "condition"]].reset_index(drop=True)
    if subject is not None:
        rows["subject"] = data[subject].to_numpy()
    for name in ("severity", "dose", *predicted):
        rows[name] = as_float(data[name])
        n_infinite = int(np.isinf(rows[name]).sum())
        if n_infinite:
            raise DataError(
                f"`{name}` is infinite in {n_infinite} of {len(rows)} rows."
            )
    for name in ("photo", "severity"):
        _refuse_missing(rows, name, name, "every row is about one photo so changed")
    wrong = (rows["severity"] < 0) | (rows["severity"] % 1 != 0)
    if wrong.any():
        raise DataError(
            f"`severity` must hold whole numbers from 0 (the photo itself) on, but "
            f"{int(wrong.sum())} of {len(rows)} rows hold others, such as "
            f"{rows.loc[wrong, 'severity'].iloc[0]:g}."
        )
    changed = rows[rows["severity"] > 0]
    for name in ("condition", "dose"):
        _refuse_missing(changed, name, name, "a change without it cannot be placed")
    n_twice = int(rows.duplicated(list(_KEYS)).sum())
    if n_twice:
        raise DataError(
            f"{n_twice} of {len(rows)} rows repeat a photo, condition and severity; "
            "keep one row of each."
        )
    return rows


def _refuse_missing(rows: pd.DataFrame, name: str, column: str, why: str) -> None:
    n_missing = int(rows[name].isna().sum())
    if n_missing:
        raise DataError(
            f"`{column}` is missing in {n_missing} of {len(rows)} rows; {why}."
        )


def _untouched(rows: pd.DataFrame, predicted: Sequence[str]) -> pd.DataFrame:
    """Return the scores of every photo itself, by photo and in order of the data.

    A photo may have one row of severity 0, or one for each condition that say the same.
    """
    photos = pd.Index(rows["photo"].unique(), name="photo")
    before = rows[rows["severity"] == 0].groupby("photo", sort=False)[list(predicted)]
    n_without = photos.size - before.ngroups
    if n_without:
        raise DataError(
            f"{n_without} of {photos.size} photos have no row of severity 0, the photo "
            "itself, that changes are measured from."
        )
    differs = before.nunique() > 1
    if differs.any(axis=None):
        name = differs.columns[differs.any()][0]
        raise DataError(
            f"`{name}` has different values at severity 0 in "
            f"{int(differs[name].sum())} of {photos.size} photos; there is one score "
            "of the photo itself."
        )
    return before.first().reindex(photos)


def _cells(changed: pd.DataFrame) -> pd.DataFrame:
    """Return every condition and severity with its one dose, in order of the data."""
    if not len(changed):
        raise DataError(
            "`severity` is 0 in every row; there is no changed photo to compare."
        )
    doses = changed.groupby(["condition", "severity"], sort=False)["dose"]
    differs = doses.nunique() > 1
    if differs.any():
        first = differs[differs].reset_index().iloc[0]
        raise DataError(
            f"`dose` has different values at severity {first['severity']:g} of "
            f"`{first['condition']}`; a severity has one dose."
        )
    order = {name: at for at, name in enumerate(changed["condition"].unique())}
    cells = doses.first().reset_index()
    rank = cells["condition"].map(order)
    cells = cells.assign(rank=rank).sort_values(["rank", "severity"], kind="stable")
    cells = cells.drop(columns="rank").reset_index(drop=True)
    for condition, part in cells.groupby("condition", sort=False):
        steps = np.diff(part["dose"])
        if not ((steps > 0).all() or (steps < 0).all()):
            raise DataError(
                f"`dose` of `{condition}` must rise with `severity`, or fall with it, "
                f"but it is {', '.join(f'{dose:g}' for dose in part['dose'])}."
            )
    return cells.assign(condition=cells["condition"].astype(str))


def _start(rows: pd.DataFrame) -> dict[str, float]:
    """Return the dose of each condition at severity 0, where the data say it."""
    before = rows[(rows["severity"] == 0) & rows["condition"].notna()]
    doses = before.groupby("condition", sort=False)["dose"].first()
    return {str(condition): float(dose) for condition, dose in doses.items()}
