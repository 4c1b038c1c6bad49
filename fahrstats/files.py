"""Files that are there whole or not at all, and their fingerprints.

Every file is written beside its place and renamed into it, so a run that is stopped
leaves either the whole file or none.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

_PARTIAL = ".partial"


def write_whole(path: Path, write_to: Callable[[Path], object]) -> None:
    """Let ``write_to`` fill a file beside ``path``, then rename it into place.

    The folder is made if needed. An older file is replaced only when the new one is
    complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        write_to(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.EIO, reason, str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: Path, name: str | None = None) -> None:
    """Delete what a stopped run left half-written in ``folder``.

    What a process that is still running writes there is left alone, and so is what
    would not have become the file ``name``, if one is given.
    """
    pattern = "*" if name is None else f"{glob.escape(name)}.*"
    for partial in folder.glob(f".{pattern}{_PARTIAL}"):
        process = partial.name.removesuffix(_PARTIAL).rpartition(".")[2]
        if not process.isdecimal() or not _is_running(int(process)):
            partial.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_running(process: int) -> bool:
    """Tell whether another process has this number; unknown counts as running."""
    if process == os.getpid():
        return False
    if os.name != "posix":  # elsewhere the signal 0 is not a mere question
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
