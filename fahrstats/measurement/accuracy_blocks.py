"""Rows of the table of accuracy, each with how it is found in draws of the photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.measurement.age_groups import Grouping, cross, is_cell
from fahrstats.measurement.error_statistics import (
    DISTANCE,
    OF_BOTH_AGES,
    OF_ERRORS,
    OF_INTERVALS,
    OF_MEDIANS,
    SIZE,
    from_sums,
    median_of_draws,
)
from fahrstats.measurement.judged_photos import Draws, JudgedPhotos

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FEWEST_PEOPLE = 20
"""People below which a group's row says that they are few."""

EVERY_CELL = "every cell"
"""Level of a mean over all cells of a crossing."""

BY_LIKELIHOOD = "ages known to intervals, by likelihood"
"""What is said of statistics that intervals alone do not give."""

NOT_TOLD = "not estimated: intervals do not tell how age depends on the prediction"
"""What is said instead of an estimate that the likelihood does not give."""

_NO_END = "some ages have no upper limit"
_MACRO_TO_INTERVAL = "macro_mae_to_interval"
_ENDLESS = ("mae_most", "mean_error_least")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of the table of accuracy.

    Attributes
    ----------
    labels : DataFrame
        Everything in these m rows but numbers that are estimated.
    measure : callable
        Takes b draws; returns the estimates of the rows in each, shape (b, m).
    """

    labels: pd.DataFrame
    measure: Callable[[Draws], FloatArray]


def blocks_of(
    judged: JudgedPhotos, of_age: Grouping, groupings: Sequence[Grouping]
) -> Iterator[Block]:
    """Yield the rows of everyone, of bands of age, then of each grouping."""
    everyone, *others = groupings
    yield from _level_blocks(judged, everyone, by_age=False)
    yield from _macro(judged, of_age, (everyone.subgroup, everyone.levels[0]))
    yield from _level_blocks(judged, of_age, by_age=True)
    for grouping in others:
        by_age = of_age.subgroup in grouping.columns
        yield from _level_blocks(judged, grouping, by_age=by_age)
        if len(grouping.columns) == 1:
            cells = cross([of_age, grouping])
            yield from _macro(judged, cells, (cells.subgroup, EVERY_CELL))
            yield from _standardized(judged, of_age, grouping)


def _level_blocks(
    judged: JudgedPhotos, grouping: Grouping, *, by_age: bool
) -> Iterator[Block]:
    """Yield each group's statistics, model by model.

    Where groups are of like age, statistics that need a spread of ages are left out.
    Crossings leave out groups without photos, and ages known to intervals medians.
    """
    is_exact = judged.rows.is_exact
    wanted = [
        *OF_ERRORS,
        *(OF_MEDIANS if is_exact else ()),
        *(() if by_age else OF_BOTH_AGES),
        *(() if is_exact else OF_INTERVALS),
    ]
    for level, name in enumerate(grouping.levels):
        if len(grouping.columns) > 1 and not grouping.members(level).size:
            continue
        part = judged.part(grouping, level)
        labels = _labels(
            judged,
            {estimand: _note(judged, part, estimand) for estimand in wanted},
            part,
            judged.failed(grouping, [level]),
        )
        yield Block(
            labels.assign(subgroup=grouping.subgroup, level=name),
            _level_measure(judged, part, wanted),
        )


def _note(judged: JudgedPhotos, part: IntArray, estimand: str) -> str:
    """Say what a reader must know of a statistic in a group."""
    low, high = (
        ages[judged.complete[part]] for ages in (judged.rows.low, judged.rows.high)
    )
    found = []
    if judged.sizes(part)["n_subjects"] < FEWEST_PEOPLE:
        found.append(f"fewer than {FEWEST_PEOPLE} people")
    if (low < high).any() and not _assumes_nothing(estimand):
        found.append(BY_LIKELIHOOD)
    if np.isinf(high).any() and estimand in _ENDLESS:
        found.append(_NO_END)
    return "; ".join(found)


def _assumes_nothing(estimand: str) -> bool:
    """Whether a statistic of ages known to intervals needs no likelihood."""
    return estimand in OF_INTERVALS or estimand == _MACRO_TO_INTERVAL


def _level_measure(
    judged: JudgedPhotos, part: IntArray, wanted: Sequence[str]
) -> Callable[[Draws], FloatArray]:
    """Return what measures one group in draws."""
    rows = judged.complete[part]
    error = judged.rows.predicted[rows] - judged.rows.low[rows, None]
    k = error.shape[1]
    medians = {}
    if set(OF_MEDIANS) <= set(wanted):
        for estimand, values in zip(OF_MEDIANS, (error, np.abs(error)), strict=True):
            medians[estimand] = [median_of_draws(values[:, j]) for j in range(k)]

    def measure(draws: Draws) -> FloatArray:
        if not part.size:
            return np.full((len(draws.counts), k * len(wanted)), np.nan)
        found = from_sums(judged.sums(draws, part))
        for estimand, takes in medians.items():
            counts = draws.counts[:, part]
            found[estimand] = np.stack([take(counts) for take in takes], axis=1)
        chosen = np.stack([found[estimand] for estimand in wanted], axis=2)
        return chosen.reshape(len(draws.counts), -1)

    return measure


def _macro(
    judged: JudgedPhotos, cells: Grouping, named: tuple[str, str]
) -> Iterator[Block]:
    """Yield the mean over cells of the MAE in a cell; cells without photos are named.

    Photos whose group is unknown are in no cell.
    """
    known = [at for at, name in enumerate(cells.levels) if is_cell(name)]
    parts = {at: judged.part(cells, at) for at in known}
    filled = [at for at in known if parts[at].size]
    empty = [cells.levels[at] for at in known if not parts[at].size]
    note = f"mean over {len(filled)} of {len(known)} cells"
    if empty:
        note += f"; no photos in {', '.join(empty)}"
    few = [
        cells.levels[at]
        for at in filled
        if judged.sizes(parts[at])["n_subjects"] < FEWEST_PEOPLE
    ]
    if few:
        note += f"; fewer than {FEWEST_PEOPLE} people in {', '.join(few)}"
    inside = np.concatenate([np.empty(0, np.int64), *(parts[at] for at in filled)])
    used = [parts[at] for at in filled]
    equal = np.full(len(used), 1 / max(len(used), 1))
    failed = judged.failed(cells, known)
    statistics = {"macro_mae": SIZE}
    if not judged.rows.is_exact:
        statistics[_MACRO_TO_INTERVAL] = DISTANCE
    for estimand, feature in statistics.items():
        said = note
        if feature == SIZE and not judged.rows.is_exact:
            said += f"; {BY_LIKELIHOOD}"
        labels = _labels(judged, {estimand: said}, inside, failed)
        yield Block(
            labels.assign(subgroup=named[0], level=named[1]),
            _weighed(judged, used, equal, feature),
        )


def _standardized(
    judged: JudgedPhotos, of_age: Grouping, grouping: Grouping
) -> Iterator[Block]:
    """Yield each group's MAE if its ages were those of everyone.

    Weights are the shares of all photos in each band of age, among bands in which every
    group of enough people has photos.
    """
    band = of_age.code[judged.complete]
    weights = np.bincount(band, minlength=len(of_age.levels)).astype(np.float64)
    parts = [judged.part(grouping, level) for level in range(len(grouping.levels))]
    large = [p for p in parts if judged.sizes(p)["n_subjects"] >= FEWEST_PEOPLE]
    shared = [
        at
        for at, name in enumerate(of_age.levels)
        if large and is_cell(name) and all((band[p] == at).any() for p in large)
    ]
    total = weights[shared].sum()
    names = ", ".join(of_age.levels[at] for at in shared)
    for level, part in enumerate(parts):
        absent = [of_age.levels[at] for at in shared if not (band[part] == at).any()]
        note = f"ages of everyone in {names}: {total / weights.sum():.0%} of photos"
        if not shared:
            note = "not estimated: no band of age has photos of every group"
        elif absent:
            note = f"not estimated: no photos in {', '.join(absent)}"
        elif not judged.rows.is_exact:
            note += f"; {BY_LIKELIHOOD}"
        inside = part[np.isin(band[part], shared)]
        failed = judged.failed(grouping, [level])
        labels = _labels(judged, {"standardized_mae": note}, inside, failed)
        cells = [] if absent else [part[band[part] == at] for at in shared]
        yield Block(
            labels.assign(subgroup=grouping.subgroup, level=grouping.levels[level]),
            _weighed(judged, cells, weights[shared] / max(total, 1.0), SIZE),
        )


def _weighed(
    judged: JudgedPhotos, cells: list[IntArray], weights: FloatArray, feature: int
) -> Callable[[Draws], FloatArray]:
    """Return what takes the weighted mean over cells of the mean of a feature in each.

    It is missing without cells, and in draws without the photos of one.
    """

    def measure(draws: Draws) -> FloatArray:
        if not cells:
            return np.full((len(draws.counts), len(judged.rows.models)), np.nan)
        means = []
        for part in cells:
            n = draws.counts[:, part].sum(axis=1)[:, None]
            sums = judged.sums(draws, part, slice(feature, feature + 1))
            means.append(sums[:, :, 0] / np.where(n > 0, n, np.nan))
        return np.asarray(np.tensordot(weights, np.stack(means), axes=1))

    return measure


def _labels(
    judged: JudgedPhotos,
    notes: Mapping[str, str],
    part: IntArray,
    failed: IntArray,
) -> pd.DataFrame:
    """Return a row for each model and each statistic, which has a note."""
    sizes = judged.sizes(part)
    return pd.DataFrame(
        [
            {
                "model": model,
                "estimand": estimand,
                **sizes,
                "n_missing": int(n_failed),
                "note": note if is_known or _assumes_nothing(estimand) else NOT_TOLD,
            }
            for model, n_failed, is_known in zip(
                judged.rows.models, failed, judged.has_errors, strict=True
            )
            for estimand, note in notes.items()
        ]
    )
