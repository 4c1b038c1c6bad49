"""Locks between runs, which the system takes back when a process ends, however."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fahrstats.errors import DataError


@contextmanager
def alone(lock: Path, name: str, *, remedy: str) -> Iterator[None]:
    """Hold a lock, or say which other run holds it.

    Parameters
    ----------
    lock
        The file of the lock, in a folder that is there; its holder may delete it.
    name
        What is made under the lock.
    remedy
        What to do instead of waiting, as in "give another name with `-o`".

    Raises
    ------
    DataError
        Another run holds the lock, or has just ended.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode() or "unknown"
            raise DataError(
                f"`{name}` is being made by another run (process {holder}); wait "
                f"until it ends, or {remedy}."
            ) from error
        if not os.fstat(descriptor).st_nlink:  # its holder has deleted it meanwhile
            raise DataError(f"Another run has just made `{name}`; start again.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def in_turn(lock: Path) -> Iterator[None]:
    """Wait until no other process holds a lock, and keep others waiting.

    The file of the lock stays: if it were deleted, one who waits and one who comes
    would hold two locks. Its folder is made if needed.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
