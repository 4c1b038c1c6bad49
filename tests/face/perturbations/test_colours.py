from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from fahrstats.face.perturbations.colours import (
    LUMINANCE,
    from_lab,
    light_levels,
    to_lab,
    to_light,
    to_pixels,
)

LEVELS = np.arange(256, dtype=np.uint8)
COLOURS = np.random.default_rng(1).integers(0, 256, (4000, 3), dtype=np.uint8)
LAB_ATOL = 0.05  # the matrix of sRGB is given with four digits


def test_linear_light_follows_the_standard():
    """IEC 61966-2-1: 0 is black, 1 white; level 188 is close to half of the light."""
    light = to_light(LEVELS)
    assert (light[0], light[255]) == (0, 1)
    np.testing.assert_allclose(light[10], 10 / 255 / 12.92, rtol=1e-6)
    np.testing.assert_allclose(
        light[188], ((188 / 255 + 0.055) / 1.055) ** 2.4, rtol=1e-6
    )
    np.testing.assert_array_equal(light_levels(), light)


def test_every_level_survives_the_way_there_and_back():
    np.testing.assert_array_equal(to_pixels(to_light(LEVELS)), LEVELS)
    np.testing.assert_array_equal(to_pixels(np.float32([-1, 2])), [0, 255])


def test_lab_is_that_of_scikit_image():
    np.testing.assert_allclose(to_lab(COLOURS), rgb2lab(COLOURS), atol=LAB_ATOL)


def test_colours_survive_the_way_through_lab():
    np.testing.assert_array_equal(from_lab(to_lab(COLOURS)), COLOURS)


def test_luminance_is_the_lightness_of_grey():
    assert LUMINANCE.sum() == np.float32(1)
