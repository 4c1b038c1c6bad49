"""Which photo a row of a table of labels is about, whom it shows, and its split."""

from __future__ import annotations

import posixpath
import warnings
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.training.faces.label_columns import in_rows, texts_of
from fahrstats.resampling import IntArray
from fahrstats.section import did_you_mean

SPLITS = ("train", "tune", "test")
"""Who is learned from, who decides when to stop, and who is kept for the end."""

THE_SPLITS = "the splits are `train`, `tune` (for early stopping) and `test`"

_MANY_WITHOUT_CROP = 0.1  # of the rows: more than photos without a face explain


class CroppedPhotos(Protocol):
    """Photos that have a crop, and whom they show; `crops.Crops` is one."""

    @property
    def photo(self) -> NDArray[np.str_]:
        """Names of the photos, (n,)."""

    @property
    def subject(self) -> NDArray[np.str_]:
        """Whom each photo shows, (n,); "" where that is not known."""


def photos_of(table: pd.DataFrame, name: str) -> NDArray[np.str_]:
    """Return the names of the photos, each of them once."""
    if "photo" not in table:
        raise DataError(
            f"`{name}` has no column `photo`, which joins it to the crops."
            f"{did_you_mean('photo', table.columns)}"
        )
    photo = texts_of(table, "photo")
    if (photo == "").any():
        raise DataError(f"`photo` is missing {in_rows(photo == '')} of `{name}`.")
    names = pd.Series(photo, dtype=object)
    again = names.duplicated().to_numpy()
    if again.any():
        split = splits_of(table)
        n_splits = pd.Series(split, dtype=object).groupby(names.to_numpy()).nunique()
        n_torn = int((n_splits > 1).sum())
        torn = f", {n_torn:,} of them in several splits" if n_torn else ""
        raise DataError(
            f"`photo` names {names[again].nunique():,} photos of `{name}` more than "
            f"once{torn}; keep one row of each."
        )
    return photo


def rows_in(
    crops: CroppedPhotos, photo: NDArray[np.str_], name: str, missing: str
) -> IntArray:
    """Return each photo's row in the crops, -1 where it has none."""
    cropped = pd.Index([name.strip() for name in crops.photo.tolist()], dtype=object)
    if not cropped.is_unique:
        raise DataError(
            f"{int(cropped.duplicated().sum()):,} of {len(cropped):,} crops have the "
            "`photo` of another, outer blanks aside; keep one crop of each photo."
        )
    row = np.asarray(cropped.get_indexer(photo.astype(object)), np.int64)
    n_without, n = int((row < 0).sum()), row.size
    if not n_without:
        return row
    hint = _hint(set(cropped), photo[row < 0].tolist())
    problem = f"{n_without:,} of {n:,} photos of `{name}` have no crop{hint}"
    if n_without == n:
        raise DataError(
            f"{problem}; `photo` must be written as in the {len(cropped):,} crops."
        )
    if missing == "refuse":
        raise DataError(
            f"{problem}; crop them, or let photos without a face be left out."
        )
    if n_without > _MANY_WITHOUT_CROP * n:
        warnings.warn(
            f"{problem} and are left out; if they do show faces, see whether all "
            "photos were cropped and `photo` is written in one way.",
            ResultWarning,
            stacklevel=3,
        )
    return row


def _hint(cropped: set[str], absent: list[str]) -> str:
    """Say if folders or suffixes of names are what keeps photos from their crops."""
    for what, part in (("folder", posixpath.basename), ("suffix", _stem)):
        known = set(map(part, cropped))
        n_found = sum(part(photo) in known for photo in absent)
        if 2 * n_found > len(absent):
            return f" ({n_found:,} would without their {what})"
    return ""


def _stem(photo: str) -> str:
    return posixpath.splitext(photo)[0]


def subjects_of(
    table: pd.DataFrame,
    photo: NDArray[np.str_],
    of_crops: NDArray[np.str_],
    row: IntArray,
) -> NDArray[np.str_]:
    """Return whom each photo shows."""
    subject = np.where(row >= 0, of_crops[row], "")
    if "subject" in table:
        given = texts_of(table, "subject")
        subject = np.where(given == "", subject, given)
    return np.where(subject == "", photo, subject)


def splits_of(table: pd.DataFrame) -> NDArray[np.str_]:
    """Return the split of each row, "" where the table has no such column."""
    if "split" not in table:
        return np.full(len(table), "", "<U5")
    split = texts_of(table, "split")
    if (split == "").any():
        raise DataError(
            f"`split` is missing {in_rows(split == '')}; {THE_SPLITS}, and rows that "
            "are in none are left out of the table."
        )
    is_unknown = ~np.isin(split, SPLITS)
    if is_unknown.any():
        word = str(split[is_unknown][0])
        raise DataError(
            f"`split` is none of the known {in_rows(is_unknown)} (`{word}`); "
            f"{THE_SPLITS}.{did_you_mean(word, SPLITS)}"
        )
    return split
