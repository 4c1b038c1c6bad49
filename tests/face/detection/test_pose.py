from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import ARCFACE_POINTS
from fahrstats.face.detection.pose import MEAN_FACE, pose


def rotation(yaw, pitch, roll):
    """Return the matrix of a nod, then a turn, then a tilt, in degrees.

    x to the right, y down, z away from the camera, so the face looks along (0, 0, -1).
    """
    y, p, r = np.radians([yaw, pitch, roll])
    nod = [[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]]
    turn = [[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]]
    tilt = [[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]]
    return np.array(tilt) @ turn @ nod


def seen(yaw, pitch, roll, *, size=1.0, distance=math.inf):
    """Return the landmarks of the mean face as a camera sees them."""
    turned = MEAN_FACE @ rotation(yaw, pitch, roll).T
    nearness = 1 / (1 + turned[:, 2:] / distance)
    return turned[:, :2] * nearness * size + (200, 150)


def test_the_signs_are_those_of_the_glossary():
    forward = np.array([0, 0, -1])
    assert (rotation(20, 0, 0) @ forward)[0] > 0  # looks towards the image's right
    assert (rotation(0, 20, 0) @ forward)[1] < 0  # looks up, y points down
    assert pose(seen(20, 0, 0)).yaw == pytest.approx(20)
    assert pose(seen(0, 20, 0)).pitch == pytest.approx(20)
    right_eye_low = seen(0, 0, 0) @ rotation(0, 0, 20)[:2, :2].T
    assert right_eye_low[1, 1] > right_eye_low[0, 1]  # clockwise in the image
    assert pose(right_eye_low).roll == pytest.approx(20)


@given(
    yaw=st.floats(-60, 60),
    pitch=st.floats(-50, 50),
    roll=st.floats(-179, 179),
    size=st.floats(0.1, 30),
)
def test_the_pose_of_the_mean_face_is_recovered(yaw, pitch, roll, size):
    found = pose(seen(yaw, pitch, roll, size=size))
    assert found.yaw == pytest.approx(yaw, abs=1e-6)
    assert found.pitch == pytest.approx(pitch, abs=1e-6)
    assert found.roll == pytest.approx(roll, abs=1e-6)


@pytest.mark.parametrize("yaw", [-40, -15, 0, 25, 40])
@pytest.mark.parametrize("pitch", [-25, 0, 25])
def test_a_camera_at_two_metres_changes_little(yaw, pitch):
    found = pose(seen(yaw, pitch, 12, distance=2000))
    assert abs(found.yaw - yaw) < 1
    assert abs(found.pitch - pitch) < 2
    assert abs(found.roll - 12) < 2


def test_a_mirrored_face_turns_and_tilts_the_other_way():
    mirrored = (seen(25, 10, 8) * (-1, 1))[[1, 0, 2, 4, 3]]
    found = pose(mirrored)
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((-25, 10, -8))


def test_errors_of_the_landmarks_carry_over_as_stated():
    rng = np.random.default_rng(1)
    errors = np.array(
        [
            (found.yaw, found.pitch, found.roll)
            for _ in range(2000)
            for found in [pose(seen(0, 0, 0) + rng.normal(0, 0.03 * 63, (5, 2)))]
        ]
    )
    assert errors.std(axis=0) == pytest.approx([5, 5, 3], abs=0.6)
    assert np.abs(errors.mean(axis=0)).max() < 0.4


def test_the_template_looks_into_the_camera():
    found = pose(ARCFACE_POINTS)
    assert abs(found.yaw) < 1
    assert abs(found.roll) < 1
    assert abs(found.pitch) < 12  # the mean of photos from all sides, not of a pose


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((4, 2)), r"`points` must have the shape \(5, 2\), but has \(4, 2\)"),
        (np.full((5, 2), np.nan), r"`points` has a missing or infinite coordinate"),
        (np.full((5, 2), 3.0), r"The eyes, or eyes and mouth, coincide in `points`"),
        (
            [[0, 5], [9, 5], [4, 5], [2, 5], [7, 5]],
            r"The eyes, or eyes and mouth, coincide in `points`",
        ),
    ],
)
def test_points_without_a_pose_say_why(points, message):
    with pytest.raises(DataError, match=message):
        pose(points)
