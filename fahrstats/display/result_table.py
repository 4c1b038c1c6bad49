"""Result tables as a figure or a display table is given them."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from fahrstats.errors import DataError


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
    values = table[column].fillna("").astype(str)
    return [(value, table[values == value]) for value in values.unique()]
