"""Batches are made one ahead, in order, each face by draws of its own step."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_faces import SIZE, open_job, open_training
from torch.testing import assert_close

from fahrstats.face.training import loading
from fahrstats.face.training.loading import Batch, load_batches, read_images
from fahrstats.face.training.ranks import Ranks

STAGE = ("epochs = 3\nbatch_size = 21",)  # three steps an epoch, of 63 faces
PER_EPOCH = 3


@pytest.fixture
def job(tmp_path):
    return open_job(open_training(tmp_path, stages=STAGE, n=63))


def _loaded(job, steps: range) -> list[Batch]:
    return list(load_batches(job, steps, per_epoch=PER_EPOCH))


def test_what_is_asked_for_comes_in_order(job):
    batches = _loaded(job, range(2, 7))
    wanted = [*job.batches(0)[2:], *job.batches(1), *job.batches(2)[:1]]
    assert len(batches) == 5
    for batch, places in zip(batches, wanted, strict=True):
        assert batch.places.tolist() == places.tolist()
        assert batch.images.shape == (21, 3, SIZE, SIZE)
        assert batch.extra is None
    assert _loaded(job, range(0)) == []


def test_a_step_draws_the_same_wherever_the_run_began(job):
    whole, late = _loaded(job, range(5)), _loaded(job, range(4, 5))
    assert torch.equal(whole[4].images, late[0].images)


def test_a_face_is_varied_anew_in_every_epoch_stage_and_seed(job):
    def first(of) -> torch.Tensor:
        batch = _loaded(of, range(1))[0]
        return batch.images[np.flatnonzero(batch.places == place)[0]]

    place = job.batches(0)[0][0]
    one = first(job)
    epoch = _loaded(job, range(3, 6))
    again = next(
        batch.images[batch.places.tolist().index(place)]
        for batch in epoch
        if place in batch.places
    )
    assert not torch.equal(one, again)
    twice = replace(job.config, stages=job.config.stages * 2)
    generators = [
        loading._made(replace(job, config=config, number=number), np.arange(4), 0)
        for config, number in ((twice, 1), (twice, 2), (replace(twice, seed=2), 1))
    ]
    assert len({batch.images.sum().item() for batch in generators}) == 3


@pytest.mark.parametrize("kind", ["age", "pretrain"])
def test_processes_make_the_parts_of_the_batch_that_one_would(tmp_path, kind):
    job = open_job(open_training(tmp_path, kind, stages=STAGE, n=63))
    whole = _loaded(job, range(2))
    for rank in range(2):
        own = _loaded(replace(job, ranks=Ranks(rank, 2, "cpu")), range(2))
        for batch, part in zip(whole, own, strict=True):
            assert torch.equal(part.images, batch.images[rank::2])
            assert part.places.tolist() == batch.places.tolist()
            if batch.extra is not None:
                assert torch.equal(part.extra, batch.extra[rank::2])
        assert (whole[0].extra is None) == (kind == "age")


def test_at_most_two_batches_are_in_memory(job, monkeypatch):
    made = []
    make = loading._made

    def counted(*args):
        made.append(args[2])
        return make(*args)

    monkeypatch.setattr(loading, "_made", counted)
    for n_taken, _ in enumerate(load_batches(job, range(9), per_epoch=3), start=1):
        assert len(made) <= n_taken + 1
    assert made == list(range(9))


def test_an_error_arrives_as_it_is_after_the_batches_before_it(job, monkeypatch):
    make = loading._made

    def broken(job, places, step):
        if step == 2:
            raise MemoryError("of step 2")
        return make(job, places, step)

    monkeypatch.setattr(loading, "_made", broken)
    batches = load_batches(job, range(9), per_epoch=3)
    assert len([next(batches), next(batches)][1].places) == 21
    with pytest.raises(MemoryError, match="of step 2"):
        next(batches)


def test_nothing_goes_on_once_the_batches_are_no_longer_wanted(job):
    before = threading.active_count()
    batches = load_batches(job, range(9), per_epoch=3)
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before


def test_images_that_are_not_varied_are_as_the_card_says(job):
    rows = np.array([5, 2])
    images = read_images(job, rows)
    pixels = torch.from_numpy(job.crops.take(rows)).permute(0, 3, 1, 2)
    assert_close(images, (pixels / 255 - 0.5) / 0.25, rtol=0, atol=1e-5)


def test_chunks_are_the_batch_in_parts():
    batch = Batch(np.arange(7), torch.arange(21.0).view(7, 3), torch.arange(7))
    chunks = batch.chunks(3)
    assert [len(chunk.images) for chunk in chunks] == [3, 2, 2]
    assert torch.equal(torch.cat([chunk.images for chunk in chunks]), batch.images)
    assert torch.equal(torch.cat([chunk.extra for chunk in chunks]), batch.extra)
    assert all(chunk.places is batch.places for chunk in chunks)
    assert [chunk.extra for chunk in replace(batch, extra=None).chunks(2)] == [None] * 2
