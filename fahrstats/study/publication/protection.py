"""What to withhold so that no small count can be found from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.sums import AT_MOST_ONE, Cell, Sum, known_sums

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

_SHARED_LOOKS = 12
_TRIES = 8  # in each, twice as many counts may be withheld as before
_TOLERANCE = 1e-6


def protect(tables: Mapping[str, pd.DataFrame], rounding: Rounding) -> Rounding:
    """Return a rounding under which no small count can be found from other counts.

    A count from 1 up to the floor, printed as missing or left over between printed
    ones, must be able to take at least as many values as the base, given everything
    that is printed and every sum that is known to hold. Where one is not, the smallest
    of the counts that give it away are withheld; if that takes many, zeros are instead.
    Counts of a small study that are equal by chance can be too many to go on as if they
    were known to be; then it is not asked that quantile groups are of one size.

    Parameters
    ----------
    tables
        Result tables with exact counts, by name.
    rounding
        How counts are printed if nothing has to be withheld.

    References
    ----------
    Fischetti and Salazar (2000), Management Science 46:1031-1043, for the attacker.
    """
    sums = known_sums(tables, rounding.floor)
    less = [known for known in sums if not known.is_of_equals]
    ways = ((sums, True, _TRIES), (sums, False, _TRIES), (less, False, None))
    for known, prints_zero, most in ways:
        tried = replace(rounding, prints_zero=prints_zero)
        for tries in islice(count(), most):
            system = _System(known, tried)
            narrow = system.narrow()
            if not narrow:
                return tried
            more = system.complements(narrow, at_most=2**tries)
            if not more:
                break
            tried = replace(tried, withheld=tried.withheld | more)
    raise AssertionError("with all counts of a sum withheld, none can be found")


def exposed(sums: Sequence[Sum], rounding: Rounding) -> list[Cell]:
    """Return the small counts that can take fewer values than the base."""
    system = _System(sums, rounding)
    return [system.cells[i] for i in system.narrow()]


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
        largest = 10 * max(self.truth.max(initial=1.0), float(rounding.base))
        self.bounds = [
            possible(cell, rounding, unbounded=largest) for cell in self.cells
        ]
        entries = [
            (row, at[cell], sign)
            for row, one in enumerate(sums)
            for sign, cells in ((1.0, (one.total,)), (-1.0, one.parts))
            for cell in cells
        ]
        rows, columns, signs = np.array(entries).T if entries else np.empty((3, 0))
        shape = (len(sums), len(self.cells))
        self.equations = csr_array((signs, (rows, columns)), shape=shape)

    def narrow(self) -> list[int]:
        """Return the small cells whose interval has too few values.

        Every solution of the system is one more set of counts that a reader has to
        reckon with. A few that move all small cells at once settle most of them.
        """
        base, floor = self.rounding.base, self.rounding.floor
        open_ = [
            i
            for i, cell in enumerate(self.cells)
            if 0 < cell.size < floor and cell.name != AT_MOST_ONE
        ]
        low, high = self.truth.copy(), self.truth.copy()
        rng = np.random.default_rng(0)

        def look(goal: FloatArray) -> None:
            found = self._solve(goal)
            np.minimum(low, found, out=low)
            np.maximum(high, found, out=high)

        def is_narrow(i: int) -> bool:
            values = math.floor(high[i] + _TOLERANCE) - math.ceil(low[i] - _TOLERANCE)
            return bool(values + 1 < base)

        for _ in range(_SHARED_LOOKS):
            if not (open_ := [i for i in open_ if is_narrow(i)]):
                return []
            goal = np.zeros(len(self.cells))
            goal[open_] = rng.uniform(0.5, 1.5, len(open_))
            for sign in (1.0, -1.0):
                look(sign * goal)
            goal[open_] *= rng.choice([-1.0, 1.0], len(open_))
            look(goal)
        for i in open_:
            for sign in (1.0, -1.0):
                if is_narrow(i):  # a look at another cell may have settled it
                    look(sign * np.eye(1, len(self.cells), i)[0])
        return [i for i in open_ if is_narrow(i)]

    def complements(self, narrow: Sequence[int], *, at_most: int) -> set[int]:
        """Return, for each small cell, the smallest printed counts that narrow it."""
        chosen: set[int] = set()
        for i in narrow:
            goal = np.eye(1, len(self.cells), i)[0]
            sizes = {
                self.cells[j].size
                for sign in (1.0, -1.0)
                for j in self._binding(sign * goal)
                if self._is_printed(self.cells[j])
            }
            if sizes and not chosen & sizes:
                chosen |= set(sorted(sizes)[:at_most])
        return chosen

    def _is_printed(self, cell: Cell) -> bool:
        is_large = cell.size >= self.rounding.floor
        return (
            is_large and not cell.is_implied and not self.rounding.is_hidden(cell.size)
        )

    def _solve(self, goal: FloatArray) -> FloatArray:
        """Return the counts that make a goal least."""
        return np.asarray(self._least(goal).x, np.float64)

    def _binding(self, goal: FloatArray) -> IntArray:
        """Return the cells without whose limits a goal could be less."""
        found = self._least(goal)
        prices = np.abs(found.lower.marginals) + np.abs(found.upper.marginals)
        return np.flatnonzero(prices * (goal == 0) > _TOLERANCE)

    def _least(self, goal: FloatArray) -> Any:
        """Solve the linear program; the exact counts are among its solutions."""
        found = linprog(  # type: ignore[call-overload]
            goal,
            A_eq=self.equations,
            b_eq=np.zeros(self.equations.shape[0]),
            bounds=self.bounds,
            method="highs",
        )
        assert found.x is not None, found.message
        return found
