"""Changes of shape as cosmetic surgery makes them: small, local, of no other pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.frames import bump, eyes, head, mouth, nose
from fahrstats.face.perturbations.warps import FloatArray, moved, shifted

_WING = (0.24, -0.03)
_WING_RADII = (0.24, 0.3)
"""Side of the nose from its tip, and the area around it that moves."""
_LID, _LID_RADII = -0.13, (0.34, 0.13)
_JAW, _JAW_RADII = (0.88, 1.2), (0.6, 0.75)
_LIP_EDGES, _LIP_RADII = (-0.15, 0.3), (0.5, 0.15)


def narrower_nose(face: FoundFace, percent: float) -> FoundFace:
    """Move both sides of the nose inwards by up to a share of the eyes' distance."""
    reach = np.float32(percent / 100)

    def shift(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        down = (y - _WING[1]) / _WING_RADII[1]
        left, right = (
            bump(((x - side * _WING[0]) / _WING_RADII[0]) ** 2 + down**2)
            for side in (-1, 1)
        )
        return reach * (left - right), np.zeros_like(x)

    frame = nose(face)
    region = frame.region((-0.55, 0.55), (-0.4, 0.35), face.pixels.shape)
    return moved(face, frame, region, shift)


def lifted_lids(face: FoundFace, percent: float) -> FoundFace:
    """Move the upper lids upwards by up to a share of the eyes' distance.

    The landmarks, in the middle of the eyes, stay where they are.
    """
    reach = np.float32(percent / 100)

    def shift(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        up = bump((x / _LID_RADII[0]) ** 2 + ((y - _LID) / _LID_RADII[1]) ** 2)
        return np.zeros_like(x), -reach * up

    for eye in eyes(face):
        region = eye.region((-0.4, 0.4), (-0.3, 0.05), face.pixels.shape)
        face = replace(face, pixels=shifted(face, eye, region, shift))
    return face


def slimmer_jaw(face: FoundFace, percent: float) -> FoundFace:
    """Move both sides of the jaw inwards by up to a share of the eyes' distance."""
    reach = np.float32(percent / 100)

    def shift(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        down = (y - _JAW[1]) / _JAW_RADII[1]
        left, right = (
            bump(((x - side * _JAW[0]) / _JAW_RADII[0]) ** 2 + down**2)
            for side in (-1, 1)
        )
        return reach * (left - right), np.zeros_like(x)

    frame = head(face)
    region = frame.region((-1.5, 1.5), (0.4, 2.0), face.pixels.shape)
    return moved(face, frame, region, shift)


def fuller_lips(face: FoundFace, percent: float) -> FoundFace:
    """Move the edges of the lips apart, each by up to a share of the eyes' distance.

    The corners of the mouth stay where they are.
    """
    frame = mouth(face)
    reach = np.float32(percent / 100 * abs(eyes(face)[0].unit) / abs(frame.unit))

    def shift(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        upper, lower = (
            bump((x / _LIP_RADII[0]) ** 2 + ((y - edge) / _LIP_RADII[1]) ** 2)
            for edge in _LIP_EDGES
        )
        return np.zeros_like(x), reach * (lower - upper)

    region = frame.region((-0.6, 0.6), (-0.5, 0.7), face.pixels.shape)
    return replace(face, pixels=shifted(face, frame, region, shift))
