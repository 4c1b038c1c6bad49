"""Photos with the same bytes, over a whole table and in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_HEX_DIGITS = 32  # 16 of the 32 bytes: no two of a billion photos share them by chance


def first_alike(contents: Iterable[pa.ChunkedArray]) -> NDArray[np.int64]:
    """Return, for every photo, the row of the first one with the same bytes.

    Parameters
    ----------
    contents
        The column ``content`` of a table in pieces, in order. About fifty bytes are
        held per photo while they are sorted.

    Returns
    -------
    ndarray of shape (n,)
        Rows from 0; -1 where no earlier photo has the same bytes, or they are unknown.
    """
    rows, digests, n = [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)], 0
    for content in contents:
        read = np.flatnonzero(content.is_valid().to_numpy())
        rows.append(n + read)
        digests.append(_digests(content.drop_null()))
        n += len(content)
    first = np.full(n, -1)
    _mark_repeats(np.concatenate(digests), np.concatenate(rows), first)
    return first


def with_originals(
    tables: Iterable[pa.Table], first: NDArray[np.int64]
) -> Iterator[pa.Table]:
    """Fill in ``duplicate_of`` in the pieces of a table, in order.

    Parameters
    ----------
    tables
        Pieces with the columns ``photo`` and ``duplicate_of``.
    first
        What :func:`first_alike` found in the whole table. One name is held for each
        photo that has duplicates.
    """
    wanted = np.unique(first[first >= 0])
    names: dict[int, str] = {-1: ""}
    start = 0
    for table in tables:
        stop = start + len(table)
        here = slice(*np.searchsorted(wanted, (start, stop)))
        for row in wanted[here].tolist():
            names[row] = table["photo"][row - start].as_py()
        originals = [names[row] or None for row in first[start:stop].tolist()]
        place = table.schema.get_field_index("duplicate_of")
        yield table.set_column(
            place, table.schema.field(place), pa.array(originals, pa.string())
        )
        start = stop


def _digests(content: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return the first sixteen bytes of SHA-256 in hexadecimal, shape (n, 2)."""
    text = "".join(digest[:_HEX_DIGITS] for digest in content.to_pylist())
    return np.frombuffer(bytes.fromhex(text), np.uint64).reshape(-1, 2)


def _mark_repeats(
    digests: NDArray[np.uint64], rows: NDArray[np.int64], first: NDArray[np.int64]
) -> None:
    """Write into ``first``, for the rows that repeat another, the first like each."""
    if not len(rows):
        return
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: rows stay in order
    ordered = digests[order]
    is_new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    run_start = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
    first[rows[order[~is_new]]] = rows[order[run_start[~is_new]]]
