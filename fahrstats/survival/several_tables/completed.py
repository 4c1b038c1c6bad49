"""What completed tables, and results of them, must share to be pooled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.columns import GLOSSARY
from fahrstats.errors import DataError

Formulas = str | Mapping[str, str]

NAMING = list(GLOSSARY)[: list(GLOSSARY).index("estimate")]
"""Columns that say what a row is about; all that follow are numbers about it."""

_COLUMN_OPTIONS = ("strata", "cluster", "weights", "id", "offset")


def check_tables(
    formula: Formulas, tables: Iterable[pd.DataFrame], options: Mapping[str, Any]
) -> tuple[pd.DataFrame, ...]:
    """Return completed tables, or refuse those that are not of one data set.

    Raises
    ------
    DataError
        Fewer than two tables, tables of different rows or outcomes, or with values
        missing in columns that the formula or the options name.
    """
    if not isinstance(formula, (str, Mapping)):
        raise DataError(
            f"`formula` is a {type(formula).__name__}; give a formula, or formulas by "
            "label, and then the completed tables."
        )
    if isinstance(tables, (pd.DataFrame, Mapping, str)):
        held = "one data frame" if isinstance(tables, pd.DataFrame) else "no list"
        raise DataError(f"`tables` is {held}; give a list of completed tables.")
    completed = tuple(tables)
    for number, table in enumerate(completed, start=1):
        if not isinstance(table, pd.DataFrame):
            raise DataError(
                f"Table {number} of {len(completed)} is a {type(table).__name__}; give "
                "pandas data frames."
            )
    if len(completed) < 2:
        raise DataError(
            f"`tables` holds {len(completed)}; Rubin's rules need at least 2, since "
            "the variance between tables is part of the answer."
        )
    sizes = [len(table) for table in completed]
    if len(set(sizes)) > 1:
        raise DataError(
            f"`tables` have {', '.join(map(str, sizes))} rows; completed tables of one "
            "data set have the same rows."
        )
    formulas = [formula] if isinstance(formula, str) else list(formula.values())
    for number, table in enumerate(completed, start=1):
        for problem in _incomplete(formulas, table, completed[0], options):
            raise DataError(f"Table {number} of {len(completed)} {problem}")
    return completed


def _incomplete(
    formulas: Sequence[str],
    table: pd.DataFrame,
    first: pd.DataFrame,
    options: Mapping[str, Any],
) -> Iterator[str]:
    """Yield why a table is not a completed one of the data set of the first."""
    named = [options[name] for name in _COLUMN_OPTIONS if options.get(name)]
    for formula in formulas:
        parsed = parse_formula(formula)
        outcome = [c for c in (parsed.entry, parsed.time, parsed.event) if c]
        wanted = [*outcome, *used_columns(parsed.right, table.columns), *named]
        absent = [f"`{name}`" for name in wanted if name not in table.columns]
        if absent:
            yield f"has no column {', '.join(absent)}."
            return
        counts = table[wanted].isna().sum()
        holes = [f"{n} in `{name}`" for name, n in counts[counts > 0].items()]
        if holes:
            yield (
                f"still has values missing: {', '.join(holes)} of {len(table)} rows; "
                "impute them, or leave the rows out of every table."
            )
        for name in outcome:
            n_other = int((table[name].to_numpy() != first[name].to_numpy()).sum())
            if n_other and not holes:
                yield (
                    f"differs from the first in `{name}` in {n_other} of {len(table)} "
                    "rows; completed tables share their outcome, row for row."
                )


def row_name(row: Mapping[Any, Any]) -> str:
    """Name a row by what tells it from the others of a table."""
    hidden = {"variable", "reference", "per", "origin", "scale"}
    if "variable" in row:  # the term names the level too
        hidden.add("level")
    parts = [row[name] for name in NAMING if name in row and name not in hidden]
    shown = [f"{part:g}" if isinstance(part, float) else str(part) for part in parts]
    return ", ".join(
        part for part, _ in groupby(text for text in shown if text not in ("", "nan"))
    )


def result_tables(results: Iterable[object]) -> list[pd.DataFrame]:
    """Return the tables of results, or refuse what has none.

    Raises
    ------
    DataError
        Fewer than two results, or something that is neither a result nor a table.
    """
    if isinstance(results, pd.DataFrame):
        raise DataError("`results` is one table; give a list, one per completed table.")
    parts = []
    for number, result in enumerate(results, start=1):
        is_table = isinstance(result, pd.DataFrame)
        table = result.tidy() if hasattr(result, "tidy") and not is_table else result
        if not isinstance(table, pd.DataFrame):
            raise DataError(
                f"Result {number} is a {type(result).__name__}; give results with "
                "`tidy()`, or tables."
            )
        parts.append(table)
    if len(parts) < 2:
        raise DataError(
            f"`results` holds {len(parts)}; Rubin's rules need at least 2, since the "
            "variance between tables is part of the answer."
        )
    return parts


def result_problems(parts: Sequence[pd.DataFrame]) -> Iterator[str]:
    """Yield why tables cannot be pooled, or cannot be pooled together."""
    for number, part in enumerate(parts, start=1):
        is_test = "estimate" not in part and {"statistic", "df"} <= set(part)
        wanted = ("estimand",) if is_test else ("estimand", "estimate", "std_error")
        absent = [f"`{name}`" for name in wanted if name not in part]
        if absent:
            yield (
                f"Result {number} has no column {', '.join(absent)}; Rubin's rules "
                "need estimates with standard errors, and ratios have none: pool "
                "their logarithms."
            )
            return
        n_negative = 0 if is_test else int((part["std_error"] < 0).sum())
        if not len(part) or n_negative:
            held = "no row" if n_negative == 0 else "a standard error below zero"
            yield f"Result {number} of {len(parts)} has {held}, so nothing is pooled."
            return
    first = _names(parts[0])
    for number, part in enumerate(parts[1:], start=2):
        names = _names(part)
        if names == first:
            continue
        lacks = [f"`{name}`" for name in first if name not in names]
        extra = [f"`{name}`" for name in names if name not in first]
        differs = [
            f"{what} {', '.join(rows[:3])}{' and others' if len(rows) > 3 else ''}"
            for what, rows in (("lacks", lacks), ("adds", extra))
            if rows
        ]
        yield (
            f"Result {number} of {len(parts)} {' and '.join(differs) or 'has the rows'}"
            f"{'' if differs else ' in another order'}, compared with the first; "
            "pooling needs the same rows from every table: the same levels of factors, "
            "curves read at fixed times, and one method for all."
        )


def _names(part: pd.DataFrame) -> list[str]:
    return [row_name(row) for row in part.to_dict("records")]
