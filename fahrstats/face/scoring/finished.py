"""The finished table of a run: its parts in one file, with their provenance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from fahrstats.cohort.store import (
    PROVENANCE_KEY,
    read_manifest,
    read_provenance,
    write_manifest,
)
from fahrstats.errors import DataError
from fahrstats.face.score_columns import STATUSES
from fahrstats.face.scoring.duplicates import first_alike, with_originals
from fahrstats.face.scoring.parts import Parts, Restart
from fahrstats.files import remove_partial, write_whole

_ROWS_PER_GROUP = 16_384
_BYTES_PER_GROUP = 2**26  # crops are large


def check_name(out: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse a table whose format is not known from its name, and a folder."""
    if out.suffix not in suffixes:
        raise DataError(f"`{out.name}` must end in {' or '.join(suffixes)}.")
    if out.is_dir():
        raise DataError(f"`{out.name}` is a folder; give another name with `-o`.")


def finished_counts(out: Path, key: str, *, restart: Restart) -> dict[str, int] | None:
    """Return photos by status if ``out`` is finished; None if it is to be made.

    Raises
    ------
    DataError
        ``out`` is something else: it was made from other photos or with other models
        or settings, and ``restart`` does not say that it may go; or it was not made
        by this package at all.
    """
    if not out.exists():
        return None
    provenance = _provenance(out)
    if provenance is None or "status" not in provenance:
        raise DataError(
            f"`{out.name}` exists and is not a table of scores; give another name with "
            "`-o`."
        )
    is_stale = provenance.get("key") != key
    if restart is True or (restart and is_stale):
        return None
    if is_stale:
        raise DataError(
            f"`{out.name}` was made from other photos, or with other models, settings "
            "or version of fahrstats; `--restart` makes it anew, or give another name "
            "with `-o`."
        )
    return dict(provenance["status"])


def merge_parts(
    parts: Parts, n_parts: int, out: Path, provenance: Mapping[str, Any]
) -> dict[str, int]:
    """Write the parts as one table, part by part; return photos by status.

    The provenance with these counts stands in the metadata of a Parquet file, and
    beside a .csv file in ``OUT.json``.
    """
    remove_partial(out.parent, out.name)
    seen: Counter[str] = Counter()
    first = first_alike(_contents(parts, n_parts, seen))
    counts = {status: seen[status] for status in STATUSES}
    described = {**provenance, "photos": seen.total(), "status": counts}
    tables = with_originals(map(parts.read, range(n_parts)), first)
    if out.suffix == ".csv":
        out.unlink(missing_ok=True)  # never an older table beside a newer account
        write_manifest(described, _beside(out))
        write_whole(out, lambda partial: _write_csv(tables, partial))
    else:
        write_whole(out, lambda partial: _write_parquet(tables, partial, described))
    return counts


def _contents(
    parts: Parts, n_parts: int, seen: Counter[str]
) -> Iterator[pa.ChunkedArray]:
    """Give the hashes of the photos part by part, counting statuses on the way."""
    for index in range(n_parts):
        part = parts.read(index, ["status", "content"])
        seen.update(part["status"].to_pylist())
        yield part["content"]


def _write_parquet(
    tables: Iterable[pa.Table], path: Path, provenance: Mapping[str, Any]
) -> None:
    """Write tables one after the other in row groups of equal size."""
    writer = None
    try:
        for group in _regrouped(tables):
            if writer is None:
                stored = json.dumps(dict(provenance), sort_keys=True)
                schema = group.schema.with_metadata({PROVENANCE_KEY: stored})
                writer = pq.ParquetWriter(path, schema, compression="zstd")
            writer.write_table(group.replace_schema_metadata(schema.metadata))
    finally:
        if writer is not None:
            writer.close()


def _regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join small tables until they fill a row group."""
    held: list[pa.Table] = []
    n_rows = n_bytes = 0
    for table in tables:
        held.append(table)
        n_rows += len(table)
        n_bytes += table.nbytes
        if n_rows >= _ROWS_PER_GROUP or n_bytes >= _BYTES_PER_GROUP:
            yield pa.concat_tables(held).combine_chunks()
            held, n_rows, n_bytes = [], 0, 0
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _write_csv(tables: Iterable[pa.Table], path: Path) -> None:
    """Write tables one after the other under one header."""
    writer = None
    try:
        for table in tables:
            if writer is None:
                writer = pa.csv.CSVWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _provenance(out: Path) -> dict[str, Any] | None:
    """Return what a finished table says of itself, or None if it says nothing."""
    if out.suffix != ".csv":
        return read_provenance(out)
    beside = _beside(out)
    return read_manifest(beside) if beside.exists() else None


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.name}.json")
