"""Sums that a reader knows to hold between the counts of a study's tables.

They are what a count that is not printed could be found from: levels and their total,
crossings and their margins, the same people in two tables, rows left out step by step,
events between two times. A sum is kept only where it holds in the exact counts, so that
tables need not be known by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import pandas as pd

from fahrstats.display.labels import CROSS
from fahrstats.study.publication.counts import COUNTS, is_counted

_SPLITS = (
    *("level", "group", "first_group", "second_group", "cause", "cohort"),
    *("condition", "predicted"),
)
_KEYS = (
    *("biomarker", "outcome", "cause", "cohort", "model", "learner", "subgroup"),
    *("level", "group", "first_group", "second_group", "variable", "term"),
    *("reference", "estimand", "validation", "time", "threshold", "quantile"),
    *("condition", "severity"),
)
_PEOPLE = ("level", "group", "first_group", "second_group", "cohort")
_WHOLE = ("", "overall")
_QUANTILE_GROUP = re.compile(r"Q\d+")
AT_MOST_ONE = ("at most one",)
"""Name of a cell that is known to be 0 or 1: what groups of equal size differ by."""

_PARTS = ("n_events", "n_competing", "n_censored", "n_at_risk")


class Cell(NamedTuple):
    """A count of people, printed somewhere or only implied.

    Counts that are large enough to be printed are the same cell wherever they are
    equal, or where they are equal and of people who are named alike; small ones where
    the rows that they stand in are.
    """

    size: int
    name: tuple[str, ...] = ()
    is_implied: bool = False


class Sum(NamedTuple):
    """A total and its parts."""

    total: Cell
    parts: tuple[Cell, ...]

    @property
    def is_of_equals(self) -> bool:
        """Whether it says that two groups are of one size, or differ by one person."""
        return self.parts[-1].name == AT_MOST_ONE


def known_sums(
    tables: Mapping[str, pd.DataFrame], floor: int, *, by_name: bool = False
) -> list[Sum]:
    """Return the sums that hold between the counts of some tables.

    Parameters
    ----------
    tables
        Result tables with exact counts, by name.
    floor
        Smallest count that is printed.
    by_name
        Whether equal counts of people who are not named alike are told apart.
    """
    counted = {name: _Counted(name, table, floor) for name, table in tables.items()}
    everyone: dict[str, set[int]] = {}
    for one in counted.values():
        for kind, count in one.of_everyone():
            everyone.setdefault(kind, set()).add(count)
    if by_name:  # models of everyone have rows that are named for a level
        same = everyone.get("n", set()) | everyone.get("n_events", set())
        for one in counted.values():
            one.tell_apart(same)
    found = (known for one in counted.values() for known in one.sums(everyone))
    sums = list(dict.fromkeys(found))
    # Two counts in another place that are equal to the sizes of such groups by chance
    # would seem to be known to differ by one.
    told = {(s.total, part) for s in sums if not s.is_of_equals for part in s.parts}
    return [s for s in sums if not s.is_of_equals or (s.total, s.parts[0]) not in told]


class _Counted:
    """The counts of one table, and what names them."""

    def __init__(self, name: str, table: pd.DataFrame, floor: int) -> None:
        self.name, self.floor = name, floor
        self.same: set[int] | None = None
        kept = table.reset_index(drop=True)
        for split in _SPLITS:
            if split in kept and split != "predicted":
                kept[split] = kept[split].fillna("").astype(str)
        rows = is_counted(kept)
        self.table = kept
        self.counts: dict[str, pd.Series] = {
            kind: kept[kind].dropna().astype(int) for kind in COUNTS if kind in kept
        }
        if rows.any():
            self.counts["count"] = kept.loc[rows, "estimate"].dropna().astype(int)
        self.keys = [key for key in _KEYS if key in kept]

    def tell_apart(self, same: set[int]) -> None:
        """Take equal counts for those of different people unless named alike.

        Counts that are in ``same`` are of the same people wherever they are.
        """
        self.same = same

    def sums(self, everyone: Mapping[str, set[int]]) -> Iterator[Sum]:
        yield from self._splits(everyone)
        yield from self._crossings()
        yield from self._rows()
        yield from self._known_and_missing(set().union(*everyone.values()))
        yield from self._even_groups()
        yield from self._steps()
        yield from self._times()

    def of_everyone(self) -> Iterator[tuple[str, int]]:
        """Yield kind and number of the counts that are of no part of the people."""
        splits = [split for split in _SPLITS if split in self.table]
        whole = self.table[splits].isin(_WHOLE).all(axis=1)
        for kind, counts in self.counts.items():
            for row in counts.index[whole[counts.index]]:
                yield kind, counts[row]

    def cell(self, kind: str, row: int) -> Cell:
        """Return the cell of a count of the table."""
        count = int(self.counts[kind][row])
        is_large = count >= self.floor
        is_same = is_large and (self.same is None or count in self.same)
        if count == 0 or is_same:
            return Cell(count)
        named = [*_PEOPLE] if is_large else [*_SPLITS[:-1], "time"]
        if "predicted" in self.table:  # groups that each model makes of its own
            named += ["term", "predicted"]
        if is_large and "count" in self.counts and kind != "count":
            named.remove("level")  # beside the count of a level, n is of its group
        present = [name for name in named if name in self.table]
        texts = sorted(set(map(str, self.table.loc[row, present])) - {*_WHOLE})
        kinds = [] if is_large else ["n" if kind == "count" else kind]
        return Cell(count, (*kinds, *texts))

    def implied(self, count: int, *name: object) -> Cell:
        """Return the cell of a count that other counts imply."""
        return Cell(count, (self.name, *map(str, name)), is_implied=True)

    def _splits(self, everyone: Mapping[str, set[int]]) -> Iterator[Sum]:
        """Yield everyone as the sum of levels or groups."""
        for split in (name for name in _SPLITS if name in self.table):
            others = [key for key in self.keys if key != split]
            for kind, counts in self.counts.items():
                for block in _blocks(self.table.loc[counts.index], others):
                    values = block[split].drop_duplicates()
                    is_whole = values.isin(_WHOLE)
                    parts = [self.cell(kind, row) for row in values.index[~is_whole]]
                    totals = [self.cell(kind, row) for row in values.index[is_whole]]
                    if not totals and kind == "count":
                        totals = [self.cell("n", block.index[0])]
                    if not totals:
                        totals = [Cell(n) for n in everyone.get(kind, ())]
                    yield from _true([(total, parts) for total in totals])

    def _crossings(self) -> Iterator[Sum]:
        """Yield a level as the sum of its crossings with the levels of another."""
        if not {"subgroup", "level"} <= {*self.table}:
            return
        table = self.table[~self.table["level"].isin(_WHOLE)]
        others = [k for k in self.keys if k not in ("subgroup", "level")]
        for kind, counts in self.counts.items():
            for block in _blocks(table.loc[table.index.isin(counts.index)], others):
                names = zip(block["subgroup"].astype(str), block["level"], strict=True)
                cells = (self.cell(kind, row) for row in block.index)
                yield from _margins(dict(zip(names, cells, strict=True)))

    def _rows(self) -> Iterator[Sum]:
        """Yield the people of a row as the sum of what became of them."""
        kinds = [kind for kind in _PARTS if kind in self.counts]
        first = self._at_start()
        for row in self.table.index:
            parts = [k for k in kinds if row in self.counts[k].index]
            totals = [self.cell("n", row)] if row in self.counts.get("n", ()) else []
            totals += [first[row]] if row in first else []
            found = [
                (total, [self.cell(kind, row) for kind in some])
                for total in totals
                for size in range(2, len(parts) + 1)
                for some in combinations(parts, size)
            ]
            yield from _true(found)
            for total in totals:
                for kind in parts:
                    part = self.cell(kind, row)
                    rest = self.implied(total.size - part.size, kind, row)
                    yield from _true([(total, [part, rest])])

    def _at_start(self) -> dict[int, Cell]:
        """Return by row the people of its group who were at risk at time 0."""
        if "n_at_risk" not in self.counts or "n" in self.counts:
            return {}
        others = [key for key in self.keys if key != "time"]
        found: dict[int, Cell] = {}
        for block in _blocks(self.table, others):
            start = self.cell("n_at_risk", int(block.sort_values("time").index[0]))
            found |= dict.fromkeys(block.index, start)
        return found

    def _known_and_missing(self, told: set[int]) -> Iterator[Sum]:
        """Yield the people of a group as those with a value and those without."""
        if not {"n", "n_missing"} <= self.counts.keys():
            return
        for row in self.counts["n"].index.intersection(self.counts["n_missing"].index):
            known, missing = self.cell("n", row), self.cell("n_missing", row)
            named = [k for k in _SPLITS if k in self.table and k != "level"]
            group = [self.table.at[row, name] for name in named]
            n = known.size + missing.size
            is_told = n >= self.floor and n in told
            everyone = Cell(n) if is_told else self.implied(n, *group)
            yield Sum(everyone, (known, missing))

    def _even_groups(self) -> Iterator[Sum]:
        """Yield that quantile groups are of one size, or differ by one person."""
        if "group" not in self.table or "n" not in self.counts:
            return
        is_group = self.table["group"].str.fullmatch(_QUANTILE_GROUP)
        table = self.table[is_group & self.table["n"].notna()]
        for block in _blocks(table, [key for key in self.keys if key != "group"]):
            rows = block["n"].astype(int).sort_values(ascending=False).index
            cells = dict.fromkeys(self.cell("n", row) for row in rows)
            if len(cells) == 2:
                more, less = cells
                rest = more.size - less.size
                if rest == 1 and less.size >= self.floor:
                    yield Sum(more, (less, Cell(rest, AT_MOST_ONE, is_implied=True)))

    def _steps(self) -> Iterator[Sum]:
        """Yield the rows before a step as those after it and those taken out."""
        for kind, removed in (("n", "n_removed"), ("n_events", "n_removed_events")):
            if not {kind, removed} <= self.counts.keys():
                continue
            for before, after in pairwise(self.table.index):
                parts = [self.cell(kind, after), self.cell(removed, after)]
                yield from _true([(self.cell(kind, before), parts)])

    def _times(self) -> Iterator[Sum]:
        """Yield counts up to a time as those up to an earlier one and those between."""
        if "time" not in self.table:
            return
        others = [key for key in self.keys if key != "time"]
        for kind in (k for k in _PARTS if k in self.counts):
            table = self.table.loc[self.counts[kind].index]
            for block in _blocks(table, others):
                rows = block.sort_values("time").index
                for pair in pairwise(rows):
                    more, less = sorted(
                        (self.cell(kind, row) for row in pair), reverse=True
                    )
                    between = self.implied(more.size - less.size, kind, *pair)
                    yield Sum(more, (less, between))


def _blocks(table: pd.DataFrame, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows that agree in all keys."""
    if not keys:
        yield table
        return
    for _, block in table.groupby(list(keys), sort=False, dropna=False):
        yield block


def _margins(at: Mapping[tuple[str, str], Cell]) -> Iterator[Sum]:
    """Yield the sums of the cells of crossings that make a level of their margins."""
    parts: dict[tuple[str, str, str], list[Cell]] = {}
    for (subgroup, level), cell in at.items():
        columns, levels = subgroup.split(CROSS), level.split(CROSS)
        if len(columns) < 2 or len(levels) != len(columns):
            continue
        for left_out in range(len(columns)):
            kept = [i for i in range(len(columns)) if i != left_out]
            margin = (
                CROSS.join(columns[i] for i in kept),
                CROSS.join(levels[i] for i in kept),
            )
            parts.setdefault((*margin, columns[left_out]), []).append(cell)
    for (subgroup, level, _), cells in parts.items():
        if (subgroup, level) in at:
            yield from _true([(at[subgroup, level], cells)])


def _true(candidates: Sequence[tuple[Cell, Sequence[Cell]]]) -> Iterator[Sum]:
    """Yield the sums that hold, leaving out those of a single part."""
    for total, parts in candidates:
        if len(parts) > 1 and total.size == sum(part.size for part in parts):
            yield Sum(total, tuple(sorted(parts)))
