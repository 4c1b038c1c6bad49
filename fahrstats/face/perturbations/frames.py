"""Coordinates of a face that its landmarks give: of the head, an eye, nose and mouth.

The unit is the distance between the eyes but for the mouth, whose unit is its width; x
points to the image's right along the line of the eyes or the mouth, y down the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.face.detection.alignment import (
    ARCFACE_POINTS,
    ARCFACE_SIDE,
    similarity,
)
from fahrstats.face.detection.faces import FoundFace

FloatArray = NDArray[np.float32]

TEMPLATE_UNIT = float(np.hypot(*(ARCFACE_POINTS[1] - ARCFACE_POINTS[0])))
"""Distance between the eyes in an ArcFace crop of 112 pixels."""
HEAD_POINTS = (ARCFACE_POINTS - ARCFACE_POINTS[:2].mean(axis=0)) / TEMPLATE_UNIT
"""Landmarks of the aligned face in coordinates of the head, shape (5, 2)."""
HEAD_POINTS.flags.writeable = False
MIDDLE_OF_CROP = (
    np.full(2, (ARCFACE_SIDE - 1) / 2) - ARCFACE_POINTS[:2].mean(axis=0)
) / TEMPLATE_UNIT
"""Middle of the ArcFace crop in coordinates of the head."""
MIDDLE_OF_CROP.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A coordinate system in the pixels of a face.

    Attributes
    ----------
    origin : complex
        Place of (0, 0), x + iy in pixels.
    unit : complex
        Place of (1, 0) less that of the origin.
    """

    origin: complex
    unit: complex

    def within(self, region: Region) -> tuple[FloatArray, FloatArray]:
        """Return x and y of the pixels of a region, each of shape (rows, columns)."""
        turn = 1 / self.unit
        across = turn * np.arange(region.left, region.right)
        down = turn * (1j * np.arange(region.top, region.bottom) - self.origin)
        x = down.real[:, None] + across.real
        y = down.imag[:, None] + across.imag
        return x.astype(np.float32), y.astype(np.float32)

    def region(
        self, x: tuple[float, float], y: tuple[float, float], shape: tuple[int, ...]
    ) -> Region:
        """Return the pixels around a rectangle of this frame, as far as they exist."""
        corners = [self.origin + self.unit * complex(a, b) for a in x for b in y]
        columns, rows = [c.real for c in corners], [c.imag for c in corners]
        left, top = max(int(min(columns)), 0), max(int(min(rows)), 0)
        return Region(
            top,
            max(min(int(max(rows)) + 2, shape[0]), top),
            left,
            max(min(int(max(columns)) + 2, shape[1]), left),
        )

    def coordinates(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2) in pixels in this frame."""
        z = (points @ (1, 1j) - self.origin) / self.unit
        return np.stack([z.real, z.imag], axis=-1)

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, 2) of this frame in pixels."""
        z = self.origin + self.unit * (points @ (1, 1j))
        return np.stack([z.real, z.imag], axis=-1)


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels: rows from top to before bottom, columns likewise."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """The rectangle as an index of pixels."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def whole(face: FoundFace) -> Region:
    """Return all pixels of a face."""
    rows, columns = face.pixels.shape[:2]
    return Region(0, rows, 0, columns)


def head(face: FoundFace) -> Frame:
    """Return the frame of the head, from all landmarks; its origin is between the eyes.

    The landmarks lie as close to :data:`HEAD_POINTS` as they can.
    """
    matrix = similarity(HEAD_POINTS, face.points)
    return Frame(complex(*matrix[:, 2]), complex(*matrix[:, 0]))


def eyes(face: FoundFace) -> tuple[Frame, Frame]:
    """Return the frames of the left and the right eye; origins are their middles."""
    left, right = face.points[:2] @ (1, 1j)
    return Frame(left, right - left), Frame(right, right - left)


def nose(face: FoundFace) -> Frame:
    """Return the frame of the nose; its origin is the tip."""
    left, right, tip = face.points[:3] @ (1, 1j)
    return Frame(tip, right - left)


def mouth(face: FoundFace) -> Frame:
    """Return the frame of the mouth; its origin is in the middle of the corners."""
    left, right = face.points[3:] @ (1, 1j)
    return Frame((left + right) / 2, right - left)


def eye_distance(face: FoundFace) -> float:
    """Return the distance between the eyes in pixels."""
    return float(np.hypot(*(face.points[1] - face.points[0])))


def bump(squared: FloatArray) -> FloatArray:
    """Return (1 - r^2)^2 within the unit circle and 0 outside, given r^2.

    It is 1 at the centre, and leaves 0 at the edge without a kink.
    """
    return np.square(np.clip(1 - squared, 0, None))


def rising(values: FloatArray, low: float, high: float) -> FloatArray:
    """Return 0 below ``low``, 1 above ``high`` and a smooth S between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    smooth: FloatArray = t * t * (3 - 2 * t)
    return smooth
