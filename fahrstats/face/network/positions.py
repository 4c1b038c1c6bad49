"""Where a patch is: fixed two-dimensional sines, and positions for other grids."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_LONGEST_WAVE = 10_000.0  # over 2 pi, in patches; Vaswani et al. 2017


def sincos_positions(width: int, *, side: int) -> Tensor:
    """Return fixed positions of a square grid, behind a zero for the class token.

    Parameters
    ----------
    width : int
        Length of a token, a multiple of 4.
    side : int
        Patches on a side of the grid.

    Returns
    -------
    Tensor, float32, shape (1, 1 + side^2, width)
        Patches row by row. The first half of a vector tells the column, the second the
        row; in either, sines come before cosines, from short to long waves.

    References
    ----------
    He et al. 2022, Masked Autoencoders Are Scalable Vision Learners.
    """
    n_waves = width // 4
    exponent = torch.arange(n_waves, dtype=torch.float64) / n_waves
    place = torch.arange(side, dtype=torch.float64)
    angle = place[:, None] / _LONGEST_WAVE**exponent
    along = torch.cat([angle.sin(), angle.cos()], dim=1)  # (side, width / 2)
    column = along[None, :, :].expand(side, -1, -1)
    row = along[:, None, :].expand(-1, side, -1)
    grid = torch.cat([column, row], dim=2).reshape(1, side * side, width)
    return torch.cat([torch.zeros_like(grid[:, :1]), grid], dim=1).float()


def fit_positions(positions: Tensor, *, rows: int, columns: int) -> Tensor:
    """Interpolate positions of a square grid to a grid of another shape.

    Parameters
    ----------
    positions : Tensor, shape (1, 1 + n, width)
        Of the class token and of n patches, n a square number.
    rows, columns : int
        Patches of the new grid.

    Returns
    -------
    Tensor, shape (1, 1 + rows * columns, width)
        The same positions where the grid is the same, else bicubic ones; the class
        token keeps its own.
    """
    side = round((positions.shape[1] - 1) ** 0.5)
    if (rows, columns) == (side, side):
        return positions
    width = positions.shape[2]
    plane = positions[:, 1:].reshape(1, side, side, width).permute(0, 3, 1, 2)
    plane = functional.interpolate(
        plane, size=(rows, columns), mode="bicubic", align_corners=False
    )
    grid = plane.flatten(2).transpose(1, 2)  # (1, rows * columns, width)
    return torch.cat([positions[:, :1], grid], dim=1)
