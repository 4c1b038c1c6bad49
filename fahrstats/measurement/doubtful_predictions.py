"""Predicted ages that are not what they seem: corrected ones, and those cut off."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.measurement.age_groups import OVERALL
from fahrstats.measurement.age_rows import AgeRows

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_OF_CORRECTED = ("mean_error", "median_error")
_REFUSED = (
    "not estimated: `{name}` was corrected given true age, which makes errors small; "
    "see `{raw}`"
)

_FEWEST_AT_TOP, _LEAST_SHARE_AT_TOP = 5, 0.01
_NEXT_VALUES = 10
"""Distinct predictions below the largest that say how often one value is usual."""


def check_corrected(corrected: Mapping[str, str], models: tuple[str, ...]) -> None:
    """Refuse corrected ages without the raw ones beside them.

    Raises
    ------
    DataError
        There are no pairs, or either of one is not among the models.
    """
    if not isinstance(corrected, Mapping):
        raise DataError(
            f"`corrected` is {corrected}; give a mapping from each corrected column to "
            "that of the raw prediction."
        )
    for name, raw in corrected.items():
        absent = [column for column in (name, raw) if column not in models]
        if absent or name == raw or raw in corrected:
            raise DataError(
                f"`corrected` says that `{name}` is corrected from `{raw}`; both must "
                "be in `predicted`, two columns, the second as the model gave it."
            )


def refusals(corrected: Mapping[str, str]) -> dict[str, str]:
    """Return why each corrected age has no accuracy."""
    return {
        name: _REFUSED.format(name=name, raw=raw) for name, raw in corrected.items()
    }


def refuse_corrected(
    table: pd.DataFrame, corrected: Mapping[str, str]
) -> tuple[pd.DataFrame, BoolArray]:
    """Give rows that a corrected age must not have their reason, and mark them."""
    reasons = table["model"].map(refusals(corrected))
    is_refused = reasons.notna() & ~table["estimand"].isin(_OF_CORRECTED)
    notes = np.where(is_refused, reasons, table["note"])
    return table.assign(note=notes), is_refused.to_numpy(bool)


def flag_top_codes(table: pd.DataFrame, rows: AgeRows) -> pd.DataFrame:
    """Say in the rows of everyone if many predictions of a model equal the largest.

    Many are at least 5 and 1%, and more than twice as many as equal any of the ten
    largest values below, as where a model or its output ends at some age.
    """
    notes = table["note"].copy()
    for j, model in enumerate(rows.models):
        known = rows.predicted[~np.isnan(rows.predicted[:, j]), j]
        values, counts = np.unique(known, return_counts=True)
        at_top, usual = counts[-1], counts[-1 - _NEXT_VALUES : -1].max(initial=0)
        least = max(_FEWEST_AT_TOP, _LEAST_SHARE_AT_TOP * known.size)
        if at_top < least or at_top <= 2 * usual:
            continue
        said = f"{at_top} predictions equal the largest, {values[-1]:g}: top-coded?"
        is_of = (table["model"] == model) & (table["subgroup"] == OVERALL)
        notes[is_of] = [f"{note}; {said}" if note else said for note in notes[is_of]]
    return table.assign(note=notes)
