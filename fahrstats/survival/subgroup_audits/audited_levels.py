"""Levels that an audit looks at: those of columns, and of columns that are crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.formula import ParsedFormula
from fahrstats.cohort.levels import subgroup_levels
from fahrstats.display.labels import CROSS
from fahrstats.errors import DataError
from fahrstats.survival.subgroup_audits.audited_columns import (
    OVERALL,
    are_columns,
    subgroup_columns,
)


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """What parts people into levels.

    Attributes
    ----------
    subgroup : str
        A column, or columns joined by a cross.
    levels : Series
        Level of every row of the data: a categorical of texts, in their order, without
        missing values.
    """

    subgroup: str
    levels: pd.Series


def audited_factors(
    data: pd.DataFrame,
    by: Sequence[str],
    crossings: Sequence[Sequence[str]],
    formula: ParsedFormula,
) -> list[Factor]:
    """Return the columns of ``by``, then the crossings, each once.

    Missing values are a level of their own. Levels of a column that no row has keep
    their place; of a crossing, only combinations that some row has are levels.

    Raises
    ------
    DataError
        A column is absent, holds a measurement rather than levels or is part of the
        outcome, or a crossing is not a list of two or more different columns.
    """
    factors = [
        Factor(column, subgroup_levels(data, column))
        for column in subgroup_columns(by, formula)
    ]
    for columns in _each_once(crossings):
        parts = [
            subgroup_levels(data, name) for name in subgroup_columns(columns, formula)
        ]
        factors.append(_crossed(CROSS.join(columns), parts))
    if not factors:
        raise DataError("`by` and `crossings` are empty; name a column to audit by.")
    return factors


def _each_once(crossings: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the crossings that are not of the same columns as one before them."""
    if isinstance(crossings, str) or not isinstance(crossings, Iterable):
        given = f"the text `{crossings}`" if isinstance(crossings, str) else crossings
        raise DataError(
            f"`crossings` is {given}; give lists of columns, such as "
            '`[["sex", "race"]]`.'
        )
    once: dict[frozenset[str], Sequence[str]] = {}
    for columns in crossings:
        if not are_columns(columns) or not 1 < len({*columns}) == len(columns):
            raise DataError(
                f"`crossings` holds {columns!r}; each is a list of two or more "
                'different columns, such as `["sex", "race"]`.'
            )
        once.setdefault(frozenset(columns), columns)
    return list(once.values())


def everyone(data: pd.DataFrame) -> Factor:
    """Return the factor whose only level holds all rows."""
    codes = np.zeros(len(data), np.int64)
    return Factor(OVERALL, _as_levels(codes, [OVERALL], data.index))


def _crossed(subgroup: str, parts: Sequence[pd.Series]) -> Factor:
    """Cross the levels of several columns, the first one changing last."""
    sizes = [len(part.cat.categories) for part in parts]
    every = [part.cat.codes.to_numpy(np.int64) for part in parts]
    present, codes = np.unique(np.ravel_multi_index(every, sizes), return_inverse=True)
    names = [
        CROSS.join(
            str(part.cat.categories[code]) for part, code in zip(parts, at, strict=True)
        )
        for at in zip(*np.unravel_index(present, sizes), strict=True)
    ]
    if len({*names}) < len(names):
        raise DataError(
            f"Two levels of `{subgroup}` have one name, since levels of its columns "
            f"hold `{CROSS}`; rename these."
        )
    return Factor(subgroup, _as_levels(codes, names, parts[0].index))


def _as_levels(
    codes: NDArray[np.int64], names: Sequence[str], index: pd.Index[Any]
) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names)), index=index)
