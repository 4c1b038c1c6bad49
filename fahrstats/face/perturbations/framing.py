"""What of a photo is changed: the face with what models look at, not more finely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from fahrstats.face.detection.alignment import ARCFACE_SIDE
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.frames import MIDDLE_OF_CROP, TEMPLATE_UNIT, head

SMALLEST_MARGIN = 0.5
"""Margin around the ArcFace crop that is kept, as a share of its side."""
_ROOM = 0.1
"""Margin beyond that of models, since faces move and filters reach further."""
_FINENESS = 1.5
"""Pixels that are kept for each pixel that a model looks at, at least."""


def framed(face: FoundFace, *, pixels_wanted: int, margin: float = 0.0) -> FoundFace:
    """Cut a face out closely, and average pixels where there are far more than needed.

    Parameters
    ----------
    face
        The face as it was found.
    pixels_wanted
        Side in pixels at which models look at the ArcFace crop. Up to three times as
        many pixels stay as they are; of more, blocks are averaged, so that at least one
        and a half times as many are left.
    margin
        Largest margin that a model looks at.

    Returns
    -------
    FoundFace
        The same pixels, or their averages, within the margin.
    """
    frame = head(face)
    scale = abs(frame.unit) * ARCFACE_SIDE / TEMPLATE_UNIT  # of the ArcFace crop
    tilt = (abs(frame.unit.real) + abs(frame.unit.imag)) / abs(frame.unit)
    reach = scale * tilt * (0.5 + max(SMALLEST_MARGIN, margin) + _ROOM)
    centre = frame.pixels(MIDDLE_OF_CROP[None])[0]
    size = np.array(face.pixels.shape[1::-1])
    start = np.clip(np.floor(centre - reach), 0, size - 1).astype(int)
    end = np.clip(np.ceil(centre + reach), start + 1, size).astype(int)
    pixels = face.pixels[start[1] : end[1], start[0] : end[0]]
    block = max(int(scale / (_FINENESS * pixels_wanted)), 1)
    if block > 1:
        pixels = np.array(Image.fromarray(pixels).reduce(block))
    return replace(
        face,
        pixels=np.ascontiguousarray(pixels),
        box=(face.box - np.tile(start, 2) + 0.5) / block - 0.5,
        points=(face.points - start + 0.5) / block - 0.5,
    )
