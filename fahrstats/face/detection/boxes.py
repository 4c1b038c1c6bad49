"""Arithmetic on boxes: arrays of shape (n, 4) that hold left, top, right, bottom."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Share = Literal["union", "smaller"]
"""The overlap of two boxes as a share of their union, or of the smaller one."""


def suppress(
    boxes: NDArray[np.float64],
    confidence: NDArray[np.float64],
    *,
    overlap: float,
    share: Share = "union",
    most: int | None = None,
) -> NDArray[np.intp]:
    """Return the boxes that do not repeat a more certain one, the most certain first.

    Greedy non-maximum suppression: a box falls if it overlaps a box that stands, and is
    more certain, by more than ``overlap``. Equally certain boxes keep their order. Of
    more than ``most`` boxes, the most certain ones are compared and the rest left out.
    """
    order = np.argsort(-confidence, kind="stable")[:most]
    repeats = overlaps(boxes[order], share) > overlap
    stands = np.ones(len(order), dtype=bool)
    for i in range(len(order)):
        if stands[i]:
            stands[i + 1 :] &= ~repeats[i, i + 1 :]
    return order[stands]


def overlaps(boxes: NDArray[np.float64], share: Share) -> NDArray[np.float64]:
    """Return the overlap of each pair, shape (n, n); 0 where a box is empty."""
    left, top, right, bottom = boxes.T
    width = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    height = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    common = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    area = np.maximum(right - left, 0.0) * np.maximum(bottom - top, 0.0)
    if share == "union":
        whole = np.add.outer(area, area) - common
    else:
        whole = np.minimum.outer(area, area)
    share_of_whole: NDArray[np.float64] = np.divide(
        common, whole, out=np.zeros_like(common), where=whole > 0
    )
    return share_of_whole


def as_squares(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squares about the same centres, as long as the longer side."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    return np.hstack([centres - half, centres + half])


def moved_sides(
    boxes: NDArray[np.float64], offsets: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move the sides by offsets in widths (left, right) and heights (top, bottom)."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * np.hstack([size, size])
