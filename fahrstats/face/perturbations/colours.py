"""From the values of a picture to linear light and CIELAB, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Share of red, green and blue in the luminance of linear sRGB."""

_STEPS = 65535
_TO_XYZ = np.array(
    [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ],
    np.float32,
)
_FROM_XYZ = np.linalg.inv(_TO_XYZ.astype(np.float64)).astype(np.float32)
_WHITE = _TO_XYZ.sum(axis=1)
_BEND = 6 / 29


def _decoded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light of sRGB values, both from 0 to 1 (IEC 61966-2-1)."""
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def _encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB values of linear light, both from 0 to 1."""
    return np.where(
        light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055
    )


_LIGHT = _decoded(np.arange(256) / 255).astype(np.float32)
_LEVELS = np.rint(255 * _encoded(np.arange(_STEPS + 1) / _STEPS)).astype(np.uint8)


def light_levels() -> FloatArray:
    """Return the linear light of the 256 levels of a channel, 0 to 1."""
    return _LIGHT.copy()


def to_light(pixels: NDArray[np.uint8]) -> FloatArray:
    """Return linear light from 0 (black) to 1 (white) of sRGB pixels."""
    return _LIGHT[pixels]


def to_pixels(light: FloatArray) -> NDArray[np.uint8]:
    """Return sRGB pixels of linear light; what is below 0 or above 1 is cut off."""
    steps = np.clip(light * _STEPS + 0.5, 0, _STEPS).astype(np.uint16)
    pixels: NDArray[np.uint8] = _LEVELS[steps]
    return pixels


def to_lab(pixels: NDArray[np.uint8]) -> FloatArray:
    """Return CIELAB (D65) of sRGB pixels, shape (..., 3)."""
    xyz = to_light(pixels) @ (_TO_XYZ / _WHITE[:, None]).T
    root = np.where(
        xyz > _BEND**3, np.cbrt(xyz), xyz / (3 * _BEND**2) + np.float32(4 / 29)
    )
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def from_lab(lab: FloatArray) -> NDArray[np.uint8]:
    """Return sRGB pixels of CIELAB; colours that sRGB lacks are cut off."""
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(root > _BEND, root**3, 3 * _BEND**2 * (root - np.float32(4 / 29)))
    return to_pixels((xyz * _WHITE) @ _FROM_XYZ.T)
