"""Finished shards of a run on disk, from which a stopped run is resumed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.errors import DataError
from fahrstats.face.locks import alone
from fahrstats.files import remove_partial, write_whole

_LOCK = "lock"
_NAMES = "[0-9]" * 8 + ".part"
_DIGITS = 64  # of a SHA-256

Restart = bool | Literal["if stale"]
"""Whether what an earlier run made is discarded: never, always, or if it is stale."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder ``OUT.parts`` beside a table that is being made; one file per shard.

    A part is a Parquet file after a line with the SHA-256 of all that follows the
    digest: the fingerprints of plan and shard, and the file.

    Attributes
    ----------
    folder : Path
        The folder.
    fingerprint : str
        What the parts are made with; see :func:`open_parts`.
    """

    folder: Path
    fingerprint: str

    def path(self, index: int) -> Path:
        """Return the place of the part of a shard."""
        return self.folder / f"{index:08d}.part"

    def has(self, index: int, stamp: str) -> bool:
        """Tell whether a shard is finished, undamaged and was of the same ``stamp``."""
        return _opened(self.path(index))[:2] == (self.fingerprint, stamp)

    def write(self, index: int, stamp: str, table: pa.Table) -> None:
        """Put the part of a shard in its place, whole.

        ``stamp`` is the shard's fingerprint from before its photos were read.
        """
        sink = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(), sink, compression="zstd")
        signed = f"\t{self.fingerprint}\t{stamp}\n".encode() + sink.getvalue()
        part = hashlib.sha256(signed).hexdigest().encode() + signed
        write_whole(self.path(index), lambda partial: partial.write_bytes(part))

    def read(self, index: int, columns: list[str] | None = None) -> pa.Table:
        """Return the part of a shard, or some of its columns.

        Raises
        ------
        DataError
            The part was damaged after it was written.
        """
        content = _opened(self.path(index))[2]
        if not content:
            raise DataError(
                f"`{self.folder.name}/{self.path(index).name}` is damaged; run again, "
                "and its photos are scored anew."
            )
        return pq.read_table(io.BytesIO(content), columns=columns)

    def remove(self) -> None:
        """Delete all parts."""
        for part in self.paths():
            part.unlink()

    def paths(self) -> Iterator[Path]:
        """Give the parts that are there."""
        return self.folder.glob(_NAMES)


@contextmanager
def open_parts(out: Path, fingerprint: str, *, restart: Restart) -> Iterator[Parts]:
    """Open the parts of a table for one run alone; an empty folder is removed after.

    Parameters
    ----------
    out
        The table that is made.
    fingerprint
        What the parts are made with: models, detector and settings.
    restart
        Discard parts that are there instead of going on from them; ``"if stale"``, only
        those made with something else.

    Raises
    ------
    DataError
        Another run is making the same table, or the parts there were made with other
        models or settings.
    """
    folder = out.with_name(f"{out.name}.parts")
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / _LOCK
    with alone(lock, out.name, remedy="give another name with `-o`"):
        remove_partial(folder)
        parts = Parts(folder, fingerprint)
        if restart is True:
            parts.remove()
        if not restart:
            _check_plan(parts)
        try:
            yield parts
        finally:
            if not any(parts.paths()):
                lock.unlink()
                with suppress(OSError):
                    folder.rmdir()


def _check_plan(parts: Parts) -> None:
    """Refuse parts that another plan made."""
    for path in parts.paths():
        plan = _opened(path)[0]
        if plan and plan != parts.fingerprint:
            raise DataError(
                f"`{parts.folder.name}` holds parts of a run with other models, "
                "settings or version of fahrstats; `--restart` discards them, or give "
                "another name with `-o`."
            )


def _opened(path: Path) -> tuple[str, str, bytes]:
    """Return plan, stamp and Parquet file of a part; nothing if it is not whole."""
    try:
        part = path.read_bytes()
    except FileNotFoundError:
        return "", "", b""
    digest, signed = part[:_DIGITS], part[_DIGITS:]
    if digest != hashlib.sha256(signed).hexdigest().encode():
        return "", "", b""
    head, _, content = signed.partition(b"\n")
    _, plan, stamp = head.decode().split("\t")
    return plan, stamp, content
