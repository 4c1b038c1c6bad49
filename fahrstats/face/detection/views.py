"""A picture as a detector looks at it: reduced or turned, with the way back.

Coordinates here are lengths from the top left corner of a picture, so that its first
pixel reaches from 0 to 1 and coordinates of a reduced picture are proportional to those
of the picture itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

Size = tuple[int, int]
"""Rows and columns."""

DARK_SHARE, LIGHT_SHARE = 0.01, 0.99
"""Shares of the pixels at which the darkest and the lightest tone are taken."""
LEAST_CONTRAST = 8.0
"""Grey levels between darkest and lightest below which a picture is not stretched
further, so that a blank picture does not become one of noise."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A reduced or turned picture.

    Attributes
    ----------
    levels : tuple of tensor of shape (1, 3, rows, columns), float32
        RGB, stretched to the whole range of tones, (value - 127.5) / 128: the view, and
        the same halved again and again.
    to_picture : ndarray of shape (2, 3)
        Takes (x, y, 1) of the view to (x, y) of the picture.
    """

    levels: tuple[Tensor, ...]
    to_picture: NDArray[np.float64]

    @property
    def size(self) -> Size:
        """Rows and columns."""
        rows, columns = self.levels[0].shape[-2:]
        return rows, columns

    def points_in_picture(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take points (..., 2) of the view to the picture."""
        return points @ self.to_picture[:, :2].T + self.to_picture[:, 2]

    def boxes_in_picture(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take boxes (n, 4) of the view to the picture.

        The box of a turned face is upright, of the same size, about the same centre.
        """
        stretch = np.hypot(self.to_picture[0, :2], self.to_picture[1, :2])
        centres = self.points_in_picture((boxes[:, :2] + boxes[:, 2:]) / 2)
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 * stretch
        return np.hstack([centres - half, centres + half])


def reduced(pixels: NDArray[np.uint8], long_side: int, device: str = "cpu") -> View:
    """Return a picture with its long side reduced to ``long_side`` pixels, if longer.

    Parameters
    ----------
    pixels
        Shape (rows, columns, 3), RGB.
    long_side
        Pixels.
    device
        Where the pixels of the view lie.
    """
    rows, columns = pixels.shape[:2]
    image = reduced_image(pixels, long_side)
    tones = torch.from_numpy(_stretch(image)[np.asarray(image)]).to(device)
    # (rows, columns, 3) → (1, 3, rows, columns)
    return View(
        _halved(tones.permute(2, 0, 1)[None]),
        np.array([[columns / image.width, 0.0, 0.0], [0.0, rows / image.height, 0.0]]),
    )


def reduced_image(pixels: NDArray[np.uint8], long_side: int) -> Image.Image:
    """Return a picture whose long side has at most ``long_side`` pixels."""
    rows, columns = pixels.shape[:2]
    factor = long_side / max(rows, columns)
    image = Image.fromarray(pixels)
    if factor >= 1:
        return image
    size = max(round(columns * factor), 1), max(round(rows * factor), 1)
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def turned(view: View, degrees: float) -> View:
    """Return the whole view turned clockwise about its centre, on mid grey."""
    rows, columns = view.size
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    back = np.array([[cos, sin], [-sin, cos]])  # from the turned view to the view
    whole = np.abs(back) @ [columns, rows]
    new_columns, new_rows = (int(side) for side in np.ceil(whole - 1e-9))
    new_sides, sides = np.array([new_columns, new_rows]), np.array([columns, rows])
    shift = (sides - back @ new_sides) / 2
    share = back * new_sides / sides[:, None]  # affine_grid counts from -1 to 1
    theta = torch.tensor(np.column_stack([share, [0.0, 0.0]]), dtype=torch.float32)
    grid = affine_grid(theta[None], [1, 3, new_rows, new_columns], align_corners=False)
    pixels = view.levels[0]
    return View(
        _halved(_sampled(pixels, grid.to(pixels.device))),
        np.column_stack([view.to_picture[:, :2] @ back, view.points_in_picture(shift)]),
    )


def shrunk(view: View, size: Size) -> Tensor:
    """Return the pixels of a view at a smaller size, shape (1, 3, rows, columns)."""
    halvings = int(np.log2(min(np.divide(view.size, size))))
    pixels = view.levels[min(halvings, len(view.levels) - 1)]
    return interpolate(pixels, size, mode="bilinear", align_corners=False)


def windows(view: View, frames: NDArray[np.float64], side: int) -> Tensor:
    """Return what n windows of a view hold, shape (m, 3, ``side``, ``side``).

    A window is read, by bilinear interpolation, from the view halved as often as leaves
    it at least ``side`` pixels wide, so that no pixel of a large face is skipped. What
    lies beyond the view is mid grey. Grey windows fill n up to m, a multiple of 4:
    convolutions are planned anew for each m, which takes longer than to carry them out.

    Parameters
    ----------
    view
        Where the windows are.
    frames
        Shape (n, 2, 3); take (x, y, 1) of a window, whose sides are from 0 to 1, to
        (x, y) of the view.
    side
        Pixels of a window.
    """
    halvings = np.floor(np.log2(np.hypot(*frames[:, :, 0].T) / side)).astype(np.int64)
    halvings = np.clip(halvings, 0, len(view.levels) - 1)
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    centres = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    extents = [
        np.array(level.shape[:-3:-1]) * 2.0**k for k, level in enumerate(view.levels)
    ]
    # grid_sample counts from -1 to 1
    grid = 2 * mapped(centres, frames) / np.array(extents)[halvings, None] - 1
    grid = grid.reshape(len(frames), side, side, 2).astype(np.float32)
    cut = view.levels[0].new_zeros(_filled_up(len(frames)), 3, side, side)
    cut = cut.contiguous(memory_format=torch.channels_last)
    for level in np.unique(halvings):
        here = np.flatnonzero(halvings == level)
        places = torch.from_numpy(grid[here]).reshape(1, -1, side, 2).to(cut.device)
        found = _sampled(view.levels[level], places)[0]  # (3, n * side, side)
        cut[here] = found.reshape(3, -1, side, side).transpose(0, 1)
    return cut


def upright(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frames (n, 2, 3) of windows that are squares (n, 4) of a view."""
    frames = np.zeros((len(squares), 2, 3))
    frames[:, 0, 0] = squares[:, 2] - squares[:, 0]
    frames[:, 1, 1] = squares[:, 3] - squares[:, 1]
    frames[:, :, 2] = squares[:, :2]
    return frames


def mapped(
    points: NDArray[np.float64], frames: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take points (n, k, 2) by maps (n, 2, 3), each with its own."""
    moved: NDArray[np.float64] = points @ frames[:, :, :2].transpose(0, 2, 1)
    return moved + frames[:, None, :, 2]


def _filled_up(n: int) -> int:
    return -(-n // 4) * 4


def _halved(pixels: Tensor) -> tuple[Tensor, ...]:
    """Return a picture and what is left of it when halved as often as possible."""
    levels = [pixels.contiguous(memory_format=torch.channels_last)]
    while min(levels[-1].shape[-2:]) > 1:
        levels.append(avg_pool2d(levels[-1], 2, ceil_mode=True))
    return tuple(levels)


def _sampled(pixels: Tensor, grid: Tensor) -> Tensor:
    return grid_sample(
        pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )


def _stretch(image: Image.Image) -> NDArray[np.float32]:
    """Return the input of the network for each of the 256 tones.

    The tones between the 1st and 99th percentile of the luminance are spread over the
    whole range, so that a dark picture looks like a light one.
    """
    share = np.cumsum(image.convert("L").histogram())
    low, high = np.searchsorted(share, share[-1] * np.array([DARK_SHARE, LIGHT_SHARE]))
    tones = (np.arange(256.0) - low) * (255.0 / max(high - low, LEAST_CONTRAST))
    tones = (np.clip(tones, 0.0, 255.0) - 127.5) / 128.0
    return np.asarray(tones, dtype=np.float32)
