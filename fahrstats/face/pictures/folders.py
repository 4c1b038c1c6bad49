"""The photographs of a folder, listed without holding more than one folder's names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import (
    FileShard,
    Photo,
    hash_of,
    in_runs,
    is_photo,
    printable,
)

_SKIPPED = ("__macosx", "thumbs.db", "desktop.ini")
_SHARD_OF_FINGERPRINT = 1000


@dataclass(frozen=True, slots=True)
class PhotoFolder:
    """The photos below a folder, in the order of their relative paths.

    Files are told by their suffix. Hidden files and folders are skipped. Links to
    folders are not followed: what they lead to inside the folder is listed at its own
    place, and what is outside has one row that is refused.

    Attributes
    ----------
    root : str
        The folder, with links resolved.
    n_photos : int
        Photos there were when the folder was opened.
    """

    root: str
    n_photos: int

    @property
    def name(self) -> str:
        """Name of the folder."""
        return printable(os.path.basename(self.root))

    def __len__(self) -> int:
        return self.n_photos

    def shards(self, size: int) -> Iterator[FileShard]:
        """Yield shards of ``size`` photos, the last one shorter, lazily."""
        for index, photos in enumerate(in_runs(list_photos(self.root), size)):
            yield FileShard(index, self.root, photos)

    def fingerprint(self) -> str:
        """Return a SHA-256 of names, sizes and times of change."""
        shards = self.shards(_SHARD_OF_FINGERPRINT)
        return hash_of(shard.fingerprint() for shard in shards)


def open_folder(path: Path) -> PhotoFolder:
    """Count the photos of a folder; there may be none.

    Raises
    ------
    DataError
        The folder cannot be opened.
    """
    root = os.path.realpath(path)
    return PhotoFolder(root, sum(1 for _ in list_photos(root)))


def list_photos(root: str) -> Iterator[Photo]:
    """Yield the photos below a folder in the order of their relative paths."""
    yield from _below(root, "")


def _below(root: str, inner: str) -> Iterator[Photo]:
    """Yield the photos below the folder ``inner``, which ends in a slash or is ``""``.

    A folder sorts as if its name ended in a slash, so that the photos come in the order
    of ``sorted(paths)``.
    """
    try:
        entries = _entries(os.path.join(root, inner))
    except OSError as error:
        if not inner:
            raise DataError(
                f"The folder `{printable(root)}` cannot be opened: {error.strerror}."
            ) from error
        yield _refused(inner[:-1], f"the folder cannot be opened: {error.strerror}")
        return
    for name, is_link in sorted(entries):
        if not name.endswith("/"):
            yield Photo(printable(inner + name), Path(inner + name))
        elif not is_link:
            yield from _below(root, inner + name)
        elif not _is_listed(os.path.join(root, inner, name), root):
            yield _refused(inner + name[:-1], "a link to a folder is not followed")


def _entries(folder: str) -> list[tuple[str, bool]]:
    """Return photos and folders, these ending in a slash, and which are links."""
    with os.scandir(folder) as found:
        return [
            (entry.name + "/" * is_folder, entry.is_symlink())
            for entry in found
            if not entry.name.startswith(".") and entry.name.lower() not in _SKIPPED
            if (is_folder := _is_folder(entry)) or is_photo(entry.name)
        ]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether a name is that of a folder; a link in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_listed(link: str, root: str) -> bool:
    """Tell whether what a link to a folder leads to is listed at its own place."""
    target = os.path.relpath(os.path.realpath(link), root)
    parts = target.split(os.sep)
    return not any(part.startswith(".") and part != "." for part in parts)


def _refused(name: str, problem: str) -> Photo:
    return Photo(printable(name), None, problem=problem)
