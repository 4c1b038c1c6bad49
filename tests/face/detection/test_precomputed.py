from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.errors import DataError, PhotoError
from fahrstats.face.detection.precomputed import COORDINATES, open_precomputed
from fahrstats.face.pictures.picture import Picture

FACE = dict(
    zip(
        COORDINATES,
        (10, 20, 60, 90, 25, 45, 45, 44, 35, 60, 27, 75, 44, 76),
        strict=True,
    )
)


def picture(photo, width=400, height=300, factor=1):
    pixels = np.zeros((height // factor, width // factor, 3), np.uint8)
    return Picture(photo, pixels, width, height, "")


def table(*rows):
    """Return a table of faces, given as the photo and what differs from FACE."""
    return pd.DataFrame([{"photo": photo, **FACE, **other} for photo, other in rows])


def moved(by, **other):
    shift = {name: value + by for name, value in FACE.items()}
    return shift | other


@pytest.mark.parametrize("ending", [".csv", ".parquet", None])
def test_faces_are_looked_up_by_the_name_of_the_photo(tmp_path, ending):
    data = table(("a/1.jpg", {}), ("002", moved(100)))
    source = data
    if ending is not None:
        source = tmp_path / f"faces{ending}"
        write = data.to_parquet if ending == ".parquet" else data.to_csv
        write(source, index=False)
    detector = open_precomputed(source)
    faces = detector.find(picture("002"))
    assert_array_equal(faces.boxes, [[110, 120, 160, 190]])
    assert_array_equal(faces.points[0, 0], [125, 145])
    assert faces.points.shape == (1, 5, 2)
    assert np.isnan(faces.confidence).all()
    assert detector.find(picture("absent")).n == 0
    assert detector.name.startswith(f"faces{ending or ''}@")


def test_several_faces_of_a_photo_come_with_the_most_certain_first():
    detector = open_precomputed(
        table(
            ("a", {"confidence": 0.5}),
            ("b", {"confidence": 0.9}),
            ("a", moved(50, confidence=0.8)),
            ("a", moved(90, confidence=np.nan)),
        )
    )
    faces = detector.find(picture("a"))
    assert_array_equal(faces.confidence, [0.8, 0.5, np.nan])
    assert_array_equal(faces.boxes[:, 0], [60, 10, 100])
    assert detector.find(picture("b")).n == 1


@pytest.mark.parametrize("factor", [2, 4])
def test_faces_of_a_picture_that_was_decoded_smaller_are_smaller(factor):
    """The corner of the picture stays in place, and so do shares of its sides."""
    detector = open_precomputed(table(("a", {})))
    whole = detector.find(picture("a"))
    small = detector.find(picture("a", factor=factor))
    assert_allclose((small.points + 0.5) * factor, whole.points + 0.5, rtol=1e-12)
    assert_allclose((small.boxes + 0.5) * factor, whole.boxes + 0.5, rtol=1e-12)


def test_a_partial_block_does_not_move_faces():
    """Of 1001 pixels in blocks of 8, the last one holds one."""
    pixels = np.zeros((126, 126, 3), np.uint8)
    small = Picture("a", pixels, width=1001, height=1001, content="")
    assert small.reduction == 8
    points = open_precomputed(table(("a", {}))).find(small).points
    whole = open_precomputed(table(("a", {}))).find(picture("a")).points
    assert_allclose((points + 0.5) * 8, whole + 0.5, rtol=1e-12)


def test_a_face_outside_its_picture_is_an_error_of_that_photo():
    detector = open_precomputed(table(("a", {}), ("a", moved(500)), ("b", {})))
    message = r"`a` .*1 of its 2 faces in `faces@\w+` lie outside its 400 x 300 pixels"
    with pytest.raises(PhotoError, match=message):
        detector.find(picture("a"))
    assert detector.find(picture("b")).n == 1


def test_a_face_that_the_picture_cuts_is_kept():
    detector = open_precomputed(table(("a", moved(-30))))
    assert detector.find(picture("a")).n == 1


@pytest.mark.parametrize("degrees", range(0, 360, 45))
def test_a_face_may_be_turned_any_way(degrees):
    turn = np.exp(1j * np.radians(degrees))
    places = np.reshape(list(FACE.values())[4:], (5, 2)) @ [1, 1j]
    places = (places - 35 - 60j) * turn + 200 + 150j
    points = dict(
        zip(
            COORDINATES[4:],
            np.column_stack([places.real, places.imag]).ravel(),
            strict=True,
        )
    )
    assert open_precomputed(table(("a", points))).find(picture("a")).n == 1


def swapped(part):
    left, right = f"left_{part}", f"right_{part}"
    return {
        f"{one}_{axis}": FACE[f"{other}_{axis}"]
        for one, other in ((left, right), (right, left))
        for axis in "xy"
    }


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", {}), ("b", swapped("eye"))], "`left_eye` and `right_eye` are swapped"),
        ([("a", swapped("mouth"))], "`left_mouth` and .* swapped in 1 of 1 rows"),
        ([("a", {}), ("b", {"right": 5})], "1 of 2 rows of `faces` hold an empty box"),
        ([("a", {"bottom": 20})], "hold an empty box; are these width and height"),
        ([("a", {"nose_x": "x"})], "`nose_x` in `faces` must hold pixels, but 1 of 1"),
        ([("a", {"top": np.inf})], "`top` in `faces` must hold pixels"),
        ([("a", {}), ("b", {"left": None})], "1 of 2 .* leave out the rows of photos"),
        ([(None, {})], "`photo` in `faces` is empty in 1 of 1 rows"),
        ([(1.5, {})], "must hold names, not decimal numbers"),
        ([("a", {"confidence": 70})], "`confidence` in `faces` must lie from 0 to 1"),
        ([("a", {"confidence": "sure"})], "but 1 of 1 rows hold something else"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(rows, message):
    with pytest.raises(DataError, match=message):
        open_precomputed(table(*rows))


def test_missing_columns_are_named():
    data = table(("a", {})).drop(columns=["nose_y", "right"])
    with pytest.raises(DataError, match=r"`faces` has no column `right`, `nose_y`; a "):
        open_precomputed(data)
