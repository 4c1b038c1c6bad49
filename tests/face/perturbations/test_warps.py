from __future__ import annotations

import numpy as np

from fahrstats.face.perturbations.frames import bump, head, whole
from fahrstats.face.perturbations.warps import fetched, moved, shifted_points


def test_pixels_fetched_from_where_they_are_stay_the_same(face):
    y, x = np.mgrid[:220, :220].astype(np.float32)
    np.testing.assert_array_equal(fetched(face.pixels, x, y), face.pixels)


def test_whole_pixels_are_shifted_to_the_bit(face):
    y, x = np.mgrid[10:200, 10:200].astype(np.float32)
    np.testing.assert_array_equal(
        fetched(face.pixels, x + 3, y - 5), face.pixels[5:195, 13:203]
    )


def test_points_go_where_their_content_goes(face):
    """Inverse of the inverse: what is shown at a new place came from the old one."""
    frame = head(face)

    def shift(x, y):
        return np.float32(0.2) * bump(x**2 + (y - 0.5) ** 2), 0 * x

    there = frame.coordinates(shifted_points(face.points, frame, shift))
    back = there - np.stack(shift(*there.T), axis=-1)
    np.testing.assert_allclose(back, frame.coordinates(face.points), atol=1e-5)


def test_pixels_without_a_shift_stay_to_the_bit(face):
    frame = head(face)

    def shift(x, y):
        return np.float32(0.1) * bump((x / 0.3) ** 2 + (y / 0.3) ** 2), 0 * x

    changed = moved(face, frame, whole(face), shift)
    x, y = frame.within(whole(face))
    outside = np.hypot(x, y) > 0.3
    np.testing.assert_array_equal(changed.pixels[outside], face.pixels[outside])
    assert (changed.pixels[~outside] != face.pixels[~outside]).any(axis=-1).mean() > 0.5
