"""Faces found in a picture, and what finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fahrstats.face.pictures.picture import Picture

POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""The five landmarks in their order; left and right are those of the image."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The n faces found in one picture, the most certain first.

    Coordinates are pixels of ``Picture.pixels``, x to the right and y down; the centre
    of the top left pixel is (0, 0).

    Attributes
    ----------
    boxes : ndarray of shape (n, 4), float64
        Left, top, right, bottom; may reach beyond the picture.
    points : ndarray of shape (n, 5, 2), float64
        Landmarks in the order of :data:`POINTS`.
    confidence : ndarray of shape (n,), float64
        The detector's certainty that this is a face, from 0 to 1; NaN if unknown.
    """

    boxes: NDArray[np.float64]
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]

    @property
    def n(self) -> int:
        """Number of faces."""
        return len(self.boxes)


class Detector(Protocol):
    """What finds faces and their five landmarks."""

    @property
    def name(self) -> str:
        """Name and version, for the provenance of the scores."""
        ...

    def find(self, picture: Picture) -> Faces:
        """Return the faces of a picture, none if there is none."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """The one face of a photo that is scored, and the pixels around it.

    Attributes
    ----------
    photo : str
        Name of the photo.
    pixels : ndarray of shape (rows, columns, 3), uint8
        The face with a wide margin, cut from the picture at the best size there is.
    box : ndarray of shape (4,), float64
        Left, top, right, bottom in pixels of ``pixels``.
    points : ndarray of shape (5, 2), float64
        Landmarks in the order of :data:`POINTS`, in pixels of ``pixels``.
    """

    photo: str
    pixels: NDArray[np.uint8]
    box: NDArray[np.float64]
    points: NDArray[np.float64]
