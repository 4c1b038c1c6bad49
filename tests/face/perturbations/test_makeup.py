from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_face import SKIN
from skimage.color import rgb2lab

from fahrstats.face.perturbations import makeup
from fahrstats.face.perturbations.frames import eyes, head, mouth, whole

DELTA_E_ATOL = 0.7  # colours are rounded to levels
WAVE_ATOL = 0.05  # levels are rounded, and stripes of 8 of them are seldom whole


def moved(face, other):
    """Return how far every pixel has moved in CIELAB."""
    return np.linalg.norm(rgb2lab(other.pixels) - rgb2lab(face.pixels), axis=-1)


@pytest.mark.parametrize("delta_e", [6, 20])
def test_colours_move_by_the_stated_difference(face, delta_e):
    x, y = mouth(face).within(whole(face))
    lips = moved(face, makeup.with_lipstick(face, delta_e))[
        (np.abs(x) < 0.2) & (y > 0.08) & (y < 0.2)
    ]
    np.testing.assert_allclose(np.median(lips), delta_e, atol=DELTA_E_ATOL)
    x, y = head(face).within(whole(face))
    cheek = moved(face, makeup.with_blush(face, delta_e))[
        np.hypot(np.abs(x) - 0.66, y - 0.72) < 0.02
    ]
    np.testing.assert_allclose(cheek, delta_e, atol=DELTA_E_ATOL)
    left, _ = eyes(face)
    x, y = left.within(whole(face))
    lid = moved(face, makeup.with_eye_makeup(face, delta_e))[
        (np.abs(x) < 0.05) & (np.abs(y + 0.12) < 0.01)
    ]
    np.testing.assert_allclose(lid, delta_e, atol=DELTA_E_ATOL)


def test_lips_become_redder_and_lids_darker(face):
    def change(other):
        at = moved(face, other) > 1
        return (rgb2lab(other.pixels) - rgb2lab(face.pixels))[at].mean(axis=0)

    light, red, _ = change(makeup.with_lipstick(face, 20))
    assert red > 5
    assert light < 0
    light, _, _ = change(makeup.with_eye_makeup(face, 20))
    assert light < -5


@pytest.mark.parametrize("tilt", [0, 20])
def test_no_other_pixel_changes(draw, tilt):
    face = draw(tilt=tilt)
    x, y = mouth(face).within(whole(face))
    beyond = (np.abs(x) > 0.6) | (y < -0.3) | (y > 0.45)
    assert not moved(face, makeup.with_lipstick(face, 40))[beyond].any()
    at = [eye.within(whole(face)) for eye in eyes(face)]
    away = np.min([np.hypot(x / 0.41, y / 0.28) for x, y in at], axis=0)
    on_the_eye = np.min([np.hypot(x / 0.25, y / 0.1) for x, y in at], axis=0) < 0.8
    lids = moved(face, makeup.with_eye_makeup(face, 40))
    assert not lids[(away > 1) | on_the_eye].any()
    x, y = head(face).within(whole(face))
    away = np.hypot((np.abs(x) - 0.66) / 0.36, (y - 0.72) / 0.28) > 1.01
    assert not moved(face, makeup.with_blush(face, 25))[away].any()
    oval = np.hypot(x / 1.05, (y - 0.45) / 1.6) > 1.01
    for change in (makeup.with_foundation, makeup.with_smooth_skin):
        assert not moved(face, change(face, 100))[oval].any()
        assert not moved(face, change(face, 100))[on_the_eye].any()


def test_teeth_are_not_painted(face):
    x, y = mouth(face).within(whole(face))
    teeth = (np.abs(x) < 0.2) & (np.abs(y - 0.05) < 0.03)
    pixels = face.pixels.copy()
    pixels[teeth] = (240, 238, 230)
    smile = replace(face, pixels=pixels)
    painted = makeup.with_lipstick(smile, 30)
    assert not moved(smile, painted)[teeth].any()
    assert moved(smile, painted).max() > 25


def with_stripes(face, wavelength):
    """Return an even face with faint stripes of a wavelength in pixels."""
    wave = 8 * np.sin(2 * np.pi / wavelength * np.arange(face.pixels.shape[1]))
    pixels = np.array(SKIN) + np.broadcast_to(wave[:, None], face.pixels.shape)
    return replace(face, pixels=pixels.round().astype(np.uint8))


def kept(face, change, wavelength):
    """Return which part of the stripes' amplitude is left on the cheeks."""
    before = with_stripes(face, wavelength)
    x, y = head(face).within(whole(face))
    at = np.hypot(np.abs(x) - 0.55, y - 0.6) < 0.2
    wave = (before.pixels[..., 1] - float(SKIN[1]))[at]
    after = (change(before).pixels[..., 1] - float(SKIN[1]))[at]
    return (wave * after).sum() / (wave**2).sum()


def passed(wavelength, sigma):
    """Return what a Gaussian leaves of a wave, in closed form."""
    return np.exp(-((2 * np.pi / wavelength * sigma) ** 2) / 2)


@pytest.mark.parametrize("percent", [40, 100])
@pytest.mark.parametrize("wavelength", [5, 16, 60])
def test_foundation_removes_what_lies_between_two_gaussians(draw, percent, wavelength):
    """Of 3% and 12% of the distance between the eyes, 60 pixels."""
    found = kept(
        draw(unit=60.0), lambda f: makeup.with_foundation(f, percent), wavelength
    )
    between = passed(wavelength, 0.03 * 60) - passed(wavelength, 0.12 * 60)
    assert found == pytest.approx(1 - percent / 100 * between, abs=WAVE_ATOL)


@pytest.mark.parametrize("percent", [40, 100])
@pytest.mark.parametrize("wavelength", [5, 16, 60])
def test_smoothing_removes_what_is_finer_than_a_gaussian(draw, percent, wavelength):
    """Of 6% of the distance between the eyes, 60 pixels."""
    found = kept(
        draw(unit=60.0), lambda f: makeup.with_smooth_skin(f, percent), wavelength
    )
    finer = 1 - passed(wavelength, 0.06 * 60)
    assert found == pytest.approx(1 - percent / 100 * finer, abs=WAVE_ATOL)


def test_strong_edges_are_not_smoothed(face):
    pixels = np.full_like(face.pixels, 200)
    pixels[:, : pixels.shape[1] // 2] = 150  # still the colour of skin
    edge = replace(face, pixels=pixels)
    smooth = makeup.with_smooth_skin(edge, 100).pixels
    middle = pixels.shape[1] // 2
    steps = np.diff(smooth[90:130, middle - 1 : middle + 1, 0].astype(int), axis=1)
    assert steps.min() > 40


def test_what_has_another_colour_is_not_skin(face):
    pixels = face.pixels.copy()
    _, y = head(face).within(whole(face))
    hair = (y < -0.3) & (y > -0.9)
    pixels[hair] = pixels[hair] // 4
    hairy = replace(face, pixels=pixels)
    deep = hair & (y < -0.4)
    assert not moved(hairy, makeup.with_smooth_skin(hairy, 100))[deep].any()


@pytest.mark.parametrize(
    "change",
    [
        makeup.with_lipstick,
        makeup.with_eye_makeup,
        makeup.with_blush,
        makeup.with_foundation,
        makeup.with_smooth_skin,
    ],
)
def test_no_dose_is_the_same_face(face, change):
    assert change(face, 0) is face
