"""What a study file says of its outcomes, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TimeUnit = Literal["days", "months", "years"]

DAYS_PER_YEAR = 365.25
"""Mean length of a year of the Julian calendar, used unless a study says otherwise."""

OUTCOME_COLUMNS = ("time", "event", "entry")
"""Columns of the prepared cohort that hold the main outcome."""


@dataclass(frozen=True, slots=True)
class EventRule:
    """How one column says that the event happened.

    Attributes
    ----------
    column : str
        The column.
    kind : str
        ``indicator``: 0/1 or boolean. ``levels``: the levels below. ``present``: any
        value is an event, an empty cell is none.
    events, censored : tuple of str
        Levels, written as text, that mark an event and that do not.
    """

    column: str
    kind: Literal["indicator", "levels", "present"] = "indicator"
    events: tuple[str, ...] = ()
    censored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A time-to-event outcome.

    Attributes
    ----------
    name : str
        Empty for the main outcome, otherwise the name of a further one.
    label : str
        The event in words.
    time : str
        Column of the follow-up time.
    unit : str
        Unit of ``time`` and ``entry``.
    event : tuple of EventRule
        An event by any of these rules is an event.
    entry : str or None
        Column of the start of follow-up, with delayed entry.
    zero : float or None
        What a time of 0 stands for, in ``unit``; None leaves such rows to the gate,
        which takes them out.
    days_per_year : float
        Length of a year where ``unit`` is days.
    """

    name: str
    label: str
    time: str
    unit: TimeUnit
    event: tuple[EventRule, ...]
    entry: str | None = None
    zero: float | None = None
    days_per_year: float = DAYS_PER_YEAR

    @property
    def units_per_year(self) -> float:
        """How many units of ``time`` make a year."""
        return {"days": self.days_per_year, "months": 12.0, "years": 1.0}[self.unit]

    @property
    def columns(self) -> tuple[str, str, str]:
        """Time, event and entry in the prepared cohort."""
        time, event, entry = OUTCOME_COLUMNS
        end = f"_{self.name}" if self.name else ""
        return f"{time}{end}", f"{event}{end}", f"{entry}{end}"

    @property
    def surv(self) -> str:
        """The left-hand side of a formula."""
        time, event, entry = self.columns
        return f"Surv({entry + ', ' if self.entry else ''}{time}, {event})"
