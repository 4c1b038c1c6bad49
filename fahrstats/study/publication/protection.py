"""What to withhold so that no small count can be found from the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from fahrstats.errors import DataError
from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.sums import AT_MOST_ONE, Cell, Sum, known_sums

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_SHARED_LOOKS = 12
_MANY = 16  # counts withheld, from which on another way is tried
_TOLERANCE = 1e-6


def protect(tables: Mapping[str, pd.DataFrame], rounding: Rounding) -> Rounding:
    """Return a rounding under which no small count can be found from other counts.

    A count from 1 up to the floor, printed as missing or left over between printed
    ones, must be able to take at least as many values as the base, given everything
    that is printed and every sum that is known to hold. Where one is not, the smallest
    of the counts that give it away are withheld; if that takes many, zeros are instead.
    Counts of a small study that are equal by chance can be too many to go on as if they
    were known to be; then it is not asked that quantile groups are of one size, and if
    that is not enough, counts are the same only where they are of the same people.

    Parameters
    ----------
    tables
        Result tables with exact counts, by name.
    rounding
        How counts are printed if nothing has to be withheld.

    Raises
    ------
    DataError
        A small count can be found whatever is withheld.

    References
    ----------
    Fischetti and Salazar (2000), Management Science 46:1031-1043, for the attacker.
    """
    for known, prints_zero, most in _ways(tables, rounding.floor):
        system = _System(known, replace(rounding, prints_zero=prints_zero))
        if system.withhold(most):
            return system.rounding
    few = _fewest(system.cells, rounding.floor)
    raise DataError(
        f"Counts below {rounding.floor} can be found from others whatever is withheld. "
        f"Merge `{', '.join(few.name[1:])}`, whose `{few.name[0]}` is {few.size}, with "
        "another level before the analysis."
    )


def _ways(
    tables: Mapping[str, pd.DataFrame], floor: int
) -> Iterator[tuple[list[Sum], bool, float]]:
    """Yield the sums to reckon with, whether zeros are printed, how much may be not."""
    sums = known_sums(tables, floor)
    yield sums, True, _MANY
    yield sums, False, _MANY
    yield [known for known in sums if not known.is_of_equals], False, _MANY
    named = known_sums(tables, floor, by_name=True)
    named = [known for known in named if not known.is_of_equals]
    yield named, True, _MANY
    yield named, False, math.inf


def _fewest(cells: Sequence[Cell], floor: int) -> Cell:
    """Return the small count, of people if there is one, that is named most simply."""
    return min(
        (cell for cell in cells if 0 < cell.size < floor),
        key=lambda c: (len(c.name) < 2, c.is_implied, c.name[0] != "n", len(c.name), c),
    )


def exposed(sums: Sequence[Sum], rounding: Rounding) -> list[Cell]:
    """Return the small counts that can take fewer values than the base."""
    system = _System(sums, rounding)
    return [
        system.cells[i] for i in system.unsettled() if system.limits_of(i) is not None
    ]


def possible(
    cell: Cell, rounding: Rounding, *, unbounded: float = math.inf
) -> tuple[float, float]:
    """Return the least and the largest count that a cell can be, looked at alone."""
    count, base = cell.size, rounding.base
    if cell.name == AT_MOST_ONE:
        return 0.0, 1.0
    if cell.is_implied or count in rounding.withheld:
        return 0.0, unbounded
    if count == 0 and rounding.prints_zero:
        return 0.0, 0.0
    if count < rounding.floor:
        return float(rounding.prints_zero), float(rounding.floor - 1)
    printed = rounding.printed(count)
    return max(float(rounding.floor), printed - (base - 1)), printed + base - 1


class _System:
    """Counts and the sums between them, as linear equations."""

    def __init__(self, sums: Sequence[Sum], rounding: Rounding) -> None:
        found = (cell for one in sums for cell in (one.total, *one.parts))
        self.cells = list(dict.fromkeys(found))
        self.rounding = rounding
        self.truth = np.array([cell.size for cell in self.cells], np.float64)
        at = {cell: i for i, cell in enumerate(self.cells)}
        self.largest = 10 * max(self.truth.max(initial=1.0), float(rounding.base))
        self.bounds = [self._bounds(cell) for cell in self.cells]
        # The least and the largest that a cell is in the solutions found so far.
        # Withholding a count takes none of them away.
        self.low, self.high = self.truth.copy(), self.truth.copy()
        entries = [
            (row, at[cell], sign)
            for row, one in enumerate(sums)
            for sign, cells in ((1.0, (one.total,)), (-1.0, one.parts))
            for cell in cells
        ]
        rows, columns, signs = np.array(entries).T if entries else np.empty((3, 0))
        shape = (len(sums), len(self.cells))
        self.equations = csr_array((signs, (rows, columns)), shape=shape)

    def withhold(self, most: float) -> bool:
        """Withhold counts until no small cell is narrow; tell whether ``most`` do."""
        for i in self.unsettled():
            while (limits := self.limits_of(i)) is not None:
                withheld = self.rounding.withheld
                if not limits or len(withheld) >= most:
                    return False
                size = min(limits)
                self.rounding = replace(self.rounding, withheld=withheld | {size})
                for j, cell in enumerate(self.cells):
                    if cell.size == size:
                        self.bounds[j] = self._bounds(cell)
        return True

    def unsettled(self) -> list[int]:
        """Return the small cells that may have too few values.

        Every solution of the system is one more set of counts that a reader has to
        reckon with. A few that move all small cells at once settle most of them.
        """
        floor = self.rounding.floor
        open_ = [
            i
            for i, cell in enumerate(self.cells)
            if 0 < cell.size < floor and cell.name != AT_MOST_ONE
        ]
        rng = np.random.default_rng(0)
        for _ in range(_SHARED_LOOKS):
            if not (open_ := [i for i in open_ if self._is_narrow(i)]):
                return []
            goal = np.zeros(len(self.cells))
            goal[open_] = rng.uniform(0.5, 1.5, len(open_))
            for sign in (1.0, -1.0):
                self._look(sign * goal)
            goal[open_] *= rng.choice([-1.0, 1.0], len(open_))
            self._look(goal)
        return [i for i in open_ if self._is_narrow(i)]

    def limits_of(self, i: int) -> set[int] | None:
        """Return the printed counts that narrow a cell, or None if it is wide."""
        limits: set[int] = set()
        for sign in (1.0, -1.0):
            if self._is_narrow(i):  # a look at another cell may have settled it
                binding = self._look(sign * np.eye(1, len(self.cells), i)[0])
                cells = (self.cells[j] for j in binding if j != i)
                limits |= {cell.size for cell in cells if self._is_printed(cell)}
        return limits if self._is_narrow(i) else None

    def _is_narrow(self, i: int) -> bool:
        low, high = float(self.low[i]) - _TOLERANCE, float(self.high[i]) + _TOLERANCE
        return math.floor(high) - math.ceil(low) + 1 < self.rounding.base

    def _bounds(self, cell: Cell) -> tuple[float, float]:
        return possible(cell, self.rounding, unbounded=self.largest)

    def _is_printed(self, cell: Cell) -> bool:
        is_large = cell.size >= self.rounding.floor
        return (
            is_large and not cell.is_implied and not self.rounding.is_hidden(cell.size)
        )

    def _look(self, goal: FloatArray) -> IntArray:
        """Make a goal least; return the cells without whose limits it could be less.

        The exact counts are among the solutions of the linear program.
        """
        found = linprog(  # type: ignore[call-overload]
            goal,
            A_eq=self.equations,
            b_eq=np.zeros(self.equations.shape[0]),
            bounds=self.bounds,
            method="highs",
        )
        assert found.x is not None, found.message
        np.minimum(self.low, found.x, out=self.low)
        np.maximum(self.high, found.x, out=self.high)
        prices = np.abs(found.lower.marginals) + np.abs(found.upper.marginals)
        return np.flatnonzero(prices > _TOLERANCE)
