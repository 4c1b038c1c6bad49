"""Importance by blurring regions."""

from __future__ import annotations

import numpy as np
import pytest
from mouth_models import RegionModel, drawn_face, mouth_network, mouth_transformer
from numpy.testing import assert_array_equal

from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.models.opening import open_model
from fahrstats.face.saliency.ablation import N_PASSES, ablation
from fahrstats.face.saliency.edits import blurred, region_fields, replaced
from fahrstats.face.saliency.regions import REGIONS

FACES = [
    drawn_face(1, degrees=10, scale=1.3),
    drawn_face(2, degrees=-20, scale=0.8),
    drawn_face(3, degrees=0, scale=2),
]


def share(found, region="mouth"):
    """Return the share that a region has of all importance, by face."""
    size = np.abs(found.regions[:, 0])
    return size[:, REGIONS.index(region)] / size.sum(axis=1)


def test_a_face_costs_twelve_passes():
    model = RegionModel()
    ablation(model, FACES)
    assert model.n_passes == len(FACES) * N_PASSES == len(FACES) * 12
    assert model.largest <= model.batch_size


@pytest.mark.parametrize("region", ["mouth", "nose", "forehead", "cheeks", "chin"])
def test_the_region_that_a_model_looks_at_is_found(region):
    found = ablation(RegionModel(region, inset=3), FACES)
    assert share(found, region).min() > 0.9


def test_a_mouth_seen_to_its_very_edge_is_found():
    """Soft edges of what is blurred beside it reach into it."""
    assert 0.9 < share(ablation(RegionModel(inset=0), FACES)).min() < 0.95


@pytest.mark.parametrize("network", [mouth_network, mouth_transformer])
def test_the_mouth_is_found_in_networks(network):
    assert share(ablation(network(), FACES)).min() > 0.9


def test_importance_is_the_score_less_that_of_the_blurred_region():
    model, face = RegionModel(), FACES[0]
    found = ablation(model, [face])
    assert found.scores[0] == model.predict([face])[0]
    mouth = region_fields()[REGIONS.index("mouth")]
    veiled = model.predict([replaced(face, blurred(face), mouth)])
    assert found.regions[0, 0, REGIONS.index("mouth")] == (found.scores - veiled)
    assert found.maps is None


def test_a_model_that_looks_at_the_background_is_found():
    class Background(RegionModel):
        def predict(self, faces):
            self.n_passes += len(faces)
            return np.array([[face.pixels[:9, :9].std()] for face in faces])

    assert share(ablation(Background(), FACES), "background").min() > 0.99


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_batches_change_nothing(batch_size):
    found = ablation(RegionModel(batch_size=batch_size), FACES)
    expected = ablation(RegionModel(), FACES)
    assert_array_equal(found.regions, expected.regions)


def test_a_checkpoint_gives_the_same_for_a_face_alone():
    model = open_model("mini-age", device="cpu", precision="float32")
    assert isinstance(model, CheckpointModel)
    together = ablation(model, FACES[:2])
    alone = ablation(model, FACES[1:2])
    assert_array_equal(together.regions[1], alone.regions[0])
    assert_array_equal(together.scores, model.predict(FACES[:2]))


def test_a_model_without_a_score_has_no_importance():
    class Silent(RegionModel):
        def predict(self, faces):
            return np.full((len(faces), 1), np.nan)

    assert np.isnan(ablation(Silent(), FACES).regions).all()


def test_no_face_gives_no_row():
    assert ablation(RegionModel(), []).regions.shape == (0, 1, 11)
