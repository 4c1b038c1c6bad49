"""Embeddings of a cohort joined to its follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError
from fahrstats.face.scoring.embed import read_embeddings
from fahrstats.face.training.faces.label_columns import (
    follow_up_of,
    in_rows,
    stratum_of,
    texts_of,
)
from fahrstats.face.training.frozen.embedded_faces import EmbeddedFaces, check_faces

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
TextArray = NDArray[np.str_]

_KEYS = ("photo", "subject")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EmbeddedCohort:
    """The n photos of a cohort with an embedding and a follow-up, in their order.

    Attributes
    ----------
    photo, subject : ndarray of str, shape (n,)
        Name, and whom it shows: as the labels say, else as the embeddings say, else
        the photo stands for itself.
    names_subjects : bool
        Whether either table says of any photo whom it shows.
    original : ndarray of int64, shape (n,)
        Row of the first photo with the same bytes: itself, for most.
    embeddings : ndarray of float32, shape (n, d)
        Vectors before the head.
    time, event : ndarray of float64 and of bool, shape (n,)
        Follow-up, and whether it ended with the event.
    stratum : ndarray of int64, shape (n,), or None
        Groups with baseline hazards of their own.
    checkpoint, precision : str
        What embedded the photos, and its number format.
    n_without_label, n_without_follow_up : int
        Embedded photos that are left out: not in the table of labels, or with a blank
        follow-up there.
    """

    photo: TextArray
    subject: TextArray
    names_subjects: bool
    original: IntArray
    embeddings: NDArray[np.float32]
    time: FloatArray
    event: NDArray[np.bool_]
    stratum: IntArray | None
    checkpoint: str
    precision: str
    n_without_label: int
    n_without_follow_up: int

    @property
    def distinct(self) -> IntArray:
        """Rows of the photos that are no copy of one before them."""
        return np.flatnonzero(self.original == np.arange(self.original.size))

    def faces(self) -> EmbeddedFaces:
        """Return the distinct photos, checked.

        Raises
        ------
        DataError
            They cannot be learned from.
        """
        rows = self.distinct
        return check_faces(
            self.embeddings[rows],
            self.time[rows],
            self.event[rows],
            subject=self.subject[rows],
            stratum=None if self.stratum is None else self.stratum[rows],
        )


def read_cohort(embeddings: Path, labels: Path) -> EmbeddedCohort:
    """Read embeddings and join them to the table of labels.

    Parameters
    ----------
    embeddings
        What ``fahrstats embed`` wrote.
    labels
        A .csv, .csv.gz, .tsv or .parquet file with ``time``, ``event`` (1/0 or
        true/false) and perhaps ``stratum``: one row a photo, by ``photo``, with
        ``subject`` if that is known; or one row a subject, by ``subject``, where the
        embeddings say whom photos show. Other columns are not read.

    Raises
    ------
    DataError
        A file cannot be read; a column is absent or cannot be used; a photo or subject
        is named twice or not at all; embeddings come from several checkpoints; no photo
        has a follow-up; or files with the same bytes show different subjects.
    """
    photos, vectors = read_embeddings(embeddings)
    for column in ("photo", "checkpoint"):
        if column not in photos:
            raise DataError(
                f"`{embeddings.name}` has no column `{column}`; `fahrstats embed` "
                "writes it."
            )
    table = read_table_file(labels, text=(*_KEYS, "stratum"))
    row = _rows_in(table, photos, labels.name, embeddings.name)
    follow_up = follow_up_of(table)
    if follow_up is None:
        raise DataError(
            f"`{labels.name}` has no columns `time` and `event`, from which survival "
            "is learned."
        )
    time, event = follow_up
    stratum = stratum_of(table)
    subject = _subjects(table, photos, row)
    names_subjects = bool((subject != "").any())
    is_followed = (row >= 0) & ~np.isnan(time[row])
    if not is_followed.any():
        raise DataError(
            f"None of the {len(row):,} photos of `{embeddings.name}` has a `time` and "
            f"an `event` in `{labels.name}`."
        )
    photo = texts_of(photos, "photo")
    subject = np.where(subject == "", photo, subject)[is_followed]
    kept = row[is_followed]
    return EmbeddedCohort(
        photo=photo[is_followed],
        subject=subject,
        names_subjects=names_subjects,
        original=_originals(photos[is_followed], subject),
        embeddings=vectors[is_followed],
        time=time[kept],
        event=event[kept],
        stratum=None if stratum is None else stratum[kept],
        checkpoint=_one(photos, "checkpoint", embeddings.name),
        precision=_one(photos, "precision", embeddings.name),
        n_without_label=int((row < 0).sum()),
        n_without_follow_up=int((row >= 0).sum() - kept.size),
    )


def _rows_in(
    table: pd.DataFrame, photos: pd.DataFrame, labels: str, embeddings: str
) -> IntArray:
    """Return the row of the labels that belongs to each photo, -1 without one."""
    key = next((name for name in _KEYS if name in table), None)
    if key is None:
        raise DataError(
            f"`{labels}` has neither a column `photo` nor `subject`, which join it to "
            "the embeddings."
        )
    names = texts_of(table, key)
    if (names == "").any():
        raise DataError(f"`{key}` is missing {in_rows(names == '')} of `{labels}`.")
    index = pd.Index(names.astype(object))
    n_again = int(index.duplicated().sum())
    if n_again:
        raise DataError(
            f"`{key}` is repeated in {n_again:,} of {names.size:,} rows of `{labels}`; "
            f"keep one row a {key}."
        )
    wanted = _texts_or_blank(photos, key)
    if (wanted == "").all():
        raise DataError(
            f"`{labels}` is labelled by `subject`, but `{embeddings}` does not say "
            "whom photos show; embed them from a manifest with `photo` and `subject`, "
            "or label every photo."
        )
    row = np.asarray(index.get_indexer(wanted.astype(object)), np.int64)
    if (row < 0).all():
        raise DataError(
            f"No `{key}` of `{embeddings}` ({row.size:,} photos) is in `{labels}` "
            f"({names.size:,} rows); check that both write it the same way."
        )
    return row


def _subjects(table: pd.DataFrame, photos: pd.DataFrame, row: IntArray) -> TextArray:
    """Return whom each photo shows, "" where neither table says."""
    subject = _texts_or_blank(photos, "subject")
    if "photo" in table and "subject" in table:
        given = np.where(row >= 0, texts_of(table, "subject")[row], "")
        subject = np.where(given == "", subject, given)
    return subject


def _originals(photos: pd.DataFrame, subject: TextArray) -> IntArray:
    """Return the first row with the same bytes; refuse bytes of two subjects."""
    own = np.arange(subject.size)
    if "content" not in photos or photos["content"].isna().any():
        return own
    group, _ = pd.factorize(photos["content"])
    first = np.unique(group, return_index=True)[1][group]
    n_torn = int((subject != subject[first]).sum())
    if n_torn:
        raise DataError(
            f"{n_torn:,} of {subject.size:,} photos are copies of a photo of another "
            "subject, so that a head would be tested on a face it has learned; correct "
            "`subject`, or take the copies out."
        )
    return np.asarray(first, np.int64)


def _one(photos: pd.DataFrame, column: str, name: str) -> str:
    """Return the one value of a column, "" where there is no such column."""
    values = np.unique(_texts_or_blank(photos, column))
    if values.size > 1:
        raise DataError(
            f"`{column}` has {values.size} values in `{name}`, such as `{values[0]}` "
            f"and `{values[1]}`; embed all photos in one way."
        )
    return str(values[0])


def _texts_or_blank(photos: pd.DataFrame, column: str) -> TextArray:
    return texts_of(photos, column) if column in photos else np.full(len(photos), "")
