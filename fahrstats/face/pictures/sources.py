"""Opening what holds the photographs of a cohort."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.errors import DataError
from fahrstats.face.pictures.folders import open_folder
from fahrstats.face.pictures.image_columns import image_columns
from fahrstats.face.pictures.manifests import (
    SEPARATORS,
    manifest_of,
    open_manifest,
    text_separator,
)
from fahrstats.face.pictures.photos import (
    PHOTO_SUFFIXES,
    FileShard,
    Photo,
    PhotoSource,
    in_runs,
    is_photo,
    printable,
)
from fahrstats.face.pictures.tables import list_tables, open_tables
from fahrstats.section import did_you_mean

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A single photo.

    Attributes
    ----------
    root, file : str
        The folder with links resolved, and the name of the file in it.
    """

    root: str
    file: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return printable(self.file)

    def __len__(self) -> int:
        return 1

    def shards(self, size: int) -> Iterator[FileShard]:
        """Yield the one shard."""
        for photos in in_runs([Photo(self.name, Path(self.file))], size):
            yield FileShard(0, self.root, photos)

    def fingerprint(self) -> str:
        """Return a SHA-256 of name, size and time of change."""
        return next(self.shards(1)).fingerprint()


def open_source(
    where: str | Path | pd.DataFrame, *, root: str | Path | None = None
) -> PhotoSource:
    """Open the photographs of a cohort.

    Parameters
    ----------
    where
        One of

        - a folder of photos, searched with the folders in it; the photos are named by
          their relative paths;
        - a CSV, TSV or Parquet file, or a data frame, with the column ``photo`` of
          paths, and ``subject`` and ``session`` where they are known;
        - a Parquet file with a column of images, or a folder of such files;
        - a single photo.
    root
        The folder that the paths of a table are relative to; by default that of the
        table, and the current one for a data frame.

    Raises
    ------
    DataError
        There is nothing there, no photo, or a table that lists photos twice, without
        a name or outside of ``root``.
    """
    if isinstance(where, pd.DataFrame):
        return manifest_of(where, Path() if root is None else Path(root))
    path = Path(where)
    if not path.exists():
        raise _missing(path)
    has_paths = path.is_file() and _is_manifest(path)
    if root is not None and not has_paths:
        raise DataError(f"`root` goes with a table of paths; `{_shown(path)}` is none.")
    if has_paths:
        return open_manifest(path, None if root is None else Path(root))
    if path.is_dir():
        return _open_folder(path)
    if path.name.lower().endswith(".parquet"):
        return open_tables([path], path.parent)
    if is_photo(path.name):
        return PhotoFile(os.path.realpath(path.parent), path.name)
    raise _unknown(path)


def _open_folder(path: Path) -> PhotoSource:
    """Open a folder of photos, else of Parquet files."""
    folder = open_folder(path)
    if len(folder):
        return folder
    tables = list_tables(path)
    if tables:
        return open_tables(tables, path)
    others = Counter(
        os.path.splitext(name)[1].lower() or "no suffix"
        for _, _, names in os.walk(path)
        for name in names
    )
    if not others:
        raise DataError(f"The folder `{_shown(path)}` is empty.")
    found = ", ".join(f"{n:,} x {suffix}" for suffix, n in others.most_common(5))
    raise DataError(
        f"The folder `{_shown(path)}` holds no photo: looked for "
        f"{', '.join(PHOTO_SUFFIXES)} and .parquet, and found {printable(found)}."
    )


def _is_manifest(path: Path) -> bool:
    """Tell a table of paths from other files."""
    if not path.name.lower().endswith(".parquet"):
        return text_separator(path) is not None
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"`{_shown(path)}` is not a Parquet file.") from error
    return "photo" in schema.names and not image_columns(schema)


def _missing(path: Path) -> DataError:
    """Say that there is no such file, and what else there is."""
    folder = path.parent
    known = os.listdir(folder) if folder.is_dir() else []
    return DataError(
        f"There is no folder or file `{_shown(path)}`.{did_you_mean(path.name, known)}"
    )


def _unknown(path: Path) -> DataError:
    """Say why a file holds no photos."""
    name = path.name.lower()
    if name.endswith(_ARCHIVES):
        return DataError(f"`{_shown(path)}` is an archive; unpack it, name its folder.")
    return DataError(
        f"`{_shown(path)}` is neither a photo ({', '.join(PHOTO_SUFFIXES)}) nor a "
        f"table of photos ({', '.join(SEPARATORS)}, .parquet)."
    )


def _shown(path: Path) -> str:
    return printable(str(path))
