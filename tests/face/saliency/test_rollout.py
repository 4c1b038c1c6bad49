"""Gradient-weighted attention rollout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from checkpoints import CARD, formula_parameters
from mouth_models import drawn_face, mouth_network, mouth_transformer
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.saliency.networks import network_of
from fahrstats.face.saliency.regions import REGIONS
from fahrstats.face.saliency.rollout import rollout

FACES = [drawn_face(1), drawn_face(2, degrees=-20, scale=0.8)]
TWO_SCORES = replace(
    CARD, outputs=(Output("faceage", "years"), Output("facesurvival", "log hazard"))
)


@pytest.fixture
def small(tmp_path):
    saved = save_checkpoint(
        tmp_path / "two.safetensors", TWO_SCORES, formula_parameters(TWO_SCORES)
    )
    return network_of(saved, device="cpu")


def test_a_transformer_that_looks_at_the_mouth_is_found():
    found = rollout(mouth_transformer(), FACES)
    assert (found.regions[:, 0, REGIONS.index("mouth")] > 0.99).all()


def test_maps_are_shares_of_relevance(small):
    found = rollout(small, FACES)
    assert found.maps.min() >= 0
    assert_allclose(found.maps.sum((-2, -1)), 1, rtol=1e-4)
    assert_allclose(found.regions.sum(axis=-1), 1, rtol=1e-12)
    assert_allclose(found.scores, small.predict(FACES), rtol=1e-5)


def test_scores_of_one_network_have_maps_of_their_own(small):
    found = rollout(small, FACES[:1])
    assert np.abs(found.maps[0, 0] - found.maps[0, 1]).max() > 1e-5


def test_relevance_is_that_of_chefer_gur_and_wolf(small):
    """A twin in numpy, with gradients of attention by finite differences."""
    network = small.network.double()
    images = small.inputs(FACES[:1]).double()
    with torch.no_grad():
        _, attention = network.forward_with_attention(images)
    relevance = np.eye(10)
    for number, block in enumerate(network.blocks):
        shares = attention[number]
        gradient = np.zeros(shares.shape)
        for place in np.ndindex(*shares.shape):
            step = torch.zeros_like(shares)
            step[place] = 1e-5
            ends = [
                _with_attention(network, images, block, shares + sign * step)
                for sign in (1, -1)
            ]
            gradient[place] = (ends[0] - ends[1]) / 2e-5
        weighted = np.maximum(gradient * shares.numpy(), 0)[0].mean(axis=0)
        relevance = relevance + weighted @ relevance
    expected = relevance[0, 1:] / relevance[0, 1:].sum()
    small.network.float()
    found = rollout(small, FACES[:1]).maps[0, 0]
    # patches of a crop with margin 0.2 are 52.27 pixels of the field wide
    edges = 112 + 112 * 1.4 * (np.arange(4) / 3 - 0.5)
    middle = np.rint((edges[1:] + edges[:-1]) / 2).astype(int)
    width = np.diff(edges)[0]
    assert_allclose(
        found[np.ix_(middle, middle)].ravel() * width**2, expected, atol=1e-4
    )


def test_a_face_does_not_depend_on_the_others(small):
    together = rollout(small, FACES)
    assert_array_equal(rollout(small, FACES[1:]).maps[0], together.maps[1])


def test_where_nothing_speaks_for_a_score_all_patches_are_alike(small):
    torch.nn.init.zeros_(small.network.head.weight)
    found = rollout(small, FACES[:1])
    assert_allclose(found.regions.sum(axis=-1), 1)
    inside = found.maps[0, 0][60:160, 60:160]
    assert_allclose(inside, inside[0, 0], rtol=1e-5)


def test_a_convolutional_network_is_told_what_works_instead():
    told = (
        "`mouth@0` is a convolutional network and has no attention to follow; explain "
        "it by ablation, occlusion or integrated gradients"
    )
    with pytest.raises(DataError, match=told):
        rollout(mouth_network(), FACES)


def _with_attention(network, images, block, shares):
    """Return the first score where a block has been given its attention."""

    def given(x):
        *_, value = block._queries_keys_values(x)
        return block._think(x, shares @ value), shares

    block.with_attention = given
    try:
        with torch.no_grad():
            return float(network.forward_with_attention(images)[0][0, 0])
    finally:
        del block.with_attention
