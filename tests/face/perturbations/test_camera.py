from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fahrstats.face.perturbations import camera
from fahrstats.face.perturbations.colours import to_light, to_pixels

NOISE_RTOL = 0.03  # 145,000 draws, cut off at black, rounded to levels
SPREAD_RTOL = 0.02
MID_GREY = 118  # the level whose linear light is closest to 18%


def with_blob(face, spread=6.0):
    """Return a picture of one bright blob, and of the picture's shape its light."""
    y, x = np.mgrid[:220, :220]
    light = 0.01 + 0.9 * np.exp(-((x - 110) ** 2 + (y - 100) ** 2) / (2 * spread**2))
    pixels = to_pixels(np.repeat(light[..., None], 3, axis=-1).astype(np.float32))
    return replace(face, pixels=pixels)


def spreads(face):
    """Return the variances of the blob along x and y, in pixels squared."""
    light = to_light(face.pixels)[..., 0].astype(float)
    light -= light[0, 0]
    y, x = np.mgrid[:220, :220]
    total = light.sum()
    return [
        (light * (c - (light * c).sum() / total) ** 2).sum() / total for c in (x, y)
    ]


@pytest.mark.parametrize("percent", [8, 16])
def test_a_defocused_blob_is_wider_by_the_variance(face, percent):
    before, after = with_blob(face), camera.defocused(with_blob(face), percent)
    gained = np.subtract(spreads(after), spreads(before))
    np.testing.assert_allclose(gained, (percent / 100 * 50) ** 2, rtol=SPREAD_RTOL)


@pytest.mark.parametrize("percent", [20, 40])
def test_a_moved_camera_widens_a_blob_sideways_only(face, percent):
    """The variance of a line of length L is L^2 / 12."""
    before, after = with_blob(face), camera.smeared(with_blob(face), percent)
    across, down = np.subtract(spreads(after), spreads(before))
    assert across == pytest.approx((percent / 100 * 50) ** 2 / 12, rel=0.06)
    assert abs(down) < 0.1


@pytest.mark.parametrize("length", [0.4, 1, 2.5, 4, 7.3])
def test_a_line_covers_its_pixels_evenly(length):
    weights = camera._line(length)
    assert weights.sum() == pytest.approx(1)
    assert weights.max() == pytest.approx(1 / max(length, 1))
    assert len(weights) == 1 + 2 * max(int(np.ceil((length - 1) / 2)), 0)
    np.testing.assert_allclose(weights, weights[::-1])


@pytest.mark.parametrize("change", [camera.defocused, camera.smeared])
def test_blur_keeps_the_light(face, change):
    before, after = with_blob(face), change(with_blob(face), 16)
    np.testing.assert_allclose(
        to_light(after.pixels).mean(), to_light(before.pixels).mean(), rtol=5e-3
    )


@pytest.mark.parametrize("percent", [5, 20])
def test_noise_has_the_stated_size_at_mid_grey(face, percent):
    flat = replace(face, pixels=np.full_like(face.pixels, MID_GREY))
    light = to_light(camera.noisy(flat, percent).pixels)
    assert light.std() / 0.18 == pytest.approx(percent / 100, rel=NOISE_RTOL)
    assert light.mean() == pytest.approx(to_light(flat.pixels).mean(), rel=5e-3)


def test_photon_noise_grows_with_the_light(face):
    """At four times the light the variance is (4 x 0.8 + 0.2) times as large."""
    flat = replace(face, pixels=np.full_like(face.pixels, 221))
    level = float(to_light(flat.pixels)[0, 0, 0])
    light = to_light(camera.noisy(flat, 5).pixels)
    wanted = (0.05 * 0.18) ** 2 * (0.8 * level / 0.18 + 0.2)
    assert light.var() == pytest.approx(wanted, rel=2 * NOISE_RTOL)


def test_noise_is_that_of_the_picture(face, draw):
    again = camera.noisy(draw(), 20)
    np.testing.assert_array_equal(camera.noisy(face, 20).pixels, again.pixels)
    pixels = face.pixels.copy()
    pixels[0, 0, 0] ^= 1
    other = camera.noisy(replace(face, pixels=pixels), 20)
    assert (other.pixels != again.pixels).mean() > 0.5


def test_fewer_pixels_hold_no_finer_detail(draw):
    face = draw(grain=20)
    few = camera.reduced(face, 5)  # blocks of ten pixels
    fine = np.diff(few.pixels.astype(float), axis=1)
    assert np.abs(fine).mean() < 0.1 * np.abs(np.diff(face.pixels.astype(float))).mean()
    assert few.pixels.shape == face.pixels.shape
    assert camera.reduced(face, 60) is face


def test_compression_is_that_of_the_format(face):
    stored = io.BytesIO()
    Image.fromarray(face.pixels).save(stored, "JPEG", quality=30, subsampling=2)
    np.testing.assert_array_equal(
        camera.compressed(face, 30).pixels, np.array(Image.open(stored))
    )


@pytest.mark.parametrize("change", [camera.defocused, camera.smeared, camera.noisy])
def test_no_dose_is_the_same_face(face, change):
    assert change(face, 0) is face
