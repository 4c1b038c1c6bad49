"""Photos of a subject in time, and the pair that is furthest apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.errors import DataError

FloatArray = NDArray[np.float64]

_ISO_DAY = r"^(\d{4}-?\d\d-?\d\d)(?:[ T].*)?$"
"""Year, month and day, and what may follow them."""


def read_photos(
    data: pd.DataFrame,
    subject: str,
    predicted: str,
    date: str | None,
    day: str | None,
    photo: str | None,
) -> pd.DataFrame:
    """Return the photos with a predicted age and a time, in plain columns.

    Raises
    ------
    DataError
        A column is absent, a subject is missing, or times cannot be read or run against
        the numbers of the photos.
    """
    if (date is None) == (day is None):
        raise DataError("Give either `date` or `day`, the column of when photos were.")
    refuse_columns(data, subject, (predicted, date or day, photo))
    photos = pd.DataFrame(
        {
            "subject": data[subject].to_numpy(),
            "predicted": read_numbers(data, predicted),
            "day": read_days(data, date, day),
        }
    )
    if photo is not None:
        photos["photo"] = read_numbers(data, photo)
    usable = photos[photos[["predicted", "day"]].notna().all(axis=1)]
    if photo is not None:
        _refuse_reversed(usable, subject, date or str(day), photo)
    return usable


def refuse_columns(
    data: pd.DataFrame, subject: str, others: Iterable[str | None]
) -> None:
    """Raise where a column is absent or repeated, or a subject is missing."""
    for name in (subject, *others):
        if name is not None and (data.columns == name).sum() != 1:
            held = "several columns" if name in data.columns else "no column"
            raise DataError(f"`data` has {held} `{name}`.")
    n_missing = int(data[subject].isna().sum())
    if n_missing:
        raise DataError(
            f"`{subject}` is missing in {n_missing} of {len(data)} rows; say whose "
            "photo each is."
        )


def read_days(
    data: pd.DataFrame, date: str | None, day: str | None
) -> pd.Series | FloatArray:
    """Return the column of dates, or that of whole days, without the time of day."""
    return _dates(data, date) if date else np.floor(read_numbers(data, str(day)))


def read_numbers(data: pd.DataFrame, name: str) -> FloatArray:
    """Return a column of finite numbers."""
    if not is_number(data[name].infer_objects()):
        raise DataError(
            f"`{name}` must hold numbers, but its type is {data[name].dtype}."
        )
    numbers = as_float(data[name])
    n_infinite = int(np.isinf(numbers).sum())
    if n_infinite:
        raise DataError(f"`{name}` is infinite in {n_infinite} of {len(data)} rows.")
    return numbers


def _dates(data: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of dates without the time of day."""
    values = data[name]
    if is_number(values):
        raise DataError(
            f"`{name}` holds numbers; give dates, or name the column `day` if they "
            "are days."
        )
    written = values
    if not pd.api.types.is_datetime64_any_dtype(values):
        # the local day, whatever time and zone follow it
        written = values.astype("string").str.extract(_ISO_DAY, expand=False)
    known = pd.to_datetime(written, errors="coerce", format="ISO8601")
    n_bad = int((known.isna() & values.notna()).sum())
    if n_bad:
        raise DataError(
            f"`{name}` cannot be read as a date in {n_bad} of {len(data)} rows; write "
            "year, month and day as 2021-03-30."
        )
    return known.dt.tz_localize(None).dt.normalize().reset_index(drop=True)


def _refuse_reversed(photos: pd.DataFrame, subject: str, when: str, photo: str) -> None:
    """Raise where a later photo has an earlier date; never swap the two."""
    n_missing = int(photos["photo"].isna().sum())
    if n_missing:
        raise DataError(f"`{photo}` is missing in {n_missing} usable rows.")
    ordered = photos.sort_values(["subject", "photo"], kind="stable")
    step = ordered.groupby("subject")[["day", "photo"]].diff()
    n_repeated = int((step["photo"] == 0).sum())
    if n_repeated:
        raise DataError(
            f"`{photo}` repeats within a `{subject}` in {n_repeated} rows; number the "
            "photos of a subject in the order they were taken."
        )
    is_back = step["day"] < pd.Timedelta(0) if _is_date(photos) else step["day"] < 0
    if is_back.any():
        raise DataError(
            f"`{when}` goes back from one `{photo}` to the next in "
            f"{int(is_back.sum())} of {len(photos)} rows; correct the dates or the "
            "numbers."
        )


def _is_date(photos: pd.DataFrame) -> bool:
    return pd.api.types.is_datetime64_any_dtype(photos["day"])


def widest_pairs(ordered: pd.DataFrame) -> tuple[pd.DataFrame, int, int]:
    """Return first and last photo of each subject; count those without a pair.

    Two photos on the day that begins or ends a pair are refused: which of them counts
    would depend on the order of the rows.

    Raises
    ------
    DataError
        A pair is not unique.
    """
    by = ordered.groupby("subject", sort=True)
    first, last = by.first(), by.last()
    is_one_day = first["day"] == last["day"]
    n_photos = by.size()
    n_same_day = int((is_one_day & (n_photos > 1)).sum())
    two_days = ordered[~ordered["subject"].map(is_one_day)]
    of_subject = two_days.groupby("subject")["day"]
    is_first = two_days["day"] == of_subject.transform("min")
    is_last = two_days["day"] == of_subject.transform("max")
    is_end = is_first | is_last
    n_repeated = int(two_days[is_end].duplicated(["subject", "day"]).sum())
    if n_repeated:
        raise DataError(
            f"{n_repeated} photos share the first or last day of their subject with "
            "another, so the pair is not unique; keep one photo a day, or their median."
        )
    kept = ~is_one_day
    pairs = pd.DataFrame(
        {
            "first_day": first.loc[kept, "day"],
            "last_day": last.loc[kept, "day"],
            "first_predicted": first.loc[kept, "predicted"],
            "last_predicted": last.loc[kept, "predicted"],
        }
    ).reset_index()
    return pairs, int((n_photos == 1).sum()), n_same_day
