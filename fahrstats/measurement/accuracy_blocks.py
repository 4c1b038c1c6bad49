"""Rows of the table of accuracy, each with how it is found in draws of the photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.levels import MISSING
from fahrstats.measurement.age_groups import BETWEEN, Grouping, cross
from fahrstats.measurement.age_rows import AgeRows
from fahrstats.measurement.error_statistics import (
    OF_BOTH_AGES,
    OF_ERRORS,
    OF_MEDIANS,
    features,
    from_sums,
    median_of_draws,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST_PEOPLE = 20
"""People below which a group's row says that they are few."""

EVERY_CELL = "every cell"
"""Level of a mean over all cells of a crossing."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of the table of accuracy.

    Attributes
    ----------
    labels : DataFrame
        Everything in these m rows but numbers that are estimated.
    measure : callable
        Takes draws, how often each photo is counted, shape (b, n); returns the
        estimates of the rows in each, shape (b, m).
    """

    labels: pd.DataFrame
    measure: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Photos whose age every model predicted, and those that some model failed.

    Attributes
    ----------
    rows : AgeRows
        All photos of known age.
    complete : ndarray of shape (n,)
        Those of them that every model predicted; draws are of these.
    features : ndarray of shape (n, k, q)
        What is summed over them.
    """

    rows: AgeRows
    complete: IntArray
    features: FloatArray

    def part(self, grouping: Grouping, level: int) -> IntArray:
        """Return which of the complete photos are in a group."""
        return np.flatnonzero(grouping.code[self.complete] == level)

    def sums(self, draws: FloatArray, part: IntArray) -> FloatArray:
        """Sum features over a group in each draw, shape (b, k, q)."""
        _, k, q = self.features.shape
        flat = self.features[part].reshape(part.size, k * q)
        return (draws[:, part] @ flat).reshape(len(draws), k, q)

    def sizes(self, part: IntArray) -> dict[str, int]:
        """Count photos and people."""
        people = self.rows.subject[self.complete[part]]
        return {"n": part.size, "n_subjects": np.unique(people).size}


def judge(rows: AgeRows) -> Judged:
    """Keep the photos that every model predicted, so that models are comparable."""
    complete = np.flatnonzero(rows.is_complete)
    ages = rows.low[complete]
    return Judged(rows, complete, features(rows.predicted[complete], ages))


def blocks_of(
    judged: Judged, of_age: Grouping, groupings: Sequence[Grouping]
) -> Iterator[Block]:
    """Yield the rows of everyone, of bands of age, then of each grouping."""
    everyone, *others = groupings
    yield from _level_blocks(judged, everyone, by_age=False)
    yield _macro(judged, of_age, everyone)
    yield from _level_blocks(judged, of_age, by_age=True)
    for grouping in others:
        by_age = of_age.subgroup in grouping.columns
        yield from _level_blocks(judged, grouping, by_age=by_age)
        if len(grouping.columns) == 1:
            yield _macro(judged, cross([of_age, grouping]), None)
            yield from _standardized(judged, of_age, grouping)


def _level_blocks(
    judged: Judged, grouping: Grouping, *, by_age: bool
) -> Iterator[Block]:
    """Yield each group's statistics, model by model.

    Where groups are of like age, statistics that need a spread of ages are left out.
    Crossings leave out groups without photos.
    """
    wanted = [*OF_ERRORS, *OF_MEDIANS, *(() if by_age else OF_BOTH_AGES)]
    for level, name in enumerate(grouping.levels):
        members = grouping.members(level)
        if not members.size and len(grouping.columns) > 1:
            continue
        part = judged.part(grouping, level)
        sizes = judged.sizes(part)
        note = ""
        if sizes["n_subjects"] < FEWEST_PEOPLE:
            note = f"fewer than {FEWEST_PEOPLE} people"
        failed = np.isnan(judged.rows.predicted[members]).sum(axis=0)
        labels = [
            {
                "model": model,
                "subgroup": grouping.subgroup,
                "level": name,
                "estimand": estimand,
                **sizes,
                "n_missing": int(failed[j]),
                "note": note,
            }
            for j, model in enumerate(judged.rows.models)
            for estimand in wanted
        ]
        yield Block(pd.DataFrame(labels), _level_measure(judged, part, wanted))


def _level_measure(
    judged: Judged, part: IntArray, wanted: Sequence[str]
) -> Callable[[FloatArray], FloatArray]:
    """Return what measures one group in draws."""
    rows = judged.complete[part]
    error = judged.rows.predicted[rows] - judged.rows.low[rows, None]
    k = error.shape[1]
    medians = {
        "median_error": [median_of_draws(error[:, j]) for j in range(k)],
        "median_absolute_error": [
            median_of_draws(np.abs(error[:, j])) for j in range(k)
        ],
    }

    def measure(draws: FloatArray) -> FloatArray:
        if not part.size:
            return np.full((len(draws), k * len(wanted)), np.nan)
        found = from_sums(judged.sums(draws, part))
        for estimand, takes in medians.items():
            found[estimand] = np.stack([take(draws[:, part]) for take in takes], 1)
        chosen = np.stack([found[estimand] for estimand in wanted], axis=2)
        return chosen.reshape(len(draws), -1)

    return measure


def _macro(judged: Judged, cells: Grouping, everyone: Grouping | None) -> Block:
    """Return the mean over cells of the MAE in a cell; cells without photos are named.

    Photos whose group is unknown are in no cell.
    """
    parts = [judged.part(cells, cell) for cell in range(len(cells.levels))]
    known = [
        cell
        for cell, name in enumerate(cells.levels)
        if not name.endswith(BETWEEN + MISSING)
    ]
    filled = [cell for cell in known if parts[cell].size]
    empty = [cells.levels[cell] for cell in known if not parts[cell].size]
    note = f"mean over {len(filled)} of {len(known)} cells"
    if empty:
        note += f"; no photos in {', '.join(empty)}"
    few = [
        cells.levels[cell]
        for cell in filled
        if judged.sizes(parts[cell])["n_subjects"] < FEWEST_PEOPLE
    ]
    if few:
        note += f"; fewer than {FEWEST_PEOPLE} people in {', '.join(few)}"
    inside = np.concatenate([parts[cell] for cell in filled])
    labels = [
        {
            "model": model,
            "subgroup": everyone.subgroup if everyone else cells.subgroup,
            "level": everyone.levels[0] if everyone else EVERY_CELL,
            "estimand": "macro_mae",
            **judged.sizes(inside),
            "n_missing": _failed(judged, cells, known, j),
            "note": note,
        }
        for j, model in enumerate(judged.rows.models)
    ]

    def measure(draws: FloatArray) -> FloatArray:
        mae = _cell_mae(judged, draws, [parts[cell] for cell in filled])
        return np.asarray(mae.mean(axis=0))

    return Block(pd.DataFrame(labels), measure)


def _standardized(
    judged: Judged, of_age: Grouping, grouping: Grouping
) -> Iterator[Block]:
    """Yield each group's MAE if its ages were those of everyone.

    Weights are the shares of all photos in each band of age, among bands in which every
    group of enough people has photos.
    """
    weights = np.bincount(of_age.code[judged.complete], minlength=len(of_age.levels))
    parts = [judged.part(grouping, level) for level in range(len(grouping.levels))]
    band = of_age.code[judged.complete]
    has_band = np.array([np.isin(np.arange(weights.size), band[p]) for p in parts])
    many = [judged.sizes(p)["n_subjects"] >= FEWEST_PEOPLE for p in parts]
    shared = np.flatnonzero(has_band[many].all(axis=0) & (weights > 0))
    total = weights[shared].sum()
    names = ", ".join(of_age.levels[at] for at in shared)
    for level, part in enumerate(parts):
        absent = sorted(set(shared) - set(band[part]))
        note = f"ages of everyone in {names}: {total / weights.sum():.0%} of photos"
        if not shared.size or not any(many):
            note = "not estimated: no band of age has photos of every group"
        elif absent:
            note = "not estimated: no photos in " + ", ".join(
                of_age.levels[at] for at in absent
            )
        inside = part[np.isin(band[part], shared)]
        labels = [
            {
                "model": model,
                "subgroup": grouping.subgroup,
                "level": grouping.levels[level],
                "estimand": "standardized_mae",
                **judged.sizes(inside),
                "n_missing": _failed(judged, grouping, [level], j),
                "note": note,
            }
            for j, model in enumerate(judged.rows.models)
        ]
        cells = [part[band[part] == at] for at in shared]
        used = weights[shared] / max(total, 1)
        is_refused = note.startswith("not estimated")
        yield Block(
            pd.DataFrame(labels), _weighed_measure(judged, cells, used, is_refused)
        )


def _weighed_measure(
    judged: Judged, cells: list[IntArray], weights: FloatArray, is_refused: bool
) -> Callable[[FloatArray], FloatArray]:
    """Return what takes the weighted mean of the MAE in cells."""

    def measure(draws: FloatArray) -> FloatArray:
        if is_refused:
            return np.full((len(draws), len(judged.rows.models)), np.nan)
        return np.tensordot(weights, _cell_mae(judged, draws, cells), axes=1)

    return measure


def _cell_mae(
    judged: Judged, draws: FloatArray, cells: Sequence[IntArray]
) -> FloatArray:
    """MAE in each cell, shape (cells, b, k); missing in draws without its photos."""
    return np.stack([from_sums(judged.sums(draws, part))["mae"] for part in cells])


def _failed(judged: Judged, grouping: Grouping, levels: list[int], model: int) -> int:
    """Count photos of some groups that a model did not predict."""
    is_in = np.isin(grouping.code, levels)
    return int(np.isnan(judged.rows.predicted[is_in, model]).sum())
