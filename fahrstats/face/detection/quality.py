"""How sharp and how bright a face is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import sobel, uniform_filter1d

_LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. ITU-R BT.709
_BLUR_WIDTH = 11


def brightness(pixels: NDArray[np.uint8]) -> float:
    """Return the mean luma of pixels, 0 (black) to 1 (white).

    Luma is the weighted sum of the sRGB values as they are stored (Rec. ITU-R BT.709),
    which grows about as the eye sees it; it is not linear in light: middle grey is 0.5.

    Parameters
    ----------
    pixels
        sRGB, shape (rows, columns, 3).
    """
    return float(_luma(pixels).mean())


def blur(pixels: NDArray[np.uint8]) -> float:
    """Return how much sharpness pixels lack, 0 (sharp) to 1.

    A picture is blurred once more, by the mean of 11 pixels in one direction; the less
    this lowers its differences between neighbours, the blurrier it was. The larger
    value of the two directions counts. A picture without any difference has the value
    1. Noise counts as sharpness, and values compare pictures of one size only.

    Parameters
    ----------
    pixels
        sRGB, shape (rows, columns, 3).

    References
    ----------
    Crete et al. (2007), Proc. SPIE 6492, 64920I; differences by the Sobel operator, as
    in scikit-image.
    """
    luma = _luma(pixels)
    return max(_blur_along(luma, axis) for axis in (0, 1))


def _blur_along(luma: NDArray[np.float64], axis: int) -> float:
    """Return the share of the differences along an axis that blurring leaves."""
    blurred = uniform_filter1d(luma, _BLUR_WIDTH, axis=axis)
    before = np.abs(sobel(luma, axis=axis))[2:-1, 2:-1]
    after = np.abs(sobel(blurred, axis=axis))[2:-1, 2:-1]
    total = before.sum()
    if total < 1e-6 * before.size:  # rounding error of a flat picture
        return 1.0
    return float(1 - np.maximum(before - after, 0).sum() / total)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the luma, 0 to 1, shape (rows, columns)."""
    return np.asarray(pixels @ (_LUMA / 255))
