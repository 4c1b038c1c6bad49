from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from fahrstats.face.detection.faces import Faces
from fahrstats.face.perturbations.catalogue import CONDITIONS, SEVERITIES, Panel
from fahrstats.face.perturbations.changes import perturbed
from fahrstats.face.perturbations.reading import PerturbedReading


@dataclass
class Brightness:
    """A model that says how bright a face is, and how much that varies."""

    name = "brightness@0"
    columns = ("brightness", "spread")
    pixels_wanted = 112

    def predict(self, faces):
        self.n_most = max(getattr(self, "n_most", 0), len(faces))
        return np.array([[f.pixels.mean(), f.pixels.std()] for f in faces])


class Afraid:
    """A detector that finds no face in the dark, else where it is told."""

    name = "afraid 1"

    def __init__(self, face):
        self.face = face

    def find(self, picture):
        return self.found(int(picture.pixels.mean() > 90))

    def found(self, n):
        return Faces(
            np.repeat(self.face.box[None], n, axis=0),
            np.repeat(self.face.points[None], n, axis=0),
            np.ones(n),
        )


def reading(face, **settings):
    panel = Panel(("underexposure", "jpeg"), **settings)
    return PerturbedReading((Brightness(),), panel, Afraid(face))


def test_scores_are_those_of_the_changed_faces_in_order(face):
    carried = reading(face, landmarks="carried")
    values = carried.read([face, face])
    assert list(values) == list(carried.columns)
    assert list(values["brightness"]) == [face.pixels.mean()] * 2
    wanted = [
        perturbed(face, name, severity).pixels.std()
        for name in ("underexposure", "jpeg")
        for severity in SEVERITIES
    ]
    for found in values["spread_perturbed"]:
        np.testing.assert_array_equal(found, wanted)


def test_a_face_that_is_not_found_any_more_has_no_score(face):
    values = reading(face, landmarks="detected").read([face])
    (changed,) = values["brightness_perturbed"]
    lost = np.isnan(changed)
    assert lost.tolist() == [False, False, False, True, True] + 5 * [False]
    assert np.isfinite(values["brightness"]).all()


def test_a_lost_face_does_not_get_the_score_of_its_neighbour(face):
    """In the dark only another face is found, in a corner of the picture."""
    detector = Afraid(face)
    beside = replace(face, box=face.box + 90, points=face.points + 90)

    class Distracted:
        name = "distracted 1"

        def find(self, picture):
            found = detector.find(picture)
            return found if found.n else Afraid(beside).found(1)

    panel = Panel(("underexposure",))
    values = PerturbedReading((Brightness(),), panel, Distracted()).read([face])
    (changed,) = values["brightness_perturbed"]
    assert np.isnan(changed).tolist() == [False, False, False, True, True]


def test_few_pictures_are_held_at_once(face):
    model = Brightness()
    every = PerturbedReading((model,), Panel(landmarks="carried"), None)
    every.read([face])
    assert model.n_most == 32
    assert every.batch_size == 1
    assert every.pixels_wanted == 112


def test_columns_and_settings_say_what_was_done(face):
    some = reading(face)
    assert some.columns == {
        "brightness": pa.float64(),
        "brightness_perturbed": pa.list_(pa.float64(), 10),
        "spread": pa.float64(),
        "spread_perturbed": pa.list_(pa.float64(), 10),
    }
    assert some.settings == {
        "conditions": ["underexposure", "jpeg"],
        "doses": [list(CONDITIONS[n].doses) for n in ("underexposure", "jpeg")],
        "landmarks": "detected",
    }
