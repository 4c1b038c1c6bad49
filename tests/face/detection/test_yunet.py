"""YuNet's decoding, through a network of which we know what it sees.

A cell of 8 x 8 pixels is a face as far as it is blue; its box and points are the same
in every cell. The cells of 16 and 32 pixels see no face.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from onnx_files import cellwise_network

from fahrstats.errors import DataError
from fahrstats.face.detection.yunet import STRIDES, Yunet, decode
from fahrstats.face.pictures.picture import Picture

pytest.importorskip("onnxruntime", reason="needs the extra fahrstats[baselines]")

SHIFT, SIZE = (0.5, 0.25), (2.0, 3.0)
"""Of the centre from the corner of the cell, and width and height, in strides."""
POINTS = np.array([[0.1, 0.2], [0.9, 0.2], [0.5, 0.5], [0.2, 0.8], [0.8, 0.9]])


def blue_network(sides=("height", "width"), without=None):
    heads = {}
    for stride in STRIDES:
        none = np.zeros((1, 3, stride, stride))
        blue = none.copy()
        blue[0, 0] = 1 / 255 / stride**2  # channels are blue, green, red
        box = np.array([*SHIFT, *np.log(SIZE)])
        values = {
            "cls": (blue, np.zeros(1)),
            "obj": (none, np.array([float(stride == 8)])),
            "bbox": (np.repeat(none, 4, axis=0), box),
            "kps": (np.repeat(none, 10, axis=0), POINTS.ravel()),
        }
        for kind, (weights, bias) in values.items():
            heads[f"{kind}_{stride}"] = (stride, weights, bias)
    heads.pop(without, None)
    return cellwise_network(heads, sides)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(blue_network())
    return path


def picture(rows, columns, *cells, side=8, colour=(0, 0, 255)):
    """Draw coloured cells, given as (row, column), on black."""
    pixels = np.zeros((rows, columns, 3), np.uint8)
    for down, across in cells:
        pixels[down * side : (down + 1) * side, across * side : (across + 1) * side] = (
            colour
        )
    return Picture("photo", pixels, columns, rows, "")


def expected_points(down, across, side=8):
    return (np.array([across, down]) + POINTS) * side - 0.5


def expected_box(down, across, side=8):
    centre = np.array([across + SHIFT[0], down + SHIFT[1]])
    half = np.array(SIZE) / 2
    return np.hstack([centre - half, centre + half]) * side - 0.5


@pytest.mark.parametrize("sides", [("height", "width"), (64, 96), (320, 320)])
def test_a_blue_cell_is_a_face(tmp_path, sides):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(blue_network(sides))
    faces = Yunet(path).find(picture(50, 96, (3, 5)))
    assert faces.n == 1
    assert_allclose(faces.boxes[0], expected_box(3, 5), atol=1e-4)
    assert_allclose(faces.points[0], expected_points(3, 5), atol=1e-4)
    assert faces.confidence[0] == pytest.approx(1.0, abs=1e-6)


def test_faces_of_a_reduced_picture_are_in_pixels_of_the_picture(file):
    faces = Yunet(file).find(picture(640, 960, (3, 5), side=24))
    assert_allclose(faces.boxes[0], expected_box(3, 5, 24), rtol=0.01)
    assert_allclose(faces.points[0], expected_points(3, 5, 24), rtol=0.01)


def test_a_picture_is_reduced_to_fit_a_fixed_input(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(blue_network((32, 96)))
    faces = Yunet(path).find(picture(64, 64, (1, 2), side=16))
    assert_allclose(faces.points[0], expected_points(1, 2, 16), atol=1e-4)


def test_a_small_face_is_found_at_a_larger_size(file):
    """Blue fills a third of a cell at the small size, and one whole at the large."""
    small = picture(1000, 1000, (30, 41))
    faces = Yunet(file).find(small)
    assert_allclose(faces.points[0], expected_points(30, 41), atol=1e-3)


def test_far_faces_stand_and_near_ones_are_one(file):
    detector = Yunet(file)
    assert detector.find(picture(96, 96, (2, 2), (8, 8))).n == 2
    assert detector.find(picture(96, 96, (2, 2), (3, 2))).n == 1
    assert detector.find(picture(96, 96)).n == 0


def test_the_most_certain_face_is_first(file):
    dim = picture(96, 96, (2, 2), colour=(0, 0, 150))
    dim.pixels[64:72, 64:72] = (0, 0, 250)
    faces = Yunet(file).find(dim)
    assert_allclose(faces.confidence, np.sqrt([250 / 255, 150 / 255]), rtol=1e-6)
    assert_allclose(faces.points[0], expected_points(8, 8), atol=1e-4)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 90)])
def test_other_colours_are_no_face(file, colour):
    assert Yunet(file).find(picture(64, 64, (3, 5), colour=colour)).n == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 2), (33, 31)])
def test_pictures_of_any_size_are_searched(file, size):
    assert Yunet(file).find(picture(*size)).n == 0


@pytest.mark.parametrize("stride", STRIDES)
def test_every_cell_is_decoded_as_by_hand(stride):
    rows, columns = 64, 96
    rng = np.random.default_rng(stride)
    outputs = {}
    for s in STRIDES:
        cells = rows // s * (columns // s)
        outputs |= {
            f"cls_{s}": np.zeros((1, cells, 1)),
            f"obj_{s}": np.full((1, cells, 1), 0.9),
            f"bbox_{s}": rng.normal(0, 0.2, (1, cells, 4)),
            f"kps_{s}": rng.normal(0, 0.5, (1, cells, 10)),
        }
    cell = len(outputs[f"cls_{stride}"][0]) - 2
    outputs[f"cls_{stride}"][0, cell] = 0.8
    faces = decode(outputs, (rows, columns))
    y, x = divmod(cell, columns // stride)
    dx, dy, log_width, log_height = outputs[f"bbox_{stride}"][0, cell]
    width, height = np.exp(log_width) * stride, np.exp(log_height) * stride
    left, top = (x + dx) * stride - width / 2, (y + dy) * stride - height / 2
    assert_allclose(faces.boxes, [[left, top, left + width, top + height]])
    assert_allclose(faces.confidence, [np.sqrt(0.8 * 0.9)])
    for i in range(5):
        px, py = outputs[f"kps_{stride}"][0, cell, 2 * i : 2 * i + 2]
        assert_allclose(faces.points[0, i], [(px + x) * stride, (py + y) * stride])


def test_the_name_tells_which_file(file):
    name = Yunet(file).name
    assert name.startswith("yunet@")
    file.write_bytes(blue_network((64, 64)))
    assert Yunet(file).name != name


def test_a_file_that_is_no_yunet_says_why(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(DataError, match=r"model\.onnx` cannot be read: No such file"):
        Yunet(path)
    path.write_bytes(b"no network")
    with pytest.raises(DataError, match=r"`model\.onnx` cannot be run by onnxruntime"):
        Yunet(path)
    path.write_bytes(blue_network(without="kps_16"))
    with pytest.raises(DataError, match=r"is not a YuNet model.* has no `kps_16`\."):
        Yunet(path)
