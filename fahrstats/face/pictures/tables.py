"""Photographs in Parquet files with a column of images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from fahrstats.errors import DataError
from fahrstats.face.pictures.image_columns import ImageColumns, find_columns
from fahrstats.face.pictures.photos import (
    check_shard_size,
    hash_of,
    leads_astray,
    printable,
)
from fahrstats.face.pictures.repeated import check_unique
from fahrstats.face.pictures.table_shards import Span, TableShard, opened, texts


@dataclass(frozen=True, slots=True)
class TableFile:
    """One Parquet file of a table.

    Attributes
    ----------
    path, name : str
        Where it is, and its path below the folder that was opened.
    groups : tuple of int
        Rows of each row group.
    state : str
        Size and time of change.
    """

    path: str
    name: str
    groups: tuple[int, ...]
    state: str


@dataclass(frozen=True, slots=True)
class PhotoTable:
    """The photos of one Parquet file or of a folder of them, in the order of the rows.

    Attributes
    ----------
    name : str
        Name of the file or folder.
    columns : ImageColumns
        Which columns are read.
    files : tuple of TableFile
        The files in the order of their names.
    """

    name: str
    columns: ImageColumns
    files: tuple[TableFile, ...]

    def __len__(self) -> int:
        return sum(sum(file.groups) for file in self.files)

    def shards(self, size: int) -> Iterator[TableShard]:
        """Yield shards of ``size`` photos, the last one shorter, lazily."""
        for index, spans in enumerate(_cut(self.files, size)):
            yield TableShard(index, self.columns, spans)

    def fingerprint(self) -> str:
        """Return a SHA-256 of the files' names, rows, sizes and times of change."""
        return hash_of(
            f"{file.name!r} {file.groups} {file.state}" for file in self.files
        )


def list_tables(folder: Path) -> list[Path]:
    """Return the Parquet files below a folder in the order of their names."""
    return sorted(
        path
        for path in folder.rglob("*.parquet")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def open_tables(paths: list[Path], folder: Path) -> PhotoTable:
    """Open Parquet files with a column of images.

    A column of names is read once in whole, to see that no photo is listed twice.

    Parameters
    ----------
    paths
        The files, at least one.
    folder
        The folder they are in, or below.

    Raises
    ------
    DataError
        A file cannot be read, is a link out of the folder, or has no column of images
        or other ones than the first file; a photo has no name or is listed twice.
    """
    root = os.path.realpath(folder)
    name = printable(paths[0].name if len(paths) == 1 else os.path.basename(root))
    files, chosen = [], []
    for path in paths:
        inner = printable(str(path.relative_to(folder)))
        if problem := leads_astray(str(path), root):
            raise DataError(f"`{inner}` is not opened: {problem}.")
        with opened(str(path), inner) as file:
            chosen.append(find_columns(inner, file.schema_arrow))
            meta = file.metadata
            groups = [meta.row_group(g).num_rows for g in range(meta.num_row_groups)]
        status = path.stat()
        state = f"{status.st_size} {status.st_mtime_ns}"
        files.append(TableFile(os.path.realpath(path), inner, tuple(groups), state))
        if chosen[-1] != chosen[0]:
            raise DataError(
                f"`{inner}` has other columns than `{files[0].name}`; keep tables of "
                "different kinds in different folders."
            )
    table = PhotoTable(name, chosen[0], tuple(files))
    if not len(table):
        raise DataError(f"`{name}` has no rows.")
    return _named(table)


def _named(table: PhotoTable) -> PhotoTable:
    """Check the names; where paths in a struct are no names, use file and row."""
    column = table.columns.name
    if column is None:
        return table
    try:
        n_missing = sum(chunk.null_count for chunk in _names(table, column))
        if n_missing:
            raise DataError(
                f"`{column}` is empty in {n_missing:,} of {len(table):,} rows of "
                f"`{table.name}`; each photo needs a name."
            )
        check_unique(table.name, lambda: _names(table, column))
    except DataError:
        if "." not in column:
            raise
        return replace(table, columns=replace(table.columns, name=None))
    return table


def _names(table: PhotoTable, column: str) -> Iterator[pa.Array]:
    """Yield the names of all photos."""
    for source in table.files:
        with opened(source.path, source.name) as file:
            for batch in file.iter_batches(columns=[column], use_threads=False):
                yield texts(batch, column)


def _cut(files: tuple[TableFile, ...], size: int) -> Iterator[tuple[Span, ...]]:
    """Cut the rows of all files in runs of ``size``, the last one shorter."""
    check_shard_size(size)
    run: list[Span] = []
    missing = size
    for file in files:
        above = 0
        for group, n_rows in enumerate(file.groups):
            start = 0
            while start < n_rows:
                stop = min(n_rows, start + missing)
                place = (file.path, file.name, file.state, group, above)
                run.append(Span(*place, start, stop))
                missing -= stop - start
                start = stop
                if not missing:
                    yield tuple(run)
                    run, missing = [], size
            above += n_rows
    if run:
        yield tuple(run)
