"""A photo to a number: against values that an independent program computed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from checkpoints import CARD, formula_parameters
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from references import reference_cases
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Output, Preprocessing
from fahrstats.face.checkpoints.store import save_checkpoint
from fahrstats.face.detection.faces import Faces, FoundFace
from fahrstats.face.detection.found import find_face
from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.pictures.reading import read_picture

TENSOR_ATOL = 1e-5  # float32 against double precision
PHOTO_ATOL = 0.03  # one pixel in ten thousand is rounded to the other level
TENSOR, *PHOTOS = reference_cases("network")


class Known:
    """A detector that knows where the face is."""

    name = "known"

    def __init__(self, points):
        self.points = np.array([points], float)

    def find(self, picture):
        box = [*self.points[0].min(axis=0) - 30, *self.points[0].max(axis=0) + 30]
        return Faces(np.array([box]), self.points, np.ones(1))


def photo_card(case, **changes):
    """Return the card that the reference used, or one that differs from it."""
    how = {"input_size": 192, **case.preprocessing, **changes}
    how = {key: tuple(x) if isinstance(x, list) else x for key, x in how.items()}
    return replace(
        CARD,
        architecture=replace(CARD.architecture, image_size=192, patch_size=24),
        preprocessing=Preprocessing(**how),
    )


def open_model(folder, card=CARD, parameters=None, **options) -> CheckpointModel:
    parameters = formula_parameters(card) if parameters is None else parameters
    saved = save_checkpoint(folder / "small.safetensors", card, parameters)
    return CheckpointModel(
        saved, **{"device": "cpu", "precision": "float32", **options}
    )


def found_face(folder, case) -> FoundFace:
    """Return the face of the astronaut, read from a file."""
    assert hashlib.sha256(astronaut().tobytes()).hexdigest() == case.picture_sha256
    Image.fromarray(astronaut()).save(folder / "astronaut.png")
    picture = read_picture("astronaut.png", folder / "astronaut.png")
    finding = find_face(
        picture, Known(case.points), several="refuse", pixels_wanted=192
    )
    assert finding.face is not None
    return finding.face


def some_faces(n, seed=1):
    """Return faces of noise, each turned and sized differently."""
    rng = np.random.default_rng(seed)
    points = np.array([[30, 40], [60, 40], [45, 55], [33, 70], [58, 70]], float)
    return [
        FoundFace(
            f"{i}.png",
            rng.integers(0, 256, (100, 100, 3), np.uint8),
            np.array([20.0, 20, 70, 85]),
            points + rng.normal(0, 3, (5, 2)),
        )
        for i in range(n)
    ]


def test_a_stored_tensor_gives_the_numbers_of_an_independent_program(tmp_path):
    i = np.arange(3 * 3 * 24 * 24)
    images = (((31337 * i) % 2003) / 1001 - 1).reshape(3, 3, 24, 24).astype(np.float32)
    network = save_checkpoint(
        tmp_path / "s.safetensors", CARD, formula_parameters()
    ).network()
    with torch.inference_mode():
        outputs = network(torch.from_numpy(images))[:, 0]
        embeddings = network.embed(torch.from_numpy(images))
    assert_allclose(outputs, TENSOR.outputs, rtol=0, atol=TENSOR_ATOL)
    assert_allclose(embeddings, TENSOR.embeddings, rtol=0, atol=TENSOR_ATOL)


@pytest.mark.parametrize("case", PHOTOS, ids=str)
def test_a_photo_gives_the_number_of_an_independent_program(tmp_path, case):
    model = open_model(tmp_path, photo_card(case))
    face = found_face(tmp_path, case)
    assert_allclose(model.predict([face]), [[case.output]], rtol=0, atol=PHOTO_ATOL)
    assert_allclose(model.embed([face]), [case.embedding], rtol=0, atol=PHOTO_ATOL)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel_order": ("RGB", "BGR")},
        {"channel_mean": ([0.5, 0.4, 0.3], [0.485, 0.456, 0.406])},
        {"channel_spread": ([0.25, 0.2, 0.3], [0.229, 0.224, 0.225])},
        {"crop_margin": (0.2, 0.21)},
        {"interpolation": ("bicubic", "bilinear")},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_card_gives_another_number(tmp_path, wrong):
    """So the test above fails if any of these is not as the card says."""
    case = PHOTOS[0]
    ((key, (right, value)),) = wrong.items()
    assert case.preprocessing[key] == right
    model = open_model(tmp_path, photo_card(case, **{key: value}))
    face = found_face(tmp_path, case)
    moved = np.abs(model.embed([face])[0] - case.embedding).max()
    assert moved > 5 * PHOTO_ATOL


def test_a_face_is_scored_alike_alone_and_among_others(tmp_path):
    model, faces = open_model(tmp_path), some_faces(19)
    scores, embeddings = model.predict(faces), model.embed(faces)
    assert scores.shape == (19, 1)
    assert scores.dtype == np.float64
    assert np.unique(scores).size == 19
    for i in (0, 7, 8, 18):
        assert_array_equal(model.predict([faces[i]])[0], scores[i])
        assert_array_equal(model.embed([faces[i]])[0], embeddings[i])
    assert_array_equal(model.predict(faces[::-1]), scores[::-1])


def test_a_score_is_the_head_applied_to_the_embedding(tmp_path):
    two = (Output("faceage", "years"), Output("facesurvival", "log hazard"))
    card = replace(CARD, outputs=two)
    model, parameters = open_model(tmp_path, card), formula_parameters(card)
    faces = some_faces(5)
    expected = (
        model.embed(faces) @ parameters["head.weight"].numpy().T
        + parameters["head.bias"].numpy()
    )
    assert model.columns == ("faceage", "facesurvival")
    assert_allclose(model.predict(faces), expected, rtol=0, atol=1e-5)


def test_no_faces_give_no_rows(tmp_path):
    model = open_model(tmp_path)
    assert model.predict([]).shape == (0, 1)
    assert model.embed([]).shape == (0, 16)


def test_what_a_model_says_of_itself(tmp_path):
    model = open_model(tmp_path)
    assert model.name == f"small-age@{model.card.sha256[:12]}"
    assert (model.columns, model.width, model.pixels_wanted) == (("faceage",), 16, 24)
    assert (model.precision, model.batch_size) == ("float32", 8)
    assert open_model(tmp_path, precision="bfloat16").precision == "bfloat16"


def test_a_column_may_be_renamed_if_it_is_the_only_one(tmp_path):
    assert open_model(tmp_path, column="mini_age").columns == ("mini_age",)
    two = replace(CARD, outputs=(*CARD.outputs, Output("facesurvival", "log hazard")))
    with pytest.raises(
        DataError, match=r"`column` names one column, but `small-age@.*2: f"
    ):
        open_model(tmp_path, two, column="x")
    with pytest.raises(DataError, match=r"has 0: no head"):
        open_model(tmp_path, replace(CARD, outputs=()), column="x")


def test_a_foundation_model_embeds_and_does_not_score(tmp_path):
    model = open_model(tmp_path, replace(CARD, outputs=()))
    assert model.columns == ()
    assert model.embed(some_faces(2)).shape == (2, 16)
    with pytest.raises(
        DataError, match=r"`small-age@.*` has no head, so it gives embeddi"
    ):
        model.predict(some_faces(2))


def test_a_checkpoint_that_breaks_down_names_itself(tmp_path):
    huge = formula_parameters() | {"patch.weight": torch.full((16, 3, 8, 8), 1e38)}
    model = open_model(tmp_path, parameters=huge)
    with pytest.raises(
        DataError, match=r"`small-age@.*` gives no finite number for 2 of 2"
    ):
        model.predict(some_faces(2))
