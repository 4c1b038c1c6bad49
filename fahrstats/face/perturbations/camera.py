"""Changes that a camera, its lens or a file format makes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve1d, gaussian_filter1d

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.colours import to_light, to_pixels
from fahrstats.face.perturbations.frames import eye_distance
from fahrstats.face.perturbations.warps import FloatArray

_MID_GREY = 0.18
_PHOTON_SHARE = 0.8
"""Share of the variance at mid-grey that grows with the light."""


def defocused(face: FoundFace, percent: float) -> FoundFace:
    """Spread linear light by a Gaussian, SD in per cent of the distance of the eyes."""
    sigma = percent / 100 * eye_distance(face)
    if not sigma:
        return face
    light = to_light(face.pixels)
    for axis in (0, 1):
        light = gaussian_filter1d(light, sigma, axis=axis, mode="nearest")
    return replace(face, pixels=to_pixels(light))


def smeared(face: FoundFace, percent: float) -> FoundFace:
    """Average linear light along the rows of the picture.

    The length of the line is in per cent of the distance of the eyes; pixels at its
    ends count in part.
    """
    length = percent / 100 * eye_distance(face)
    if not length:
        return face
    light = convolve1d(to_light(face.pixels), _line(length), axis=1, mode="nearest")
    return replace(face, pixels=to_pixels(light))


def reduced(face: FoundFace, eye_pixels: float) -> FoundFace:
    """Show a photo with so few pixels that the eyes are that many of them apart."""
    factor = eye_pixels / eye_distance(face)
    if factor >= 1:
        return face
    rows, columns = face.pixels.shape[:2]
    small = (max(round(columns * factor), 1), max(round(rows * factor), 1))
    picture = Image.fromarray(face.pixels)
    few = picture.resize(small, Image.Resampling.BILINEAR)  # antialiased
    again = few.resize((columns, rows), Image.Resampling.BICUBIC)
    return replace(face, pixels=np.array(again))


def compressed(face: FoundFace, quality: float) -> FoundFace:
    """Store a photo as JPEG of a quality from 1 to 95, colours at half the pixels."""
    stored = io.BytesIO()
    picture = Image.fromarray(face.pixels)
    picture.save(stored, "JPEG", quality=int(quality), subsampling="4:2:0")
    return replace(face, pixels=np.array(Image.open(stored)))


def noisy(face: FoundFace, percent: float) -> FoundFace:
    """Add noise to linear light.

    The standard deviation at mid-grey is ``percent`` of the signal there. What is drawn
    depends on the pixels of the face alone, so that it is the same in every run and a
    larger dose is the same noise, enlarged.
    """
    if not percent:
        return face
    light = to_light(face.pixels)
    variance = np.float32((percent / 100 * _MID_GREY) ** 2)
    spread = np.sqrt(
        variance * (_PHOTON_SHARE * light / _MID_GREY + (1 - _PHOTON_SHARE))
    )
    return replace(face, pixels=to_pixels(light + spread * _drawn(face.pixels)))


def _line(length: float) -> NDArray[np.float64]:
    """Return how much of each pixel a line around the middle one covers; sum 1."""
    reach = int(np.ceil(max(length - 1, 0) / 2))
    places = np.arange(-reach, reach + 1)
    low, high = places - 0.5, places + 0.5
    covered = np.minimum(high, length / 2) - np.maximum(low, -length / 2)
    return np.asarray(covered / covered.sum(), np.float64)


def _drawn(pixels: NDArray[np.uint8]) -> FloatArray:
    """Return standard normal draws that the pixels decide, of their shape."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).digest()
    rng = np.random.default_rng(int.from_bytes(digest))
    return rng.standard_normal(pixels.shape, dtype=np.float32)
