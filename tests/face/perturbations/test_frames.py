from __future__ import annotations

import numpy as np
import pytest

from fahrstats.face.perturbations.frames import (
    HEAD_POINTS,
    bump,
    eye_distance,
    eyes,
    head,
    mouth,
    nose,
    rising,
    whole,
)


@pytest.mark.parametrize("tilt", [0, 25, -160])
def test_landmarks_lie_where_frames_say(draw, tilt):
    face = draw(tilt=tilt)
    np.testing.assert_allclose(
        head(face).coordinates(face.points), HEAD_POINTS, atol=1e-9
    )
    for frame, place, at in (
        (eyes(face)[0], 0, (0, 0)),
        (eyes(face)[0], 1, (1, 0)),
        (eyes(face)[1], 1, (0, 0)),
        (eyes(face)[1], 0, (-1, 0)),
        (nose(face), 2, (0, 0)),
        (mouth(face), 3, (-0.5, 0)),
        (mouth(face), 4, (0.5, 0)),
    ):
        np.testing.assert_allclose(frame.coordinates(face.points)[place], at, atol=1e-9)
    assert eye_distance(face) == pytest.approx(50, rel=1e-5)


def test_pixels_of_a_region_have_the_coordinates_of_their_centres(draw):
    face = draw(tilt=25)
    frame = head(face)
    region = frame.region((-0.5, 0.5), (0, 1), face.pixels.shape)
    x, y = frame.within(region)
    rows, columns = np.indices(x.shape).reshape(2, -1)
    centres = np.stack([columns + region.left, rows + region.top], axis=-1)
    np.testing.assert_allclose(
        frame.coordinates(centres.astype(float)),
        np.stack([x.ravel(), y.ravel()], axis=-1),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        frame.pixels(frame.coordinates(face.points)), face.points, atol=1e-9
    )


def test_a_region_holds_its_rectangle_and_stays_in_the_picture(draw):
    face = draw(tilt=25)
    frame = head(face)
    x, y = frame.within(whole(face))
    region = frame.region((-0.5, 0.5), (0, 1), face.pixels.shape)
    wanted = (np.abs(x) <= 0.5) & (y >= 0) & (y <= 1)
    inside = np.zeros_like(wanted)
    inside[region.place] = True
    assert not (wanted & ~inside).any()
    far = frame.region((50, 60), (50, 60), face.pixels.shape)
    assert face.pixels[far.place].size == 0
    assert frame.region((-99, 99), (-99, 99), face.pixels.shape) == whole(face)


def test_bumps_and_steps_have_stated_heights():
    np.testing.assert_allclose(bump(np.array([0, 0.5, 1, 4.0])), [1, 0.25, 0, 0])
    np.testing.assert_allclose(
        rising(np.array([0, 1, 1.5, 2, 3.0]), 1, 2),
        [
            0,
            0,
            0.5,
            1,
            1,
        ],
    )
