"""Bytes of a photograph to an upright picture in sRGB."""

from __future__ import annotations

import hashlib
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from fahrstats.errors import DataError, PhotoError
from fahrstats.face.pictures.colours import to_eight_bits, to_srgb
from fahrstats.face.pictures.formats import (
    check_size,
    is_cut_off,
    kind_of,
    lacks_data,
    open_header,
)
from fahrstats.face.pictures.photos import printable
from fahrstats.face.pictures.picture import Picture
from fahrstats.face.pictures.quiet import QUIET

MAX_PIXELS = 200_000_000
"""Pixels of the largest phone cameras; 0.8 GB when decoded in full."""

MAX_BYTES = 2**28
"""Largest file that is read, 256 MiB."""

_REDUCTIONS = (8, 4, 2)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = [_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)]
_FROM_THE_RIGHT = [_UPRIGHT[orientation] for orientation in (2, 3, 7, 8)]
_FROM_BELOW = [_UPRIGHT[orientation] for orientation in (3, 4, 6, 7)]
"""What makes the last column or row of a file the first one of the picture."""


def read_picture(
    photo: str,
    data: bytes | Path,
    *,
    at_least: int | None = None,
    keep_date: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """Decode a JPEG, PNG, WebP, AVIF, TIFF, BMP or GIF file.

    The picture is upright and in sRGB, on white where it is transparent. Of the EXIF
    only the orientation is used. Of several frames or pages, the first is read.

    Parameters
    ----------
    photo
        Name of the photo in the cohort.
    data
        The bytes of the file or where it is; it is read once.
    at_least
        Pixels of the shorter side that are enough. Larger photos are reduced 2, 4 or 8
        times, as far as that leaves so many: JPEG while decoding (4 to 5 times faster
        for photos of 1 to 6 megapixels), others by averaging blocks afterwards. Twice
        the side that a network looks at is enough where the face fills the photo. By
        default, the photo is decoded in full.
    keep_date
        Keep when the photo was taken: EXIF DateTimeOriginal, else DateTimeDigitized.
        DateTime is when the file was last changed, and never used.
    max_pixels
        Larger photos are refused by their header, before anything is decoded.

    Raises
    ------
    PhotoError
        The file is absent, too large, of another kind, cut off or damaged. A picture
        is never partly grey: a file that lacks data is refused.
    """
    if at_least is not None and at_least < 1:
        raise DataError(f"`at_least` must be at least 1, but it is {at_least}.")
    try:
        content = _read(data) if isinstance(data, Path) else data
        with QUIET:
            decoded = _decode(content, at_least, max_pixels)
    except PhotoError as error:
        raise PhotoError(error.reason, printable(photo)) from error
    return Picture(
        photo=photo,
        pixels=np.array(decoded.image),
        width=decoded.width,
        height=decoded.height,
        content=hashlib.sha256(content).hexdigest(),
        taken=decoded.taken if keep_date else None,
    )


def _read(path: Path) -> bytes:
    """Return the bytes of a regular file of moderate size."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would never end
            raise PhotoError("it is not a file")
        if status.st_size > MAX_BYTES:
            raise PhotoError(_too_many_bytes(status.st_size))
        return path.read_bytes()
    except PhotoError:
        raise
    except FileNotFoundError as error:
        hint = "; write / between folders" if "\\" in str(path) else ""
        raise PhotoError(f"the file does not exist{hint}") from error
    except OSError as error:
        raise PhotoError(f"the file cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a zero byte in the name
        raise PhotoError("its name is not that of a file") from error


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """An upright sRGB image, the size of the upright photo in its file, its date."""

    image: Image.Image
    width: int
    height: int
    taken: datetime | None


def _decode(data: bytes, at_least: int | None, max_pixels: int) -> _Decoded:
    """Decode the bytes of a file."""
    if len(data) > MAX_BYTES:
        raise PhotoError(_too_many_bytes(len(data)))
    kind = kind_of(data)
    damaged = f"its {kind} data are damaged or cut off"
    if is_cut_off(data, kind):
        raise PhotoError(damaged)
    try:
        image = open_header(data, kind)
        check_size(image, max_pixels)
        return _upright(image, at_least)
    except PhotoError:
        raise
    except MemoryError as error:
        raise PhotoError("decoding it needs more memory than there is") from error
    except Exception as error:  # damaged files make decoders raise anything
        raise PhotoError(damaged) from error


def _upright(image: ImageFile, at_least: int | None) -> _Decoded:
    """Decode the pixels behind a header, as few as are enough, turned upright."""
    columns, rows = image.size
    factor = _reduction(image.size, at_least)
    if isinstance(image, JpegImageFile):
        drafted = _whole_blocks(image, factor)
        image.draft(None, (columns // drafted, rows // drafted))
    image.load()
    if lacks_data(image):
        raise PhotoError("its JPEG data end before the picture does")
    small, turn = to_eight_bits(image), _turn(image)
    if turn is not None:
        small = small.transpose(turn)
    if image.size == (columns, rows) and factor > 1:
        small = small.reduce(factor)
    srgb = to_srgb(small, image.info.get("icc_profile"))
    width, height = (rows, columns) if turn in _SIDEWAYS else (columns, rows)
    return _Decoded(srgb, width, height, _date(image))


def _reduction(size: tuple[int, int], at_least: int | None) -> int:
    """Return by how much the sides may shrink."""
    spare = 1 if at_least is None else min(size) // at_least
    return next((factor for factor in _REDUCTIONS if factor <= spare), 1)


def _whole_blocks(image: JpegImageFile, factor: int) -> int:
    """Return a factor by which decoding leaves no partial block at the first pixel.

    The decoder begins its blocks at the first pixel of the file. Where turning makes
    another pixel the first, a partial block would come before it, and coordinates of
    the reduced picture would be off by up to a block.
    """
    columns, rows = image.size
    turn = _turn(image)
    partial = (columns % factor if turn in _FROM_THE_RIGHT else 0) or (
        rows % factor if turn in _FROM_BELOW else 0
    )
    return 1 if partial else factor


def _turn(image: ImageFile) -> Image.Transpose | None:
    """Return what turns an image upright; nothing if its EXIF does not say."""
    try:
        return _UPRIGHT.get(image.getexif().get(Base.Orientation, 1))
    except Exception:  # broken metadata say nothing about the pixels
        return None


def _date(image: ImageFile) -> datetime | None:
    """Return when the photo was taken, by the clock of the camera."""
    try:
        fields = image.getexif().get_ifd(IFD.Exif)
    except Exception:  # as in _turn
        return None
    for field in (Base.DateTimeOriginal, Base.DateTimeDigitized):
        with suppress(ValueError):  # an unset clock writes zeros or blanks
            return datetime.strptime(
                str(fields.get(field, "")).strip(" \0"), "%Y:%m:%d %H:%M:%S"
            )
    return None


def _too_many_bytes(size: int) -> str:
    return f"it has {size:,} bytes, more than the limit of {MAX_BYTES:,}"
