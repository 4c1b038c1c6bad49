"""Random parameters must destroy an explanation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mouth_models import drawn_face, mouth_transformer
from numpy.testing import assert_allclose
from portraits import small_checkpoint
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.saliency import sanity
from fahrstats.face.saliency.explanation import Explanation
from fahrstats.face.saliency.networks import network_of, open_network
from fahrstats.face.saliency.sanity import randomisation_check

FACES = [drawn_face(1), drawn_face(2)]
POINTS = np.array([[204, 101], [246, 103], [224, 128], [201, 139], [245, 141]], float)


def astronauts(n):
    """Return one face in n lights."""
    return [
        FoundFace(
            f"{i}", (astronaut() * (1 - 0.1 * i)).astype(np.uint8), np.zeros(4), POINTS
        )
        for i in range(n)
    ]


def test_random_parameters_destroy_what_mini_age_rests_on():
    network = open_network("mini-age", device="cpu")
    table = randomisation_check(network, astronauts(2), n_draws=1)
    assert list(table["randomised"]) == [
        *("head", "blocks.3", "blocks.2", "blocks.1", "blocks.0", "stem_norm", "stem")
    ]
    assert table["passed"].iloc[-1]
    assert table["correlation"].iloc[-1] < 0.5
    assert table["correlation"].iloc[0] > 0.5  # a head alone leaves the features


def test_an_explanation_that_shows_the_photo_does_not_pass(monkeypatch, tmp_path):
    network = network_of(
        load_checkpoint(small_checkpoint(tmp_path / "x.safetensors")), device="cpu"
    )

    def edges(_network, faces, _method):
        regions = [[np.arange(11) + face.pixels.std()] for face in faces]
        return Explanation(np.zeros((len(faces), 1)), np.array(regions))

    monkeypatch.setattr(sanity, "explain", edges)
    table = randomisation_check(network, FACES)
    assert_allclose(table["correlation"], 1)
    assert not table["passed"].any()


def test_sizes_that_stay_do_not_pass_behind_signs_that_change(monkeypatch, tmp_path):
    """Edges of the photo, with signs that the parameters decide."""
    network = network_of(
        load_checkpoint(small_checkpoint(tmp_path / "x.safetensors")), device="cpu"
    )

    def signed_edges(network, faces, _method):
        drawn = network.network.state_dict()["patch.weight"].flatten()[:66]
        signs = np.sign(drawn.numpy()).reshape(6, 11).sum(axis=0) + 0.5
        sizes = np.arange(1.0, 12)
        return Explanation(
            np.zeros((len(faces), 1)),
            np.tile(np.sign(signs) * sizes, (len(faces), 1, 1)),
        )

    monkeypatch.setattr(sanity, "explain", signed_edges)
    table = randomisation_check(network, FACES, n_draws=8)
    assert table["correlation"].iloc[-1] == pytest.approx(1)
    assert not table["passed"].iloc[-1]


@pytest.mark.slow
def test_maps_of_a_transformer_are_destroyed():
    table = randomisation_check(mouth_transformer(), FACES, method="rollout", n_draws=2)
    assert table["randomised"].iloc[0] == "head"
    assert table["passed"].iloc[-1]


def test_the_trained_network_is_left_alone(tmp_path):
    network = network_of(
        load_checkpoint(small_checkpoint(tmp_path / "x.safetensors")), device="cpu"
    )
    before = {k: v.clone() for k, v in network.network.state_dict().items()}
    how = {"method": "rollout", "n_draws": 1, "seed": 4}
    first = randomisation_check(network, FACES, **how)
    assert first.equals(randomisation_check(network, FACES, **how))
    assert all(
        torch.equal(before[k], v) for k, v in network.network.state_dict().items()
    )


@pytest.mark.parametrize(("n", "n_draws"), [(1, 5), (2, 0)])
def test_the_check_needs_faces_and_draws(n, n_draws):
    told = f"at least two `faces` and one draw, but there are {n} and {n_draws}"
    with pytest.raises(DataError, match=told):
        randomisation_check(replace(mouth_transformer()), FACES[:n], n_draws=n_draws)
