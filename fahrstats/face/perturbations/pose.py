"""Changes of pose: the picture turned, and the face turned or nodding like a mask.

A head that turns shows what was hidden, and its shadows move. From one photo neither is
known. What is turned here is a smooth surface that lies under every face alike: a flat
dome out of which the nose stands as far as in
:data:`~fahrstats.face.detection.pose.MEAN_FACE`, so that the landmarks of a face that
looks straight ahead tell the angle afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.detection.pose import MEAN_FACE
from fahrstats.face.perturbations.frames import (
    HEAD_POINTS,
    bump,
    head,
    whole,
)
from fahrstats.face.perturbations.warps import FloatArray, fetched, moved

_MIDDLE = 0.5
"""Height of the middle of the face, in coordinates of the head."""
_RADII = (1.35, 1.9)
"""Half width and half height of the dome."""
_DOME = 0.7
"""Height of the dome, in distances between the eyes."""
_NOSE = (0.34, 0.5, 0.32)
"""Half width of the nose's bump, and its reach above and below the tip."""
_CELLS = 48
"""Cells per distance between the eyes in which shifts are kept."""


def turned_clockwise(face: FoundFace, degrees: float) -> FoundFace:
    """Turn the picture about the middle of the face, which is put on a pixel's centre.

    Parameters
    ----------
    face
        The face.
    degrees
        Angle, clockwise as seen.
    """
    if not degrees:
        return face
    frame = head(face)
    centre = frame.origin + _MIDDLE * 1j * frame.unit
    centre = complex(round(centre.real), round(centre.imag))
    turn = np.exp(1j * np.radians(degrees))
    region = whole(face)
    column = np.arange(region.right)[None] - centre.real
    row = np.arange(region.bottom)[:, None] - centre.imag
    source = centre + (column + 1j * row) / turn
    middle, half = _middle(face.box), (face.box[2:] - face.box[:2]) / 2
    new_middle = _turned(middle[None], centre, turn)[0]
    return replace(
        face,
        pixels=fetched(face.pixels, source.real, source.imag),
        points=_turned(face.points, centre, turn),
        box=np.concatenate([new_middle - half, new_middle + half]),
    )


def turned_sideways(face: FoundFace, degrees: float) -> FoundFace:
    """Turn the face towards the image's right, or left if the angle is negative."""
    return _turned_dome(face, "across", degrees)


def nodding(face: FoundFace, degrees: float) -> FoundFace:
    """Raise the face, or lower it if the angle is negative."""
    return _turned_dome(face, "down", -degrees)


def dome(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return how far the surface stands out at places of the head."""
    return _DOME * _within(x, y) + _nose_height() * _nose_shape(x, y)


def _turned_dome(
    face: FoundFace, axis: Literal["across", "down"], degrees: float
) -> FoundFace:
    """Move what lies on the dome as its turn by parallel rays does."""
    if not degrees:
        return face
    shifts = _kept_shifts(axis, float(degrees))

    def shift(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        cells = [(y - _MIDDLE + _RADII[1]) * _CELLS, (x + _RADII[0]) * _CELLS]
        along = map_coordinates(shifts, cells, order=1, mode="constant")
        none = np.zeros_like(along)
        return (along, none) if axis == "across" else (none, along)

    frame = head(face)
    region = frame.region(
        (-_RADII[0], _RADII[0]),
        (_MIDDLE - _RADII[1], _MIDDLE + _RADII[1]),
        face.pixels.shape,
    )
    return moved(face, frame, region, shift)


@lru_cache(maxsize=64)
def _kept_shifts(axis: Literal["across", "down"], degrees: float) -> FloatArray:
    """Return how far along an axis the content of each cell has moved.

    A place goes to ``m + c (p - m) + s h(p)``, c and s being cosine and sine of the
    angle and h the height there; towards the edge of the dome the first two terms
    become p. Along a line across the dome the way never turns back, so that it can be
    read the other way round.
    """
    x = np.arange(round(2 * _RADII[0] * _CELLS) + 1) / _CELLS - _RADII[0]
    y = np.arange(round(2 * _RADII[1] * _CELLS) + 1) / _CELLS - _RADII[1] + _MIDDLE
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    angle = np.radians(degrees)
    from_axis = across if axis == "across" else down - _MIDDLE
    goes = _within(across, down) * from_axis * (np.cos(angle) - 1) + dome(
        across, down
    ) * np.sin(angle)
    lines = goes if axis == "across" else goes.T
    places = x if axis == "across" else y
    kept = np.stack(
        [places - np.interp(places, places + line, places) for line in lines]
    )
    return np.asarray(kept if axis == "across" else kept.T, np.float32)


def _within(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return 1 over most of the face, and less towards the edge of the dome."""
    squared = (x / _RADII[0]) ** 2 + ((y - _MIDDLE) / _RADII[1]) ** 2
    return bump(squared**2)


def _nose_shape(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return 1 at the tip of the nose and less around it."""
    tip = HEAD_POINTS[2]
    half, above, below = _NOSE
    reach = np.where(y < tip[1], above, below).astype(np.float32)
    return bump(((x - np.float32(tip[0])) / half) ** 2 + ((y - tip[1]) / reach) ** 2)


def _nose_height() -> float:
    """Return the height over the dome at which the nose stands out as it should."""
    wanted = -MEAN_FACE[2, 2] / (MEAN_FACE[1, 0] - MEAN_FACE[0, 0])
    at = _within(*HEAD_POINTS.T)
    return float(wanted - _DOME * (at[2] - at[[0, 1, 3, 4]].mean()))


def _middle(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return (box[:2] + box[2:]) / 2


def _turned(
    points: NDArray[np.float64], centre: complex, turn: complex
) -> NDArray[np.float64]:
    """Return points (n, 2) turned about a centre."""
    z = centre + turn * (points @ (1, 1j) - centre)
    return np.stack([z.real, z.imag], axis=-1)
