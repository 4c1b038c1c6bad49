"""Things that hide part of a face, drawn in one colour with soft edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.colours import to_light, to_pixels
from fahrstats.face.perturbations.frames import Frame, Region, eyes, head
from fahrstats.face.perturbations.warps import FloatArray

_LENS = (0.36, 0.27)
"""Half width and half height of a lens, in distances between the eyes."""
_LENS_BELOW = 0.05
"""How far its middle lies below that of the eye."""
_DARK_LENS = (0.42, 0.33)
"""The same of a lens of sunglasses."""
_SQUARENESS = 3
"""Exponent of a lens; 2 is an ellipse."""
_BAR = 0.03
"""Half the thickness of the bar of sunglasses."""
_BRIDGE = -0.03
_TEMPLE_END = 0.72
"""Height of the bridge, and how far beyond the middle of the eye a temple reaches."""
_FRAME_COLOUR = (28, 26, 25)

_MASK_COLOUR = (168, 197, 216)
_MASK_BOTTOM, _MASK_HIGHEST = 2.0, 0.2
_MASK_MIDDLE, _MASK_RADII = 0.55, (1.1, 1.5)
_PLEATS = (0.02, 0.14)
"""Depth of the pleats of a mask, as a share of its light, and their distance."""

_BAND_COLOUR = (48, 44, 60)
_HAIRLINE, _BROWS = -1.15, -0.33
_BAND_MIDDLE, _BAND_RADII = 0.45, (1.3, 1.95)


def with_glasses(face: FoundFace, percent: float) -> FoundFace:
    """Draw a frame of a thickness in per cent of the distance of the eyes."""
    if not percent:
        return face
    half = percent / 200
    region = _around_eyes(face)
    parts: list[FloatArray] = []
    for x, y in _outwards(face, region):
        parts.append(np.abs(_to_lens(x, y, _LENS)) - np.float32(half))
        parts.append(_to_bar(x, y, (-0.5, -_LENS[0]), half))
        parts.append(_to_bar(x, y, (_LENS[0], _TEMPLE_END), half))
    alpha = _inside(np.min(parts, axis=0), head(face))
    return _painted(face, region, alpha, _FRAME_COLOUR)


def with_sunglasses(face: FoundFace, percent: float) -> FoundFace:
    """Take away a share of linear light in front of the eyes."""
    region = _around_eyes(face)
    parts: list[FloatArray] = []
    for x, y in _outwards(face, region):
        parts.append(_to_lens(x, y, _DARK_LENS))
        parts.append(_to_bar(x, y, (-0.5, _TEMPLE_END), _BAR))
    taken = percent / 100 * _inside(np.min(parts, axis=0), head(face))
    pixels = face.pixels.copy()
    light = to_light(pixels[region.place])
    pixels[region.place] = to_pixels(light * (1 - taken[..., None]))
    return replace(face, pixels=pixels)


def with_mask(face: FoundFace, percent: float) -> FoundFace:
    """Cover the face from the chin to a share of the way to the eyes."""
    if not percent:
        return face
    frame = head(face)
    width, height = _MASK_RADII
    region = frame.region(
        (-width, width), (_MASK_HIGHEST, _MASK_BOTTOM + 0.1), (face.pixels.shape)
    )
    x, y = frame.within(region)
    top = _MASK_BOTTOM - percent / 100 * (_MASK_BOTTOM - _MASK_HIGHEST)
    within = (np.hypot(x / width, (y - _MASK_MIDDLE) / height) - 1) * width
    above = np.float32(top) + 0.12 * x**2 - y  # lower at the cheeks
    alpha = _inside(np.maximum(within, above), frame)
    depth, distance = _PLEATS
    pleats = 1 - depth * (1 + np.cos(2 * np.pi * y / distance))
    shade = pleats * (1 - 0.25 * (x / width) ** 2)
    return _painted(face, region, alpha, _MASK_COLOUR, shade.astype(np.float32))


def with_hair_band(face: FoundFace, percent: float) -> FoundFace:
    """Cover the forehead from the hairline to a share of the way to the brows."""
    if not percent:
        return face
    frame = head(face)
    width, height = _BAND_RADII
    bottom = _HAIRLINE + percent / 100 * (_BROWS - _HAIRLINE)
    bow = 0.3
    region = frame.region(
        (-width, width), (_HAIRLINE - 0.1, bottom + bow * width**2), face.pixels.shape
    )
    x, y = frame.within(region)
    within = (np.hypot(x / width, (y - _BAND_MIDDLE) / height) - 1) * width
    above = np.float32(_HAIRLINE) + np.float32(bow) * x**2 - y
    below = y - np.float32(bottom) - np.float32(bow) * x**2
    distance = np.maximum(within, np.maximum(above, below))
    shade = (1 - 0.5 * (x / width) ** 2).astype(np.float32)
    return _painted(face, region, _inside(distance, frame), _BAND_COLOUR, shade)


def _around_eyes(face: FoundFace) -> Region:
    """Return the pixels that glasses may change."""
    return head(face).region((-1.35, 1.35), (-0.5, 0.6), face.pixels.shape)


def _outwards(
    face: FoundFace, region: Region
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Give the coordinates of each eye, x away from the other eye."""
    for eye, sign in zip(eyes(face), (-1, 1), strict=True):
        x, y = eye.within(region)
        yield sign * x, y


def _to_lens(x: FloatArray, y: FloatArray, lens: tuple[float, float]) -> FloatArray:
    """Return about how far outside of a lens places are, in eye distances."""
    across = np.abs(x) / lens[0]
    down = np.abs(y - np.float32(_LENS_BELOW)) / lens[1]
    reach = (across**_SQUARENESS + down**_SQUARENESS) ** np.float32(1 / _SQUARENESS)
    from_middle = np.hypot(x, y - np.float32(_LENS_BELOW))
    edge = np.maximum(from_middle / np.maximum(reach, 1e-6), min(lens))  # along a ray
    return np.asarray((reach - 1) * edge, np.float32)


def _to_bar(
    x: FloatArray, y: FloatArray, reach: tuple[float, float], half: float
) -> FloatArray:
    """Return about how far outside of a level bar places are."""
    along = np.maximum(reach[0] - x, x - reach[1])
    found: FloatArray = np.maximum(np.abs(y - np.float32(_BRIDGE)) - half, along)
    return found


def _inside(distance: FloatArray, frame: Frame) -> FloatArray:
    """Return 1 inside, where the distance is negative; soft over one pixel."""
    return np.asarray(np.clip(0.5 - distance * abs(frame.unit), 0, 1), np.float32)


def _painted(
    face: FoundFace,
    region: Region,
    alpha: FloatArray,
    colour: tuple[int, int, int],
    shade: FloatArray | None = None,
) -> FoundFace:
    """Cover pixels with a colour, whose light may be shaded."""
    light = to_light(face.pixels[region.place])
    paint = to_light(np.array(colour, np.uint8))
    if shade is not None:
        paint = paint * shade[..., None]
    covered = light + alpha[..., None] * (paint - light)
    pixels = face.pixels.copy()
    pixels[region.place] = to_pixels(covered)
    return replace(face, pixels=pixels)
