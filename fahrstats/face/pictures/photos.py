"""What a source of photographs offers: photos in a stable order, cut in shards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

from fahrstats.errors import DataError

PHOTO_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".webp",
    ".avif",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
)
"""Suffixes of files that are read, in any case."""

REFUSED_SUFFIXES = (".heic", ".heif", ".jp2", ".jxl")
"""Suffixes of photos that are listed, so that their rows say why they have no score."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo as its source lists it; nothing of it has been read yet.

    Attributes
    ----------
    photo : str
        Its name in the cohort, unique within the source.
    data : bytes, Path or None
        The bytes of the file or where they are; None if the photo is refused.
    subject, session : str or None
        Whom it shows and on which occasion, if the source says so.
    problem : str
        Why the photo is refused, in words; empty if it is not.
    """

    photo: str
    data: bytes | Path | None
    subject: str | None = None
    session: str | None = None
    problem: str = ""


class Shard(Protocol):
    """A run of consecutive photos that one worker scores; small, and picklable."""

    @property
    def index(self) -> int:
        """Place among the shards of the source, from 0."""
        ...

    def __len__(self) -> int:
        """Return the number of photos."""
        ...

    def __iter__(self) -> Iterator[Photo]:
        """Yield the photos in order; one row group at a time is held at most."""
        ...

    def fingerprint(self) -> str:
        """Return a SHA-256 of names, subjects, sizes and times of change."""
        ...


class PhotoSource(Protocol):
    """Where the photographs of a cohort come from; picklable."""

    @property
    def name(self) -> str:
        """What was opened, without the folders above it."""
        ...

    def __len__(self) -> int:
        """Return the number of photos."""
        ...

    def shards(self, size: int) -> Iterator[Shard]:
        """Yield shards of ``size`` photos, the last one shorter, lazily."""
        ...

    def fingerprint(self) -> str:
        """Return a SHA-256 that changes when a photo is added, removed or changed.

        Files are told apart by name, size and time of change; none is read.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileShard:
    """Photos that are files below one folder.

    Attributes
    ----------
    index : int
        Place among the shards of the source.
    root : str
        The folder, with links resolved. A file that a link leads out of it is refused.
    photos : tuple of Photo
        The photos; where ``data`` is a path, it is relative to ``root``.
    """

    index: int
    root: str
    photos: tuple[Photo, ...]

    def __len__(self) -> int:
        return len(self.photos)

    def __iter__(self) -> Iterator[Photo]:
        for photo in self.photos:
            yield photo if photo.data is None else self._found(photo)

    def fingerprint(self) -> str:
        """Return a SHA-256 of names, subjects, sizes and times of change."""
        return hash_of(self._stamp(photo) for photo in self.photos)

    def _found(self, photo: Photo) -> Photo:
        """Return a photo with its full path, or refused if that leads out."""
        path = os.path.join(self.root, str(photo.data))
        problem = leads_astray(path, self.root)
        return replace(photo, data=None if problem else Path(path), problem=problem)

    def _stamp(self, photo: Photo) -> str:
        """Return what tells one state of a file from another."""
        state = ""
        if photo.data is not None:
            try:
                status = os.stat(os.path.join(self.root, str(photo.data)))
            except (OSError, ValueError):
                state = "absent"
            else:
                state = f"{status.st_size} {status.st_mtime_ns}"
        return f"{photo.photo!r} {photo.subject!r} {photo.session!r} {state}"


def is_photo(name: str) -> bool:
    """Tell by its suffix whether a file is a photo."""
    return name.lower().endswith(PHOTO_SUFFIXES + REFUSED_SUFFIXES)


def leads_astray(path: str, root: str) -> str:
    """Say why a file is not below a folder whose links are resolved, or nothing.

    A file that does not exist is no reason: reading it says so.
    """
    try:
        target = os.path.realpath(path, strict=True)
    except FileNotFoundError:
        return "the link leads nowhere" if os.path.islink(path) else ""
    except ValueError:
        return "its name is not that of a file"
    except OSError:
        return "the link leads in a circle, or its folder cannot be opened"
    if target.startswith(root.rstrip(os.sep) + os.sep):
        return ""
    return "a link leads out of the folder, and such links are not followed"


def printable(name: str) -> str:
    r"""Return a name on one line, with what cannot be printed escaped.

    A line break becomes ``\n``, a byte that is not UTF-8 ``\udcff``, a backslash
    ``\\``; letters of every script stay. Different names stay different.
    """
    return "".join(
        char
        if char.isprintable() and char != "\\"
        else char.encode("unicode_escape").decode("ascii")
        for char in name
    )


def hash_of(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines of text."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode())
        digest.update(b"\n")
    return digest.hexdigest()


def in_runs(items: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    """Cut an iterable in tuples of ``size``, the last one shorter."""
    check_shard_size(size)
    remaining = iter(items)
    while run := tuple(islice(remaining, size)):
        yield run


def check_shard_size(size: int) -> None:
    """Raise ``DataError`` unless a shard has at least one photo."""
    if size < 1:
        raise DataError(f"`size` must be at least 1, but it is {size}.")
