from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs fahrstats[face]")

from crop_files import draw_pixels, write_crops
from made_faces import CONVOLUTIONAL, VIT, open_training

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.store import Checkpoint, save_checkpoint
from fahrstats.face.training.config import Config
from fahrstats.face.training.faces.crops import open_crops
from fahrstats.face.training.learner import new_network
from fahrstats.face.training.start import check_crops, check_start


@pytest.fixture
def config(tmp_path) -> Config:
    return open_training(tmp_path, n=4, n_tune=2)


def checkpoint_of(config: Config, path) -> Checkpoint:
    """Return an encoder of the network that a configuration names."""
    card = Card(
        name="encoder",
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        outputs=(),
        training_data="none",
        licence="CC0",
    )
    parameters = new_network(config.architecture, 0, seed=1).state_dict()
    return save_checkpoint(path / "encoder.safetensors", card, parameters)


def crops_of(path, **told):
    write_crops(path / "other.parquet", draw_pixels(3), **told)
    return open_crops([path / "other.parquet"], cache=path / "cache")


def test_nothing_and_the_same_network_may_be_started_from(config, tmp_path):
    check_start(config, None)
    check_start(config, checkpoint_of(config, tmp_path))


def resized(config: Config, pixels: int) -> Config:
    """Let the network of a configuration see faces of another size."""
    return replace(
        config,
        architecture=replace(config.architecture, image_size=pixels),
        preprocessing=replace(config.preprocessing, input_size=pixels),
    )


def test_a_convolutional_network_may_have_seen_faces_of_another_size(tmp_path):
    config = open_training(tmp_path, network=CONVOLUTIONAL, n=4, n_tune=2)
    check_start(resized(config, 32), checkpoint_of(config, tmp_path))


def test_a_transformer_may_not(config, tmp_path):
    with pytest.raises(DataError, match="`image_size` is 16 there and 32 here"):
        check_start(resized(config, 32), checkpoint_of(config, tmp_path))


@pytest.mark.parametrize(
    ("what", "changed", "message"),
    [
        ("architecture", {"depth": 3}, "`depth` is 2 there and 3 here"),
        (
            "architecture",
            {"width": 64, "heads": 4},
            "`width` is 32 there and 64 here; `heads` is 2 there and 4 here",
        ),
        ("preprocessing", {"crop_margin": 0.1}, "`crop_margin` is 0.2 there and 0.1"),
        (
            "preprocessing",
            {"channel_mean": (0.1, 0.5, 0.5)},
            r"`channel_mean` is \(0.5, 0.5, 0.5\) there and \(0.1, 0.5, 0.5\) here",
        ),
    ],
)
def test_another_network_is_refused(config, tmp_path, what, changed, message):
    start = checkpoint_of(config, tmp_path)
    other = replace(config, **{what: replace(getattr(config, what), **changed)})
    with pytest.raises(
        DataError,
        match=f"`start` is `encoder@.*`, whose {what} differs: {message}.*network",
    ):
        check_start(other, start)


@pytest.mark.parametrize("networks", [(VIT, CONVOLUTIONAL), (CONVOLUTIONAL, VIT)])
def test_a_network_of_another_kind_is_refused(tmp_path, networks):
    theirs, ours = (
        open_training(tmp_path / str(i), network=network, n=4, n_tune=2)
        for i, network in enumerate(networks)
    )
    start = checkpoint_of(theirs, tmp_path)
    kind = theirs.architecture.kind
    with pytest.raises(DataError, match=f"differs: it is of the kind `{kind}`"):
        check_start(ours, start)


@pytest.mark.parametrize("margin", [0.2, 0.4, 1.0])
def test_crops_may_show_more_than_the_network_sees(config, tmp_path, margin):
    check_crops(config, crops_of(tmp_path, margin=margin))


def test_crops_that_show_less_are_refused(config, tmp_path):
    with pytest.raises(
        DataError,
        match=r"`crop_margin` is 0\.2, but the crops were made with a margin of 0\.1; "
        r"crop the photos again with `--margin 0\.2` or more",
    ):
        check_crops(config, crops_of(tmp_path, margin=0.1))


def test_crops_that_were_interpolated_otherwise_are_refused(config, tmp_path):
    crops = replace(crops_of(tmp_path), interpolation="bicubic")
    with pytest.raises(
        DataError, match=r"made by bicubic .* fed by bilinear .*`--interpolation bilin"
    ):
        check_crops(config, crops)
