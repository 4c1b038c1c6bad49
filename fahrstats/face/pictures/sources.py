"""Opening what holds the photographs of a cohort."""

from __future__ import annotations

from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.face.pictures.folders import open_folder
from fahrstats.face.pictures.photos import PhotoSource, printable


def open_source(where: str | Path) -> PhotoSource:
    """Open the photographs of a cohort.

    Parameters
    ----------
    where
        A folder, which is searched with the folders in it.

    Raises
    ------
    DataError
        It does not exist or holds no photo.
    """
    path = Path(where)
    if path.is_dir():
        return open_folder(path)
    raise DataError(f"There is no `{printable(str(path))}`.")
