from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import ARCFACE_POINTS, align
from fahrstats.face.detection.faces import Faces, FoundFace
from fahrstats.face.detection.found import Finding, find_again, find_face
from fahrstats.face.detection.mtcnn import Mtcnn
from fahrstats.face.pictures.picture import Picture
from fahrstats.face.score_columns import SCORE_GLOSSARY, STATUSES

TAKEN = datetime(2014, 5, 6, 7, 8)


@dataclass
class Told:
    """A detector that returns what it is told."""

    faces: Faces
    name: str = "told"

    def find(self, picture):
        return self.faces


def told(*faces):
    """Return a detector that finds faces, given as (left, top, scale)."""
    places = np.array([(left, top) for left, top, _ in faces]).reshape(-1, 1, 2)
    scales = np.array([scale for *_, scale in faces]).reshape(-1, 1, 1)
    corners = np.array([[22.0, 20.0], [90.0, 112.0]])  # about what MTCNN calls a face
    return Told(
        Faces(
            boxes=(corners * scales + places).reshape(-1, 4),
            points=ARCFACE_POINTS * scales + places,
            confidence=np.linspace(1, 0.9, len(faces)),
        )
    )


def noise(rows, columns, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def photo(pixels, *, width=None, height=None):
    rows, columns = pixels.shape[:2]
    return Picture(
        photo="made.png",
        pixels=pixels,
        width=width or columns,
        height=height or rows,
        content="c0ffee",
        taken=TAKEN,
    )


def find(picture, detector, **options):
    given = {"several": "refuse", "pixels_wanted": 112} | options
    return find_face(picture, detector, **given)


# --- statuses, in their order ---------------------------------------------------------


def test_a_face_that_can_be_scored():
    finding = find(photo(noise(300, 400)), told((100, 50, 1.5)))
    assert (finding.status, finding.note, finding.n_faces) == ("ok", "", 1)
    assert finding.face.photo == "made.png"
    assert finding.face_pixels == pytest.approx(92 * 1.5)
    eyes = math.hypot(*(ARCFACE_POINTS[1] - ARCFACE_POINTS[0]))
    assert finding.eye_distance == pytest.approx(eyes * 1.5)
    assert finding.confidence == 1
    assert abs(finding.yaw) + abs(finding.roll) < 1
    assert 0 < finding.blur < 0.5
    assert finding.brightness == pytest.approx(0.5, abs=0.02)


def test_the_row_has_columns_of_the_glossary():
    row = find(photo(noise(300, 400)), told((100, 50, 1.5))).row()
    assert list(row) == [name for name in SCORE_GLOSSARY if name in row]
    assert "face" not in row
    known = (row["width"], row["height"], row["taken"], row["content"])
    assert known == (400, 300, TAKEN, "c0ffee")
    assert row["status"] in STATUSES


def test_a_photo_that_cannot_be_read_is_a_finding_without_anything_else():
    row = Finding("a.jpg", "unreadable", note="it is empty").row()
    assert (row["n_faces"], row["width"], row["content"]) == (None, None, None)
    assert all(
        math.isnan(row[name]) for name in ("face_pixels", "yaw", "blur", "confidence")
    )


def assert_nothing_measured(finding):
    assert finding.face is None
    assert math.isnan(finding.face_pixels)
    assert math.isnan(finding.blur)
    assert (finding.width, finding.content) == (400, "c0ffee")


def test_no_face():
    finding = find(photo(noise(300, 400)), told())
    assert (finding.status, finding.n_faces) == ("no_face", 0)
    assert finding.note == "no face was found"
    assert_nothing_measured(finding)


@pytest.mark.parametrize("scale", [1.5, 0.1])
def test_several_faces_are_refused_however_small_the_second(scale):
    finding = find(photo(noise(300, 400)), told((100, 50, 1.5), (10, 10, scale)))
    assert (finding.status, finding.n_faces) == ("several_faces", 2)
    assert finding.note == "2 faces were found"
    assert_nothing_measured(finding)


def test_too_small_is_measured_but_not_scored():
    small = told((100, 50, 39 / 92))
    finding = find(photo(noise(300, 400)), small)
    assert finding.status == "too_small"
    assert finding.note == "the face is 39 pixels high; 40 are needed"
    assert finding.face is None
    assert finding.face_pixels == pytest.approx(39)
    assert 0 <= finding.blur <= 1
    assert find(photo(noise(300, 400)), small, min_face=39).status == "ok"


def test_refusal_comes_before_size_and_missing_landmarks():
    two = told((100, 50, 0.1), (10, 10, 0.1))
    two.faces.points[:] = np.nan
    assert find(photo(noise(300, 400)), two).status == "several_faces"
    first = find(photo(noise(300, 400)), two, several="largest")
    assert first.status == "no_face"


# --- policies -------------------------------------------------------------------------

GRID = [(100.0 * column, 100.0 * row, 0.8) for row in range(4) for column in range(4)]
"""Sixteen faces in a photo of 400 x 400."""


def test_sixteen_faces_are_refused():
    finding = find(photo(noise(400, 400)), told(*GRID))
    assert (finding.status, finding.n_faces) == ("several_faces", 16)
    assert finding.note == "16 faces were found"


@pytest.mark.parametrize("largest", [0, 7, 15])
def test_the_largest_of_sixteen(largest):
    faces = [(*face[:2], 0.9 if i == largest else 0.8) for i, face in enumerate(GRID)]
    detector = told(*faces)
    finding = find(photo(noise(400, 400)), detector, several="largest")
    assert (finding.status, finding.n_faces) == ("ok", 16)
    assert finding.note == "the largest of 16 faces"
    assert finding.confidence == detector.faces.confidence[largest]
    assert finding.face_pixels == pytest.approx(92 * 0.9)


@pytest.mark.parametrize("central", [0, 7, 15])
def test_the_central_of_sixteen(central):
    faces = [face for i, face in enumerate(GRID) if i != central]
    faces.insert(central, (155.0, 147.0, 0.8))  # its box is about (200, 200)
    detector = told(*faces)
    finding = find(photo(noise(400, 400)), detector, several="central")
    assert finding.note == "the central of 16 faces"
    assert finding.confidence == detector.faces.confidence[central]


def test_of_equal_faces_the_most_certain_is_taken():
    for several in ("largest", "central"):
        twins = told((100, 100, 0.8), (100, 100, 0.8))
        assert find(photo(noise(400, 400)), twins, several=several).confidence == 1


def test_one_face_needs_no_policy():
    results = [
        find(photo(noise(300, 400)), told((100, 50, 1.5)), several=several).row()
        for several in ("refuse", "largest", "central")
    ]
    assert results[0] == results[1] == results[2]


# --- odd detections -------------------------------------------------------------------


def changed(change):
    detector = told((100, 50, 1.5))
    change(detector.faces.boxes, detector.faces.points)
    return detector


def _no_points(boxes, points):
    points[:] = np.nan


def _one_infinite(boxes, points):
    points[0, 2, 1] = np.inf


def _no_box(boxes, points):
    boxes[0, 1] = np.nan


def _empty_box(boxes, points):
    boxes[0, 2] = boxes[0, 0]


def _elsewhere(boxes, points):
    points += 300


def _one_elsewhere(boxes, points):
    points[0, 2, 0] += 1e6


def _mirrored(boxes, points):
    points[0] = points[0, [1, 0, 2, 4, 3]]


def _in_a_line(boxes, points):
    points[0, :, 1] = points[0, 0, 1]


def _coinciding(boxes, points):
    points[:] = points[0, 2]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (_no_points, "its landmarks are missing"),
        (_one_infinite, "its landmarks are missing"),
        (_no_box, "its box is missing or empty"),
        (_empty_box, "its box is missing or empty"),
        (_elsewhere, "its landmarks lie outside of its box"),
        (_one_elsewhere, "its landmarks lie outside of its box"),
        (_mirrored, "its landmarks are no face's: mirrored, or in a line"),
        (_in_a_line, "its landmarks are no face's: mirrored, or in a line"),
        (_coinciding, "its landmarks are no face's: mirrored, or in a line"),
    ],
)
def test_a_face_without_usable_landmarks_says_why(change, note):
    finding = find(photo(noise(300, 400)), changed(change))
    assert (finding.status, finding.n_faces) == ("no_face", 1)
    assert finding.note.startswith(f"a face was found, but {note}")
    assert_nothing_measured(finding)


@pytest.mark.parametrize(
    ("field", "shape"),
    [("boxes", (1, 5)), ("points", (1, 10)), ("confidence", (1, 1))],
)
def test_arrays_of_wrong_shape_are_the_detectors_fault(field, shape):
    detector = told((100, 50, 1.5))
    detector.faces = replace(detector.faces, **{field: np.zeros(shape)})
    with pytest.raises(DataError, match=r"The detector `told` must return boxes.*\(1,"):
        find(photo(noise(300, 400)), detector)


def test_an_unknown_policy_is_refused():
    with pytest.raises(DataError, match=r"`several` must be refuse.*, but it is 'all'"):
        find(photo(noise(300, 400)), told((100, 50, 1.5)), several="all")


@pytest.mark.parametrize("place", [(-80, -60), (300, 250), (-40, 200)])
def test_faces_may_reach_beyond_the_picture(place):
    finding = find(photo(noise(300, 400)), told((*place, 1.5)))
    assert finding.status == "ok"
    assert finding.face.pixels.size > 0


# --- the pixels around the face -------------------------------------------------------


@given(
    degrees=st.floats(-180, 180),
    margin=st.floats(0, 1),
    side=st.floats(40, 140),
)
@settings(max_examples=30, deadline=None)
def test_the_pixels_are_enough_for_every_margin_at_every_roll(degrees, margin, side):
    pixels = noise(700, 640)
    turn = side / 112 * np.exp(1j * np.radians(degrees))
    there = (ARCFACE_POINTS - 55.5) @ (1, 1j) * turn + complex(310, 350)
    points = np.column_stack([there.real, there.imag])
    box = np.concatenate([points.min(axis=0) - 20, points.max(axis=0) + 20])
    detector = Told(Faces(box[None], points[None], np.ones(1)))
    face = find(photo(pixels), detector, min_face=1).face
    assert face.pixels.shape[0] < 4.6 * side + 25  # not the whole picture
    whole = replace(face, pixels=pixels, points=points)
    options = {"size": 112, "margin": margin, "interpolation": "bicubic"}
    difference = align(face, **options).astype(int) - align(whole, **options)
    assert np.abs(difference).max() <= 1


def again(*faces, change=None):
    """Look again for a face that was at (100, 100) at scale 1."""
    before = told((100, 100, 1.0)).faces
    detector = told(*faces)
    if change is not None:
        detector.faces = replace(detector.faces, points=change(detector.faces.points))
    pixels = noise(300, 300)
    was = FoundFace("a.png", pixels, before.boxes[0], before.points[0])
    found = find_again(was, detector)
    assert found is None or found.pixels is pixels
    return found


def test_found_again_is_the_face_where_it_was_not_the_largest_or_surest():
    found = again((10, 10, 2.2), (190, 95, 1.5), (103, 98, 0.9), (140, 120, 1.0))
    assert_allclose(found.points, told((103, 98, 0.9)).faces.points[0])
    assert_allclose(found.box, told((103, 98, 0.9)).faces.boxes[0])


@pytest.mark.parametrize("away", [35, 36])  # the eyes are 35.24 pixels apart
def test_a_face_further_away_than_the_eyes_apart_is_another_ones(away):
    assert (again((100 + away, 100, 1.0)) is None) == (away == 36)


def test_no_face_is_found_again():
    assert again() is None
    assert again((100, 100, 1.0), change=lambda points: points * np.nan) is None
    assert (
        again((100, 100, 1.0), change=lambda points: points[:, [1, 0, 2, 3, 4]]) is None
    )


def test_the_pixels_are_a_copy():
    pixels = noise(300, 400)
    face = find(photo(pixels), told((100, 50, 0.8))).face
    assert face.pixels.base is None or not np.shares_memory(face.pixels, pixels)
    assert face.pixels.nbytes < pixels.nbytes


def test_landmarks_and_box_move_with_the_pixels():
    pixels = noise(700, 900)
    detector = told((400, 300, 0.8))
    face = find(photo(pixels), detector).face
    moved = detector.faces.points[0] - face.points
    assert_allclose(moved, np.broadcast_to(moved[0], (5, 2)), atol=1e-9)
    left, top = moved[0].round().astype(int)
    assert_allclose(moved[0], (left, top), atol=1e-9)
    rows, columns = face.pixels.shape[:2]
    assert_array_equal(face.pixels, pixels[top : top + rows, left : left + columns])
    assert_allclose(detector.faces.boxes[0] - face.box, [left, top, left, top])


def test_a_face_far_larger_than_wanted_is_averaged_in_blocks():
    pixels = noise(1500, 1400)
    detector = told((70, 60, 1120 / 112))  # an ArcFace crop of 1120 pixels
    face = find(photo(pixels), detector, pixels_wanted=150).face
    left = min(1400, face.pixels.shape[1] * 3)
    assert left == 1400  # blocks of 3: 1120 / 3 = 373 lies between 2 and 4 x 150
    exact = np.array(Image.fromarray(pixels).reduce(3))
    assert_array_equal(face.pixels, exact)
    assert_allclose((face.points + 0.5) * 3 - 0.5, detector.faces.points[0])
    assert_allclose((face.box + 0.5) * 3 - 0.5, detector.faces.boxes[0])
    exactly = find(photo(pixels), detector, pixels_wanted=600).face
    assert_array_equal(exactly.pixels, pixels)


# --- photos decoded at a reduced size -------------------------------------------------


class Counted:
    """A function that decodes in full, and how often it was called."""

    def __init__(self, picture):
        self.picture = picture
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.picture


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize(("rows", "columns"), [(1600, 1200), (1601, 1207)])
def test_a_small_face_is_cut_from_the_photo_in_full(factor, rows, columns):
    full = photo(noise(rows, columns))
    small = photo(
        np.array(Image.fromarray(full.pixels).reduce(factor)),
        width=columns,
        height=rows,
    )
    scale = 0.9
    at = (500 / factor, 800 / factor, scale / factor * 2)
    detector = told(at)
    reread = Counted(full)
    finding = find(small, detector, pixels_wanted=224, reread=reread)
    assert reread.calls == 1
    assert finding.face_pixels == pytest.approx(92 * 2 * scale)
    # A pixel of the small picture is a block of `factor`, and so are its coordinates.
    expected = (detector.faces.points[0] + 0.5) * factor - 0.5
    start = (expected - finding.face.points)[0]
    assert_allclose(start, start.round(), atol=1e-9)
    assert_allclose(finding.face.points + start, expected, atol=1e-9)
    left, top = start.round().astype(int)
    rows, columns = finding.face.pixels.shape[:2]
    there = full.pixels[top : top + rows, left : left + columns]
    assert_array_equal(finding.face.pixels, there)
    assert_allclose(
        finding.face.box + np.tile(start, 2),
        (detector.faces.boxes[0] + 0.5) * factor - 0.5,
    )


def test_half_pixels_survive_the_change_of_pictures():
    # A face's landmarks from the small picture must fall on the same detail in full.
    y, x = np.mgrid[:800, :800]
    spot = 255 * np.exp(-((x - 403.5) ** 2 + (y - 391.5) ** 2) / (2 * 12**2))
    full = photo(np.repeat(spot.round().astype(np.uint8)[..., None], 3, 2))
    small = photo(np.array(Image.fromarray(full.pixels).reduce(4)), width=800)
    centre = np.array([403.5, 391.5])
    nose = (centre + 0.5) / 4 - 0.5
    detector = told((*(nose - ARCFACE_POINTS[2] * 0.5), 0.5))
    face = find(small, detector, reread=Counted(full)).face
    y, x = np.mgrid[: face.pixels.shape[0], : face.pixels.shape[1]]
    weight = face.pixels[..., 0] / face.pixels[..., 0].sum()
    assert_allclose([(x * weight).sum(), (y * weight).sum()], face.points[2], atol=0.02)


@pytest.mark.parametrize(
    ("scale", "wanted", "n_calls"),
    [(2.1, 224, 0), (1.9, 224, 1), (1.1, 64, 0), (0.9, 64, 1), (1.1, 0, 0)],
)
def test_the_photo_is_read_again_only_where_that_shows_more(scale, wanted, n_calls):
    full = photo(noise(1200, 1200))
    pixels = np.array(Image.fromarray(full.pixels).reduce(2))
    small = photo(pixels, width=1200, height=1200)
    reread = Counted(full)
    detector = told((150, 150, scale))
    finding = find(small, detector, pixels_wanted=wanted, reread=reread)
    assert (finding.status, reread.calls) == ("ok", n_calls)
    unreduced = Counted(full)
    find(full, detector, pixels_wanted=wanted, reread=unreduced)
    assert unreduced.calls == 0


def test_sizes_are_those_of_the_file():
    pixels = noise(300, 300)
    small = find(photo(pixels, width=1200, height=1200), told((50, 50, 0.3)))
    assert small.face_pixels == pytest.approx(92 * 0.3 * 4)
    assert small.status == "ok"  # 110 pixels in the file, 28 in the picture
    whole = find(photo(pixels), told((50, 50, 0.3)))
    assert small.eye_distance == pytest.approx(4 * whole.eye_distance)
    assert whole.status == "too_small"


# --- with the detector ----------------------------------------------------------------


@pytest.fixture(scope="module")
def mtcnn():
    return Mtcnn()


def turned(pixels, degrees):
    """Turn a picture clockwise."""
    image = Image.fromarray(pixels)
    return np.array(image.rotate(-degrees, Image.Resampling.BICUBIC, expand=True))


def test_the_astronaut_is_found_and_aligned(mtcnn):
    finding = find(photo(astronaut()), mtcnn, pixels_wanted=224)
    assert (finding.status, finding.note) == ("ok", "")
    assert abs(finding.roll) < 5
    assert abs(finding.yaw) < 15
    assert 80 < finding.face_pixels < 150
    assert 0.4 < finding.brightness < 0.7


@pytest.mark.parametrize("degrees", [-30, 30])
def test_a_turned_photo_gives_the_same_crop(mtcnn, degrees):
    upright = find(photo(astronaut()), mtcnn)
    tilted = find(photo(turned(astronaut(), degrees)), mtcnn)
    assert tilted.roll - upright.roll == pytest.approx(degrees, abs=6)
    options = {"size": 112, "margin": 0.0, "interpolation": "bilinear"}
    first = align(upright.face, **options).astype(float)
    second = align(tilted.face, **options).astype(float)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9
    mirrored = second[:, ::-1]
    assert np.corrcoef(first.ravel(), mirrored.ravel())[0, 1] < 0.8


def test_a_blurred_and_a_darkened_photo_say_so(mtcnn):
    sharp = find(photo(astronaut()), mtcnn)
    image = Image.fromarray(astronaut())
    soft = np.array(image.reduce(3).resize(image.size, Image.Resampling.BILINEAR))
    assert find(photo(soft), mtcnn).blur > sharp.blur + 0.05
    dark = find(photo(astronaut() // 3), mtcnn)
    assert dark.brightness == pytest.approx(sharp.brightness / 3, abs=0.03)
