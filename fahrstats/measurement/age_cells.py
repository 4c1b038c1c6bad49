"""How photos lie over true and predicted age, in cells that show nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.measurement.age_rows import AgeRows, read_rows

FloatArray = NDArray[np.float64]

WIDTH = 5
"""Years of a cell, in true and in predicted age."""

COARSENESS = 5
"""Cells of fewer people are empty, and all others multiples of it."""

_REFUSED = "not estimated: true ages are known to intervals"


def age_cells(
    predicted: Sequence[str],
    data: pd.DataFrame,
    *,
    age: str | tuple[str, str] = "age",
    subject: str | None = None,
) -> pd.DataFrame:
    """Count photos in cells of five years of true by five years of predicted age.

    Shares are made of counts that are rounded to fives, those below five to none, so
    that neither a cell nor what others leave of a total tells how many people it holds.
    The rows of a cell are those of people: several photos of one count once in it.

    Parameters are those of :func:`fahrstats.age_accuracy`.

    Returns
    -------
    DataFrame
        One row per model and cell that is not empty: ``value`` and ``predicted``, where
        the cell begins in true and in predicted age, and its ``share`` as ``estimate``.
        One row that says so, where true ages are known to intervals.

    Raises
    ------
    DataError
        As :func:`fahrstats.age_accuracy` says.
    """
    rows = read_rows(predicted, data, age, subject)
    name = age if isinstance(age, str) else "age"
    tables = [_of_model(rows, j).assign(model=m) for j, m in enumerate(rows.models)]
    table = pd.concat(tables, ignore_index=True).assign(variable=name, estimand="share")
    return table[in_order(table.columns)]


def _of_model(rows: AgeRows, j: int) -> pd.DataFrame:
    """Count the cells of one model, on the photos that every model predicted."""
    if not rows.is_exact:
        empty = {"value": np.nan, "predicted": np.nan, "estimate": np.nan}
        return pd.DataFrame([{**empty, "note": _REFUSED}])
    kept = rows.is_complete
    photos = pd.DataFrame(
        {
            "value": _start(rows.low[kept]),
            "predicted": _start(rows.predicted[kept, j]),
            "subject": rows.subject[kept],
        }
    )
    sizes = photos.drop_duplicates().groupby(["value", "predicted"]).size()
    shown = sizes[sizes >= COARSENESS]
    rounded = COARSENESS * (shown / COARSENESS).round()
    found = (rounded / rounded.sum()).rename("estimate").reset_index()
    return found.assign(note=f"people in a cell are rounded to {COARSENESS}")


def _start(years: FloatArray) -> FloatArray:
    """Return where the cell of each age begins."""
    return np.asarray(WIDTH * np.floor(years / WIDTH), np.float64)
