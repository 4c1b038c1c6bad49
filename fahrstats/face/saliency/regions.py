"""The eleven regions of an aligned face, as polygons that are the same for every face.

Coordinates are those of the ArcFace crop of 112 pixels: x to the right, y down, the
centre of its top left pixel at (0, 0), so that faces need no other landmarks than the
five that they are aligned by. A polygon is written down for the right half of the
image, as distances from the midline of the face, and mirrored. Regions were drawn
around the mean of 150 aligned portraits. They are those of an adult face seen from the
front: a fringe lies in the forehead, and a bald head in the hair.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError

REGIONS = (
    "forehead",
    "periorbital",
    "eyes",
    "nose",
    "cheeks",
    "nasolabial",
    "mouth",
    "chin",
    "jaw_neck",
    "hair",
    "background",
)
"""Names of the regions in their order; hair comes with the ears, eyes without brows."""

MIDLINE = 56.0
"""x of the midline of the face; the five landmarks lie 0.1 pixels from symmetry."""

REGION_MARGIN = 0.5
"""Margin of the square that areas and maps refer to; it holds head and neck."""

_ARCFACE_SIDE = 112

_HALVES: dict[str, list[tuple[float, float]]] = {
    # the first polygon that holds a point has it: later ones lie beneath
    "eyes": [
        (7.5, 53),
        (11, 48.5),
        (17, 46.5),
        (23, 47.5),
        (29, 52),
        (25, 56.5),
        (18, 58),
        (11, 56.5),
    ],
    "periorbital": [
        (4.5, 45),
        (8, 40),
        (18, 37),
        (28, 38),
        (35, 43),
        (38, 50),
        (36, 58),
        (29, 64),
        (18, 66),
        (9, 63),
        (6, 56),
    ],
    "nose": [
        (0, 45),
        (4.5, 45),
        (5.5, 56),
        (8, 64),
        (13, 71),
        (14.5, 76),
        (12, 80.5),
        (5, 82.5),
        (0, 83),
    ],
    "mouth": [(0, 85), (7, 84), (14, 86), (21, 90), (19, 95.5), (11, 101), (0, 102.5)],
    "nasolabial": [
        (0, 80),
        (13, 70),
        (17, 71.5),
        (22, 76.5),
        (27, 83.5),
        (29.5, 92),
        (27, 100),
        (19, 100),
        (0, 96),
    ],
    "chin": [
        (0, 98),
        (10, 99),
        (20, 100),
        (19.5, 110),
        (14.5, 117),
        (7, 120),
        (0, 121),
    ],
    "forehead": [(0, 9), (13, 10), (24, 15), (31, 24), (35, 35), (36, 45), (0, 47)],
    "cheeks": [
        (0, 60),
        (34, 44),
        (38.5, 48),
        (39.5, 60),
        (38.5, 73),
        (36, 85),
        (32, 94),
        (26, 100),
        (0, 100),
    ],
    "jaw_neck": [
        (0, 97),
        (20, 99),
        (31, 93),
        (36, 84),
        (38.5, 76),
        (37.5, 90),
        (33, 104),
        (28.5, 113),
        (28, 124),
        (25.5, 132),
        (0, 138),
    ],
    "hair": [
        (0, -24),
        (16, -22),
        (32, -14),
        (44, -2),
        (52, 14),
        (55, 30),
        (54, 46),
        (50, 62),
        (45, 75),
        (38, 80),
        (0, 80),
    ],
}


def region_at(points: ArrayLike) -> NDArray[np.uint8]:
    """Return the region of points, as positions in :data:`REGIONS`.

    Parameters
    ----------
    points
        x and y in pixels of the ArcFace crop, shape (..., 2).

    Returns
    -------
    ndarray of shape (...), uint8
        Every point is in exactly one region, those far from the face in the background.
    """
    given = np.asarray(points, np.float64)
    x, y = np.abs(given[..., 0] - MIDLINE), given[..., 1]
    found = np.full(x.shape, REGIONS.index("background"), np.uint8)
    for name, half in reversed(_HALVES.items()):
        found[_holds(np.array(half, float), x, y)] = REGIONS.index(name)
    return found


@cache
def region_map(side: int, margin: float = REGION_MARGIN) -> NDArray[np.uint8]:
    """Return the region of every pixel of an aligned face.

    Parameters
    ----------
    side
        Side of the crop in pixels.
    margin
        Its margin, as ``crop_margin`` of
        :func:`~fahrstats.face.detection.alignment.template`.

    Returns
    -------
    ndarray of shape (side, side), uint8
        Positions in :data:`REGIONS`; it cannot be written to.

    Raises
    ------
    DataError
        ``side`` is not positive.
    """
    if side < 1:
        raise DataError(f"`side` must be at least 1 pixel, but it is {side}.")
    scale = _ARCFACE_SIDE * (1 + 2 * margin) / side
    places = (np.arange(side) + 0.5) * scale - _ARCFACE_SIDE * margin - 0.5
    found = region_at(np.stack(np.meshgrid(places, places), axis=-1))
    found.flags.writeable = False
    return found


def region_areas(side: int = 448, margin: float = REGION_MARGIN) -> NDArray[np.float64]:
    """Return the share of an aligned face that each region covers, shape (11,)."""
    counts = np.bincount(region_map(side, margin).ravel(), minlength=len(REGIONS))
    return np.asarray(counts / side**2, np.float64)


def _holds(
    polygon: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Tell which points a polygon holds: a ray to the right crosses it oddly often."""
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
