"""What each column of a table seems to be, judged by its name and its values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.cohort.leaks import leak_problems
from fahrstats.study.preparation import is_amount
from fahrstats.study.study_file import code_text

# Names met in published code and data sets, the most telling first; compared in lower
# case and without anything but letters and digits.
_TIME = (
    *("dayssurvived", "daystodeath", "survivaltime", "followuptime", "followup"),
    *("futime", "ostime", "osdays", "osmonths", "survivalindays", "lenfol", "os"),
    *(
        "timetodeath",
        "timetoevent",
        "time",
        "duration",
        "permthint",
        "exit",
        "days",
        "months",
    ),
)
_EVENT = (
    *("death", "eventflag", "event", "died", "dead", "deceased", "deathevent"),
    *("osevent", "osstatus", "vitalstatus", "status", "fstat", "cens", "mortstat"),
)
_SCORES = (
    *("faceage", "agepred", "predictedage", "facesurvival", "riskscore", "phenoage"),
    *("biologicalage", "score"),
)
_AGE = ("chronoage", "chronologicage", "chronologicalage", "age", "ageatdiagnosis")
_GROUPS = ("sex", "gender", "race", "ethnicity", "site", "cancersite", "stage")
_OTHERS = ("smoking", "smoker", "bmi", "ps", "ecog", "grade", "treatment", "intent")
_ID = ("id", "patientid", "subjectid", "patient", "subject", "sampleid", "mrn")

MOST_LEVELS = 12
"""Distinct values above which a column of text is an identifier, not a factor."""

_DEATH_WORDS = {"dead", "died", "deceased", "death", "event", "yes", "true", "relapse"}


@dataclass(frozen=True, slots=True)
class Guess:
    """Columns by what they seem to be; None or empty where nothing fits.

    Attributes
    ----------
    time, event, age, id : str or None
        One column each.
    scores, covariates, groups : tuple of str
        Biomarkers; what they are adjusted for, ``age`` first; and those of the
        covariates whose levels are worth comparing.
    unused : tuple of str
        The other columns.
    is_named : bool
        Whether the scores are known by their names, not only by being numbers.
    """

    time: str | None
    event: str | None
    age: str | None
    id: str | None
    scores: tuple[str, ...]
    covariates: tuple[str, ...]
    groups: tuple[str, ...]
    unused: tuple[str, ...]
    is_named: bool


def guess_columns(data: pd.DataFrame) -> Guess:
    """Guess what the columns of a table are.

    Names come first; values then have to fit: a time is a number that is not negative,
    an event has few levels, a factor has at most twelve, and a covariate is not known
    only for people with the event.
    """
    names = [name for name in map(str, data.columns) if data[name].notna().any()]
    times = (
        n for n in names if is_amount(data[n]) and not _is_refused(data, n, "time")
    )
    time = _first(times, _TIME)
    event = _first((n for n in names if n != time and _is_few(data[n])), _EVENT)
    free = [name for name in names if name not in (time, event)]
    amounts = [name for name in free if is_amount(data[name])]
    age = _first(amounts, _AGE)
    id_ = _first((n for n in free if data[n].notna().all() and data[n].is_unique), _ID)
    free = [name for name in free if name not in (age, id_)]
    groups = [n for n in _matching(free, _GROUPS) if _is_few(data[n])]
    others = [n for n in _matching(free, _OTHERS) if _is_few(data[n]) or n in amounts]
    amounts = [name for name in free if name in amounts and name not in others]
    leaking = _leaking(data, event, free)
    named = [n for n in _containing(amounts, _SCORES) if n not in leaking]
    scores = (
        named or [n for n in amounts if not _is_few(data[n]) and n not in leaking][:1]
    )
    covariates = [n for n in [*groups, *others] if n not in [*scores, *leaking]]
    used = {time, event, age, id_, *scores, *covariates}
    return Guess(
        time=time,
        event=event,
        age=age,
        id=id_,
        scores=tuple(scores),
        covariates=(*([] if age is None else [age]), *covariates),
        groups=tuple(name for name in groups if name in covariates),
        unused=tuple(str(name) for name in data.columns if name not in used),
        is_named=bool(named),
    )


def guess_unit(column: str, values: pd.Series) -> str:
    """Return days, months or years, from the name or else from the largest value."""
    for unit in ("day", "month", "year"):
        if unit in column.lower():
            return f"{unit}s"
    largest = float(np.nanmax(as_float(values)))
    return "days" if largest > 400 else "months" if largest > 40 else "years"


def guess_event_levels(values: pd.Series) -> tuple[list[str], list[str]]:
    """Return the levels that seem to mark an event, and the others."""
    levels = sorted({code_text(level) for level in values.dropna().unique()})
    words = [level for level in levels if level.lower() in _DEATH_WORDS]
    if "0" in levels:
        words = ["1"] if "1" in levels else words
    events = words or levels[-1:]
    return events, [level for level in levels if level not in events]


def _plain(name: str) -> str:
    """Return a name in lower case, letters and digits only."""
    return "".join(filter(str.isalnum, name.lower()))


def _matching(names: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """Return the names that are known, in the order of ``known``."""
    found = {_plain(name): name for name in names}
    return [found[name] for name in known if name in found]


def _first(names: Iterable[str], known: tuple[str, ...]) -> str | None:
    """Return the name that stands first in ``known``; whole names, then parts."""
    listed = list(names)
    found = [*_matching(listed, known), *_containing(listed, known)]
    return found[0] if found else None


def _containing(names: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """Return the names that begin or end with a known one of four letters or more."""
    long = tuple(name for name in known if len(name) > 3)
    return [
        name
        for name in names
        if _plain(name).startswith(long) or _plain(name).endswith(long)
    ]


def _is_few(values: pd.Series) -> bool:
    """Tell whether a column has few enough values to be a factor."""
    return 2 <= values.nunique() <= MOST_LEVELS


def _is_refused(data: pd.DataFrame, column: str, role: str) -> bool:
    """Tell whether the gate refuses a follow-up column."""
    return any(True for _ in column_problems(data, column, role))


def _leaking(data: pd.DataFrame, event: str | None, columns: list[str]) -> list[str]:
    """Return the columns that are known only for people with the event."""
    if event is None or _is_refused(data, event, "event"):
        return []
    happened = as_float(data[event])
    unknown = {name: data[name].isna().to_numpy() for name in columns}
    return [n for n in columns if any(leak_problems({n: unknown[n]}, happened))]
