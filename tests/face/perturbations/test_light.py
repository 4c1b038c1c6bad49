from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fahrstats.errors import DataError
from fahrstats.face.perturbations import light
from fahrstats.face.perturbations.colours import LUMINANCE, to_light
from fahrstats.face.perturbations.frames import head, whole

LEVEL_RTOL = 0.02  # half a level of 8 bits, at the levels that are looked at
CHROMATICITY_ATOL = 1e-3  # of the cubic formula
TO_XYZ = np.linalg.inv(light._XYZ_TO_SRGB)


def grey(face, level):
    return replace(face, pixels=np.full_like(face.pixels, level))


@pytest.mark.parametrize("stops", [-2, -1, 1])
def test_a_stop_doubles_linear_light(face, stops):
    levels = np.arange(90, 180, dtype=np.uint8)
    ramp = replace(face, pixels=np.repeat(levels[None, :, None], 3, axis=2))
    ratio = to_light(light.exposed(ramp, stops).pixels) / to_light(ramp.pixels)
    np.testing.assert_allclose(ratio, 2.0**stops, rtol=LEVEL_RTOL)


def test_what_is_too_bright_is_white(face):
    assert (light.exposed(grey(face, 200), 2).pixels == 255).all()


def test_gamma_is_a_power_of_the_values(face):
    np.testing.assert_array_equal(
        light.graded(face, 2).pixels,
        np.rint(255 * (face.pixels / 255.0) ** 2).astype(np.uint8),
    )


@pytest.mark.parametrize(
    ("kelvin", "x", "y"), [(2856, 0.44757, 0.40745), (6504, 0.31343, 0.32354)]
)
def test_the_colour_of_a_black_body_is_that_of_the_tables(kelvin, x, y):
    """CIE illuminant A is a black body of 2856 K; the other is one of 6504 K."""
    xyz = TO_XYZ @ light.white_of(kelvin)
    np.testing.assert_allclose(xyz[:2] / xyz.sum(), (x, y), atol=CHROMATICITY_ATOL)


def test_grey_stays_grey_at_6500_kelvin_and_keeps_its_luminance_elsewhere(face):
    np.testing.assert_array_equal(light.coloured(face, 6500).pixels, face.pixels)
    before = to_light(np.full(3, 120, np.uint8)) @ LUMINANCE
    for kelvin in (3200, 4500, 9000, 15000):
        seen = light.coloured(grey(face, 120), kelvin).pixels[0, 0]
        assert to_light(seen) @ LUMINANCE == pytest.approx(before, rel=LEVEL_RTOL)
        assert (seen[0] > seen[2]) == (kelvin < 6500)


@pytest.mark.parametrize("kelvin", [1000, 30000])
def test_a_temperature_is_one_that_the_formula_knows(face, kelvin):
    with pytest.raises(DataError, match=f"between 1667 and 25000, but it is {kelvin}"):
        light.coloured(face, kelvin)


@pytest.mark.parametrize("stops", [-2, 1.5])
def test_the_sides_of_a_face_differ_by_the_ratio(draw, stops):
    face = grey(draw(tilt=10), 120)
    lit = to_light(light.lit_from_right(face, stops).pixels)[..., 0]
    x, _ = head(face).within(whole(face))
    ratio = lit[x > 1].mean() / lit[x < -1].mean()
    assert np.log2(ratio) == pytest.approx(stops, abs=0.03)
    middle = np.abs(x) < 0.01
    np.testing.assert_allclose(
        lit[middle], to_light(face.pixels)[middle][:, 0], rtol=LEVEL_RTOL
    )


def test_a_veil_keeps_the_mean_and_takes_a_share_of_the_contrast(face):
    before = to_light(face.pixels)
    after = to_light(light.veiled(face, 40).pixels)
    np.testing.assert_allclose(
        after.mean(axis=(0, 1)), before.mean(axis=(0, 1)), rtol=2e-3
    )
    np.testing.assert_allclose(
        after.std(axis=(0, 1)), 0.6 * before.std(axis=(0, 1)), rtol=LEVEL_RTOL
    )


def test_a_faded_picture_is_grey_and_keeps_its_luminance(face):
    seen = light.faded(face, 100).pixels
    assert (np.ptp(seen, axis=-1) == 0).all()
    np.testing.assert_allclose(
        to_light(seen) @ LUMINANCE, to_light(face.pixels) @ LUMINANCE, rtol=LEVEL_RTOL
    )


@pytest.mark.parametrize(
    ("change", "none"),
    [
        (light.exposed, 0),
        (light.graded, 1),
        (light.coloured, 6500),
        (light.lit_from_right, 0),
        (light.veiled, 0),
        (light.faded, 0),
    ],
)
def test_no_dose_is_the_same_picture_to_the_bit(face, change, none):
    noise = np.random.default_rng(2).integers(0, 256, face.pixels.shape, np.uint8)
    face = replace(face, pixels=noise)
    np.testing.assert_array_equal(change(face, none).pixels, noise)
