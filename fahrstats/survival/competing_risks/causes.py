"""The column that names the cause of an event, where causes compete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.cohort.encoding import level_text
from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.errors import DataError, FormulaError

_MOST_CAUSES = 12
"""More causes than this come from a column that names something else."""


@dataclass(frozen=True, slots=True, eq=False)
class Causes:
    """The causes of the events of a design.

    Attributes
    ----------
    column : str
        Column of the data that names them.
    labels : tuple of str
        Causes in the order of their categories, or sorted.
    codes : ndarray of int64, shape (n,)
        Position in ``labels`` of the cause of each row, -1 for rows without an event;
        in the order of the design.
    """

    column: str
    labels: tuple[str, ...]
    codes: NDArray[np.int64]

    @property
    def n_events(self) -> NDArray[np.int64]:
        """Rows with an event of each cause."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.labels))

    def position(self, of: object) -> int:
        """Return the position of a cause, or refuse one that no event has."""
        label = level_text(of)
        if label not in self.labels:
            known = ", ".join(f"`{name}`" for name in self.labels)
            raise DataError(
                f"`of` is `{label}`, but the causes in `{self.column}` are {known}; "
                "choose one of them."
            )
        return self.labels.index(label)


def read_causes(
    design: Design, data: pd.DataFrame, cause: str, *, formula: str
) -> Causes:
    """Read the cause of every event; rows without an event may hold anything.

    ``formula`` is the one that the design, or its groups, came from.

    Raises
    ------
    FormulaError
        The column is part of the formula.
    DataError
        The column is absent or repeated, has no value in a row with an event, mixes
        numbers and text, or has too many values to be causes.
    """
    if not isinstance(cause, str):
        raise DataError(
            f"`cause` is a {type(cause).__name__}; name a column of `data` as text."
        )
    parsed = parse_formula(formula)
    used = used_columns(parsed.right, data.columns)
    if cause in (parsed.time, parsed.event, parsed.entry, *used):
        raise FormulaError(
            f"`{cause}` names causes and is part of `{formula}` too; keep the event "
            "0/1 and the type of event in a column of its own."
        )
    n_columns = int((data.columns == cause).sum())
    if n_columns != 1:
        raise DataError(
            f"`data` has several columns named `{cause}`; rename all but one."
            if n_columns
            else f"`data` has no column `{cause}`."
        )
    of_events = data[cause].iloc[design.rows[design.event]]
    is_blank = of_events.astype(str).str.strip() == ""
    n_missing = int((of_events.isna() | is_blank).sum())
    if n_missing:
        raise DataError(
            f"`{cause}` is missing in {n_missing} of {design.n_events} rows with an "
            f"event; name the cause, or leave `{parsed.event}` empty to drop the rows."
        )
    codes, labels = _number(of_events, cause)
    every = np.full(design.n, -1, np.int64)
    every[design.event] = codes
    return Causes(cause, labels, every)


def _number(values: pd.Series, cause: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Give the causes numbers from 0, in the order of categories or sorted."""
    if pd.api.types.infer_dtype(values).startswith("mixed"):
        raise DataError(
            f"`{cause}` mixes numbers and text; make it all numbers or all text, since "
            "`1` and `one` would be different causes."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, levels = values.cat.codes.to_numpy(), values.cat.categories
    else:
        codes, levels = pd.factorize(values, sort=True)
    if len(levels) > _MOST_CAUSES:
        raise DataError(
            f"`{cause}` has {len(levels)} values in {len(values)} rows with an event, "
            f"too many to compete; merge them into at most {_MOST_CAUSES}."
        )
    return codes.astype(np.int64), tuple(map(level_text, levels))
