from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from skimage.data import astronaut

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import (
    ARCFACE_POINTS,
    align,
    similarity,
    template,
)
from fahrstats.face.detection.faces import FoundFace


def face_at(pixels, points):
    return FoundFace(
        photo="made.png",
        pixels=pixels,
        box=np.array([0.0, 0.0, 1.0, 1.0]),
        points=np.asarray(points, float),
    )


def noise(rows, columns, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def placed(*, size, margin, turn, centre):
    """Return landmarks whose crop has its centre and one pixel's step at these places.

    ``turn`` and ``centre`` are complex: the step from a pixel of the crop to the next
    one in its row, and the place of the crop's centre in the picture.
    """
    points = template(size, margin) @ (1, 1j)
    there = turn * (points - complex(size - 1, size - 1) / 2) + centre
    return np.column_stack([there.real, there.imag])


# --- the template ---------------------------------------------------------------------


def test_the_template_of_an_arcface_crop_is_the_published_one():
    assert_allclose(template(112, 0), ARCFACE_POINTS, rtol=0, atol=1e-12)
    assert_array_equal(ARCFACE_POINTS[0], [38.2946, 51.6963])
    assert ARCFACE_POINTS[0, 0] < ARCFACE_POINTS[1, 0]  # the image's left eye is first


@pytest.mark.parametrize("size", [64, 112, 224, 384])
@pytest.mark.parametrize("margin", [0, 0.2, 0.5, 1])
def test_a_margin_adds_its_share_of_the_arcface_side_on_each_side(size, margin):
    # As shares of the crop, counted from its corner, the same wherever it is cut.
    shares = (template(size, margin) + 0.5) / size
    inner = (ARCFACE_POINTS + 0.5) / 112
    assert_allclose(shares, (inner + margin) / (1 + 2 * margin), atol=1e-12)


def test_multiplied_pixel_centres_are_half_a_pixel_away():
    assert_allclose(template(224, 0) - 2 * ARCFACE_POINTS, 0.5, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "margin", "message"),
    [
        (0, 0.0, r"`input_size` must be at least 1 pixel, but it is 0"),
        (112, -0.1, r"`crop_margin` must be between 0 and 1, but it is -0\.1"),
        (112, 1.5, r"`crop_margin` must be between 0 and 1, but it is 1\.5"),
        (112, math.nan, r"`crop_margin` must be between 0 and 1, but it is nan"),
    ],
)
def test_a_template_that_cannot_be_says_why(size, margin, message):
    with pytest.raises(DataError, match=message):
        template(size, margin)


# --- the similarity -------------------------------------------------------------------

coordinates = st.floats(-1000, 1000)


@given(
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.01, 100),
    x=coordinates,
    y=coordinates,
)
def test_a_similarity_is_recovered(angle, scale, x, y):
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[cos, -sin, x], [sin, cos, y]])
    moved = ARCFACE_POINTS @ matrix[:, :2].T + matrix[:, 2]
    found = similarity(ARCFACE_POINTS, moved)
    assert_allclose(found, matrix, rtol=0, atol=1e-9 * (1 + scale + abs(x) + abs(y)))


def umeyama(points, target):
    """Solve by singular values, as in the paper (equations 40 to 43)."""
    centre, goal = points.mean(axis=0), target.mean(axis=0)
    covariance = (target - goal).T @ (points - centre) / len(points)
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (singular * sign).sum() / ((points - centre) ** 2).sum() * len(points)
    return np.column_stack([scale * rotation, goal - scale * rotation @ centre])


@given(st.integers(0, 2**32 - 1))
def test_the_complex_form_is_umeyamas(seed):
    rng = np.random.default_rng(seed)
    points, target = rng.normal(size=(2, 5, 2)) * 40 + 100
    assert_allclose(similarity(points, target), umeyama(points, target), atol=1e-8)


def test_a_reflection_is_never_used():
    mirrored = ARCFACE_POINTS * (-1, 1)
    matrix = similarity(mirrored, ARCFACE_POINTS)[:, :2]
    assert np.linalg.det(matrix) > 0
    assert_allclose(matrix[0, 0], matrix[1, 1])
    assert_allclose(matrix[0, 1], -matrix[1, 0])


@pytest.mark.parametrize(
    ("points", "target", "message"),
    [
        (np.full((5, 2), 7.3), ARCFACE_POINTS, r"The 5 `points` coincide or do not"),
        (np.zeros((5, 2)), ARCFACE_POINTS, r"The 5 `points` coincide or do not"),
        ([[-1, 0], [1, 0]], [[3, 3], [3, 3]], r"The 2 `points` coincide or do not"),
        (ARCFACE_POINTS[:4], ARCFACE_POINTS, r"shape \(n, 2\), but have \(4, 2\) and"),
        (np.arange(5.0), np.arange(5.0), r"shape \(n, 2\), but have \(5,\)"),
        (
            np.where(ARCFACE_POINTS > 92.3, np.nan, ARCFACE_POINTS),
            ARCFACE_POINTS,
            r"1 of 5 `points` have a missing or infinite coordinate.*left_eye, right",
        ),
    ],
)
def test_points_without_a_similarity_say_why(points, target, message):
    with pytest.raises(DataError, match=message):
        similarity(points, target)


# --- exact cases of the crop ----------------------------------------------------------

BOTH = pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])


@BOTH
@pytest.mark.parametrize("size", [112, 113, 224])
def test_an_aligned_face_comes_back_bit_for_bit(interpolation, size):
    pixels = noise(size, size)
    face = face_at(pixels, template(size, 0.2))
    crop = align(face, size=size, margin=0.2, interpolation=interpolation)
    assert_array_equal(crop, pixels)
    assert crop.dtype == np.uint8
    assert crop.flags.c_contiguous


@BOTH
@pytest.mark.parametrize(("right", "down"), [(0, 0), (17, 5), (60, 88)])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_shifts_and_quarter_turns_move_pixels_only(
    interpolation, right, down, quarters
):
    pixels = noise(200, 180)
    centre = complex(right + 55.5, down + 55.5)
    points = placed(size=112, margin=0, turn=1j**quarters, centre=centre)
    crop = align(
        face_at(pixels, points), size=112, margin=0, interpolation=interpolation
    )
    # The crop is that piece of the picture, turned back (rot90 turns anticlockwise).
    there = pixels[down : down + 112, right : right + 112]
    assert_array_equal(crop, np.rot90(there, quarters))


@BOTH
def test_outside_of_the_picture_is_black(interpolation):
    pixels = noise(112, 112) // 2 + 100
    points = placed(size=112, margin=0, turn=1, centre=complex(55.5 - 30, 55.5))
    crop = align(
        face_at(pixels, points), size=112, margin=0, interpolation=interpolation
    )
    assert_array_equal(crop[:, 30:], pixels[:, :-30])
    assert not crop[:, :30].any()
    away = face_at(pixels, points + 1000)
    assert not align(away, size=112, margin=0, interpolation=interpolation).any()


@pytest.mark.parametrize("factor", [2, 4, 6])
@BOTH
def test_even_reductions_keep_a_ramp_in_place(factor, interpolation):
    # A slope is reproduced by every symmetric kernel. Ties are rounded up in both
    # directions, which adds 1/8; half a pixel of the picture would move all values by
    # 0.5 to 1.4.
    side = 40 * factor
    along = np.linspace(10, 240, side)
    slope = along + np.linspace(0, 9, side)[:, None]
    pixels = np.repeat(slope.round().astype(np.uint8)[..., None], 3, 2)
    middle = (side - 1) / 2
    points = placed(size=40, margin=0, turn=factor, centre=complex(middle, middle))
    crop = align(
        face_at(pixels, points), size=40, margin=0, interpolation=interpolation
    )
    expected = slope.reshape(40, factor, 40, factor).mean(axis=(1, 3))
    assert abs((crop[..., 0] - expected)[3:-3, 3:-3].mean()) < 0.2


@given(
    angle=st.floats(-math.pi, math.pi),
    step=st.floats(0.3, 5),
    right=st.integers(0, 40),
    down=st.integers(0, 40),
)
@settings(max_examples=40, deadline=None)
def test_alignment_commutes_with_a_shift_of_the_picture(angle, step, right, down):
    turn = step * complex(math.cos(angle), math.sin(angle))
    pixels = noise(280, 280)
    points = placed(size=24, margin=0.3, turn=turn, centre=complex(160, 162))
    options = {"size": 24, "margin": 0.3, "interpolation": "bilinear"}
    whole = align(face_at(pixels, points), **options).astype(int)
    moved = face_at(pixels[down:, right:], points - (right, down))
    assert np.abs(align(moved, **options) - whole).max() <= 1


# --- the crop against brute force -----------------------------------------------------


def brute_force(pixels, points, *, size, margin=0.0):
    """Average all pixels of the picture under the triangle of a pixel of the crop.

    The triangle is two pixels of the crop wide in both directions of the crop. Returns
    the averages, shape (size, size), and whether the whole triangle was in the picture.
    """
    matrix = similarity(points, template(size, margin))
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    u, v = np.einsum("ij,jab->iab", matrix[:, :2], np.stack([x, y]))
    u, v = u + matrix[0, 2], v + matrix[1, 2]
    sums, weights = np.zeros((2, size, size))
    for right in (0, 1):  # the triangles of the four pixels around each place
        for down in (0, 1):
            column, row = (
                np.floor(u).astype(int) + right,
                np.floor(v).astype(int) + down,
            )
            weight = (1 - np.abs(u - column)) * (1 - np.abs(v - row))
            here = (column >= 0) & (column < size) & (row >= 0) & (row < size)
            at = row[here], column[here]
            np.add.at(weights, at, weight[here])
            np.add.at(sums, at, (weight * pixels)[here])
    full = weights > 0.9 * abs(np.linalg.det(matrix[:, :2])) ** -1
    return sums / np.maximum(weights, 1e-9), full


@pytest.mark.parametrize("degrees", [0, 20, -35])
@pytest.mark.parametrize(
    ("step", "interpolation", "close"),
    [
        (1.35, "bilinear", 0.5),
        (1.35, "bicubic", 1.0),
        (1.7, "bilinear", 1.0),
        (1.7, "bicubic", 1.7),
        (2.6, "bilinear", 1.3),
        (5.3, "bilinear", 1.5),
        (5.3, "bicubic", 3.0),
    ],
)
def test_a_smaller_photo_equals_brute_force(degrees, step, interpolation, close):
    pixels = astronaut()
    turn = step * np.exp(1j * np.radians(degrees))
    points = placed(size=64, margin=0, turn=turn, centre=complex(225, 210))
    face = face_at(pixels, points)
    crop = align(face, size=64, margin=0, interpolation=interpolation)[..., 1]
    twin, inside = brute_force(pixels[..., 1], points, size=64)
    assert inside.mean() > 0.8
    assert np.abs(crop - twin)[inside].mean() < close
    for moved in (points + 0.3 * step, points - 0.3 * step):
        other, _ = brute_force(pixels[..., 1], moved, size=64)
        assert np.abs(crop - other)[inside].mean() > 2 * np.abs(crop - twin).mean()


def grey(values):
    return np.repeat(np.round(values).astype(np.uint8)[..., None], 3, axis=2)


@BOTH
@pytest.mark.parametrize("degrees", [0, 10, 45])
@pytest.mark.parametrize("step", [2, 2.6, 3.7, 5.3])
def test_patterns_finer_than_the_crop_vanish(step, degrees, interpolation):
    y, x = np.mgrid[:480, :480]
    turn = step * np.exp(1j * np.radians(degrees))
    points = placed(size=48, margin=0, turn=turn, centre=complex(240.3, 239.8))
    options = {"size": 48, "margin": 0, "interpolation": interpolation}
    checkerboard = align(face_at(grey((x + y) % 2 * 255), points), **options)
    assert checkerboard.std() < 4  # without averaging 54 to 128
    stripes = align(face_at(grey(x % 2 * 255), points), **options)
    assert stripes.std() < 30
    assert abs(checkerboard.mean() - 127.5) < 1
    assert abs(stripes.mean() - 127.5) < 3


@BOTH
def test_the_rings_of_a_zone_plate_do_not_come_back(interpolation):
    # Frequencies grow from the centre to the finest that the picture holds at its edge;
    # the crop, four times smaller, holds those of the inner quarter.
    y, x = np.mgrid[:400, :400] - 199.5
    rings = face_at(
        grey(127.5 + 127.5 * np.cos(np.pi * (x**2 + y**2) / 400)),
        placed(size=100, margin=0, turn=4 * 1j**0.2, centre=complex(199.5, 199.5)),
    )
    crop = align(rings, size=100, margin=0, interpolation=interpolation)[..., 0]
    v, u = np.mgrid[:100, :100] - 49.5
    radius = np.hypot(u, v)
    assert crop[radius < 6].std() > 60
    assert crop[(radius > 25) & (radius < 48)].std() < 8


@BOTH
def test_a_larger_face_is_interpolated_between_its_pixels(interpolation):
    y, x = np.mgrid[:60, :60]
    points = placed(size=120, margin=0, turn=0.25, centre=complex(30, 30))
    face = face_at(grey(20 + 3 * x + y), points)
    crop = align(face, size=120, margin=0, interpolation=interpolation)
    v, u = (np.mgrid[:120, :120] - 59.5) * 0.25 + 30
    assert np.abs(crop[..., 0] - (20 + 3 * u + v)).max() <= 0.51


@given(
    angle=st.floats(-math.pi, math.pi),
    step=st.floats(0.5, 3),
    margin=st.floats(0.1, 1),
)
@settings(max_examples=15, deadline=None)
def test_the_landmarks_land_on_the_template(angle, step, margin):
    # A bright spot at a landmark has its centre of mass where the template says.
    turn = step * complex(math.cos(angle), math.sin(angle))
    points = placed(size=112, margin=margin, turn=turn, centre=complex(250, 250))
    y, x = np.mgrid[:500, :500]
    v, u = np.mgrid[:112, :112]
    for (px, py), place in zip(points, template(112, margin), strict=True):
        spot = 255 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (1 + step**2)))
        face = face_at(grey(spot), points)
        crop = align(face, size=112, margin=margin, interpolation="bilinear")[..., 0]
        centre = np.array([(u * crop).sum(), (v * crop).sum()]) / crop.sum()
        assert np.abs(centre - place).max() < 0.1
