"""Who trains, who tunes and who tests: persons are dealt whole, not photo by photo."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError
from fahrstats.resampling import IntArray, check_seed


def split_subjects(
    subject: ArrayLike,
    *,
    shares: Mapping[str, float],
    seed: int,
    stratify: ArrayLike | None = None,
) -> NDArray[np.str_]:
    """Return the split of each photo; all photos of a person are in the same one.

    Numbers of persons are the shares of all persons, rounded by largest remainder.

    Parameters
    ----------
    subject : (n,) array
        Person of each photo.
    shares : mapping of str to float
        Split and its share of the persons, such as
        ``{"train": 0.8, "tune": 0.1, "test": 0.1}``; they sum to 1.
    seed : int
        A whole number from 0 on; it alone decides the draw.
    stratify : (n,) array, optional
        Groups whose persons are to be shared out alike. A person belongs to the group
        of their first photo.

    Returns
    -------
    (n,) str array
        Name of the split.

    Raises
    ------
    DataError
        Shares that are not above 0 or do not sum to 1, a split without a person,
        lengths that differ, or no photo.
    """
    person, first = _people(subject)
    names, share = list(shares), np.array(list(shares.values()), np.float64)
    if not (np.all(share > 0) and np.isclose(share.sum(), 1, rtol=0, atol=1e-9)):
        raise DataError(
            f"`shares` are {dict(shares)}; give numbers above 0 that sum to 1."
        )
    quota = share * first.size
    size = np.floor(quota + 1e-9).astype(np.int64)
    by_remainder = np.argsort(size - quota, kind="stable")
    size[by_remainder[: first.size - size.sum()]] += 1
    if not size.all():
        raise DataError(
            f"`shares` leave `{names[int(size.argmin())]}` without any of the "
            f"{first.size} persons; give it a larger share."
        )
    group = np.zeros(person.size) if stratify is None else np.asarray(stratify)
    _refuse_other_length(person.size, stratify=group)
    code = np.unique(group[first], return_inverse=True)[1]
    order = np.lexsort((_stream(seed).random(first.size), code))
    # Each split's places lie evenly along the order, so every group has its share.
    place = np.concatenate([(np.arange(n) + 0.5) / n for n in size])
    split = np.empty(first.size, np.int64)
    split[order] = np.repeat(np.arange(size.size), size)[place.argsort(kind="stable")]
    return np.array(names)[split[person]]


def check_exclusive(subject: ArrayLike, split: ArrayLike) -> None:
    """Raise unless every person stands in one split only.

    Raises
    ------
    DataError
        Persons stand in several splits (their number is told, not who they are),
        lengths that differ, or no photo.
    """
    person, first = _people(subject)
    splits = np.asarray(split)
    _refuse_other_length(person.size, split=splits)
    strays = person[splits != splits[first][person]]
    n_leaking = np.unique(strays).size
    if n_leaking:
        raise DataError(
            f"`split` has {n_leaking} of {first.size} persons in several splits, which "
            "would test a network on faces it has learned; put all photos of a person "
            "into one, as `split_subjects` does."
        )


def _people(subject: ArrayLike) -> tuple[IntArray, IntArray]:
    """Return the code of each photo's person and the first photo of each person."""
    people = np.asarray(subject)
    if not people.size:
        raise DataError("`subject` is empty; give the person of each photo.")
    _, first, person = np.unique(people, return_index=True, return_inverse=True)
    return person, first


def _stream(seed: int) -> np.random.Generator:
    check_seed(seed)
    return np.random.default_rng(np.random.SeedSequence(int(seed)))


def _refuse_other_length(n: int, **columns: NDArray[np.generic]) -> None:
    for name, column in columns.items():
        if len(column) != n:
            raise DataError(
                f"`{name}` has {len(column)} values and `subject` {n}; give one per "
                "photo."
            )
