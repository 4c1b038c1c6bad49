"""Moving the pixels of a face: every pixel is fetched from somewhere near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.perturbations.frames import Frame, Region

FloatArray = NDArray[np.float32]
Shift = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""From x and y of a frame to how far away the content there comes from, in its unit."""

_SETTLED = 30  # rounds; each leaves less than two thirds of the error


def fetched(
    pixels: NDArray[np.uint8], x: FloatArray, y: FloatArray
) -> NDArray[np.uint8]:
    """Return the colours at places between pixels, by cubic interpolation.

    Parameters
    ----------
    pixels
        Shape (rows, columns, 3). Beyond its edges the outermost pixels are repeated.
    x, y
        Places in pixels, of one shape (m, n).

    Returns
    -------
    ndarray of shape (m, n, 3), uint8
    """
    rows, columns = pixels.shape[:2]
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    grid = np.stack([(2 * x + 1) / columns - 1, (2 * y + 1) / rows - 1], axis=-1)
    found = torch.nn.functional.grid_sample(
        picture,
        torch.from_numpy(grid.astype(np.float32))[None],
        mode="bicubic",
        padding_mode="border",
        align_corners=False,
    )  # (1, 3, m, n)
    levels = found[0].clamp_(0, 255).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).numpy()


def shifted(
    face: FoundFace, frame: Frame, region: Region, shift: Shift
) -> NDArray[np.uint8]:
    """Return the pixels of a face after a shift; where it is 0 they are the same."""
    x, y = frame.within(region)
    dx, dy = shift(x, y)
    moved = np.nonzero((dx != 0) | (dy != 0))
    if not moved[0].size:
        return face.pixels
    dz = frame.unit * (dx[moved] + 1j * dy[moved])
    rows, columns = moved[0] + region.top, moved[1] + region.left
    pixels = face.pixels.copy()
    pixels[rows, columns] = fetched(
        face.pixels,
        (columns - dz.real)[None].astype(np.float32),
        (rows - dz.imag)[None].astype(np.float32),
    )[0]
    return pixels


def shifted_points(
    points: NDArray[np.float64], frame: Frame, shift: Shift
) -> NDArray[np.float64]:
    """Return where points (n, 2) go: the places whose content comes from them."""
    start = frame.coordinates(points)
    place = start
    for _ in range(_SETTLED):
        place = start + np.stack(shift(*place.T.astype(np.float32)), axis=-1)
    return frame.pixels(place)


def moved(face: FoundFace, frame: Frame, region: Region, shift: Shift) -> FoundFace:
    """Return a face whose pixels and landmarks have moved."""
    return replace(
        face,
        pixels=shifted(face, frame, region, shift),
        points=shifted_points(face.points, frame, shift),
    )
