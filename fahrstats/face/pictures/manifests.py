"""Photographs that a table lists by their paths."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import (
    FileShard,
    Photo,
    check_shard_size,
    hash_of,
    printable,
)
from fahrstats.face.pictures.repeated import check_unique
from fahrstats.section import did_you_mean

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
"""Suffixes of text tables and what separates their columns."""

_COLUMNS = ("photo", "subject", "session")
_UNUSUAL = r"^/|(^|/)\.{0,2}(/|$)"
"""Paths that are absolute or have an empty part or one of dots alone."""

_SHARD_OF_FINGERPRINT = 1000
_HASHED_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class PhotoManifest:
    """The photos of a table, in the order of its rows.

    Attributes
    ----------
    name : str
        Name of the table's file.
    root : str
        The folder that paths are relative to, with links resolved. No photo outside
        of it is read.
    table : pyarrow.Table
        ``photo`` (as the table names it), ``path`` below ``root``, ``subject`` and
        ``session``, all of them text.
    """

    name: str
    root: str
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def shards(self, size: int) -> Iterator[FileShard]:
        """Yield shards of ``size`` photos, the last one shorter, lazily."""
        check_shard_size(size)
        for index, start in enumerate(range(0, len(self), size)):
            rows = self.table.slice(start, size).to_pylist()
            yield FileShard(index, self.root, tuple(_photo(row) for row in rows))

    def fingerprint(self) -> str:
        """Return a SHA-256 of names, subjects, sizes and times of change."""
        shards = self.shards(_SHARD_OF_FINGERPRINT)
        return hash_of(shard.fingerprint() for shard in shards)


def open_manifest(path: Path, root: Path | None = None) -> PhotoManifest:
    """Open a CSV, TSV or Parquet file with the column ``photo``.

    Parameters
    ----------
    path
        The file. Columns ``subject`` and ``session`` are used where there are any,
        others are not read.
    root
        The folder that paths are relative to; by default the file's own.

    Raises
    ------
    DataError
        The file cannot be read, has no column ``photo``, or lists a photo twice,
        without a name, or outside of ``root``.
    """
    name = printable(path.name)
    try:
        table = _read_text(path) if text_separator(path) else _read_parquet(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"`{name}` cannot be read: {reason}.") from error
    return _as_manifest(name, table, path.parent if root is None else root)


def manifest_of(frame: pd.DataFrame, root: Path) -> PhotoManifest:
    """Make a manifest of a data frame, as :func:`open_manifest` does of a file."""
    _check_columns("the data frame", [str(column) for column in frame.columns])
    wanted = [column for column in _COLUMNS if column in frame.columns]
    try:
        table = pa.Table.from_pandas(frame[wanted], preserve_index=False)
    except pa.ArrowException as error:
        raise _not_text(", ".join(f"`{column}`" for column in wanted)) from error
    return _as_manifest("the data frame", table, root)


def text_separator(path: Path) -> str | None:
    """Return what separates the columns of a text table; None if it is none."""
    name = path.name.lower()
    return next((mark for end, mark in SEPARATORS.items() if name.endswith(end)), None)


def _read_text(path: Path) -> pa.Table:
    """Read the columns of a text table as they are written."""
    parse = pa_csv.ParseOptions(delimiter=text_separator(path), newlines_in_values=True)
    with pa_csv.open_csv(path, parse_options=parse) as reader:
        names = reader.schema.names
    _check_columns(printable(path.name), names)
    wanted = [column for column in _COLUMNS if column in names]
    return pa_csv.read_csv(
        path,
        parse_options=parse,
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted,
            column_types={column: pa.string() for column in wanted},
        ),
    )


def _read_parquet(path: Path) -> pa.Table:
    """Read the columns of a Parquet table."""
    names = pq.read_schema(path).names
    _check_columns(printable(path.name), names)
    return pq.read_table(path, columns=[name for name in _COLUMNS if name in names])


def _check_columns(where: str, names: list[str]) -> None:
    """Refuse a table without ``photo``, or with a name that two columns share."""
    for column in _COLUMNS:
        if names.count(column) > 1:
            raise DataError(f"`{where}` has {names.count(column)} columns `{column}`.")
    if "photo" not in names:
        raise DataError(
            f"`{where}` has no column `photo`, which names the files; it has "
            f"{', '.join(f'`{name}`' for name in names)}.{did_you_mean('photo', names)}"
        )


def _as_manifest(name: str, table: pa.Table, root: Path) -> PhotoManifest:
    """Check names and paths."""
    if not table.num_rows:
        raise DataError(f"`{name}` has no rows.")
    if not root.is_dir():
        raise DataError(f"The folder `{printable(str(root))}` does not exist.")
    folder = os.path.realpath(root)
    columns = {
        column: _as_text(column, table[column])
        if column in table.column_names
        else pa.nulls(table.num_rows, pa.large_string())
        for column in _COLUMNS
    }
    photo = columns["photo"]
    if photo.null_count:
        first = pc.index(pc.is_null(photo), True).as_py()
        raise DataError(
            f"`photo` is empty in {photo.null_count:,} of {len(photo):,} rows of "
            f"`{name}`, first in row {first + 1}."
        )
    paths = _inside(name, photo, (os.path.abspath(root), folder))
    starts = range(0, len(paths), _HASHED_AT_ONCE)
    check_unique(name, lambda: (paths.slice(at, _HASHED_AT_ONCE) for at in starts))
    columns["path"] = paths
    columns["photo"] = pc.if_else(pc.starts_with(photo, "/"), paths, photo)
    return PhotoManifest(name, folder, pa.table(columns))


def _as_text(column: str, values: pa.ChunkedArray) -> pa.Array:
    """Return a column as text, missing where it is blank."""
    try:
        text = pc.cast(values, pa.large_string()).combine_chunks()
    except pa.ArrowException as error:
        raise _not_text(f"`{column}`") from error
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), None, text)


def _not_text(columns: str) -> DataError:
    return DataError(f"{columns} must hold text or whole numbers, of one kind each.")


def _inside(name: str, photo: pa.Array, roots: tuple[str, str]) -> pa.Array:
    """Return each path relative to the root and without detours.

    The root is given as the caller wrote it and with its links resolved.

    Raises
    ------
    DataError
        Paths lead out of the root; the message says how many.
    """
    unusual = pc.match_substring_regex(photo, _UNUSUAL)
    plain = [_plain(path, roots) for path in photo.filter(unusual).to_pylist()]
    outside = [path is None for path in plain]
    if any(outside):
        first = photo.filter(unusual)[outside.index(True)].as_py()
        raise DataError(
            f"{sum(outside):,} of {len(photo):,} photos of `{name}` are outside of the "
            f"folder `{printable(roots[0])}`, such as `{printable(first)}`; let `root` "
            "be the folder that holds them all."
        )
    return pc.replace_with_mask(photo, unusual, pa.array(plain, photo.type))


def _plain(path: str, roots: tuple[str, str]) -> str | None:
    """Return a path below the root without detours; None if it leads out."""
    below = [posixpath.normpath(path)]
    if path.startswith("/"):
        below = [posixpath.relpath(path, root) for root in roots]
    inside = (way for way in below if way.split("/")[0] not in ("..", "."))
    return next(inside, None)


def _photo(row: dict[str, str]) -> Photo:
    return Photo(row["photo"], Path(row["path"]), row["subject"], row["session"])
