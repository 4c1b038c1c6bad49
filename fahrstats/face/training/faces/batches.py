"""Who is in a batch: rows as a pure function of seed and epoch, the same on every rank.

Every function returns the global batches, as row numbers; `slice_of_rank` takes one
process's part. Nothing is remembered between calls, so a run that resumes at epoch
seven draws what an uninterrupted one would have drawn.
"""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError
from fahrstats.resampling import IntArray

SMALLEST_SURVIVAL_BATCH = 64  # below, risk sets are too small to rank anyone


def epoch_order(n: int, *, seed: int, epoch: int) -> IntArray:
    """Return the rows 0..n-1 in the order of one epoch, (n,) int64.

    Raises
    ------
    DataError
        ``n`` is below 1, or ``seed`` or ``epoch`` is no whole number from 0 on.
    """
    _refuse_below(1, n=n)
    return _stream(seed, epoch).permutation(n)


def shuffled_batches(
    n: int, *, batch_size: int, seed: int, epoch: int
) -> list[IntArray]:
    """Return batches of at most ``batch_size`` that hold every row exactly once.

    Sizes differ by at most one: a short last batch would give its few rows a larger
    share of the epoch's steps than the others have.

    Raises
    ------
    DataError
        As `epoch_order`, or ``batch_size`` is below 1.
    """
    _refuse_below(1, batch_size=batch_size)
    order = epoch_order(n, seed=seed, epoch=epoch)
    return np.array_split(order, -(-n // batch_size))


def age_balanced_batches(
    age_bin: IntArray,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    n_batches: int,
    subject: ArrayLike | None = None,
) -> IntArray:
    """Return batches in which every age bin is equally frequent.

    A photo's expected share of the draws is the inverse of its bin's frequency, see
    `draw_shares`. Draws are dealt like cards rather than thrown like dice: the bins in
    turn, newly shuffled each round, and within a bin its photos in turn. So over the
    epoch the bins' counts differ by at most one; no photo of a bin is repeated before
    all of them were drawn; and only bins smaller than their share of the epoch repeat
    photos at all.

    Parameters
    ----------
    age_bin : (n,) int array
        Bin of each photo, from 0 on; bins that nobody is in are not drawn.
    batch_size, n_batches : int
        Rows of a global batch, and batches of the epoch.
    seed, epoch : int
        Whole numbers from 0 on; they alone decide the draw.
    subject : (n,) array, optional
        Person of each photo. If given, a bin deals its persons in turn and each person
        their photos in turn, so that one with many photos is drawn no more often than
        one with a single photo.

    Returns
    -------
    (n_batches, batch_size) int64 array
        Row numbers.

    Raises
    ------
    DataError
        No photo, a bin that is no whole number from 0 on, lengths that differ, or a
        number out of range.
    """
    _refuse_below(1, batch_size=batch_size, n_batches=n_batches)
    rng = _stream(seed, epoch)
    bin_code, person_code, bin_of_person = _people_of_bins(age_bin, subject)
    turns = np.zeros(n_batches * batch_size, np.int64)
    bins = _deal(rng, turns, np.zeros(bin_code.max() + 1, np.int64))
    people = _deal(rng, bins, bin_of_person)
    return _deal(rng, people, person_code).reshape(n_batches, batch_size)


def draw_shares(
    age_bin: IntArray, *, subject: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return each photo's expected share of the draws of `age_balanced_batches`.

    Every bin has the same share; within a bin the photos have the same share or, with
    ``subject``, the persons have, each photo 1 / (photos of its person in the bin).

    Returns
    -------
    (n,) float64 array
        Shares above 0 that sum to 1.

    Raises
    ------
    DataError
        As `age_balanced_batches`.
    """
    bin_code, person_code, bin_of_person = _people_of_bins(age_bin, subject)
    n_people = np.bincount(bin_of_person)[bin_code]
    n_photos = np.bincount(person_code)[person_code]
    share: NDArray[np.float64] = np.reciprocal(
        (bin_code.max() + 1.0) * n_people * n_photos
    )
    return share


def effective_sample_size(weights: ArrayLike) -> float:
    """Return Kish's effective sample size, (sum of weights)^2 / sum of squared weights.

    That many equally weighted rows would estimate a mean as precisely: n where all
    weights are equal, 1 where one row has all the weight.

    Raises
    ------
    DataError
        A weight is negative or not finite, or none is above 0.

    References
    ----------
    Kish L. Survey Sampling. Wiley, 1965.
    """
    weight = np.asarray(weights, np.float64)
    n_bad = int(np.sum(~(np.isfinite(weight) & (weight >= 0))))
    if n_bad or not weight.any():
        raise DataError(
            f"`weights` has {n_bad} of {weight.size} values that are negative or not "
            f"finite and {int(np.sum(weight > 0))} above 0; give weights from 0 on, "
            "at least one above 0."
        )
    share = weight / weight.max()  # so that no square overflows or vanishes
    return float(share.sum() ** 2 / np.sum(share**2))


def event_stratified_batches(
    event: NDArray[np.bool_],
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    stratum: IntArray | None = None,
) -> list[IntArray]:
    """Return batches that hold every row once and share the events evenly.

    Batches have at least ``batch_size`` rows and differ by at most one: what is left
    over is spread, not made a small batch. So are the events, and the events and the
    censored of every stratum. Every batch has an event; where events are fewer than
    the batches would be, there are as many batches as events, and they are larger.
    Within a batch events come first, so that the strided parts of `slice_of_rank`
    share them evenly too.

    Parameters
    ----------
    event : (n,) bool array
        True where the event was observed.
    batch_size : int
        At least 64, or all rows where there are fewer.
    seed, epoch : int
        Whole numbers from 0 on; they alone decide the draw.
    stratum : (n,) int array, optional
        Rows with a baseline hazard of their own.

    Raises
    ------
    DataError
        No event at all, ``event`` not boolean, ``batch_size`` too small, lengths that
        differ, or a number out of range.
    """
    observed = np.asarray(event)
    n, n_events = observed.size, _count_events(observed)
    if batch_size < min(SMALLEST_SURVIVAL_BATCH, n):
        raise DataError(
            f"`batch_size` is {batch_size}; risk sets within a batch need at least "
            f"{min(SMALLEST_SURVIVAL_BATCH, n)} of these {n} rows."
        )
    strata = np.zeros(n, np.int64) if stratum is None else np.asarray(stratum)
    _refuse_other_length(n, "event", stratum=strata)
    rng = _stream(seed, epoch)
    order = np.lexsort((rng.random(n), strata, ~observed))
    n_batches = min(max(1, n // batch_size), n_events)
    # Every n_batches-th of a sorted order: any run of equals is shared to within one.
    return [order[first::n_batches] for first in rng.permutation(n_batches)]


def slice_of_rank(batch: IntArray, *, rank: int, world: int) -> IntArray:
    """Return one process's part of a global batch, every ``world``-th row.

    The parts of all ranks are disjoint, make up the batch and differ in size by at most
    one. Sums over faces are then the same for any number of processes; means are if
    every process weighs its own by its number of faces.

    Raises
    ------
    DataError
        ``rank`` is not in 0..world-1, or the batch has fewer rows than processes.
    """
    if not 0 <= rank < world:
        raise DataError(f"`rank` is {rank}; of {world} processes it is 0..{world - 1}.")
    if len(batch) < world:
        raise DataError(
            f"`batch` has {len(batch)} rows for {world} processes; give a larger batch "
            "or start fewer processes."
        )
    return batch[rank::world]


def _stream(seed: int, epoch: int) -> np.random.Generator:
    _refuse_below(0, seed=seed, epoch=epoch)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch,)))


def _deal(rng: np.random.Generator, wanted: IntArray, group: IntArray) -> IntArray:
    """Return a member for each wanted group, none twice in a round of its group.

    ``wanted`` (k,) are the groups asked for in turn, ``group`` (m,) the group of each
    member; the result is (k,) members.
    """
    size = np.bincount(group)
    asked = np.bincount(wanted, minlength=size.size)
    rounds = -(-asked // size)
    member = np.repeat(np.arange(group.size), rounds[group])
    ends = np.cumsum(rounds[group])
    round_ = np.arange(member.size) - np.repeat(ends - rounds[group], rounds[group])
    deck = member[np.lexsort((rng.random(member.size), round_, group[member]))]
    by_group = np.argsort(wanted, kind="stable")
    turn = np.empty(wanted.size, np.int64)  # how often the group was asked before
    turn[by_group] = np.arange(wanted.size) - np.repeat(np.cumsum(asked) - asked, asked)
    deck_start = np.cumsum(rounds * size) - rounds * size
    dealt: IntArray = deck[deck_start[wanted] + turn]
    return dealt


def _people_of_bins(
    age_bin: IntArray, subject: ArrayLike | None
) -> tuple[IntArray, IntArray, IntArray]:
    """Return each photo's bin and person within the bin, and each such person's bin."""
    bins = np.asarray(age_bin)
    if not bins.size or bins.dtype.kind not in "iu" or bins.min() < 0:
        raise DataError(
            f"`age_bin` has {bins.size} values of type {bins.dtype}; give one whole "
            "number from 0 on per photo, and leave photos of unknown age out."
        )
    people: NDArray[np.generic] = (
        np.arange(bins.size) if subject is None else np.asarray(subject)
    )
    _refuse_other_length(bins.size, "age_bin", subject=people)
    bin_code = np.unique(bins, return_inverse=True)[1]
    subject_code = np.unique(people, return_inverse=True)[1]
    pair = bin_code * (subject_code.max() + 1) + subject_code
    _, first, person_code = np.unique(pair, return_index=True, return_inverse=True)
    return bin_code, person_code, bin_code[first]


def _count_events(event: NDArray[np.bool_]) -> int:
    if event.dtype != np.bool_:
        raise DataError(
            f"`event` is of type {event.dtype}; give true where the event was observed "
            "and false where it was not."
        )
    n_events = int(event.sum())
    if not n_events:
        raise DataError(
            f"`event` is false in all {event.size} rows; without an observed event "
            "there is nothing to learn survival from."
        )
    return n_events


def _refuse_other_length(n: int, of: str, **columns: NDArray[np.generic]) -> None:
    for name, column in columns.items():
        if len(column) != n:
            raise DataError(
                f"`{name}` has {len(column)} values and `{of}` {n}; give one per photo."
            )


def _refuse_below(least: int, **numbers: int) -> None:
    for name, value in numbers.items():
        if not isinstance(value, Integral) or value < least:
            raise DataError(
                f"`{name}` is {value}; give a whole number from {least} on."
            )
