"""Photos with the same bytes, over a whole table and in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_HEX_DIGITS = 32  # 16 of the 32 bytes: no two of a billion photos share them by chance


def repeated_photos(contents: Iterable[pa.ChunkedArray]) -> dict[int, int]:
    """Return the rows whose bytes an earlier row has, and the first such row.

    Parameters
    ----------
    contents
        The column ``content`` of a table in pieces, in order. Forty bytes are held
        per photo while they are sorted.
    """
    rows, digests, start = [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)], 0
    for content in contents:
        read = np.flatnonzero(content.is_valid().to_numpy())
        rows.append(start + read)
        digests.append(_digests(content.drop_null()))
        start += len(content)
    return _first_alike(np.concatenate(digests), np.concatenate(rows))


def with_originals(
    tables: Iterable[pa.Table], repeated: Mapping[int, int]
) -> Iterator[pa.Table]:
    """Fill in ``duplicate_of`` in the pieces of a table, in order.

    Parameters
    ----------
    tables
        Pieces with the columns ``photo`` and ``duplicate_of``.
    repeated
        What :func:`repeated_photos` found in the whole table.
    """
    firsts = set(repeated.values())
    names: dict[int, str] = {}
    start = 0
    for table in tables:
        rows = range(start, start + len(table))
        start += len(table)
        if firsts:
            photos = table["photo"]
            names |= {row: photos[row - rows.start].as_py() for row in firsts & {*rows}}
        originals = [names[repeated[row]] if row in repeated else None for row in rows]
        place = table.schema.get_field_index("duplicate_of")
        yield table.set_column(
            place, table.schema.field(place), pa.array(originals, pa.string())
        )


def _digests(content: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return the first sixteen bytes of SHA-256 in hexadecimal, shape (n, 2)."""
    text = "".join(digest[:_HEX_DIGITS] for digest in content.to_pylist())
    return np.frombuffer(bytes.fromhex(text), np.uint64).reshape(-1, 2)


def _first_alike(
    digests: NDArray[np.uint64], rows: NDArray[np.int64]
) -> dict[int, int]:
    """Return the rows that repeat an earlier one, and the first like each."""
    if not len(rows):
        return {}
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: rows stay in order
    ordered = digests[order]
    is_new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    run_start = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
    repeats = rows[order[~is_new]]
    firsts = rows[order[run_start[~is_new]]]
    return dict(zip(repeats.tolist(), firsts.tolist(), strict=True))
