"""From five landmarks to an upright face of a given size.

Everywhere x points right, y points down, and the centre of the top left pixel is
(0, 0); the picture's top left corner is therefore (-0.5, -0.5).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import LARGEST_MARGIN, Interpolation
from fahrstats.face.detection.faces import POINTS, FoundFace

ARCFACE_SIDE = 112
"""Side in pixels of the crop that :data:`ARCFACE_POINTS` belongs to."""

ARCFACE_POINTS = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where the five landmarks lie in an ArcFace crop of 112 x 112 pixels."""

ARCFACE_POINTS.flags.writeable = False

_RESIDUAL_STEP = math.sqrt(2)


def template(input_size: int, crop_margin: float) -> NDArray[np.float64]:
    """Return where the five landmarks belong in a square crop, shape (5, 2).

    The ArcFace crop of side 112 is widened by ``crop_margin`` of its side on each of
    the four sides, and the whole is scaled to ``input_size`` pixels. Corners are mapped
    to corners: a point (x, y) of the ArcFace crop goes to
    ``(x + 0.5 + 112 m) input_size / (112 (1 + 2 m)) - 0.5``, so that crops of every
    size show the same part of the face. Tools that multiply the coordinates of pixel
    centres instead are ``(input_size / 112 - 1) / 2`` pixels away, half a pixel at 224.

    Parameters
    ----------
    input_size
        Side of the crop in pixels.
    crop_margin
        Share of the ArcFace crop's side added on each side, from 0 to 1; 0 is the
        ArcFace crop itself.

    Raises
    ------
    DataError
        The size is not positive, or the margin is not between 0 and 1.

    References
    ----------
    Deng et al., ArcFace, CVPR 2019; coordinates published by the insightface project.
    """
    if input_size < 1:
        raise DataError(
            f"`input_size` must be at least 1 pixel, but it is {input_size}."
        )
    if not 0 <= crop_margin <= LARGEST_MARGIN:
        raise DataError(
            f"`crop_margin` must be between 0 and {LARGEST_MARGIN:g}, but it is "
            f"{crop_margin}."
        )
    scale = input_size / (ARCFACE_SIDE * (1 + 2 * crop_margin))
    return (ARCFACE_POINTS + 0.5 + ARCFACE_SIDE * crop_margin) * scale - 0.5


def similarity(points: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """Return the similarity that takes points closest to their targets.

    Rotation, one scale and shift, never a reflection, by least squares. In complex
    numbers the minimum of ``sum |a z + b - w|^2`` is a ratio of two sums, which equals
    Umeyama's solution in the plane.

    Parameters
    ----------
    points, target
        Coordinates, shape (n, 2), n at least 2.

    Returns
    -------
    ndarray of shape (2, 3)
        ``matrix[:, :2] @ point + matrix[:, 2]`` is the place of a point.

    Raises
    ------
    DataError
        A coordinate is missing, or points coincide so that no similarity is defined.

    References
    ----------
    Umeyama (1991), IEEE PAMI 13:376-380.
    """
    a, b = _similarity(np.asarray(points, float), np.asarray(target, float))
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align(
    face: FoundFace, *, size: int, margin: float, interpolation: Interpolation
) -> NDArray[np.uint8]:
    """Cut a face out of its picture, upright, its landmarks on the template.

    Where the face becomes smaller, detail that the crop cannot hold vanishes instead of
    turning into patterns: the pixels are averaged by a triangle kernel down to
    sqrt(2) pixels per pixel of the crop, which are then interpolated; a reduction by
    less takes the mean of four interpolated samples. Either way a pixel of the crop has
    the variance of the triangle kernel of a plain antialiased reduction. Where the face
    becomes larger or keeps its size, pixels are interpolated. What lies outside the
    picture is black, as in the tools that made the ArcFace crops.

    Parameters
    ----------
    face
        A face and the pixels around it.
    size
        Side of the crop in pixels.
    margin
        As ``crop_margin`` of :func:`template`.
    interpolation
        ``"bilinear"``, or ``"bicubic"`` (sharper; a = -0.75, as torch and OpenCV have
        it).

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        sRGB.

    Raises
    ------
    DataError
        As :func:`template` and :func:`similarity`.
    """
    to_crop = _similarity(face.points, template(size, margin))
    turn = 1 / to_crop[0]
    shift = -to_crop[1] / to_crop[0]
    step = abs(turn)  # pixels of the picture per pixel of the crop
    left, top, right, bottom = _needed(face.pixels.shape, turn, shift, size)
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), np.uint8)
    region = torch.from_numpy(face.pixels[top:bottom, left:right].copy())
    picture = _reduced(region.permute(2, 0, 1)[None], step / _RESIDUAL_STEP)
    grid = _grid(turn, shift - complex(left, top), size, region.shape)
    samples = torch.nn.functional.grid_sample(
        picture.float(), grid, mode=interpolation, align_corners=False
    )  # (1, 3, samples per pixel * size, size)
    crop = samples.view(3, -1, size, size).mean(dim=1)
    rounded = crop.clamp_(0, 255).round_().to(torch.uint8)
    return np.ascontiguousarray(rounded.permute(1, 2, 0).numpy())


def _similarity(
    points: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[complex, complex]:
    """Return a and b of ``w = a z + b`` in complex numbers."""
    if points.shape != target.shape or points.ndim != 2 or points.shape[1] != 2:
        raise DataError(
            f"`points` and `target` must both have the shape (n, 2), but have "
            f"{points.shape} and {target.shape}."
        )
    n_missing = int((~np.isfinite(points) | ~np.isfinite(target)).any(axis=1).sum())
    if n_missing:
        raise DataError(
            f"{n_missing} of {len(points)} `points` have a missing or infinite "
            f"coordinate; all are needed ({', '.join(POINTS)} for a face)."
        )
    z, w = points @ (1, 1j), target @ (1, 1j)
    z_centred, w_centred = z - z.mean(), w - w.mean()
    spread = float(np.vdot(z_centred, z_centred).real)
    product = complex(np.vdot(z_centred, w_centred))
    bound = math.sqrt(spread * float(np.vdot(w_centred, w_centred).real))
    if spread <= (1e-9 * np.abs(z).max()) ** 2 or abs(product) <= 1e-9 * bound:
        raise DataError(
            f"The {len(points)} `points` coincide or do not resemble `target`; no "
            "similarity takes one to the other."
        )
    a = product / spread
    return a, complex(w.mean() - a * z.mean())


def _needed(
    shape: tuple[int, ...], turn: complex, shift: complex, size: int
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the pixels that the crop depends on."""
    low, high = -0.5, size - 0.5
    corners = [turn * complex(x, y) + shift for x in (low, high) for y in (low, high)]
    reach = 2 * max(abs(turn), 1) + 1  # support of the widest kernel, half of it
    x, y = [c.real for c in corners], [c.imag for c in corners]
    return (
        max(math.floor(min(x) - reach), 0),
        max(math.floor(min(y) - reach), 0),
        min(math.ceil(max(x) + reach) + 1, shape[1]),
        min(math.ceil(max(y) + reach) + 1, shape[0]),
    )


def _reduced(picture: torch.Tensor, factor: float) -> torch.Tensor:
    """Shrink a picture of shape (1, 3, rows, columns) by a factor above 1."""
    if factor <= 1:
        return picture
    rows, columns = (max(round(side / factor), 1) for side in picture.shape[2:])
    return torch.nn.functional.interpolate(
        picture, size=(rows, columns), mode="bilinear", antialias=True
    )


def _grid(
    turn: complex, shift: complex, size: int, shape: tuple[int, ...]
) -> torch.Tensor:
    """Return where the samples of the crop lie in a region of this shape.

    One sample per pixel; four where the face becomes smaller by less than
    ``_RESIDUAL_STEP``. In units of the crop, linear interpolation at a step has the
    variance 1 / (6 step^2), and samples at -d and d add d^2; together they reach the
    1/6 of the triangle kernel. After a reduction to ``_RESIDUAL_STEP`` it is reached
    without them: 1/12 by the reduction, 1/12 by interpolation.

    The units are those of ``grid_sample``: from -1 to 1 between the outer edges, which
    a reduction of the region does not change.
    """
    step = abs(turn)
    offsets = np.zeros(1)
    if 1 < step < _RESIDUAL_STEP:
        offsets = np.array([-1, 1]) * math.sqrt((1 - step**-2) / 6)
    places = torch.from_numpy(offsets[:, None] + np.arange(size))  # (samples, size)
    along = turn * places
    down = 1j * along + shift + complex(0.5, 0.5)
    x = _sums((2 * down.real / shape[1] - 1), (2 * along.real / shape[1]))
    y = _sums((2 * down.imag / shape[0] - 1), (2 * along.imag / shape[0]))
    return torch.stack([x, y], dim=-1)[None]  # (1, samples^2 size, size, 2)


def _sums(down: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    """Return the sums of all pairs, shape (samples^2 size, size)."""
    down, along = down.float(), along.float()
    return (down[:, None, :, None] + along[None, :, None, :]).flatten(0, 2)
