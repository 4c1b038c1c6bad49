"""Differences in accuracy between models, and between groups, from shared draws."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import contrast_name
from fahrstats.display.labels import CROSS
from fahrstats.errors import DataError
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.measurement.age_groups import ACROSS
from fahrstats.measurement.shared_draws import with_tests

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_REFUSED = "not estimated: "


def model_contrasts(
    table: pd.DataFrame, rows: pd.DataFrame, draws: FloatArray, conf_level: float
) -> pd.DataFrame:
    """Return differences of all pairs of models in each level.

    Parameters
    ----------
    table
        All rows of the result.
    rows
        Those of one statistic in one grouping.
    draws
        Every row in every draw, shape (n_boot, all rows).
    conf_level
        Of each interval alone, and of the joint limits together.
    """
    pairs = []
    for level, part in rows.groupby("level", sort=False):
        at = dict(zip(part["model"], part.index, strict=True))
        for a, b in combinations(at, 2):
            named = {"level": str(level), "term": contrast_name(str(a), str(b))}
            pairs.append(_Pair(at[a], at[b], named))
    found = _paired(table, pairs)
    people = found["n_subjects"].to_numpy()
    return with_tests(found, _differences(draws, pairs), people, conf_level)


def group_contrasts(
    table: pd.DataFrame, rows: pd.DataFrame, draws: FloatArray, conf_level: float
) -> pd.DataFrame:
    """Return differences of all pairs of levels, for each model.

    Parameters are those of :func:`model_contrasts`. Levels without an estimate or of
    few people are not compared, and named in the note.

    Raises
    ------
    DataError
        Fewer than two levels can be compared.
    """
    is_known = (
        rows["estimate"].notna()
        & (rows["n_subjects"] >= FEWEST_PEOPLE)
        & ~rows["level"].str.split(CROSS).map(lambda parts: ACROSS in parts)
    )
    known = rows[is_known.groupby(rows["level"]).transform("any")]
    levels, others = (
        list(dict.fromkeys(part["level"]))
        for part in (known, rows.drop(index=known.index))
    )
    if len(levels) < 2:
        raise DataError(
            f"`{rows['subgroup'].iloc[0]}` has {'1 level' if levels else '0 levels'} "
            f"with an estimate and {FEWEST_PEOPLE} people; a difference needs two."
        )
    pairs = []
    for model, part in known.groupby("model", sort=False):
        at = dict(zip(part["level"], part.index, strict=True))
        for a, b in combinations(levels, 2):
            named = {"model": str(model), "term": contrast_name(str(a), str(b))}
            pairs.append(_Pair(at[a], at[b], named))
    found = _paired(table, pairs)
    sizes = table[["n", "n_subjects"]].to_numpy()
    first, second = _sides(pairs)
    found[["n", "n_subjects"]] = sizes[first] + sizes[second]
    if others:
        said = f"not compared, few people or no estimate: {', '.join(others)}"
        found["note"] = [
            note if note.startswith(_REFUSED) else "; ".join(filter(None, [note, said]))
            for note in found["note"]
        ]
    people = np.minimum(sizes[first], sizes[second])[:, 1]
    return with_tests(found, _differences(draws, pairs), people, conf_level)


def largest_of(differences: pd.DataFrame) -> pd.DataFrame:
    """Return the largest difference of each model, in its size.

    A model of which none was estimated keeps a row, which says why.
    """
    size = differences["estimate"].abs().fillna(-1.0)
    largest = size.groupby(differences["model"], sort=False).idxmax()
    return differences.loc[largest].reset_index(drop=True)


class _Pair(NamedTuple):
    """Positions of two rows of the result, and how their difference is named."""

    first: int
    second: int
    named: dict[str, str]


def _sides(pairs: Sequence[_Pair]) -> tuple[IntArray, IntArray]:
    """Return the positions of the first rows, and of the second."""
    first = np.array([pair.first for pair in pairs], np.int64)
    return first, np.array([pair.second for pair in pairs], np.int64)


def _paired(table: pd.DataFrame, pairs: Sequence[_Pair]) -> pd.DataFrame:
    """Return a row for each pair, the first row less the second, as it is named."""
    first, second = (table.iloc[side] for side in _sides(pairs))
    notes = zip(first["note"], second["note"], strict=True)
    found = first[["subgroup", "n", "n_subjects"]].reset_index(drop=True)
    return found.assign(
        **pd.DataFrame([pair.named for pair in pairs]),
        note=[_both_notes(*both) for both in notes],
        estimand=("delta_" + first["estimand"]).to_numpy(),
        estimate=first["estimate"].to_numpy() - second["estimate"].to_numpy(),
    )


def _both_notes(first: str, second: str) -> str:
    """Join the notes of two rows; why one was refused is all there is to say."""
    notes = [note for note in dict.fromkeys([first, second]) if note]
    refusals = [note for note in notes if note.startswith(_REFUSED)]
    return "; ".join(refusals or notes)


def _differences(draws: FloatArray, pairs: Sequence[_Pair]) -> FloatArray:
    """Return the same differences in every draw, shape (n_boot, pairs)."""
    first, second = _sides(pairs)
    return np.asarray(draws[:, first] - draws[:, second])
