from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fahrstats.face.detection.views import (
    mapped,
    reduced,
    reduced_image,
    shrunk,
    turned,
    upright,
    windows,
)

PLACE = 0.15
"""Pixels; tones are whole numbers. Half a pixel of a view would be 0.5 or 1."""


def spot(rows, columns, x, y, width=6.0):
    """Draw a light round spot about a point, counted from the corner, on grey."""
    down, across = np.mgrid[:rows, :columns] + 0.5
    light = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * width**2))
    grey = np.round(100 + 100 * light).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def middle_of_spot(pixels):
    """Return the mean place of what is lighter than half, counted from the corner."""
    grey = np.asarray(pixels)[0].mean(axis=0)
    light = np.clip(grey - grey.max() / 2, 0, None)
    down, across = np.mgrid[: grey.shape[0], : grey.shape[1]] + 0.5
    return np.array([(light * across).sum(), (light * down).sum()]) / light.sum()


@pytest.mark.parametrize("degrees", [0.0, 20.0, -20.0, 90.0, 133.0])
@pytest.mark.parametrize("long_side", [1000, 150])
def test_places_in_a_turned_view_are_taken_back(degrees, long_side):
    place = np.array([70.3, 150.8])
    view = turned(reduced(spot(240, 300, *place), long_side), degrees)
    found = middle_of_spot(view.levels[0])
    assert_allclose(view.points_in_picture(found), place, atol=PLACE)


def test_a_clockwise_turn_takes_the_top_to_the_right():
    view = turned(reduced(spot(201, 201, 100.5, 40.5), 1000), 90.0)
    assert_allclose(middle_of_spot(view.levels[0]), [160.5, 100.5], atol=PLACE)


@settings(max_examples=25)
@given(st.floats(-180, 180), st.integers(20, 60), st.integers(20, 60))
def test_a_turned_view_holds_the_whole_picture(degrees, rows, columns):
    view = turned(reduced(np.zeros((rows, columns, 3), np.uint8), 1000), degrees)
    inverse = np.linalg.inv(view.to_picture[:, :2])
    corners = np.array([[0, 0], [columns, 0], [0, rows], [columns, rows]])
    there = (corners - view.to_picture[:, 2]) @ inverse.T
    assert there.min() > -1e-6
    assert np.all(there <= np.array(view.size[::-1]) + 1e-6)
    assert_allclose(view.points_in_picture(there), corners, atol=1e-9)


def test_the_box_of_a_turned_face_keeps_its_size():
    view = turned(reduced(np.zeros((200, 100, 3), np.uint8), 100), 30.0)
    box = np.array([[20.0, 30.0, 40.0, 60.0]])
    left, top, right, bottom = view.boxes_in_picture(box)[0]
    assert_allclose([right - left, bottom - top], [40.0, 60.0], rtol=1e-12)
    middle = view.points_in_picture(np.array([30.0, 45.0]))
    assert_allclose([(left + right) / 2, (top + bottom) / 2], middle, rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "columns", "size"),
    [
        (240, 300, (240, 300)),
        (600, 750, (256, 320)),
        (1, 6000, (1, 320)),
        (6000, 10, (320, 1)),
        (320, 1, (320, 1)),
    ],
)
def test_a_picture_is_reduced_to_its_long_side(rows, columns, size):
    pixels = np.zeros((rows, columns, 3), np.uint8)
    assert reduced_image(pixels, 320).size == size[::-1]
    view = reduced(pixels, 320)
    assert view.size == size
    corner = view.points_in_picture(np.array(size[::-1], dtype=np.float64))
    assert_allclose(corner, [columns, rows], rtol=1e-12)


def test_a_dark_picture_looks_like_a_light_one():
    rng = np.random.default_rng(1)
    light = rng.integers(0, 256, (80, 90, 3), dtype=np.uint8)
    dark = (light * 0.2).astype(np.uint8)
    views = [reduced(pixels, 100).levels[0] for pixels in (light, dark)]
    assert np.abs(np.asarray(views[0] - views[1])).max() < 10 / 128  # 5 tones of 255


@pytest.mark.parametrize("tone", [0, 1, 128, 255])
def test_a_blank_picture_stays_blank(tone):
    pixels = np.full((50, 60, 3), tone, np.uint8)
    pixels[::2, ::2] = max(tone, 1) - 1
    assert np.ptp(np.asarray(reduced(pixels, 100).levels[0])) < 0.3  # of 2


def test_a_window_shows_the_view_where_its_frame_says():
    """On a ramp, whose value is its place, also in halved views."""
    down, across = np.mgrid[:256, :256]
    ramp = np.stack([across, down, across], axis=-1).astype(np.uint8)
    view = reduced(ramp, 1000)
    low, high = np.asarray(view.levels[0])[0, 0, 0, [64, 192]]
    slope = (high - low) / 128
    frames = np.array(
        [
            [[24.0, 0, 100], [0, 24.0, 60]],  # as it is
            [[-24.0, 0, 130], [0, 24.0, 60]],  # mirrored
            [[30.0, -40.0, 120], [40.0, 30.0, 80]],  # turned, read from half the size
            [[150.0, 0, 40], [0, 150.0, 50]],  # from a quarter of the size
        ]
    )
    steps = (np.arange(24) + 0.5) / 24
    centres = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    places = mapped(centres, frames).reshape(-1, 24, 24, 2)
    cut = np.asarray(windows(view, frames, 24))[:4]
    for channel, axis in ((0, 0), (1, 1)):
        expected = low + slope * (places[..., axis] - 64.5)
        assert_allclose(cut[:, channel], expected, atol=1e-4)


def test_no_pixel_of_a_large_window_is_skipped():
    board = (np.indices((192, 192)).sum(axis=0) % 2 * 255).astype(np.uint8)
    view = reduced(np.repeat(board[:, :, None], 3, axis=2), 1000)
    squares = np.array([[0.0, 0.0, 192.0, 192.0], [7.0, 11.0, 103.0, 107.0]])
    cut = np.asarray(windows(view, upright(squares), 24))
    assert_allclose(cut[:2], np.mean(np.asarray(view.levels[0])), atol=1e-6)


def test_what_lies_beyond_the_view_is_grey_and_so_are_windows_that_fill_up():
    view = reduced(np.full((40, 40, 3), 255, np.uint8), 1000)
    squares = np.array([[-100.0, -100.0, -40.0, -40.0], [0.0, 0.0, 40.0, 40.0]])
    cut = np.asarray(windows(view, upright(squares), 24))
    assert cut.shape == (4, 3, 24, 24)
    assert_array_equal(cut[[0, 2, 3]], 0)
    assert np.all(cut[1] != 0)


def test_a_shrunk_view_keeps_its_places():
    view = reduced(spot(240, 300, 70.3, 150.8, width=20.0), 1000)
    for size in ((144, 180), (60, 75), (31, 39)):
        found = middle_of_spot(shrunk(view, size)) * np.divide(view.size, size)[::-1]
        assert_allclose(found, [70.3, 150.8], atol=0.7)
