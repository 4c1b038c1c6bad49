"""Parts of a face replaced by their blurred selves, in the pixels of the photo."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import affine_transform, gaussian_filter

from fahrstats.face.detection.alignment import (
    ARCFACE_POINTS,
    ARCFACE_SIDE,
    similarity,
)
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.saliency.explanation import FIELD_SIDE
from fahrstats.face.saliency.regions import REGION_MARGIN, REGIONS, region_map

Floating = TypeVar("Floating", np.float32, np.float64)

BLUR = 0.3
"""Spread of the Gaussian that blurs a face, in distances between the eyes."""

FEATHER = 0.03
"""Spread of the soft edge of a region, in distances between the eyes.

Of a model that sees the mouth's region to its very edge, that region has a share of
0.92 of all importance; by edges of 0.05 it had 0.88, by those of 0.01 0.96.
"""

_EYE_DISTANCE = float(np.linalg.norm(ARCFACE_POINTS[1] - ARCFACE_POINTS[0]))


def blurred(face: FoundFace, spread: float = BLUR) -> NDArray[np.uint8]:
    """Return the pixels of a face, all of them blurred.

    Beyond the edges of the photo, its outermost pixels are repeated.

    Parameters
    ----------
    face
        A face and the pixels around it.
    spread
        Of the Gaussian, in distances between the eyes of the aligned face.

    Returns
    -------
    ndarray of the shape of ``face.pixels``, uint8
    """
    matrix = similarity(ARCFACE_POINTS, face.points)
    sigma = spread * _EYE_DISTANCE * np.sqrt(np.linalg.det(matrix[:, :2]))
    picture = Image.fromarray(face.pixels)
    return np.array(picture.filter(ImageFilter.GaussianBlur(float(sigma))))


@cache
def region_fields() -> NDArray[np.float32]:
    """Return how much of every place belongs to each region.

    Returns
    -------
    ndarray of shape (11, 224, 224), float32
        Shares in the order of :data:`~fahrstats.face.saliency.regions.REGIONS`, which
        add up to 1 everywhere; between regions they change gradually.
    """
    regions = region_map(FIELD_SIDE)
    fields = [softened((regions == i).astype(np.float64)) for i in range(len(REGIONS))]
    shares = np.stack(fields) / np.sum(fields, axis=0)
    shares[shares < 1 / 512] = 0  # changes no 8-bit level; a region then has an extent
    shares /= shares.sum(axis=0)
    found: NDArray[np.float32] = shares.astype(np.float32)
    found.flags.writeable = False
    return found


def softened(field: NDArray[Floating], spread: float = FEATHER) -> NDArray[Floating]:
    """Return a field, of shape (224, 224), with soft edges."""
    found: NDArray[Floating] = gaussian_filter(field, spread * _EYE_DISTANCE)
    return found


def replaced(
    face: FoundFace,
    fill: NDArray[np.uint8],
    field: NDArray[np.float32],
    *,
    beyond: bool = False,
) -> FoundFace:
    """Replace part of a face by a fill.

    Parameters
    ----------
    face
        A face and the pixels around it.
    fill
        What replaces its pixels, of the same shape, such as :func:`blurred`.
    field
        How much of every place is replaced, 0 to 1, shape (224, 224): the aligned face
        with the margin of the regions. Between places it is interpolated linearly.
    beyond
        Whether all that lies outside of the field is replaced too.

    Returns
    -------
    FoundFace
        The same face with other pixels.
    """
    pixels = (fill if beyond else face.pixels).copy()
    to_field = similarity(face.points, _field_points())
    top, bottom, left, right = _extent(field, to_field, pixels.shape, beyond=beyond)
    if top < bottom and left < right:
        # affine_transform counts rows first
        turn = to_field[::-1, 1::-1]
        share = affine_transform(
            field,
            turn,
            to_field[::-1, 2] + turn @ (top, left),
            output_shape=(bottom - top, right - left),
            order=1,
            mode="constant",
            cval=float(beyond),
        )[..., None]
        place = np.s_[top:bottom, left:right]
        old, new = face.pixels[place].astype(np.float32), fill[place]
        pixels[place] = np.rint(old + share * (new - old)).astype(np.uint8)
    return replace(face, pixels=pixels)


def _field_points() -> NDArray[np.float64]:
    """Return where the landmarks lie in a field, shape (5, 2)."""
    return ARCFACE_POINTS + ARCFACE_SIDE * REGION_MARGIN


def _extent(
    field: NDArray[np.float32],
    to_field: NDArray[np.float64],
    shape: tuple[int, ...],
    *,
    beyond: bool,
) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right of the pixels that the field decides about."""
    rows, columns = np.nonzero(field != float(beyond))
    if not rows.size:
        return 0, 0, 0, 0
    x = np.array([columns.min() - 1, columns.max() + 1], float)
    y = np.array([rows.min() - 1, rows.max() + 1], float)
    corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    there = np.linalg.solve(to_field[:, :2], (corners - to_field[:, 2]).T)
    low = np.maximum(np.floor(there.min(axis=1)), 0).astype(int)
    high = np.minimum(np.ceil(there.max(axis=1)) + 1, shape[1::-1]).astype(int)
    return int(low[1]), int(high[1]), int(low[0]), int(high[0])
