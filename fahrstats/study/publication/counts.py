"""Counts of people as they are printed: to multiples of five, small ones not at all."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fahrstats.errors import DataError

BASE = 5
"""Counts are printed as multiples of it unless the caller says otherwise."""

COUNTS = (
    *("n_at_risk", "n_censored", "n", "n_events", "n_competing", "n_subjects"),
    *("n_missing", "n_removed", "n_removed_events", "n_dropped"),
)
"""Columns that count people, photos or events."""

COUNTED = ("count", "sample_size")
"""Estimands whose estimate is a count."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """What is printed in place of a count.

    A count from twice the base on becomes the multiple of the base below or above it,
    by cut points that are drawn once for a study: between 10 and 15, say, either 11 to
    15 are printed as 15, or 12 to 15, and so on, each equally likely. Equal counts are
    thus equal wherever they stand, a larger count is never printed as a smaller one,
    rounding is right on average, and nobody without ``secret`` knows more of a printed
    number than that it is off by less than the base (random rounding, as in the census
    of Canada). Smaller counts are missing.

    Attributes
    ----------
    secret : str
        What the cut points are drawn from; it must not be published.
    base : int
        At least 2.
    withheld : frozenset of int
        Larger counts that are missing because they would give a small one away.
    prints_zero : bool
        Whether a count of 0 is printed.
    """

    secret: str
    base: int = BASE
    withheld: frozenset[int] = frozenset()
    prints_zero: bool = True

    def __post_init__(self) -> None:
        if self.base < 2:
            raise DataError(
                f"Counts cannot be rounded to multiples of {self.base}; give 2 or more."
            )

    @property
    def floor(self) -> int:
        """Smallest count, other than 0, that is printed."""
        return 2 * self.base

    def is_hidden(self, count: int) -> bool:
        """Tell whether a count is not printed at all."""
        if count == 0:
            return not self.prints_zero
        return count < self.floor or count in self.withheld

    def printed(self, count: float) -> float:
        """Return what is printed of a count; missing where nothing is."""
        if math.isnan(count) or self.is_hidden(int(count)):
            return math.nan
        block, rest = divmod(int(count), self.base)
        return float(self.base * (block + (rest > self._cut(block))))

    def column(self, counts: pd.Series) -> pd.Series:
        """Return what is printed of a column of counts, as float64."""
        exact = counts.to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series([self.printed(n) for n in exact], counts.index, dtype=float)

    def _cut(self, block: int) -> int:
        """Return the largest rest that is rounded down, from 0 to the base less 1."""
        drawn = hashlib.sha256(f"{self.secret}:{self.base}:{block}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") % self.base


def is_counted(table: pd.DataFrame) -> pd.Series:
    """Return which rows hold a count as their estimate."""
    if "estimand" not in table:
        return pd.Series(False, table.index)
    return table["estimand"].isin(COUNTED)
