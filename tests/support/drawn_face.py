"""A drawn face: smooth skin with grain, and every landmark where it is said to be."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.catalogue import CONDITIONS
from fahrstats.face.perturbations.changes import perturbed
from fahrstats.face.perturbations.frames import HEAD_POINTS

SKIN = np.array([200, 160, 140])


def draw_face(
    side: int = 220, unit: float = 50.0, tilt: float = 0.0, grain: float = 4.0
) -> FoundFace:
    """Return a skin-coloured picture with a face's landmarks, tilted by degrees."""
    rng = np.random.default_rng(7)
    shades = rng.normal(0, 12, (9, 9, 3))
    coarse = [
        np.array(Image.fromarray(plane.astype(np.float32)).resize((side, side), 3))
        for plane in np.moveaxis(shades, -1, 0)
    ]
    fine = rng.normal(0, grain, (side, side, 3)) if grain else 0
    pixels = np.clip(SKIN + np.stack(coarse, -1) + fine, 0, 255).round()
    turn = unit * np.exp(1j * np.radians(tilt))
    place = complex(side / 2 + 0.3, side * 0.37) + turn * (HEAD_POINTS @ (1, 1j))
    points = np.stack([place.real, place.imag], axis=-1)
    box = np.array([0.2, 0.1, 0.8, 0.9]) * side
    return FoundFace("drawn", pixels.astype(np.uint8), box, points)


def panel_digest(face: FoundFace) -> str:
    """Return a SHA-256 of the pixels and landmarks that every condition makes."""
    seen = hashlib.sha256()
    for name in CONDITIONS:
        changed = perturbed(face, name, 3)
        seen.update(np.ascontiguousarray(changed.pixels).tobytes())
        seen.update(changed.points.round(6).tobytes())
    return seen.hexdigest()
