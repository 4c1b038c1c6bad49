"""How files of photos say which is before and which is after."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd

from fahrstats.errors import DataError
from fahrstats.face.pictures.photos import printable

BEFORE, AFTER = "before", "after"

_VOCABULARIES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("before", "pre", "baseline"), ("after", "post", "followup", "follow-up")),
    (("0",), ("1",)),
    (("1",), ("2",)),
    (("a",), ("b",)),
)
"""Words of the photo before and of that after; of one set in one source."""

_NAMES = {word for sides in _VOCABULARIES[:1] for side in sides for word in side}
_ENDINGS = _NAMES | {"0", "1", "2", "a", "b"}
_SEPARATOR = re.compile(r"[_\-. ]")
_WORDS = "|".join(sorted(map(re.escape, _ENDINGS)))
_ENDING = re.compile(
    rf"^(?P<key>.+){_SEPARATOR.pattern}(?P<word>{_WORDS})$", re.IGNORECASE
)

UNDERSTOOD = (
    "a table with the columns `before` and `after`; a table with `photo`, `subject` "
    "and `moment`; folders `before` and `after` with files of equal names; a folder "
    "for each subject with `before` and `after` in it; or names that end in _before "
    "and _after, _pre and _post, _1 and _2, or _a and _b"
)
"""Layouts that are read, for messages and documentation."""


class Placed(NamedTuple):
    """A photo, and what its path says of it.

    ``word`` says whether it is before or after, in the words of the path.
    """

    photo: str
    word: str
    subject: str
    condition: str


def place_by_paths(name: str, photos: Sequence[str]) -> tuple[str, list[Placed]]:
    """Return the layout of a folder's photos, and where it places each of them.

    Raises
    ------
    DataError
        No layout, or more than one, explains all of the paths.
    """
    found: dict[str, list[Placed]] = {}
    others: list[str] = []
    for photo in photos:
        for layout, place in _LAYOUTS.items():
            placed = place(PurePosixPath(photo))
            if placed is not None:
                found.setdefault(layout, []).append(placed)
                break
        else:
            others.append(photo)
    if len(found) == 1 and not others:
        return next(iter(found.items()))
    told = [f"{len(placed):,} as {layout}" for layout, placed in found.items()]
    if others:
        told.append(
            f"{len(others):,} as none of these, such as `{printable(others[0])}`"
        )
    raise DataError(
        f"Which of the {len(photos):,} photos of `{name}` are before and which after "
        f"is unclear: understood {'; '.join(told)}. Use one layout: {UNDERSTOOD}."
    )


def moments_of(words: Iterable[object], where: str) -> pd.Series:
    """Return ``before`` or ``after`` for every word, which all are of one vocabulary.

    Raises
    ------
    DataError
        The words are of no vocabulary, or of one side only.
    """
    texts = pd.Series([_plain(word) for word in words], dtype=object)
    known = set(texts)
    for before, after in _VOCABULARIES:
        if known <= {*before, *after} and known & {*before} and known & {*after}:
            return texts.isin(before).map({True: BEFORE, False: AFTER})
    counts = Counter(texts)
    told = ", ".join(f"`{word}` ({n:,})" for word, n in counts.most_common(6))
    raise DataError(
        f"{where} says before and after by {told}; write `before` and `after` (or pre "
        "and post, 0 and 1, 1 and 2, a and b), both of them."
    )


def _plain(word: object) -> str:
    """Return a word in small letters; 1.0 and True are 1."""
    if isinstance(word, bool) or (isinstance(word, float) and word.is_integer()):
        word = int(word)
    return str(word).strip().lower()


def _by_folder(path: PurePosixPath) -> Placed | None:
    """Place a photo by a folder ``before`` or ``after`` above it."""
    folders = path.parts[:-1]
    at = [i for i, folder in enumerate(folders) if folder.lower() in _NAMES]
    if len(at) != 1:
        return None
    others = [folder for i, folder in enumerate(folders) if i not in at]
    return Placed(str(path), folders[at[0]], path.stem, "/".join(others))


def _in_folder(path: PurePosixPath) -> Placed | None:
    """Place a photo named ``before`` or ``after`` in the folder of a subject."""
    *others, subject = path.parts[:-1] or ("",)
    if not subject or path.stem.lower() not in _NAMES:
        return None
    return Placed(str(path), path.stem, subject, "/".join(others))


def _by_ending(path: PurePosixPath) -> Placed | None:
    """Place a photo by how its name ends, unless a word before says it as well."""
    found = _ENDING.match(path.stem)
    if found is None or _NAMES & {*_SEPARATOR.split(found["key"].lower())}:
        return None
    return Placed(str(path), found["word"], found["key"], "/".join(path.parts[:-1]))


_LAYOUTS: dict[str, Callable[[PurePosixPath], Placed | None]] = {
    "files in folders before and after": _by_folder,
    "files before and after in a folder for each subject": _in_folder,
    "names that end in before and after": _by_ending,
}
