from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut
from skimage.measure import blur_effect

from fahrstats.face.detection.quality import blur, brightness

FACE = astronaut()[60:172, 160:272]
LUMA = (0.2126, 0.7152, 0.0722)


def blurred(pixels, sigma):
    return gaussian_filter(pixels.astype(float), (sigma, sigma, 0)).round().astype("u1")


@pytest.mark.parametrize("sigma", [0, 0.5, 1, 2, 4])
def test_blur_equals_scikit_image(sigma):
    pixels = blurred(FACE, sigma)
    expected = blur_effect(pixels @ LUMA / 255, h_size=11)
    assert blur(pixels) == pytest.approx(expected, abs=1e-12)


def test_blur_grows_with_the_width_of_a_gaussian():
    values = [blur(blurred(FACE, sigma)) for sigma in (0, 0.5, 1, 1.5, 2, 3, 4, 6)]
    assert np.all(np.diff(values) > 0)
    assert 0 < values[0] < 0.5
    assert 0.8 < values[-1] < 1


def test_blur_of_one_direction_counts():
    moved = gaussian_filter(FACE.astype(float), (0, 4, 0)).round().astype("u1")
    assert blur(moved) > blur(FACE) + 0.2
    assert blur(moved) == pytest.approx(blur(moved.transpose(1, 0, 2)))


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_picture_without_differences_is_blurred_altogether(level):
    assert blur(np.full((112, 112, 3), level, np.uint8)) == 1


def test_brightness_is_the_mean_luma():
    assert brightness(np.zeros((9, 9, 3), np.uint8)) == 0
    assert brightness(np.full((9, 9, 3), 255, np.uint8)) == pytest.approx(1)
    for channel, weight in enumerate(LUMA):
        pure = np.zeros((4, 4, 3), np.uint8)
        pure[:2, :, channel] = 255
        assert brightness(pure) == pytest.approx(weight / 2)
    assert brightness(FACE // 2) == pytest.approx(brightness(FACE) / 2, abs=0.002)
