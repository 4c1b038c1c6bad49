"""What each column of a table seems to be, judged by its name and its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fahrstats.cohort.follow_up import as_float, column_problems
from fahrstats.cohort.leaks import leak_problems
from fahrstats.study.wording import code_text
from fahrstats.study.work import is_amount

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
_AGE_SCORE_WORDS = {
    *("face", "facial", "photo", "pred", "predicted", "estimated", "perceived"),
    *("bio", "biological", "pheno", "phenotypic", "epigenetic", "dnam"),
}
_NO_AGE_WORDS = {
    *("group", "grp", "band", "class", "cat", "category", "gap", "delta", "diff"),
    *("acceleration", "accel", "death", "dead", "last", "exit", "end", "event"),
}
_NO_SCORE_WORDS = {
    *("id", "ids", "inst", "institution", "site", "center", "centre", "hospital"),
    *("clinic", "code", "zip", "mrn", "unnamed", "row", "index", "year", "date"),
}
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
    notes : tuple of str
        What to look at first: a score that is only a guess, or an age that is lacking.
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
    notes: tuple[str, ...]


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
    event = _event(data, [name for name in names if name != time])
    free = [name for name in names if name not in (time, event)]
    amounts = [name for name in free if is_amount(data[name])]
    age = next(iter([*_matching(amounts, _AGE), *filter(_is_age, amounts)]), None)
    id_ = _first((n for n in free if data[n].notna().all() and data[n].is_unique), _ID)
    free = [name for name in free if name not in (age, id_)]
    groups = [n for n in _matching(free, _GROUPS) if _is_few(data[n])]
    others = [n for n in _matching(free, _OTHERS) if _is_few(data[n]) or n in amounts]
    amounts = [name for name in free if name in amounts and name not in others]
    leaking = _leaking(data, event, free)
    amounts = [n for n in amounts if n not in leaking]
    amounts = [n for n in amounts if not _is_code(n) and not _is_age(n)]
    named = [n for n in amounts if looks_like_age(n) or _containing([n], _SCORES)]
    scores = named or [n for n in amounts if not _is_few(data[n])][:1]
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
        notes=tuple(_notes(scores, bool(named), age)),
    )


def looks_like_age(column: str) -> bool:
    """Tell whether a name is that of an age, be it lived or read from a face."""
    words = set(_words(column))
    is_age = "age" in words and not words & _NO_AGE_WORDS
    ages = tuple(name for name in (*_AGE, *_SCORES) if "age" in name)
    return is_age or bool(_containing([column], ages))


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


def _event(data: pd.DataFrame, names: list[str]) -> str | None:
    """Return the event; one that is the same in every row only by its whole name."""
    few = [name for name in names if _is_few(data[name])]
    same = [
        name
        for name in names
        if data[name].nunique() == 1 and not _is_refused(data, name, "event")
    ]
    found = [*_matching(few, _EVENT), *_matching(same, _EVENT)]
    return next(iter([*found, *_containing(few, _EVENT)]), None)


def _notes(scores: list[str], is_named: bool, age: str | None) -> Iterator[str]:
    """Yield what to look at first."""
    if scores and not is_named:
        yield (
            f"No name looks like a score: `{scores[0]}` is only a guess, the first "
            "column of many numbers; put the score in its place."
        )
    ages = [name for name in scores if looks_like_age(name)]
    if ages and age is None:
        yield (
            f"No column looks like the age in years, but `{ages[0]}` looks like an age "
            "read from the body; without the age under [covariates], the score is "
            "credited with all that age alone says."
        )


def _is_age(column: str) -> bool:
    """Tell whether a name is that of the age in years, not of a score."""
    words = set(_words(column))
    is_score = words & _AGE_SCORE_WORDS or _containing([column], _SCORES)
    is_age = "age" in words and not words & _NO_AGE_WORDS
    return (is_age or bool(_containing([column], _AGE))) and not is_score


def _is_code(column: str) -> bool:
    """Tell whether a name is that of a code or an identifier."""
    return bool(set(_words(column)) & _NO_SCORE_WORDS) or _plain(column) in _ID


def _words(name: str) -> list[str]:
    """Return the words of a name such as ``Age at dx`` or ``ageAtDx``, lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]


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
