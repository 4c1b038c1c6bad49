from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fahrstats.face.perturbations import surgery
from fahrstats.face.perturbations.frames import eyes, head, mouth, nose, whole

PIXELS = 0.25


def with_dot(face, place):
    """Return a grey picture with one small bright dot."""
    y, x = np.mgrid[: face.pixels.shape[0], : face.pixels.shape[1]]
    light = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / 2)
    pixels = np.repeat((40 + 200 * light)[..., None], 3, axis=-1)
    return replace(face, pixels=pixels.round().astype(np.uint8))


def dot(face):
    weight = face.pixels[..., 0].astype(float) - 40
    weight[weight < 8] = 0
    y, x = np.indices(weight.shape)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.mark.parametrize(
    ("change", "frame", "target", "way", "percent"),
    [  # a dot that lands where the shift is largest has gone the whole way
        (surgery.narrower_nose, nose, (0.24, -0.03), (-1, 0), 5),
        (surgery.narrower_nose, nose, (-0.24, -0.03), (1, 0), 5),
        (surgery.lifted_lids, lambda f: eyes(f)[0], (0, -0.13), (0, -1), 4.5),
        (surgery.lifted_lids, lambda f: eyes(f)[1], (0, -0.13), (0, -1), 4.5),
        (surgery.slimmer_jaw, head, (0.88, 1.2), (-1, 0), 10),
        (surgery.slimmer_jaw, head, (-0.88, 1.2), (1, 0), 10),
        (surgery.fuller_lips, mouth, (0, -0.15), (0, -1), 4.5),
        (surgery.fuller_lips, mouth, (0, 0.3), (0, 1), 4.5),
    ],
)
def test_the_largest_shift_is_the_dose(draw, change, frame, target, way, percent):
    face = draw(side=440, unit=100.0)
    landed = frame(face).pixels(np.array([target], float))[0]
    step = percent / 100 * 100 * np.array(way)
    seen = dot(change(with_dot(face, landed - step), percent))
    np.testing.assert_allclose(seen, landed, atol=PIXELS + 0.1 * percent)


@pytest.mark.parametrize("tilt", [0, 20])
def test_pixels_elsewhere_stay_to_the_bit(draw, tilt):
    face = draw(tilt=tilt)
    everywhere = whole(face)

    def away(frame, places, radii):
        x, y = frame.within(everywhere)
        return np.min(
            [np.hypot((x - a) / radii[0], (y - b) / radii[1]) for a, b in places],
            axis=0,
        )

    def differ(other):
        return (other.pixels != face.pixels).any(axis=-1)

    wings = away(nose(face), [(-0.24, -0.03), (0.24, -0.03)], (0.24, 0.3))
    assert not differ(surgery.narrower_nose(face, 10))[wings > 1.001].any()
    lids = np.minimum(*(away(eye, [(0, -0.13)], (0.34, 0.13)) for eye in eyes(face)))
    assert not differ(surgery.lifted_lids(face, 6))[lids > 1.001].any()
    jaw = away(head(face), [(-0.88, 1.2), (0.88, 1.2)], (0.6, 0.75))
    assert not differ(surgery.slimmer_jaw(face, 20))[jaw > 1.001].any()
    lips = away(mouth(face), [(0, -0.15), (0, 0.3)], (0.5, 0.15))
    assert not differ(surgery.fuller_lips(face, 6))[lips > 1.001].any()


def test_landmarks_stay_but_for_the_corners_of_a_slimmer_jaw(face):
    for change in (surgery.narrower_nose, surgery.lifted_lids, surgery.fuller_lips):
        np.testing.assert_allclose(change(face, 6).points, face.points, atol=0.05)
    slim = surgery.slimmer_jaw(face, 20)
    inwards = (slim.points - face.points)[3:, 0]
    assert inwards[0] > 0 > inwards[1]


@pytest.mark.parametrize(
    ("change", "percent"),
    [
        (surgery.narrower_nose, 10),
        (surgery.lifted_lids, 6),
        (surgery.slimmer_jaw, 20),
        (surgery.fuller_lips, 6),
    ],
)
def test_nothing_is_folded(draw, change, percent):
    """Along both axes, places keep their order at the largest dose."""
    face = draw(side=440, unit=100.0, grain=0)
    ramp = np.arange(440) / 2
    for axis in (0, 1):
        plane = np.broadcast_to(ramp[:, None] if axis == 0 else ramp, (440, 440))
        pixels = np.repeat(plane[..., None], 3, axis=-1).astype(np.uint8)
        seen = change(replace(face, pixels=pixels), percent).pixels[..., 0]
        assert np.diff(seen.astype(int), axis=axis).min() >= -1  # rounding


@pytest.mark.parametrize(
    "change",
    [
        surgery.narrower_nose,
        surgery.lifted_lids,
        surgery.slimmer_jaw,
        surgery.fuller_lips,
    ],
)
def test_no_dose_is_the_same_picture_to_the_bit(face, change):
    unchanged = change(face, 0)
    np.testing.assert_array_equal(unchanged.pixels, face.pixels)
    np.testing.assert_allclose(unchanged.points, face.points)
