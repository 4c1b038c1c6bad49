"""What is known of each face: its age, its follow-up, and which split it is in."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError, ResultWarning
from fahrstats.face.pictures.photos import hash_of
from fahrstats.face.training.faces.label_ages import AGE_COLUMNS, bins_of, known_ages
from fahrstats.face.training.faces.label_columns import (
    BoolArray,
    FloatArray,
    follow_up_of,
    sex_of,
    stratum_of,
)
from fahrstats.face.training.faces.label_photos import (
    SPLITS,
    THE_SPLITS,
    CroppedPhotos,
    photos_of,
    rows_in,
    splits_of,
    subjects_of,
)
from fahrstats.face.training.faces.splits import check_exclusive, split_subjects
from fahrstats.resampling import IntArray

_TEXTS = ("photo", "subject", "split", "sex", "stratum", *AGE_COLUMNS)
_NOT_GROUPS = ("photo", "subject", "split", "time", "event", "stratum", *AGE_COLUMNS)
_PER_FACE = (
    *("row", "photo", "subject", "split", "age_low", "age_high"),
    *("time", "event", "stratum", "sex"),
)
_MANY_PHOTOS = 100  # of one subject, if they are also ...
_LARGE_SHARE = 0.05  # ... more than this share of all


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Labels:
    """What is known of n faces, in the order of the table.

    Attributes
    ----------
    row : ndarray of int64, shape (n,)
        Row of the face in the crops.
    photo, subject : ndarray of str, shape (n,)
        Name of the photo, and whom it shows: as the table says, else as the crops say,
        else the photo stands for itself.
    split : ndarray of str, shape (n,)
        One of ``SPLITS``; "" before `deal`, where the table names none.
    age_low, age_high : ndarray of float64, shape (n,)
        Years: equal where the age is exact; otherwise it is in [low, high), where high
        may be infinite; NaN where it is not known.
    time, event : ndarray of float64 and of bool, shape (n,), or None
        Follow-up, and whether it ended with the event; NaN and false without follow-up.
    stratum : ndarray of int64, shape (n,), or None
        Groups with baseline hazards of their own.
    sex : ndarray of float64, shape (n,), or None
        0 or 1 for the first or second of ``sex_levels``, NaN where it is missing.
    sex_levels : tuple of two str, or None
        What 0 and 1 mean, in the order of the alphabet.
    groups : DataFrame, n rows
        ``sex`` and all columns not named here, as they were read, for reports.
    n_without_crop : int
        Rows of the table that are left out, their photo having no crop.
    """

    row: IntArray
    photo: NDArray[np.str_]
    subject: NDArray[np.str_]
    split: NDArray[np.str_]
    age_low: FloatArray
    age_high: FloatArray
    time: FloatArray | None
    event: BoolArray | None
    stratum: IntArray | None
    sex: FloatArray | None
    sex_levels: tuple[str, str] | None
    groups: pd.DataFrame
    n_without_crop: int

    def __len__(self) -> int:
        return len(self.row)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of who is in which split and of what is known, in this order."""
        arrays = {name: getattr(self, name) for name in _PER_FACE}
        return hash_of(
            json.dumps([name, None if array is None else array.tolist()])
            for name, array in arrays.items()
        )

    def take(self, rows: IntArray | BoolArray) -> Labels:
        """Return some of the faces, by their numbers or as a mask."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _PER_FACE}
        taken = {name: a[rows] for name, a in arrays.items() if a is not None}
        groups = self.groups.iloc[rows].reset_index(drop=True)
        return replace(self, groups=groups, **taken)

    def of(self, split: Literal["train", "tune", "test"]) -> Labels:
        """Return the faces of a split.

        Raises
        ------
        DataError
            No face is in it, or nobody has been dealt to the splits.
        """
        is_in = self.split == split
        if is_in.any():
            return self.take(is_in)
        if not self.split.any():
            raise DataError(
                "The table of labels has no column `split`; give shares of the "
                "subjects, or name the split of every photo."
            )
        raise DataError(
            f"`split` is `{split}` in none of the {len(self):,} photos with a crop; "
            "put some subjects there."
        )

    def deal(
        self,
        shares: Mapping[str, float],
        *,
        seed: int,
        stratify: ArrayLike | None = None,
    ) -> Labels:
        """Deal the subjects to the splits, as `split_subjects` does.

        Raises
        ------
        DataError
            The table names the splits already, a share is of none of ``SPLITS``, or
            for the reasons of `split_subjects`.
        """
        if self.split.any():
            raise DataError(
                "The table of labels has a column `split`, so shares of the subjects "
                "would deal them a second time; leave one of the two out."
            )
        unknown = [name for name in shares if name not in SPLITS]
        if unknown:
            raise DataError(f"`shares` names `{unknown[0]}`; {THE_SPLITS}.")
        split = split_subjects(
            self.subject, shares=shares, seed=seed, stratify=stratify
        )
        return replace(self, split=split)

    def with_age(self) -> Labels:
        """Return the faces of known age.

        Raises
        ------
        DataError
            There is none, or none in a split.
        """
        is_known = ~np.isnan(self.age_low)
        self._refuse_without(
            is_known,
            "has a known age; give `age`, or `age_low` and `age_high`, or `birth_year` "
            "and `photo_year`",
        )
        return self.take(is_known)

    def with_follow_up(self) -> Labels:
        """Return the faces that were followed.

        Raises
        ------
        DataError
            There is none, or none in a split; or no event was observed, in all or in a
            split.
        """
        if self.time is None or self.event is None:
            raise DataError(
                "The table of labels has no columns `time` and `event`, from which "
                "survival is learned."
            )
        is_followed = ~np.isnan(self.time)
        self._refuse_without(is_followed, "has a `time` and an `event`")
        self._refuse_without(
            self.event,
            "has an `event` that was observed; from censored times alone nothing can "
            "be learned",
        )
        return self.take(is_followed)

    def _refuse_without(self, is_fit: BoolArray, what: str) -> None:
        """Refuse a split of which no photo is fit."""
        for split in np.unique(self.split):
            is_in = self.split == split
            if not (is_fit & is_in).any():
                where = f" of the split `{split}`" if split else ""
                raise DataError(f"None of the {is_in.sum():,} photos{where} {what}.")


def read_labels(
    path: Path, crops: CroppedPhotos, *, missing: Literal["drop", "refuse"] = "drop"
) -> Labels:
    """Read the table of labels, one row a photo, and join it to the crops.

    Parameters
    ----------
    path : Path
        A .csv, .csv.gz, .tsv or .parquet file. Columns: ``photo``, as the crops name
        it; and where they are known ``subject``; ``split`` (train, tune or test);
        ``age``, exact, in years (of an age in completed years the truth is the bin
        [age, age + 1)); ``age_low`` and ``age_high`` in years, a blank or infinite
        high end being open; ``birth_year`` and ``photo_year``, which bound the age
        to two years; ``time`` and ``event`` (1/0 or true/false); ``stratum``; ``sex``
        (two levels). Others are kept as groups for reports.
    crops : CroppedPhotos
        The photos that have a crop.
    missing : {"drop", "refuse"}
        What becomes of rows whose photo has no crop: left out and counted, since not
        every photo shows a face, or an error.

    Raises
    ------
    DataError
        The file cannot be read or is empty; a photo is listed twice or without a name;
        no photo, or with ``missing="refuse"`` not every photo, has a crop; a subject
        is in several splits, a split is blank or unknown; or a column cannot be read,
        see `known_ages`, `follow_up_of`, `sex_of` and `stratum_of`.

    Warns
    -----
    ResultWarning
        More than a tenth of the photos have no crop, or very many photos are of one
        subject.
    """
    if missing not in ("drop", "refuse"):
        raise DataError(f'`missing` is `{missing}`; give "drop" or "refuse".')
    table = read_table_file(path, text=_TEXTS)
    photo = photos_of(table, path.name)
    age_low, age_high = known_ages(table)
    time, event = follow_up_of(table) or (None, None)
    sex, sex_levels = sex_of(table) or (None, None)
    row = rows_in(crops, photo, path.name, missing)
    labels = Labels(
        row=row,
        photo=photo,
        subject=subjects_of(table, photo, crops.subject, row),
        split=splits_of(table),
        age_low=age_low,
        age_high=age_high,
        time=time,
        event=event,
        stratum=stratum_of(table),
        sex=sex,
        sex_levels=sex_levels,
        groups=table.drop(columns=[c for c in _NOT_GROUPS if c in table]),
        n_without_crop=int((row < 0).sum()),
    ).take(row >= 0)
    if labels.split.any():
        check_exclusive(labels.subject, labels.split)
    _warn_of_one_subject(labels.subject)
    return labels


def age_bins(labels: Labels, edges: ArrayLike) -> IntArray:
    """Return the age bin of each face, for batches in which all ages are as frequent.

    Parameters
    ----------
    labels : Labels
        The faces.
    edges : (k + 1,) array
        Ages that ascend; bin i is [edges[i], edges[i + 1]). The last may be infinite.

    Returns
    -------
    (n,) int64 array
        From 0 to k - 1. An age that is known to lie in an interval is in the bin that
        holds most of it, the youngest of equals; an open interval is where it begins.
        -1 where the age is not known or in no bin; `age_balanced_batches` refuses
        these, so leave them out.

    Raises
    ------
    DataError
        The edges do not ascend, are fewer than two, or are no numbers.
    """
    return bins_of(labels.age_low, labels.age_high, np.asarray(edges, np.float64))


def _warn_of_one_subject(subject: NDArray[np.str_]) -> None:
    """Warn if the network would mostly learn one face."""
    most = int(np.unique(subject, return_counts=True)[1].max())
    if most > max(_MANY_PHOTOS, _LARGE_SHARE * subject.size):
        warnings.warn(
            f"One `subject` is on {most:,} of {subject.size:,} photos, and the "
            "network would learn that face; keep some of them, draw subjects in turn, "
            "or leave `subject` blank where it is not known.",
            ResultWarning,
            stacklevel=3,
        )
