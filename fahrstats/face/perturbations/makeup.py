"""Changes of colour and grain where makeup is put on, or software retouches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.colours import from_lab, to_lab
from fahrstats.face.perturbations.frames import (
    Frame,
    Region,
    bump,
    eye_distance,
    eyes,
    head,
    mouth,
    rising,
)
from fahrstats.face.perturbations.warps import FloatArray


def _direction(*step: float) -> FloatArray:
    """Return a step of length 1 in CIELAB: light, green to red, blue to yellow."""
    return np.array(step, np.float32) / np.float32(np.linalg.norm(step))


_LIPS_AWAY = _direction(-0.45, 0.85, 0.27)
_LIDS_AWAY = _direction(-0.93, 0.2, -0.3)
_CHEEKS_AWAY = _direction(-0.3, 0.93, 0.2)

_CHEEK = (0.66, 0.72)
_CHEEK_RADII = (0.36, 0.28)
_FINE, _COARSE = 0.03, 0.12
"""Spreads of the Gaussians that part grain, blotches and the shape of the face."""
_EDGE_LEVELS = (10.0, 24.0)
"""Differences of levels up to which fine detail is grain, and from which an edge."""
_SKIN_SCALE = np.array([0.8, 1, 1], np.float32)
"""What differences of lightness, a and b count: skin has light and shade."""
_SKIN_RANGE = (20.0, 34.0)
"""So weighted differences from the cheeks within which a colour is the skin's."""
_OVAL, _OVAL_MIDDLE = (1.05, 1.6), 0.45


def with_lipstick(face: FoundFace, delta_e: float) -> FoundFace:
    """Move the colour of the lips in CIELAB, darker and redder; teeth stay."""
    frame = mouth(face)
    region = frame.region((-0.6, 0.6), (-0.35, 0.55), face.pixels.shape)
    shape = lips(*frame.within(region))
    share = shape * ~_teeth(to_lab(face.pixels[region.place]), shape)
    return _dyed(face, region, share, delta_e * _LIPS_AWAY)


def with_eye_makeup(face: FoundFace, delta_e: float) -> FoundFace:
    """Move the colour of the lids in CIELAB, darker; the eyes themselves stay."""
    for eye in eyes(face):
        region = eye.region((-0.45, 0.45), (-0.3, 0.25), face.pixels.shape)
        share = lids(*eye.within(region))
        face = _dyed(face, region, share, delta_e * _LIDS_AWAY)
    return face


def with_blush(face: FoundFace, delta_e: float) -> FoundFace:
    """Move the colour of both cheeks in CIELAB, redder; less away from the middle."""
    frame = head(face)
    for side in (-1, 1):
        x0, y0 = side * _CHEEK[0], _CHEEK[1]
        dx, dy = _CHEEK_RADII
        region = frame.region((x0 - dx, x0 + dx), (y0 - dy, y0 + dy), face.pixels.shape)
        x, y = frame.within(region)
        share = bump(((x - x0) / dx) ** 2 + ((y - y0) / dy) ** 2)
        face = _dyed(face, region, share, delta_e * _CHEEKS_AWAY)
    return face


def with_foundation(face: FoundFace, percent: float) -> FoundFace:
    """Remove a share of the skin's blotches and shades; its grain stays."""
    return _evened(face, percent / 100, _blotches)


def with_smooth_skin(face: FoundFace, percent: float) -> FoundFace:
    """Remove a share of the skin's fine detail; strong edges stay."""
    return _evened(face, percent / 100, _grain)


def lips(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return 1 on the lips of a closed mouth, in coordinates of the mouth."""
    across = np.clip(1 - (x / 0.54) ** 2, 0, None)
    cupid = 0.05 * np.exp(-((x / 0.07) ** 2))
    upper = 0.17 * across**0.8 - cupid * across
    lower = 0.27 * across**0.75
    middle = 0.05 * across  # a smile bends the line between the lips downwards
    over = np.where(y < middle, (middle - y) - upper, (y - middle) - lower)
    ends = rising(across, 0, 0.15)  # beyond the corners there are none
    return np.asarray(ends * (1 - rising(over, -0.035, 0.02)), np.float32)


def lids(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return up to 1 on the lids around an eye, in its coordinates; 0 on the eye."""
    opening = np.sqrt((x / 0.25) ** 2 + (y / 0.1) ** 2)
    upper = bump((x / 0.4) ** 2 + ((y + 0.02) / 0.25) ** 2)
    lower = bump((x / 0.36) ** 2 + (y / 0.17) ** 2)
    strength = np.where(y < 0, rising(upper, 0, 0.5), 0.7 * rising(lower, 0.1, 0.6))
    return np.asarray(strength * rising(opening, 0.85, 1.1), np.float32)


def skin(face: FoundFace, frame: Frame, region: Region) -> FloatArray:
    """Return how much each pixel is skin of the face: by its place and its colour."""
    x, y = frame.within(region)
    oval = np.hypot(x / _OVAL[0], (y - _OVAL_MIDDLE) / _OVAL[1])
    weight = 1 - rising(oval, 0.85, 1)
    for eye in eyes(face):
        ex, ey = eye.within(region)
        weight *= rising(np.hypot(ex / 0.36, ey / 0.2), 0.7, 1)
    weight *= 1 - lips(*mouth(face).within(region))
    lab = to_lab(face.pixels[region.place])
    cheeks = (np.abs(np.abs(x) - _CHEEK[0]) < 0.15) & (np.abs(y - 0.6) < 0.15)
    if not cheeks.any():
        return np.zeros_like(weight)
    usual = np.median(lab[cheeks], axis=0)
    apart = np.linalg.norm((lab - usual) * _SKIN_SCALE, axis=-1)
    return np.asarray(weight * (1 - rising(apart, *_SKIN_RANGE)), np.float32)


def _dyed(
    face: FoundFace, region: Region, share: FloatArray, step: FloatArray
) -> FoundFace:
    """Move colours in CIELAB by a share of a step; others stay to the bit."""
    chosen = share > 0
    if not step.any() or not chosen.any():
        return face
    pixels = face.pixels.copy()
    inside = pixels[region.place]  # a view
    inside[chosen] = from_lab(to_lab(inside[chosen]) + share[chosen][:, None] * step)
    return replace(face, pixels=pixels)


def _teeth(lab: FloatArray, shape: FloatArray) -> NDArray[np.bool_]:
    """Tell pixels that are lighter and paler than most of a mouth."""
    inside = lab[shape > 0.5]
    if not len(inside):
        return np.zeros(shape.shape, bool)
    lightness = np.median(inside[:, 0])
    chroma = np.median(np.hypot(inside[:, 1], inside[:, 2]))
    pale = np.hypot(lab[..., 1], lab[..., 2]) < 0.75 * chroma
    return np.asarray(pale & (lab[..., 0] > lightness + 4), bool)


def _evened(
    face: FoundFace,
    share: float,
    variation: Callable[[FloatArray, FloatArray, float], FloatArray],
) -> FoundFace:
    """Take a share of some variation of the skin away."""
    if not share:
        return face
    frame = head(face)
    region = frame.region(
        (-_OVAL[0], _OVAL[0]),
        (_OVAL_MIDDLE - _OVAL[1], _OVAL_MIDDLE + _OVAL[1]),
        face.pixels.shape,
    )
    weight = skin(face, frame, region)
    chosen = weight > 0
    if not chosen.any():
        return face
    values = face.pixels[region.place].astype(np.float32)
    removed = variation(values, weight, eye_distance(face))
    changed = values - np.float32(share) * weight[..., None] * removed
    pixels = face.pixels.copy()
    inside = pixels[region.place]  # a view
    inside[chosen] = np.rint(np.clip(changed[chosen], 0, 255)).astype(np.uint8)
    return replace(face, pixels=pixels)


def _blotches(values: FloatArray, weight: FloatArray, unit: float) -> FloatArray:
    """Return what is coarser than grain and finer than the shape of the face."""
    return _blurred(values, weight, _FINE * unit) - _blurred(
        values, weight, _COARSE * unit
    )


def _grain(values: FloatArray, weight: FloatArray, unit: float) -> FloatArray:
    """Return fine detail, and less of it the more it is an edge."""
    detail = values - _blurred(values, weight, _FINE * 2 * unit)
    strongest = np.abs(detail).max(axis=-1, keepdims=True)
    return detail * (1 - rising(strongest, *_EDGE_LEVELS))


def _blurred(values: FloatArray, weight: FloatArray, sigma: float) -> FloatArray:
    """Return values blurred, counted by their weight so that edges do not bleed."""
    near = weight + np.float32(1e-3)
    total = gaussian_filter(values * near[..., None], (sigma, sigma, 0), truncate=3)
    return np.asarray(total / gaussian_filter(near, sigma, truncate=3)[..., None])
