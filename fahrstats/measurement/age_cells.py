"""How photos lie over true and predicted age, in cells that show nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.measurement.age_rows import AgeRows, read_rows
from fahrstats.measurement.doubtful_predictions import check_corrected, refusals

FloatArray = NDArray[np.float64]

WIDTHS = {1000: 5, 0: 10}
"""Years of a cell, in true and in predicted age, by the least number of people."""

COARSENESS = 5
"""Cells of fewer people are empty, and all others multiples of it."""

_OF_INTERVALS = "not estimated: true ages are known to intervals"


def age_cells(
    predicted: Sequence[str],
    data: pd.DataFrame,
    *,
    age: str | tuple[str, str] = "age",
    subject: str | None = None,
    corrected: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Count people in cells of true by predicted age, of five or ten years each.

    Shares of everyone are made of counts that are rounded to fives, those below five
    left out, so that neither a cell nor what others leave of a total tells how many
    people it holds. Several photos of one person count once in a cell.

    Parameters are those of :func:`fahrstats.age_accuracy`.

    Returns
    -------
    DataFrame
        One row per model and cell that is not empty: ``value`` and ``predicted``, where
        the cell begins in true and in predicted age, ``per``, its width in years, and
        its ``share`` as ``estimate``. Cells are five years wide from a thousand people
        on. One row that says so, where true ages are known to intervals, and for a
        corrected age.

    Raises
    ------
    DataError
        As :func:`fahrstats.age_accuracy` says.
    """
    rows = read_rows(predicted, data, age, subject)
    name = age if isinstance(age, str) else "age"
    check_corrected(corrected or {}, rows.models)
    reasons = {} if rows.is_exact else dict.fromkeys(rows.models, _OF_INTERVALS)
    reasons |= refusals(corrected or {})
    tables = [
        (_refused(reasons[m]) if m in reasons else _of_model(rows, j)).assign(model=m)
        for j, m in enumerate(rows.models)
    ]
    table = pd.concat(tables, ignore_index=True).assign(variable=name, estimand="share")
    return table[in_order(table.columns)]


def _refused(reason: str) -> pd.DataFrame:
    """Return the row of a model that has no cells."""
    empty = dict.fromkeys(("value", "predicted", "per", "estimate"), np.nan)
    return pd.DataFrame([{**empty, "note": reason}])


def _of_model(rows: AgeRows, j: int) -> pd.DataFrame:
    """Count the cells of one model, on the photos that every model predicted."""
    kept = rows.is_complete
    n_people = np.unique(rows.subject[kept]).size
    width = next(years for least, years in WIDTHS.items() if n_people >= least)
    photos = pd.DataFrame(
        {
            "value": _start(rows.low[kept], width),
            "predicted": _start(rows.predicted[kept, j], width),
            "subject": rows.subject[kept],
        }
    )
    sizes = photos.drop_duplicates().groupby(["value", "predicted"]).size()
    counts = sizes[sizes >= COARSENESS].rename("estimate").reset_index()
    share = _rounded(counts["estimate"].to_numpy()) / _rounded(np.array(n_people))
    found = counts.assign(estimate=share)
    note = f"people in a cell are rounded to {COARSENESS}"
    return found.assign(per=float(width), note=note)


def _rounded(counts: NDArray[np.int64]) -> FloatArray:
    """Round counts to fives, and never to none."""
    fives = np.maximum(np.round(counts / COARSENESS), 1)
    return np.asarray(COARSENESS * fives, np.float64)


def _start(years: FloatArray, width: int) -> FloatArray:
    """Return where the cell of each age begins."""
    return np.asarray(width * np.floor(years / width), np.float64)
