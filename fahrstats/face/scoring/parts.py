"""Finished shards of a run on disk, from which a stopped run is resumed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.errors import DataError
from fahrstats.files import remove_partial, write_whole

_PLAN_KEY = b"fahrstats.plan"
_SHARD_KEY = b"fahrstats.shard"
_LOCK = "lock"

Restart = bool | Literal["if stale"]
"""Whether what an earlier run made is discarded: never, always, or if it is stale."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder ``OUT.parts`` beside a table that is being made; one file per shard.

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
        return self.folder / f"{index:08d}.parquet"

    def has(self, index: int, stamp: str) -> bool:
        """Tell whether a shard is finished and was then of the same ``stamp``."""
        return _keys(self.path(index)) == (self.fingerprint, stamp)

    def write(self, index: int, stamp: str, table: pa.Table) -> None:
        """Put the part of a shard in its place, whole.

        ``stamp`` is the shard's fingerprint from before its photos were read.
        """
        keys = {_PLAN_KEY: self.fingerprint, _SHARD_KEY: stamp}
        table = table.replace_schema_metadata(keys)
        write_whole(
            self.path(index),
            lambda partial: pq.write_table(table, partial, compression="zstd"),
        )

    def read(self, index: int, columns: list[str] | None = None) -> pa.Table:
        """Return the part of a shard, or some of its columns."""
        table = pq.read_table(self.path(index), columns=columns)
        return table.replace_schema_metadata(None)

    def remove(self) -> None:
        """Delete all parts."""
        for part in self.folder.glob("*.parquet"):
            part.unlink()


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
    with _locked(folder / _LOCK, out):
        remove_partial(folder)
        parts = Parts(folder, fingerprint)
        if restart is True:
            parts.remove()
        if not restart:
            _check_plan(parts)
        try:
            yield parts
        finally:
            if not any(folder.glob("*.parquet")):
                (folder / _LOCK).unlink()
                with suppress(OSError):
                    folder.rmdir()


@contextmanager
def _locked(lock: Path, out: Path) -> Iterator[None]:
    """Hold a lock that the system takes back when the process ends, however it ends."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode() or "unknown"
            raise DataError(
                f"`{out.name}` is being made by another run (process {holder}); wait "
                "until it ends, or give another name with `-o`."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _check_plan(parts: Parts) -> None:
    """Refuse parts that another plan made."""
    for path in parts.folder.glob("*.parquet"):
        keys = _keys(path)
        if keys is not None and keys[0] != parts.fingerprint:
            raise DataError(
                f"`{parts.folder.name}` holds parts of a run with other models, "
                "settings or version of fahrstats; `--restart` discards them, or give "
                "another name with `-o`."
            )


def _keys(path: Path) -> tuple[str, str] | None:
    """Return the fingerprints of plan and shard in a part; None if it is not whole."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return None
    plan, shard = metadata.get(_PLAN_KEY, b""), metadata.get(_SHARD_KEY, b"")
    return plan.decode(), shard.decode()
