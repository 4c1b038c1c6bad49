"""Sizes below which a level of an audit keeps its row, but neither numbers nor counts.

A count below its floor is told as a band, and so is one above it, so that the two
together do not give the size away. Totals of other rows still can: bands keep numbers
of a few people from being read, and only a version for publication protects them.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError

FLOOR_EVENTS, FLOOR_PEOPLE = 10, 20
"""Events and people from which a level is estimated."""

MOST_RANKED = 100
"""Levels up to which the covariance of all pairs of them fits into a gigabyte."""

TOO_FEW = "too few"
"""How the note of a level below a floor begins."""

_ALL_ROWS = "all rows"
_ONE_CLUSTER = f"not estimated: {_ALL_ROWS} are one cluster"


@dataclass(frozen=True, slots=True)
class Floors:
    """Events and people from which a level is estimated, at least 1 each."""

    events: int = FLOOR_EVENTS
    people: int = FLOOR_PEOPLE

    def __post_init__(self) -> None:
        for name, value in (("events", self.events), ("people", self.people)):
            if not isinstance(value, Integral) or value < 1:
                raise DataError(
                    f"`floor_{name}` is {value}; give a whole number from 1 on."
                )

    def note(self, n_people: int, n_events: int) -> str:
        """Say that a level is too small, in bands; empty if it is large enough."""
        if n_people >= self.people and n_events >= self.events:
            return ""
        people = _band(n_people, self.people, min(n_people, 1))
        events = _band(n_events, self.events, 0)
        return f"{TOO_FEW}: {people} people, {events} events"

    def note_until(self, n_events: int, horizon: float) -> str:
        """Say that a level has too few events by a time; empty if it has enough."""
        if n_events >= self.events:
            return ""
        return f"{TOO_FEW}: {_band(n_events, self.events, 0)} events by {horizon:g}"


def one_cluster(clusters: NDArray[np.int64] | None, chosen: NDArray[np.bool_]) -> str:
    """Say that a level is one cluster, whose rows say nothing of how they vary."""
    if clusters is None or np.unique(clusters[chosen]).size != 1:
        return ""
    return _ONE_CLUSTER


def name_level(note: str, level: str) -> str:
    """Return why a level is not shown, where a row is about two levels."""
    for words, of_level in ((TOO_FEW, f"in {level}"), (_ALL_ROWS, f"of {level}")):
        note = note.replace(words, f"{words} {of_level}", 1)
    return note


def _band(count: int, floor: int, least: int) -> str:
    """Write a count as below its floor or not."""
    if count >= floor:
        return f"{floor} or more"
    return f"{least} to {floor - 1}" if floor - 1 > least else f"{least}"
