"""Changes of light: how much of it, how it is graded, of what colour, from where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.colours import (
    LUMINANCE,
    light_levels,
    to_light,
    to_pixels,
)
from fahrstats.face.perturbations.frames import head, whole

_DAYLIGHT = 6500.0
_COLDEST, _HOTTEST = 1667.0, 25000.0
"""Kelvin between which the formula for black bodies holds."""
_XYZ_TO_SRGB = np.array(
    [
        [3.2406, -1.5372, -0.4986],
        [-0.9689, 1.8758, 0.0415],
        [0.0557, -0.2040, 1.0570],
    ]
)
_HALF_FACE = 1.0
"""Distance from the midline to the side of the face, in distances between the eyes."""


def exposed(face: FoundFace, stops: float) -> FoundFace:
    """Multiply linear light by two to the power of ``stops``."""
    levels = to_pixels(light_levels() * np.float32(2.0**stops))
    return replace(face, pixels=levels[face.pixels])


def graded(face: FoundFace, gamma: float) -> FoundFace:
    """Raise values between black (0) and white (1) to a power; above 1 is darker."""
    levels = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return replace(face, pixels=levels[face.pixels])


def coloured(face: FoundFace, kelvin: float) -> FoundFace:
    """Light a photo by a black body of a temperature instead of 6500 K.

    Red, green and blue of linear light are multiplied by the ratios of the two lights;
    the luminance of white stays.
    """
    gains = white_of(kelvin) / white_of(_DAYLIGHT)
    gains /= LUMINANCE @ gains
    levels = to_pixels(light_levels()[:, None] * gains.astype(np.float32))  # (256, 3)
    return replace(face, pixels=levels[face.pixels, np.arange(3)])


def lit_from_right(face: FoundFace, stops: float) -> FoundFace:
    """Brighten the image's right side of a face and darken its left; or the reverse.

    In the midline of the face nothing changes; the sides, one distance between the eyes
    away, gain and lose half of ``stops``, and so does all beyond them.
    """
    x, _ = head(face).within(whole(face))
    part = np.sin(np.pi / 2 * np.clip(x / _HALF_FACE, -1, 1))
    gain = np.exp2(np.float32(stops / 2) * part)
    return replace(face, pixels=to_pixels(to_light(face.pixels) * gain[..., None]))


def veiled(face: FoundFace, percent: float) -> FoundFace:
    """Replace a share of linear light by the mean of the picture."""
    mean = to_light(face.pixels).mean(axis=(0, 1), dtype=np.float64)
    share = percent / 100
    mixed = (1 - share) * light_levels()[:, None] + share * mean
    levels = to_pixels(mixed.astype(np.float32))  # (256, 3)
    return replace(face, pixels=levels[face.pixels, np.arange(3)])


def faded(face: FoundFace, percent: float) -> FoundFace:
    """Mix linear light with its luminance; at 100 the picture is grey."""
    light = to_light(face.pixels)
    share = np.float32(percent / 100)
    grey = (light @ LUMINANCE)[..., None]
    return replace(face, pixels=to_pixels(light + share * (grey - light)))


def white_of(kelvin: float) -> NDArray[np.float64]:
    """Return linear red, green and blue of a black body, at luminance 1.

    Raises
    ------
    DataError
        The formula does not hold for this temperature.

    References
    ----------
    Kim et al. (2002), US patent 7024034: cubic approximation of the Planckian locus.
    """
    if not _COLDEST <= kelvin <= _HOTTEST:
        raise DataError(
            f"`kelvin` must be between {_COLDEST:g} and {_HOTTEST:g}, but it is "
            f"{kelvin:g}."
        )
    k = 1e3 / kelvin
    if kelvin <= 4000:
        x = np.polyval([-0.2661239, -0.2343589, 0.8776956, 0.179910], k)
    else:
        x = np.polyval([-3.0258469, 2.1070379, 0.2226347, 0.240390], k)
    if kelvin <= 2222:
        y = np.polyval([-1.1063814, -1.34811020, 2.18555832, -0.20219683], x)
    elif kelvin <= 4000:
        y = np.polyval([-0.9549476, -1.37418593, 2.09137015, -0.16748867], x)
    else:
        y = np.polyval([3.0817580, -5.87338670, 3.75112997, -0.37001483], x)
    rgb = _XYZ_TO_SRGB @ (x / y, 1.0, (1 - x - y) / y)
    return np.asarray(np.maximum(rgb, 0), np.float64)
