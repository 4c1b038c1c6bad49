from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

import torch
from made_faces import (
    CONVOLUTIONAL,
    SIZE,
    VIT,
    open_job,
    open_training,
    train_quietly,
)

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import load_checkpoint, save_checkpoint
from fahrstats.face.training.config import Config
from fahrstats.face.training.learner import without_head
from fahrstats.face.training.tasks.pretraining import Pretraining, _n_heads
from fahrstats.face.training.train import _card

PATCHES = {CONVOLUTIONAL: "patch_size = 16\n", VIT: ""}
PIXELS = {CONVOLUTIONAL: 32, VIT: SIZE}
NETWORKS = pytest.mark.parametrize("network", [CONVOLUTIONAL, VIT])
STAGES = ("epochs = 2\nbatch_size = 16",)


def open_pretraining(folder, network, *, stages=STAGES, **told) -> Config:
    """Return a pretraining; images of the convolutional network have four patches."""
    config = open_training(
        folder,
        "pretrain",
        network=network,
        stages=stages,
        more=f"[pretrain]\ndecoder_width = 32\ndecoder_depth = 1\n{PATCHES[network]}",
        **told,
    )
    pixels = PIXELS[network]
    return replace(
        config,
        architecture=replace(config.architecture, image_size=pixels),
        preprocessing=replace(config.preprocessing, input_size=pixels),
    )


def task_of(config: Config) -> Pretraining:
    task = open_job(config).task
    assert isinstance(task, Pretraining)
    return task


@NETWORKS
def test_what_is_stored_is_exactly_the_encoder(tmp_path, network):
    config = open_pretraining(tmp_path, network)
    task = task_of(config)
    learner = task.learner(3)
    path = tmp_path / "encoder.safetensors"
    card = _card(config, task, error=float("nan"))
    save_checkpoint(path, card, task.stored(learner.state_dict()))
    loaded = load_checkpoint(path)
    assert (loaded.card.outputs, loaded.card.accuracy) == ((), {})
    encoder = learner.encoder.state_dict()
    assert set(loaded.parameters) == set(encoder)
    for name, value in encoder.items():
        assert torch.equal(loaded.parameters[name], value), name
    images = torch.randn(3, 3, *[PIXELS[network]] * 2)
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded.network().eval().embed(images),
            learner.encoder.eval().embed(images),
            rtol=1e-5,  # parameters lie elsewhere in memory: other kernels, same sums
            atol=1e-5,
        )


@NETWORKS
def test_a_checkpoint_is_pretrained_further(tmp_path, network):
    config = open_pretraining(tmp_path, network)
    task = task_of(config)
    first = task.learner(3)
    path = tmp_path / "encoder.safetensors"
    card = _card(config, task, error=float("nan"))
    start = save_checkpoint(path, card, task.stored(first.state_dict()))
    second, fresh = task.learner(4), task.learner(4)
    task.begin(second, start)
    for name, value in second.state_dict().items():
        of = first if name.startswith("network.encoder.") else fresh
        assert torch.equal(value, of.state_dict()[name]), name


@NETWORKS
def test_pretraining_goes_on_and_is_the_start_of_ages(tmp_path, network):
    config = open_pretraining(tmp_path / "a", network, n=32, n_tune=8)
    trained = train_quietly(config)
    again = replace(config, start=str(trained.checkpoint.path), folder=tmp_path / "b")
    longer = train_quietly(again)
    assert set(longer.checkpoint.parameters) == set(trained.checkpoint.parameters)
    log = pd.read_csv(config.folder / "log.csv")
    assert log["error"].isna().all()
    aged = open_training(tmp_path / "c", network=network, n=32, n_tune=8)
    ages = train_quietly(
        replace(
            aged,
            start=str(longer.checkpoint.path),
            architecture=config.architecture,
            preprocessing=config.preprocessing,
        )
    ).checkpoint
    stored = without_head(ages.parameters)
    assert set(stored) == set(longer.checkpoint.parameters)


def test_photos_left_for_tuning_and_testing_are_not_seen(tmp_path):
    config = open_pretraining(tmp_path, VIT, n=40, n_tune=8)
    table = pd.read_csv(tmp_path / "labels.csv")
    table.loc[:9, "split"] = "test"
    table.drop(columns="age").to_csv(tmp_path / "labels.csv", index=False)
    task = task_of(config)
    np.testing.assert_array_equal(task.rows, np.arange(10, 40))
    assert task.tune_rows.size == 0
    assert task.describe(config.stages[0]) == "30 photos, 75% hidden"
    dealt = np.concatenate(task.batches(config.stages[0], seed=1, epoch=0))
    np.testing.assert_array_equal(np.sort(dealt), np.arange(30))


def test_without_labels_every_photo_is_seen(tmp_path):
    config = open_pretraining(tmp_path, VIT, n=40, n_tune=8)
    labels, config = config.labels, replace(config, labels=None)
    task = task_of(config)
    np.testing.assert_array_equal(task.rows, np.arange(48))
    assert task.data == task_of(config).data
    assert task.data != task_of(replace(config, labels=labels)).data
    assert np.isnan(task.error(np.empty(0)))


@NETWORKS
def test_as_many_patches_as_told_are_hidden_from_each_face(tmp_path, network):
    task = task_of(open_pretraining(tmp_path, network))
    generator = torch.Generator().manual_seed(1)
    order = task.extra(np.arange(5), generator)
    n = {CONVOLUTIONAL: 4, VIT: 16}[network]
    torch.testing.assert_close(order.sort(dim=1).values, torch.arange(n).repeat(5, 1))
    learner = task.learner(1)
    losses = learner(torch.randn(5, 3, *[PIXELS[network]] * 2), order)
    assert losses.shape == (5,)
    assert float(task.loss(losses, np.arange(5)).detach()) == pytest.approx(
        float(losses[0].detach())
    )
    assert learner.network.n_kept == n // 4


@pytest.mark.parametrize(
    ("network", "lines", "message"),
    [
        (CONVOLUTIONAL, "patch_size = 5", "`patch_size` is 5; it must be a multiple"),
        (CONVOLUTIONAL, "patch_size = 16", "`mask_ratio` is 0.75, which leaves 0 of 1"),
        (VIT, "mask_ratio = 1", "`mask_ratio` is 1.0, which leaves 0 of 16 patches"),
        (VIT, "decoder_width = 30", "`width` is 30; with `sincos` positions it must"),
        (CONVOLUTIONAL, "decoder_width = 30", "`decoder_width` is 30; it must be a"),
    ],
)
def test_what_cannot_be_masked_is_refused_before_the_first_step(
    tmp_path, network, lines, message
):
    config = open_training(
        tmp_path, "pretrain", network=network, more=f"[pretrain]\n{lines}"
    )
    with pytest.raises(DataError, match=message):
        train_quietly(config)
    left = {path.name for path in config.folder.iterdir()}
    assert left <= {"crops.cache", ".crops.cache.lock", ".training.lock"}


@pytest.mark.parametrize(
    ("width", "n"), [(16, 1), (32, 1), (100, 2), (128, 4), (148, 4), (512, 16)]
)
def test_heads_of_the_decoder_share_its_width(width, n):
    assert _n_heads(width) == n
