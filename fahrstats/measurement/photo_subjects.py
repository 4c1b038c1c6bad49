"""Whom photos show, where each has several rows of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError


def photo_subjects(
    photo: pd.Series,
    whose: pd.Series | None,
    photos: pd.Index,
    *,
    subject: str | None,
    what: str,
) -> NDArray[np.int64]:
    """Return the code of whom each photo shows, from 0 without gaps.

    Parameters
    ----------
    photo, whose
        Photo and subject of each row; without subjects, every photo is someone else.
    photos
        The photos that are asked for, in their order.
    subject
        Column of the subjects, for messages.
    what
        What is compared between people, for messages.

    Raises
    ------
    DataError
        A subject is missing, a photo has several, or all photos show one.
    """
    if whose is None:
        codes = np.arange(photos.size)
    else:
        n_missing = int(whose.isna().sum())
        if n_missing:
            raise DataError(
                f"`{subject}` is missing in {n_missing} of {len(whose)} rows; photos "
                "of one person count together."
            )
        of_photo = whose.groupby(photo, sort=False)
        n_mixed = int((of_photo.nunique() > 1).sum())
        if n_mixed:
            raise DataError(
                f"`{subject}` has different values in the rows of {n_mixed} photos; a "
                "photo shows one person."
            )
        codes = pd.factorize(of_photo.first().reindex(photos))[0]
    if np.unique(codes).size < 2:
        raise DataError(
            f"The photos show 1 subject; how much {what} between people cannot be "
            "told from one."
        )
    return np.asarray(codes, np.int64)
