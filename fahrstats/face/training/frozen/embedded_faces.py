"""Embeddings of photos with their follow-up, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fahrstats.cohort.follow_up import merge_near_ties
from fahrstats.errors import DataError
from fahrstats.resampling import check_seed

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFaces:
    """Checked embeddings of n photos and what followed.

    Attributes
    ----------
    embeddings : ndarray of float64, shape (n, d)
        Finite.
    time, event : ndarray of shape (n,)
        Follow-up, near ties merged, and whether it ended with the event.
    subject, stratum : ndarray of int64, shape (n,)
        Codes from 0 without gaps.
    """

    embeddings: FloatArray
    time: FloatArray
    event: NDArray[np.bool_]
    subject: IntArray
    stratum: IntArray

    def take(self, rows: NDArray[np.bool_]) -> EmbeddedFaces:
        """Return some of the photos."""
        return EmbeddedFaces(
            self.embeddings[rows],
            self.time[rows],
            self.event[rows],
            np.unique(self.subject[rows], return_inverse=True)[1],
            np.unique(self.stratum[rows], return_inverse=True)[1],
        )

    def by_subject(self) -> EmbeddedFaces:
        """Return one row a subject, by their codes: the mean of its embeddings.

        Raises
        ------
        DataError
            Photos of a subject differ in follow-up or stratum.
        """
        order = np.argsort(self.subject, kind="stable")
        n_photos = np.bincount(self.subject)
        start = np.cumsum(n_photos) - n_photos
        first = order[start]
        differs = np.zeros(self.subject.size, np.bool_)
        for values in (self.time, self.event, self.stratum):
            differs |= values != values[first][self.subject]
        n_bad = np.unique(self.subject[differs]).size
        if n_bad:
            raise DataError(
                f"`time`, `event` or `stratum` differs between the photos of {n_bad} "
                f"of {first.size} subjects; a subject counts once, so keep the photos "
                "of one occasion."
            )
        total = np.add.reduceat(self.embeddings[order], start, axis=0)
        return EmbeddedFaces(
            embeddings=total / n_photos[:, None],
            time=self.time[first],
            event=self.event[first],
            subject=np.arange(first.size),
            stratum=self.stratum[first],
        )


def check_faces(
    embeddings: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    subject: ArrayLike | None,
    stratum: ArrayLike | None,
) -> EmbeddedFaces:
    """Refuse what cannot be learned from; code subjects and strata."""
    columns = as_embeddings(embeddings)
    n = len(columns)
    follow_up = _as_vector(time, "time", n).astype(np.float64)
    observed = _as_vector(event, "event", n).astype(np.float64)
    n_bad = int((~np.isfinite(follow_up) | (follow_up < 0)).sum())
    if n_bad:
        raise DataError(
            f"`time` is negative, missing or infinite in {n_bad} of {n} photos; leave "
            "them out or correct them."
        )
    n_bad = int((~np.isin(observed, (0, 1))).sum())
    if n_bad:
        raise DataError(f"`event` is neither 0 nor 1 in {n_bad} of {n} photos; recode.")
    if (np.ptp(columns, axis=0) == 0).all():
        raise DataError(
            f"`embeddings` are the same in all {n} photos; check what they were read "
            "from."
        )
    return EmbeddedFaces(
        embeddings=columns,
        time=merge_near_ties(follow_up, None)[0],
        event=observed == 1,
        subject=np.arange(n) if subject is None else _codes(subject, "subject", n),
        stratum=np.zeros(n, np.int64)
        if stratum is None
        else _codes(stratum, "stratum", n),
    )


def check_dealing(n_folds: int, seed: int, *, name: str) -> None:
    """Refuse a number of folds below 2 and a seed that is none."""
    check_seed(seed)
    if not isinstance(n_folds, Integral) or n_folds < 2:
        raise DataError(f"`{name}` is {n_folds}; give a whole number from 2 on.")


def as_embeddings(embeddings: ArrayLike) -> FloatArray:
    """Return finite embeddings (n, d) as float64."""
    columns = np.asarray(embeddings, np.float64)
    if columns.ndim != 2 or 0 in columns.shape:
        raise DataError(
            f"`embeddings` has shape {columns.shape}; give one row a photo, (n, d)."
        )
    n_bad = int((~np.isfinite(columns).all(axis=1)).sum())
    if n_bad:
        raise DataError(
            f"`embeddings` are missing or infinite in {n_bad} of {len(columns)} "
            "photos; leave out those without a face."
        )
    return columns


def _as_vector(values: ArrayLike, name: str, n: int) -> NDArray[np.generic]:
    vector = np.asarray(values)
    if vector.shape != (n,):
        raise DataError(
            f"`{name}` has shape {vector.shape}, and `embeddings` has {n} rows; give "
            "one value a photo."
        )
    return vector


def _codes(values: ArrayLike, name: str, n: int) -> IntArray:
    vector = _as_vector(values, name, n)
    return np.asarray(np.unique(vector, return_inverse=True)[1], np.int64)
