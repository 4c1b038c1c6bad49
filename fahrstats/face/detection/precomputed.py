"""Faces that were found elsewhere, from a table of boxes and points."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError, PhotoError
from fahrstats.face.detection.faces import POINTS, Faces
from fahrstats.face.pictures.picture import Picture
from fahrstats.files import file_sha256

PHOTO: Final = "photo"
CONFIDENCE: Final = "confidence"
SIDES: Final = ("left", "top", "right", "bottom")
POINT_COLUMNS: Final = tuple(f"{point}_{axis}" for point in POINTS for axis in "xy")
COORDINATES: Final = (*SIDES, *POINT_COLUMNS)
"""Columns of a table of faces, beside ``photo`` and, if known, ``confidence``."""

CROSSED = -0.25
"""Eyes of a profile may cross a little; further than this share of the height of the
face they were named the wrong way round."""


@dataclass(frozen=True, slots=True, eq=False)
class Precomputed:
    """Faces by photo; a :class:`~fahrstats.face.detection.faces.Detector`.

    Attributes
    ----------
    name : str
        File and hash of the table, such as ``faces.csv@3f2a9c1d0b7e``.
    rows : mapping of str to slice
        Rows of ``faces`` by photo.
    faces : Faces
        The faces of all photos, those of a photo together, in pixels of the upright
        photo in its file.
    """

    name: str
    rows: Mapping[str, slice]
    faces: Faces

    def find(self, picture: Picture) -> Faces:
        """Return the faces of a picture; a photo that is not listed has none.

        Raises
        ------
        PhotoError
            The points of a face lie outside the picture.
        """
        rows = self.rows.get(picture.photo, slice(0, 0))
        boxes, points = self.faces.boxes[rows], self.faces.points[rows]
        middle = points.mean(axis=1)
        size = np.array([picture.width, picture.height])
        outside = np.any((middle < -0.5) | (middle > size - 0.5), axis=1)
        if outside.any():
            raise PhotoError(
                f"{outside.sum()} of its {len(boxes)} faces in `{self.name}` lie "
                f"outside its {picture.width} x {picture.height} pixels",
                picture.photo,
            )
        # pixels are counted from their centres, and scale from the corner
        return Faces(
            (boxes + 0.5) / picture.reduction - 0.5,
            (points + 0.5) / picture.reduction - 0.5,
            self.faces.confidence[rows],
        )


def open_precomputed(table: Path | pd.DataFrame) -> Precomputed:
    """Read faces that another program found.

    Parameters
    ----------
    table
        A .csv, .csv.gz, .tsv or .parquet file, or a data frame, with one row per face:
        ``photo``, named as in the scores; the box ``left``, ``top``, ``right``,
        ``bottom``; the points ``left_eye_x``, ``left_eye_y``, and so on for
        ``right_eye``, ``nose``, ``left_mouth``, ``right_mouth``, where left is the left
        of the image; and, if known, ``confidence`` from 0 to 1. Coordinates are pixels
        of the upright photo as it is in its file; the centre of the first is (0, 0).

    Raises
    ------
    DataError
        A column is absent or holds no numbers; a box is empty; the left and right of
        eyes or mouth are swapped; a confidence is not a probability; a photo is not
        named.
    """
    if isinstance(table, pd.DataFrame):
        file, data = "faces", table
        sha256 = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    else:
        file, data = table.name, read_table_file(table, text=[PHOTO])
        sha256 = file_sha256(table)
    absent = [name for name in (PHOTO, *COORDINATES) if name not in data]
    if absent:
        raise DataError(
            f"`{file}` has no column `{'`, `'.join(absent)}`; a table of faces has "
            f"`{PHOTO}` and the pixels `{'`, `'.join(COORDINATES)}`."
        )
    _check_names(data[PHOTO], file)
    coordinates = np.column_stack([_numbers(data[name], file) for name in COORDINATES])
    _check_geometry(coordinates, file)
    confidence = _confidence(data, file)
    photo = data[PHOTO].astype(str).to_numpy()
    order = np.lexsort([np.arange(len(photo)), -np.nan_to_num(confidence), photo])
    names, starts = np.unique(photo[order], return_index=True)
    stops = np.append(starts[1:], len(photo))
    return Precomputed(
        f"{file}@{sha256[:12]}",
        {
            str(name): slice(int(start), int(stop))
            for name, start, stop in zip(names, starts, stops, strict=True)
        },
        Faces(
            coordinates[order, : len(SIDES)],
            coordinates[order, len(SIDES) :].reshape(-1, len(POINTS), 2),
            confidence[order],
        ),
    )


def _check_names(photo: pd.Series, file: str) -> None:
    unnamed = int(photo.isna().sum())
    if unnamed:
        raise DataError(
            f"`{PHOTO}` in `{file}` is empty in {unnamed} of {len(photo)} rows; each "
            "face needs the name of its photo."
        )
    if pd.api.types.is_float_dtype(photo):
        raise DataError(f"`{PHOTO}` in `{file}` must hold names, not decimal numbers.")


def _numbers(values: pd.Series, file: str) -> NDArray[np.float64]:
    """Return a column of finite numbers."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    bad = int(np.sum(~np.isfinite(numbers)))
    if bad:
        raise DataError(
            f"`{values.name}` in `{file}` must hold pixels, but {bad} of {len(values)} "
            "rows hold none; leave out the rows of photos without a face."
        )
    return numbers


def _confidence(data: pd.DataFrame, file: str) -> NDArray[np.float64]:
    """Return the confidence of each row, NaN where it is unknown."""
    if CONFIDENCE not in data:
        return np.full(len(data), np.nan)
    numbers = pd.to_numeric(data[CONFIDENCE], errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    bad = (np.isnan(numbers) & data[CONFIDENCE].notna().to_numpy()) | (
        (numbers < 0) | (numbers > 1)
    )
    if bad.any():
        raise DataError(
            f"`{CONFIDENCE}` in `{file}` must lie from 0 to 1 or be empty, but "
            f"{bad.sum()} of {len(data)} rows hold something else."
        )
    return numbers


def _check_geometry(coordinates: NDArray[np.float64], file: str) -> None:
    """Refuse empty boxes and faces whose left and right are swapped."""
    n = len(coordinates)
    left, top, right, bottom = coordinates[:, : len(SIDES)].T
    empty = int(np.sum((right <= left) | (bottom <= top)))
    if empty:
        raise DataError(
            f"`right` must exceed `left` and `bottom` exceed `top`, but {empty} of {n} "
            f"rows of `{file}` hold an empty box; are these width and height?"
        )
    points = coordinates[:, len(SIDES) :].reshape(n, len(POINTS), 2)
    left_eye, right_eye, _, left_mouth, right_mouth = points.transpose(1, 0, 2)
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    for names, across in (
        ("`left_eye` and `right_eye`", right_eye - left_eye),
        ("`left_mouth` and `right_mouth`", right_mouth - left_mouth),
    ):
        # positive, whichever way the face is turned, unless left and right are swapped
        turn = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
        swapped = int(np.sum(turn < CROSSED * np.sum(down**2, axis=1)))
        if swapped:
            raise DataError(
                f"{names} are swapped in {swapped} of {n} rows of `{file}`: left is "
                "that of the image, not of the person; rename the columns."
            )
