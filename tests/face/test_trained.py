"""A network that has learned something visible reads it off pictures it never saw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from trained import made_photo, make_people

import fahrstats as fs
from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.detection.found import find_face
from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.pictures.reading import read_picture

pytestmark = pytest.mark.slow

BFLOAT16_YEARS = 0.5  # rounding of the products; 0.18 at most of 300 faces


@pytest.fixture(scope="module")
def people():
    """Make people whom no network was trained on."""
    return make_people(300, seed=2)


def error_of_the_median(age):
    """Return the mean absolute error of the best guess without looking."""
    return np.abs(age - np.median(age)).mean()


def test_age_is_read_much_better_than_it_is_guessed(trained, people):
    model = CheckpointModel(load_checkpoint(trained.age), precision="float32")
    found = model.predict(people.faces)[:, 0]
    assert np.abs(found - people.age).mean() < error_of_the_median(people.age) / 4
    assert abs((found - people.age).mean()) < 2


def test_risk_ranks_deaths_nearly_as_well_as_nature_does(trained, people):
    model = CheckpointModel(load_checkpoint(trained.survival), precision="float32")
    scores = {
        "facesurvival": model.predict(people.faces)[:, 0],
        "age": people.age,
        "nature": people.log_hazard,
    }
    cohort = pd.DataFrame({"time": people.time, "event": people.event, **scores})
    ranked = fs.concordance("Surv(time, event) ~ facesurvival + age + nature", cohort)
    c_index = ranked.tidy().set_index("term")["estimate"]
    assert c_index["facesurvival"] > c_index["nature"] - 0.02
    assert c_index["nature"] > 0.7
    agreement = np.corrcoef(list(scores.values()))[2]
    assert agreement[0] > agreement[1]  # pallor is read too, not age alone


def test_bfloat16_gives_nearly_the_same_age(trained, people):
    full, short = (
        CheckpointModel(load_checkpoint(trained.age), precision=precision).predict(
            people.faces[:40]
        )
        for precision in ("float32", "bfloat16")
    )
    assert np.abs(full - short).max() < BFLOAT16_YEARS


def test_files_of_photos_are_read_by_every_part_in_turn(trained, tmp_path):
    rng = np.random.default_rng(3)
    age = np.linspace(22, 88, 24)
    model = CheckpointModel(load_checkpoint(trained.age), precision="float32")
    detector = open_detector("mtcnn")
    faces = []
    for i, years in enumerate(age):
        path = tmp_path / f"{i}.jpg"
        Image.fromarray(made_photo(years, rng.uniform(), rng)).save(path, quality=95)
        finding = find_face(
            read_picture(path.name, path),
            detector,
            several="refuse",
            pixels_wanted=model.pixels_wanted,
        )
        assert finding.status == "ok", finding
        faces.append(finding.face)
    found = model.predict(faces)[:, 0]
    assert np.abs(found - age).mean() < error_of_the_median(age) / 3


def test_the_cards_say_that_nothing_real_was_learned(trained):
    for path in (trained.age, trained.survival):
        card = load_checkpoint(path).card
        assert "Not an age and not a risk" in card.notes
        assert "made in code from one photograph" in card.training_data
