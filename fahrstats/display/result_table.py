"""Result tables as a figure or a display table is given them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, cast

import pandas as pd

from fahrstats.errors import DataError

_NOT_ESTIMATED: Final = "not estimated: "


def only_one(table: pd.DataFrame, columns: tuple[str, ...], figure: str) -> None:
    """Refuse a table that holds several of what a figure shows one of.

    Raises
    ------
    DataError
        A column has more than one value.
    """
    for column in columns:
        values = table[column].dropna().unique().tolist() if column in table else []
        if len(values) > 1:
            shown = ", ".join(str(value) for value in values)
            raise DataError(
                f"`{column}` has {len(values)} values ({shown}), but {figure} shows "
                "one; select the rows of one before drawing."
            )


def need_columns(table: pd.DataFrame, columns: tuple[str, ...], figure: str) -> None:
    """Refuse a table without the columns that a figure is made of.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    absent = [f"`{column}`" for column in columns if column not in table]
    if absent:
        raise DataError(
            f"The table has no column {', '.join(absent)}; {figure} needs "
            f"{', '.join(f'`{column}`' for column in columns)}."
        )
    if table.empty:
        raise DataError(f"The table has no rows; {figure} needs at least one.")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows, each a mapping from column to value."""
    return cast("list[dict[str, Any]]", table.to_dict("records"))


def by_value(table: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each value of ``column`` as text, in the order of the table.

    A table without the column is one part, named by an empty text.
    """
    if column not in table:
        return [("", table)]
    values = table[column].astype(object).fillna("").astype(str)
    return [(value, table[values == value]) for value in values.unique()]


def limits(row: Mapping[str, Any]) -> tuple[float, float | None, float | None]:
    """Return the estimate of a row and its limits, which it may not have."""
    return row["estimate"], row.get("conf_low"), row.get("conf_high")


def in_percent(row: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the estimate of a row and its limits as percentages."""
    names = ("estimate", "conf_low", "conf_high")
    return tuple(100 * float(row.get(name, math.nan)) for name in names)


def excludes(row: Mapping[str, Any], no_effect: float) -> bool:
    """Whether the interval of a row lies on one side of no effect."""
    return bool(row["conf_low"] > no_effect or row["conf_high"] < no_effect)


def without_refusals(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part a table from the rows that only say why there is no estimate."""
    if "note" not in table:
        return table, table.iloc[:0]
    is_refusal = table["note"].fillna("").str.startswith(_NOT_ESTIMATED)
    return table[~is_refusal], table[is_refusal]
