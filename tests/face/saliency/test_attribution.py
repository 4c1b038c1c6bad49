"""Maps by captum: integrated gradients and occlusion."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from mouth_models import RegionModel, drawn_face, mouth_network, mouth_transformer
from numpy.testing import assert_allclose, assert_array_equal
from skimage.data import astronaut

from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.opening import open_model
from fahrstats.face.saliency.edits import blurred
from fahrstats.face.saliency.explanation import FIELD_SIDE
from fahrstats.face.saliency.networks import open_network
from fahrstats.face.saliency.regions import REGIONS

pytest.importorskip("captum", reason="needs the extra fahrstats[saliency]")

from fahrstats.face.saliency.attribution import integrated_gradients, occlusion

FACES = [drawn_face(1), drawn_face(2, degrees=-20, scale=0.8)]
ASTRONAUT = FoundFace(
    "astronaut",
    astronaut(),
    np.array([170.0, 60, 280, 170]),
    np.array(
        [[203.8, 100.6], [246.3, 103.2], [224, 127.9], [201.1, 139.1], [244.6, 141.3]]
    ),
)
MOUTH = REGIONS.index("mouth")


def share(found):
    size = np.abs(found.regions[:, 0])
    return size[:, MOUTH] / size.sum(axis=1)


def difference(network, faces):
    """Return how far scores are from those of the blurred faces."""
    veiled = [replace(face, pixels=blurred(face)) for face in faces]
    return network.predict(faces) - network.predict(veiled)


@pytest.mark.parametrize("network", [mouth_network, mouth_transformer])
def test_integrated_gradients_find_the_mouth(network):
    assert share(integrated_gradients(network(), FACES)).min() > 0.99


def test_occlusion_finds_the_mouth():
    """Its map is as fine as its windows: large ones hold lips and skin."""
    model = RegionModel()
    model.card = mouth_network().card  # it sees the ArcFace crop and no more
    assert share(occlusion(model, FACES[:1], window=8)).min() > 0.9
    found = occlusion(model, FACES[:1])
    assert (np.abs(found.regions[:, 0]).argmax(axis=1) == MOUTH).all()
    assert share(found).min() < 0.7


def test_integrated_gradients_are_complete_where_the_path_is_a_polynomial():
    """The mouth network is quadratic, so that the quadrature is exact."""
    network = mouth_network()
    found = integrated_gradients(network, FACES, n_steps=2)
    assert_allclose(
        found.regions.sum(axis=-1), difference(network, FACES), rtol=1e-5, atol=1e-5
    )
    assert_allclose(
        found.maps.sum((-2, -1), dtype=float), found.regions.sum(axis=-1), rtol=1e-4
    )


def test_integrated_gradients_of_a_shipped_network_are_nearly_complete():
    """Its units are piecewise linear, which a quadrature approaches slowly."""
    network = open_network("mini-age", device="cpu")
    found = integrated_gradients(network, [ASTRONAUT])
    wanted = difference(network, [ASTRONAUT])
    assert_allclose(found.regions.sum(axis=-1), wanted, rtol=0.02)


def test_integrated_gradients_of_a_linear_network_are_weights_times_differences():
    class Linear(torch.nn.Module):
        def forward(self, x):
            return torch.stack([x[:, 0].sum((1, 2)), -2 * x[:, 1].sum((1, 2))], dim=1)

    network = replace(mouth_network(), network=Linear(), columns=("a", "b"))
    found = integrated_gradients(network, FACES[:1])
    veiled = replace(FACES[0], pixels=blurred(FACES[0]))
    lost = (network.inputs(FACES[:1]) - network.inputs([veiled]))[0].numpy()
    place = np.s_[56:168, 56:168]
    assert_allclose(found.maps[0, 0][place], lost[0], atol=1e-5)
    assert_allclose(found.maps[0, 1][place], -2 * lost[1], atol=1e-5)


def test_occlusion_is_what_windows_lose():
    """Windows of 56 pixels: four that cover the ArcFace crop."""
    model = open_model("mini-age", device="cpu", precision="float32")
    found = occlusion(model, FACES[:1], window=56)
    quarters = found.maps[0, 0, 56:168, 56:168].reshape(2, 56, 2, 56)
    assert_allclose(quarters.std(axis=(1, 3)), 0, atol=1e-6)
    assert np.count_nonzero(found.maps) == 112**2
    assert_allclose(
        quarters.sum((1, 3), dtype=float).sum(), found.regions.sum(), rtol=1e-5
    )


@pytest.mark.parametrize(("card", "n_passes"), [(True, 51), (False, 123)])
def test_occlusion_covers_what_a_model_sees(card, n_passes):
    model = RegionModel()
    if card:
        model.card = mouth_network().card
    occlusion(model, FACES[:1])
    assert model.n_passes == n_passes


@pytest.mark.parametrize("window", [0, 7, 226])
def test_windows_are_even_and_fit(window):
    told = f"`window` must be an even number of pixels, from 2 to {FIELD_SIDE}, but"
    with pytest.raises(DataError, match=f"{told} it is {window}"):
        occlusion(RegionModel(), FACES, window=window)


def test_a_face_does_not_depend_on_the_others():
    network = open_network("mini-age", device="cpu")
    together = integrated_gradients(network, FACES, n_steps=4)
    alone = integrated_gradients(network, FACES[1:], n_steps=4)
    assert_array_equal(together.maps[1], alone.maps[0])
    model = RegionModel(batch_size=3)
    together, alone = (occlusion(model, x, window=32) for x in (FACES, FACES[1:]))
    assert_array_equal(together.maps[1], alone.maps[0])


def test_captum_is_named_where_it_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    told = r"need captum; install it with `pip install 'fahrstats\[saliency\]'`"
    with pytest.raises(MissingExtraError, match=told):
        integrated_gradients(mouth_network(), FACES)
