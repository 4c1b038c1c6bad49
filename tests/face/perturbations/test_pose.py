from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fahrstats.face.detection.pose import MEAN_FACE, pose
from fahrstats.face.perturbations.frames import head, whole
from fahrstats.face.perturbations.pose import (
    dome,
    nodding,
    turned_clockwise,
    turned_sideways,
)

YAW_ATOL = 0.3  # degrees; the landmarks of the template are not quite symmetric
PIXELS = 0.3  # dots are small, but the nose is bent within them


def with_dots(face):
    """Return a grey picture of a face with a soft bright dot at each landmark."""
    y, x = np.mgrid[: face.pixels.shape[0], : face.pixels.shape[1]]
    light = sum(
        np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 1.2**2)) for a, b in face.points
    )
    pixels = np.repeat((40 + 180 * light)[..., None], 3, axis=-1)
    return replace(face, pixels=pixels.clip(0, 255).round().astype(np.uint8))


def dots(face):
    """Return the middles of the dots next to the landmarks of a face."""
    found = []
    for a, b in face.points:
        y, x = np.mgrid[round(b) - 4 : round(b) + 5, round(a) - 4 : round(a) + 5]
        weight = face.pixels[y, x, 0].astype(float) - 40
        found.append([(weight * x).sum(), (weight * y).sum()] / weight.sum())
    return np.array(found)


@pytest.mark.parametrize("tilt", [0, 15])
@pytest.mark.parametrize(
    "change",
    [
        lambda face: turned_clockwise(face, 30),
        lambda face: turned_clockwise(face, -45),
        lambda face: turned_sideways(face, 15),
        lambda face: turned_sideways(face, -15),
        lambda face: nodding(face, 15),
        lambda face: nodding(face, -15),
    ],
)
def test_landmarks_go_with_their_pixels(draw, change, tilt):
    face = with_dots(draw(tilt=tilt))
    changed = change(face)
    assert np.abs(changed.points - face.points).max() > 2
    np.testing.assert_allclose(dots(changed), changed.points, atol=PIXELS)


@pytest.mark.parametrize("degrees", [5, 15, 25])
def test_landmarks_of_a_straight_face_tell_the_turn(face, degrees):
    """The estimator knows of the dome only how far noses stand out."""
    for sign in (-1, 1):
        seen = pose(turned_sideways(face, sign * degrees).points)
        assert seen.yaw == pytest.approx(sign * degrees, abs=YAW_ATOL)


@pytest.mark.parametrize("degrees", [-25, -15, -5, 5, 15, 25])
def test_landmarks_tell_the_nod_from_where_the_face_was(face, degrees):
    """Aligned faces have lower noses than the mean face, so that they look up by 10."""
    nod = pose(nodding(face, degrees).points).pitch - pose(face.points).pitch
    assert 0.8 < nod / degrees < 1


def test_two_quarter_turns_are_half_a_turn(face):
    twice = turned_clockwise(turned_clockwise(face, 90), 90)
    half = turned_clockwise(face, 180)
    middle = head(face).pixels(np.array([[0, 0.5]]))[0].round().astype(int)
    reach = 60
    rows = slice(middle[1] - reach, middle[1] + reach + 1)
    columns = slice(middle[0] - reach, middle[0] + reach + 1)
    np.testing.assert_allclose(twice.points, half.points, atol=1e-9)
    np.testing.assert_array_equal(
        half.pixels[rows, columns], face.pixels[rows, columns][::-1, ::-1]
    )
    np.testing.assert_array_equal(
        turned_clockwise(face, 90).pixels[rows, columns],
        np.rot90(face.pixels[rows, columns], -1),
    )
    np.testing.assert_array_equal(
        twice.pixels[rows, columns], half.pixels[rows, columns]
    )


@pytest.mark.parametrize("degrees", [-30, 10, 45])
def test_a_turn_of_the_picture_is_the_roll_of_the_landmarks(face, degrees):
    changed = turned_clockwise(face, degrees)
    assert pose(changed.points).roll - pose(face.points).roll == pytest.approx(degrees)
    before, after = (
        np.hypot(*(one.box.reshape(2, 2).mean(axis=0) - one.points.mean(axis=0)))
        for one in (face, changed)
    )
    assert after == pytest.approx(before)


@pytest.mark.parametrize("change", [turned_clockwise, turned_sideways, nodding])
def test_no_turn_is_the_same_face(face, change):
    assert change(face, 0) is face


def test_nothing_beyond_the_edge_of_the_dome_moves(face):
    for changed in (turned_sideways(face, 25), nodding(face, 25)):
        x, y = head(face).within(whole(face))
        outside = np.hypot(x / 1.35, (y - 0.5) / 1.9) > 1
        np.testing.assert_array_equal(changed.pixels[outside], face.pixels[outside])


def test_the_nose_stands_out_as_far_as_in_the_mean_face():
    """26 of 63 millimetres, over the mean of eyes and corners of the mouth."""
    heights = dome(*(MEAN_FACE[:, :2].T / 63).astype(np.float32))
    assert heights[2] - heights[[0, 1, 3, 4]].mean() == pytest.approx(26 / 63, abs=0.02)
