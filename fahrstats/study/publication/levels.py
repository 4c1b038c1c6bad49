"""Coefficients of levels, whose standard errors tell how many events a level has.

The information on a level is at most d (D - d) / D, where d of D events are its own or,
if they are fewer, the reference's: whoever reads a standard error knows that d is at
least the smaller root, and near it in a model of the level alone. This holds of numbers
of two values, too, whose coefficient compares the one with the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from fahrstats.study.people_tables import group_column

_RATIOS = ("hr", "shr", "or", "ratio", "hr_ratio", "hr_firth")
_LOG_RATIOS = ("log_hr", "log_shr", "log_or", "log_hr_ratio", "log_hr_firth")
_TERM = re.compile(r"^(?:C\()?(.+?)\)?\[T\.(.+)\]$")
_SANDWICHED = ("shr", "log_shr")
_SANDWICH = 2  # times the bound that robust standard errors of levels of few may seem
_WIDTH = 2 * float(ndtri(0.975))  # of 95% limits, in standard errors
WHOLE = ("", "overall")
"""What stands in place of a level where everyone is meant."""


class Level(NamedTuple):
    """A level of a column."""

    variable: str
    level: str


class FewRow(NamedTuple):
    """A level of few of whom something is estimated, at a time if there is one."""

    biomarker: str
    subgroup: str
    level: str
    time: str


class Codes(NamedTuple):
    """The levels of a number of two values, how far apart they are, and its SD."""

    levels: tuple[Level, Level]
    gap: float
    sd: float


@dataclass(frozen=True, slots=True)
class KnownLevels:
    """What the tables of a study tell of levels.

    Attributes
    ----------
    small : frozenset of Level
        Those of fewer people than the floor.
    n_events : tuple of dict
        Events of all levels of one column, in one set of people.
    pairs : dict of tuple
        Columns of two levels, and these.
    codes : dict of Codes
        Those of them whose levels are numbers.
    thin : frozenset of str
        Columns that tell few people, or few events, from all others.
    few : frozenset of FewRow
        Levels of few of whom something is estimated.
    is_robust : bool
        Whether standard errors are robust, which of few events are often too small.
    """

    small: frozenset[Level] = frozenset()
    n_events: tuple[dict[Level, int], ...] = ()
    pairs: Mapping[str, tuple[Level, Level]] = field(default_factory=dict)
    codes: Mapping[str, Codes] = field(default_factory=dict)
    thin: frozenset[str] = frozenset()
    few: frozenset[FewRow] = frozenset()
    is_robust: bool = False


def known_levels(tables: Mapping[str, pd.DataFrame], floor: int) -> KnownLevels:
    """Return what tables count of levels.

    Parameters
    ----------
    tables
        Result tables with exact counts, by name.
    floor
        Smallest count that is printed.
    """
    people: dict[Level, float] = {}
    n_events: list[dict[Level, int]] = []
    for table in tables.values():
        if {"variable", "level", "estimand", "estimate"} <= {*table}:
            is_counted = table["estimand"] == "count"
            if "group" in table:
                is_counted &= table["group"].isin(WHOLE)
            rows = table[is_counted]
            for one, n in zip(_named(rows, "level"), rows["estimate"], strict=True):
                if one.level:
                    people[one] = min(n, people.get(one, n))
        n_events += _events_of_levels(table)
    small = frozenset(one for one, n in people.items() if n < floor)
    levels: dict[str, list[Level]] = {}
    for one in people:
        levels.setdefault(one.variable, []).append(one)
    pairs = {name: (of[0], of[1]) for name, of in levels.items() if len(of) == 2}
    codes = {name: _codes(pair, people) for name, pair in pairs.items()}
    return KnownLevels(
        small,
        tuple(n_events),
        pairs,
        {name: of for name, of in codes.items() if of is not None},
    )


def _codes(pair: tuple[Level, Level], people: Mapping[Level, float]) -> Codes | None:
    """Return two levels that are numbers; None if they are not."""
    numbers = pd.to_numeric([one.level for one in pair], errors="coerce")
    if np.isnan(numbers).any():
        return None
    share = people[pair[0]] / max(people[pair[0]] + people[pair[1]], 1)
    gap = abs(float(numbers[1] - numbers[0]))
    return Codes(pair, gap, gap * (share * (1 - share)) ** 0.5)


def _events_of_levels(table: pd.DataFrame) -> list[dict[Level, int]]:
    """Return the events of subgroups, and of the groups of scores, by cut points."""
    if not {"biomarker", "estimand", "n_events"} <= {*table}:
        return []
    counted = table[table["n_events"].notna()]
    if {"subgroup", "level"} <= {*table}:
        rows = counted[(counted["estimand"] == "hr") & ~counted["level"].isin(WHOLE)]
        names = rows["subgroup"].astype(str), rows["level"].astype(str)
    elif {"group", "quantile"} <= {*table}:
        rows = counted[counted["estimand"] == "upper_bound"]
        names = rows["biomarker"].map(group_column), rows["group"].astype(str)
    else:
        return []
    keys = rows["biomarker"].astype(str) + "\n" + names[0]
    found: dict[str, dict[Level, int]] = {}
    for key, variable, level, n in zip(keys, *names, rows["n_events"], strict=True):
        found.setdefault(key, {})[Level(variable, level)] = int(n)
    return list(found.values())


def rests_on_few(
    table: pd.DataFrame, floor: int, known: KnownLevels | None = None
) -> pd.Series:
    """Return which rows are coefficients of a level, or against one, of few events.

    Parameters
    ----------
    table
        Result table with ``estimand``.
    floor
        Smallest count of events that is printed.
    known
        What is counted of levels: where the events of a model are those of levels that
        are counted, the counts decide.
    """
    if not {"term", "variable", "estimate"} <= {*table}:
        return pd.Series(False, table.index)
    known = known or KnownLevels()
    terms = table["term"].fillna("").astype(str)
    is_named = terms.str.contains("[T.", regex=False)
    codes = [
        None if has_level else known.codes.get(variable)
        for variable, has_level in zip(table["variable"], is_named, strict=True)
    ]
    is_level = is_named | np.array([of is not None for of in codes], np.bool_)
    is_level &= table["estimand"].isin((*_RATIOS, *_LOG_RATIOS))
    is_level &= table["estimate"].notna()
    named = zip(_named(table, "level"), _named(table, "reference"), strict=True)
    pairs = [
        pair if of is None else of.levels for of, pair in zip(codes, named, strict=True)
    ]
    steps = _steps(table, codes)
    is_robust = table["estimand"].isin(_SANDWICHED) | known.is_robust
    fewest = _fewest_events(table, steps)
    fewest = fewest.mask(is_robust, fewest / _SANDWICH)
    n_events = _counted(table, pairs, known).fillna(fewest)
    small = [level in known.small or other in known.small for level, other in pairs]
    return is_level & ((n_events < floor) | np.array(small, np.bool_))


def _counted(
    table: pd.DataFrame, pairs: Sequence[tuple[Level, Level]], known: KnownLevels
) -> pd.Series:
    """Return the events of a level or of its reference, the fewer; missing if unknown.

    They are known where those of all levels make those of the model.
    """
    totals = table["n_events"] if "n_events" in table else [pd.NA] * len(table)
    found = []
    for total, pair in zip(totals, pairs, strict=True):
        fitting = [
            min(counts[one] for one in pair)
            for counts in known.n_events
            if {*pair} <= counts.keys() and sum(counts.values()) == total
        ]
        found.append(min(fitting, default=np.nan))
    return pd.Series(found, table.index, dtype=float)


def _named(table: pd.DataFrame, name: str) -> list[Level]:
    """Return the level that each row names, by its term where it has no such column."""
    columns = [
        table[column].fillna("").astype(str) if column in table else [""] * len(table)
        for column in ("variable", name, "term")
    ]
    found = []
    for variable, level, term in zip(*columns, strict=True):
        parts = _TERM.match(term)
        told = parts[2] if parts and name == "level" and not level else level
        found.append(Level(variable, told))
    return found


def _steps(table: pd.DataFrame, codes: Sequence[Codes | None]) -> pd.Series:
    """Return how many times from level to level coefficients are for; mostly once."""
    texts = table["per"] if "per" in table else [""] * len(table)
    found = [1.0] * len(table)
    for i, (of, text) in enumerate(zip(codes, texts, strict=True)):
        if of is not None:
            in_sd = str(text).startswith("SD")
            found[i] = (of.sd if in_sd else float(text or 1.0)) / of.gap
    return pd.Series(found, table.index)


def _fewest_events(table: pd.DataFrame, steps: pd.Series) -> pd.Series:
    """Return the least number of events that a level and its reference can have.

    It is 0 where there are no limits, as without events.
    """
    estimate, low, high, statistic = (
        table[name].astype(float) if name in table else pd.Series(np.nan, table.index)
        for name in ("estimate", "conf_low", "conf_high", "statistic")
    )
    is_log = table["estimand"].isin(_LOG_RATIOS)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, low, high = (
            numbers.where(is_log, np.log(numbers)) for numbers in (estimate, low, high)
        )
        std_error: pd.Series = ((high - low) / _WIDTH).fillna(
            (estimate / statistic).abs()
        )
        information: pd.Series = ((steps / std_error) ** 2).fillna(0.0)
    if "n_events" not in table:  # over time: a level is as well known as at its best
        keys = [name for name in ("biomarker", "model", "term") if name in table]
        blocks = information.groupby([table[key] for key in keys], dropna=False)
        return pd.Series(blocks.transform("max"), dtype=float)
    total = table["n_events"].astype(float)
    rest = (total**2 - 4 * total * information).clip(lower=0.0)
    fewest: pd.Series = ((total - rest**0.5) / 2).fillna(information)
    return fewest
