"""Columns that define the subgroups of an audit."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import Any

from fahrstats.cohort.formula import ParsedFormula
from fahrstats.errors import DataError

OVERALL = "overall"
"""Name of the subgroup, and of its only level, that holds everyone."""


def subgroup_columns(by: Sequence[str], formula: ParsedFormula) -> list[str]:
    """Columns to take levels from, each once.

    Raises
    ------
    DataError
        ``by`` is no list of columns, or names a column of the outcome or one
        called as everyone is in tables.
    """
    if isinstance(by, str):
        raise DataError(f"`by` is the text `{by}`; give a list of columns.")
    if not are_columns(by):
        raise DataError(f"`by` is {by!r}; give a list of columns.")
    for column in by:
        if column == OVERALL:
            raise DataError(
                f"`by` names `{OVERALL}`, which stands for everyone in tables; rename "
                "the column."
            )
        if column in (formula.entry, formula.time, formula.event):
            raise DataError(
                f"`by` names `{column}`, a part of the outcome of `{formula.text}`; "
                "subgroups must be known before the outcome."
            )
    return list(dict.fromkeys(by))


def are_columns(listed: Any) -> bool:
    """Whether something can be a list of columns; a text is the name of one."""
    return (
        isinstance(listed, Iterable)
        and not isinstance(listed, str)
        and all(isinstance(column, Hashable) for column in listed)
    )


def check_min_events(min_events: int) -> None:
    """Raise unless a smallest number of events is a number from 0 on."""
    if not isinstance(min_events, Real) or not min_events >= 0:
        raise DataError(f"`min_events` is {min_events}; give a number from 0 on.")
