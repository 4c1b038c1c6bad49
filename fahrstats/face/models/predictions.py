"""Ages predicted elsewhere: how FaceAge, DeepFace or MiVOLO results enter."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.table_file import read_table_file
from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.score_columns import SCORE_GLOSSARY
from fahrstats.files import file_sha256

PHOTO = "photo"
"""Column of a table of predictions that names the photo."""

OLDEST = 130.0
"""Years; a prediction outside 0 to this is not an age."""

_RESERVED = frozenset(SCORE_GLOSSARY) - {"faceage"}
_PLAINER: dict[str, Callable[[str], str]] = {
    "folder": lambda photo: PurePosixPath(photo).name,
    "extension": lambda photo: (
        f"{PurePosixPath(photo).parent}/{PurePosixPath(photo).stem}"
    ),
    "folder and extension": lambda photo: PurePosixPath(photo).stem,
}


@dataclass(frozen=True, slots=True, eq=False)
class PredictedAges:
    """One column of a table of predictions, looked up by the name of the photo.

    An :class:`~fahrstats.face.models.face_model.AgeModel` that sees no pixels.

    Attributes
    ----------
    name : str
        File, column and hash of the table, such as ``ages.csv:mivolo@3f2a9c1d0b7e``.
    columns : tuple of str
        The column, length 1.
    table : str
        File of the table, without folders.
    ages : mapping of str to float
        Age in years by photo; NaN where the table has none.
    """

    name: str
    columns: tuple[str]
    table: str
    ages: Mapping[str, float]

    @property
    def pixels_wanted(self) -> int:
        """Zero: the face itself is not looked at."""
        return 0

    def knows(self, photo: str) -> bool:
        """Tell whether the table has an age for a photo."""
        return not np.isnan(self.ages.get(photo, np.nan))

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the ages in years, shape (n, 1); NaN for a photo without one."""
        ages = [self.ages.get(face.photo, np.nan) for face in faces]
        return np.array(ages, dtype=np.float64).reshape(-1, 1)


def open_predictions(
    table: Path | pd.DataFrame, *, columns: Sequence[str] | None = None
) -> list[PredictedAges]:
    """Read ages predicted by other programs, one model per column.

    Parameters
    ----------
    table
        A .csv, .csv.gz, .tsv or .parquet file, or a data frame, with one row per photo:
        ``photo``, named as in the scores, and one column of ages in years per model. A
        photo may be missing, and so may an age.
    columns
        The columns that are predictions; all but ``photo`` by default.

    Returns
    -------
    list of PredictedAges
        In the order of the columns; each scores the column of its name.

    Raises
    ------
    DataError
        There is no ``photo`` or no other column; a column has the name of another
        score, holds text, or an age outside 0 to 130 years; a photo is not named, or
        is named twice with different ages.
    """
    if isinstance(table, pd.DataFrame):
        file, data = "predictions", table
        sha256 = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    else:
        file, data = table.name, read_table_file(table, text=[PHOTO])
        sha256 = file_sha256(table)
    wanted = _prediction_columns(data, columns, file)
    for column in wanted:
        _check_ages(data[column], file)
    ages = _one_row_per_photo(data[[PHOTO, *wanted]], file)
    return [
        PredictedAges(
            name=f"{file}:{column}@{sha256[:12]}",
            columns=(column,),
            table=file,
            ages=dict(zip(ages.index, ages[column], strict=True)),
        )
        for column in wanted
    ]


def check_overlap(models: Sequence[FaceModel], photos: Iterable[str]) -> None:
    """Refuse a table of predictions that knows none of the photos.

    Parameters
    ----------
    models
        Models that score the photos; those that are no tables are left alone.
    photos
        Names of the photos; read until each table has an age for one of them.

    Raises
    ------
    DataError
        A table has ages, and for none of the photos.
    """
    lacking = [model for model in models if isinstance(model, PredictedAges)]
    unknown = []
    for photo in photos if lacking else ():
        lacking = [model for model in lacking if not model.knows(photo)]
        if not lacking:
            return
        unknown.append(photo)
    if lacking and unknown:
        raise DataError(
            f"`{lacking[0].table}` has a `{lacking[0].columns[0]}` for none of the "
            f"{len(unknown)} photos; {_why_none(lacking[0], unknown)}."
        )


def _prediction_columns(
    data: pd.DataFrame, columns: Sequence[str] | None, file: str
) -> list[str]:
    """Return the columns of the predictions, which are there and free to be scores."""
    if PHOTO not in data:
        raise DataError(
            f"`{file}` has no column `{PHOTO}`; it names the photo of each row as the "
            "table of scores does."
        )
    given = [str(name) for name in data.columns if name != PHOTO]
    wanted = given if columns is None else list(columns)
    absent = [name for name in wanted if name not in given]
    if absent or not wanted:
        what = f"no column `{'`, `'.join(absent)}`" if absent else "no predictions"
        raise DataError(
            f"`{file}` has {what}; beside `{PHOTO}` it holds one column of ages per "
            "model."
        )
    taken = sorted(_RESERVED.intersection(wanted))
    if taken:
        raise DataError(
            f"`{taken[0]}` in `{file}` is the name of another column of the scores; "
            "name the column after its model, or choose `columns`."
        )
    return wanted


def _check_ages(ages: pd.Series, file: str) -> None:
    """Refuse what is no age in years."""
    is_number = pd.api.types.is_numeric_dtype(ages) and not (
        pd.api.types.is_bool_dtype(ages)
    )
    if not is_number and not ages.isna().all():
        numbers = pd.to_numeric(ages, errors="coerce")
        n = int((numbers.isna() & ages.notna()).sum()) or int(ages.notna().sum())
        raise DataError(
            f"`{ages.name}` in `{file}` must hold ages in years, but {n} of "
            f"{len(ages)} rows hold something else; correct them, or choose `columns`."
        )
    values = ages.astype(float)
    outside = values[(values < 0) | (values > OLDEST)]
    if len(outside):
        raise DataError(
            f"`{ages.name}` in `{file}` must hold ages in years, but {len(outside)} of "
            f"{len(ages)} rows lie outside 0 to {OLDEST:g} ({outside.min():g} to "
            f"{outside.max():g}); correct them or leave them empty."
        )


def _one_row_per_photo(data: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return the ages by photo; rows that repeat each other count once."""
    unnamed = int(data[PHOTO].isna().sum())
    if unnamed:
        raise DataError(f"`{PHOTO}` in `{file}` is empty in {unnamed} of {len(data)}.")
    if pd.api.types.is_float_dtype(data[PHOTO]):
        raise DataError(f"`{PHOTO}` in `{file}` must hold names, not decimal numbers.")
    ages = data.drop(columns=PHOTO).astype(float).set_axis(data[PHOTO].astype(str))
    distinct = ages[~ages.reset_index().duplicated().to_numpy()]
    again = distinct.index[distinct.index.duplicated()].unique()
    if len(again):
        raise DataError(
            f"`{file}` names {len(again)} of {ages.index.nunique()} photos more than "
            "once with different ages; keep one row per photo."
        )
    return distinct


def _why_none(model: PredictedAges, photos: Collection[str]) -> str:
    """Guess how the names of photos differ, without printing one."""
    there = {photo for photo in model.ages if model.knows(photo)}
    for how, plain in _PLAINER.items():
        n = len({plain(photo) for photo in photos} & {plain(photo) for photo in there})
        if n:
            return f"{n} are the same without their {how}: name them as in the scores"
    return f"compare its column `{PHOTO}` with that of the scores"
