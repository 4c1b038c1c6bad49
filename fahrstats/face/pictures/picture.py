"""One photograph in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A photograph, upright, in colour, possibly decoded at a reduced size.

    Attributes
    ----------
    photo : str
        Name of the photo in the cohort; never a path outside of it.
    pixels : ndarray of shape (rows, columns, 3), uint8
        sRGB, upright: the EXIF orientation is applied, no other EXIF field is kept.
    width, height : int
        Size in pixels of the upright photo in its file. ``pixels`` may be smaller by a
        common factor, because JPEG files are decoded at a reduced size where that is
        enough.
    content : str
        SHA-256 of the bytes of the file, hexadecimal.
    taken : datetime or None
        When the photo was taken as its EXIF says, if the caller asked for it.
    """

    photo: str
    pixels: NDArray[np.uint8]
    width: int
    height: int
    content: str
    taken: datetime | None = None

    @property
    def reduction(self) -> float:
        """Pixels of the file per pixel of ``pixels``, at least 1.

        Decoders reduce by a whole number, and the last row or column may be cut; where
        it is so, that number is exact and the ratio of the sizes is not.
        """
        rows, columns = self.pixels.shape[:2]
        ratio = max(self.width / float(columns), 1.0)
        whole = round(ratio)
        is_cut = (-(-self.width // whole), -(-self.height // whole)) == (columns, rows)
        return float(whole) if is_cut else ratio
