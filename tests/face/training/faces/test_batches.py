"""Batches: everyone in their turn, the same for the same seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.training.faces.batches import (
    age_balanced_batches,
    draw_shares,
    effective_sample_size,
    epoch_order,
    event_stratified_batches,
    shuffled_batches,
    slice_of_rank,
)

SIZES = (500, 40, 3)  # photos of the three age bins
AGE_BIN = np.repeat([0, 4, 9], SIZES)


def balanced(epoch=0, *, subject=None, age_bin=AGE_BIN):
    return age_balanced_batches(
        age_bin, batch_size=32, seed=1, epoch=epoch, n_batches=20, subject=subject
    )


@given(st.integers(1, 200), st.integers(1, 64), st.integers(0, 5))
def test_an_epoch_takes_every_row_once(n, batch_size, epoch):
    batches = shuffled_batches(n, batch_size=batch_size, seed=3, epoch=epoch)
    sizes = [batch.size for batch in batches]
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(
        np.concatenate(batches), epoch_order(n, seed=3, epoch=epoch)
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed, epoch: epoch_order(300, seed=seed, epoch=epoch),
        lambda seed, epoch: age_balanced_batches(
            AGE_BIN, batch_size=32, seed=seed, epoch=epoch, n_batches=5
        ),
        lambda seed, epoch: np.concatenate(
            event_stratified_batches(
                np.arange(300) % 3 == 0, batch_size=64, seed=seed, epoch=epoch
            )
        ),
    ],
)
def test_seed_and_epoch_alone_decide(draw):
    first = draw(7, 2)
    np.testing.assert_array_equal(first, draw(7, 2))
    assert not np.array_equal(first, draw(7, 3))
    assert not np.array_equal(first, draw(8, 2))


def test_order_has_no_favourite_place():
    places = np.array(
        [np.flatnonzero(epoch_order(4, seed=0, epoch=e) == 0)[0] for e in range(2000)]
    )
    counts = np.bincount(places, minlength=4)
    # four standard deviations of a binomial with chance 1/4
    assert np.all(np.abs(counts - 500) < 4 * np.sqrt(2000 / 4 * 3 / 4))


def test_bins_are_drawn_equally_often():
    rows = balanced()
    assert rows.shape == (20, 32)
    counts = np.bincount(AGE_BIN[rows.ravel()])[[0, 4, 9]]
    assert counts.sum() == 640
    assert np.ptp(counts) <= 1
    for batch in rows:
        in_batch = np.bincount(AGE_BIN[batch], minlength=10)[[0, 4, 9]]
        assert np.ptp(in_batch) <= 3


def test_no_photo_repeats_before_its_bin_is_through():
    drawn = balanced().ravel()
    times = np.bincount(drawn, minlength=AGE_BIN.size)
    for label in (0, 4, 9):
        assert np.ptp(times[label == AGE_BIN]) <= 1
    assert times[AGE_BIN == 0].max() == 1
    small = drawn[AGE_BIN[drawn] == 9]
    for start in range(0, small.size - 3, 3):
        assert len(set(small[start : start + 3])) == 3


def test_a_large_bin_is_drawn_evenly_over_epochs():
    times = np.zeros(AGE_BIN.size, int)
    for epoch in range(60):
        times += np.bincount(balanced(epoch).ravel(), minlength=AGE_BIN.size)
    large = times[AGE_BIN == 0]
    chance = large.sum() / (60 * large.size)
    band = 5 * np.sqrt(60 * chance * (1 - chance))
    assert np.all(np.abs(large - 60 * chance) < band)


def test_a_subject_with_many_photos_does_not_dominate():
    subject = np.array(["a"] * 1000 + [f"s{i}" for i in range(9)])
    rows = balanced(subject=subject, age_bin=np.zeros(1009, int)).ravel()
    _, counts = np.unique(subject[rows], return_counts=True)
    assert counts.size == 10
    assert set(counts) == {64}
    assert np.unique(rows[rows < 1000]).size == 64  # and shows a new photo each time


def test_shares_are_those_of_the_draws():
    subject = np.array([0, 0, 0, 1, 2, 2, 3])
    age_bin = np.array([0, 0, 1, 1, 1, 1, 1])
    shares = draw_shares(age_bin, subject=subject)
    np.testing.assert_allclose(
        shares, [1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 16, 1 / 16, 1 / 8]
    )
    rows = age_balanced_batches(
        age_bin, batch_size=160, seed=0, epoch=0, n_batches=1, subject=subject
    )
    np.testing.assert_array_equal(np.bincount(rows.ravel()), 160 * shares)


def test_effective_sample_size_of_balancing():
    # bins of n_b photos, equal shares: B^2 / sum(1 / n_b)
    assert effective_sample_size(draw_shares(AGE_BIN)) == pytest.approx(
        9 / sum(1 / n for n in SIZES), rel=1e-12
    )


def test_effective_sample_size_closed_forms():
    assert effective_sample_size(np.full(17, 0.3)) == pytest.approx(17, rel=1e-12)
    assert effective_sample_size([0, 0, 5]) == 1
    assert effective_sample_size([1, 3]) == pytest.approx(16 / 10, rel=1e-12)
    assert effective_sample_size([1e200, 3e200]) == pytest.approx(1.6, rel=1e-12)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [1, np.nan], [np.inf]])
def test_effective_sample_size_refuses(weights):
    with pytest.raises(DataError, match="give weights from 0 on"):
        effective_sample_size(weights)


@given(st.integers(64, 600), st.floats(0, 1), st.integers(64, 130), st.integers(0, 9))
def test_batches_share_events_as_integers_allow(n, share, batch_size, seed):
    rng = np.random.default_rng(seed)
    event = rng.random(n) < share
    event[0] = True
    stratum = rng.integers(0, 3, n)
    batches = event_stratified_batches(
        event, batch_size=batch_size, seed=seed, epoch=0, stratum=stratum
    )
    assert sorted(np.concatenate(batches)) == list(range(n))
    sizes = [batch.size for batch in batches]
    assert min(sizes) >= min(batch_size, n)
    assert np.ptp(sizes) <= 1
    events = [event[batch].sum() for batch in batches]
    assert min(events) >= 1
    assert np.ptp(events) <= 1
    for level in range(3):
        for kind in (event, ~event):
            cell = [np.sum(kind[b] & (stratum[b] == level)) for b in batches]
            assert np.ptp(cell) <= 1


def test_rare_events_make_fewer_larger_batches():
    event = np.arange(1000) % 400 == 0
    batches = event_stratified_batches(event, batch_size=64, seed=0, epoch=0)
    assert [int(event[b].sum()) for b in batches] == [1, 1, 1]
    assert sorted(b.size for b in batches) == [333, 333, 334]


def test_ranks_share_the_events_of_a_batch():
    event = np.arange(640) % 5 == 0
    for batch in event_stratified_batches(event, batch_size=64, seed=0, epoch=0):
        parts = [event[slice_of_rank(batch, rank=r, world=4)].sum() for r in range(4)]
        assert np.ptp(parts) <= 1


def test_few_rows_are_one_batch():
    (batch,) = event_stratified_batches(
        np.array([True, False, False]), batch_size=64, seed=0, epoch=0
    )
    assert sorted(batch) == [0, 1, 2]


@given(st.integers(1, 8), st.integers(0, 100))
def test_slices_partition_the_batch(world, more):
    batch = epoch_order(world + more, seed=0, epoch=0) * 3
    parts = [slice_of_rank(batch, rank=r, world=world) for r in range(world)]
    sizes = [part.size for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(np.concatenate(parts)) == sorted(batch)


def test_two_processes_see_what_one_sees():
    for batch in shuffled_batches(101, batch_size=16, seed=5, epoch=1):
        alone = slice_of_rank(batch, rank=0, world=1)
        both = [slice_of_rank(batch, rank=r, world=2) for r in range(2)]
        np.testing.assert_array_equal(alone, batch)
        assert set(np.concatenate(both)) == set(alone)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: epoch_order(0, seed=0, epoch=0), "`n` is 0"),
        (lambda: epoch_order(3, seed=-1, epoch=0), "`seed` is -1; give a whole number"),
        (lambda: epoch_order(3, seed=0, epoch=0.5), "`epoch` is 0.5"),
        (lambda: shuffled_batches(3, batch_size=0, seed=0, epoch=0), "`batch_size` is"),
        (lambda: balanced(age_bin=np.array([0, -1])), "from 0 on per photo"),
        (lambda: balanced(age_bin=np.array([0, np.nan])), "2 values of type float64"),
        (lambda: balanced(age_bin=np.array([], int)), "`age_bin` has 0 values"),
        (lambda: balanced(subject=["a"]), "`subject` has 1 values and `age_bin` 543"),
        (lambda: slice_of_rank(np.arange(9), rank=2, world=2), "`rank` is 2"),
        (lambda: slice_of_rank(np.arange(1), rank=0, world=2), "1 rows for 2 proc"),
    ],
)
def test_what_cannot_be_drawn_is_said(call, message):
    with pytest.raises(DataError, match=message):
        call()


@pytest.mark.parametrize(
    ("event", "batch_size", "stratum", "message"),
    [
        (np.zeros(90, bool), 64, None, "`event` is false in all 90 rows"),
        (np.ones(90), 64, None, "`event` is of type float64"),
        (np.ones(90, bool), 63, None, "`batch_size` is 63; .* at least 64 of these 90"),
        (np.ones(40, bool), 32, None, "at least 40 of these 40 rows"),
        (np.ones(90, bool), 64, np.zeros(3, int), "`stratum` has 3 values"),
    ],
)
def test_what_teaches_no_survival_is_said(event, batch_size, stratum, message):
    with pytest.raises(DataError, match=message):
        event_stratified_batches(
            event, batch_size=batch_size, seed=0, epoch=0, stratum=stratum
        )
