"""Rows of Parquet files as photos, read a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fahrstats.errors import DataError
from fahrstats.face.pictures.image_columns import ImageColumns
from fahrstats.face.pictures.photos import Photo, hash_of

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one row group.

    Attributes
    ----------
    path, file, state : str
        Of the file.
    group, above : int
        The row group, and the rows of the file before it.
    start, stop : int
        The rows within the group.
    """

    path: str
    file: str
    state: str
    group: int
    above: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class TableShard:
    """Photos that are rows of Parquet files.

    Attributes
    ----------
    index : int
        Place among the shards of the source.
    columns : ImageColumns
        Which columns are read.
    spans : tuple of Span
        Where the photos are.
    """

    index: int
    columns: ImageColumns
    spans: tuple[Span, ...]

    def __len__(self) -> int:
        return sum(span.stop - span.start for span in self.spans)

    def __iter__(self) -> Iterator[Photo]:
        for span in self.spans:
            yield from _read_span(span, self.columns)

    def fingerprint(self) -> str:
        """Return a SHA-256 of the rows and of the files' sizes and times of change."""
        return hash_of(
            f"{span.file!r} {span.state} {span.group} {span.start} {span.stop}"
            for span in self.spans
        )


@contextmanager
def opened(path: str, name: str) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file; what goes wrong while it is open is a ``DataError``."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"`{name}` cannot be read: {reason}.") from error


def texts(rows: pa.RecordBatch | pa.Table, column: str) -> pa.Array | pa.ChunkedArray:
    """Return a column as text, missing where it is blank."""
    text = pc.cast(_column(rows, column), pa.large_string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), None, text)


def _read_span(span: Span, columns: ImageColumns) -> Iterator[Photo]:
    """Yield the photos of a span; those of a damaged part are refused."""
    photos = _about(span, columns)
    images = _images(span, columns.image)
    for place, photo in enumerate(photos):
        try:
            data = next(images, None)
        except DataError:
            damaged = "its Parquet file is damaged here"
            yield from (replace(rest, problem=damaged) for rest in photos[place:])
            return
        yield replace(
            photo, data=data or None, problem="" if data else "its image is empty"
        )


def _about(span: Span, columns: ImageColumns) -> list[Photo]:
    """Return the photos of a span without their images."""
    row = span.above + span.start
    numbered = [f"{span.file}#{row + i + 1}" for i in range(span.stop - span.start)]
    if not columns.about:
        return [Photo(name, None) for name in numbered]
    with opened(span.path, span.file) as file:
        group = file.read_row_group(span.group, columns.about, use_threads=False)
    rows = group.slice(span.start, len(numbered))

    def values(column: str | None) -> list[str | None]:
        return texts(rows, column).to_pylist() if column else [None] * len(numbered)

    return [
        Photo(str(name), None, subject, session)
        for name, subject, session in zip(
            values(columns.name) if columns.name else numbered,
            values(columns.subject),
            values(columns.session),
            strict=True,
        )
    ]


def _images(span: Span, column: str) -> Iterator[bytes | None]:
    """Yield the bytes of a span's images, few of them held at a time.

    The file is mapped: read otherwise, a whole row group would be held. Of compressed
    files one page is, which writers cut by rows, often a thousand.
    """
    with opened(span.path, span.file) as file:
        start = 0
        for batch in file.iter_batches(
            _BATCH, row_groups=[span.group], columns=[column], use_threads=False
        ):
            stop = start + batch.num_rows
            wanted = _column(batch, column)[max(span.start - start, 0) :]
            for value in wanted[: max(span.stop - max(start, span.start), 0)]:
                yield value.as_py()
            start = stop
            if start >= span.stop:
                return


def _column(rows: pa.RecordBatch | pa.Table, column: str) -> pa.Array | pa.ChunkedArray:
    """Return a column, or the field of a struct that follows a dot."""
    name, _, field = column.partition(".")
    values = rows.column(name)
    return pc.struct_field(values, field) if field else values
