"""Which files are read, told by their first bytes, and why others are not.

Only the readers named here are ever handed a file: none that starts another program
(PostScript), none for documents, none that was registered by somebody else.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from fahrstats.errors import PhotoError

_OPENERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "AVIF": AvifImageFile,
    "TIFF": TiffImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
}
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
}
_READ = f"{', '.join([*_OPENERS][:-1])} and {[*_OPENERS][-1]} are read"
_OTHERS = {
    b"PK\x03\x04": "it is a zip archive; unpack it",
    b"%PDF": "it is a PDF document; export the photo as JPEG",
    b"%!PS": "it is a PostScript file, which is never opened",
    b"\0\0\0\x0cJXL ": "it is a JPEG XL file; convert it to JPEG or PNG",
    b"\xff\x0a": "it is a JPEG XL file; convert it to JPEG or PNG",
    b"\0\0\0\x0cjP  ": "it is a JPEG 2000 file; convert it to JPEG or PNG",
    b"version https://git-lfs": "it is a Git LFS pointer; run `git lfs pull`",
    b"<": "it is a web page or a drawing in text, not a photo",
}
_AVIF_BRANDS = (b"avif", b"avis")
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_NO_DATA = 128
_PADDED = 1024
"""Zeros at the end of compressed data that no encoder writes."""


def kind_of(data: bytes) -> str:
    """Return the name of a file's format.

    Raises
    ------
    PhotoError
        It is none that is read; the message says what it seems to be.
    """
    if not data:
        raise PhotoError("the file is empty")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _iso_kind(data)
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    for start, reason in _OTHERS.items():
        if data[:64].lstrip().startswith(start) or data.startswith(start):
            raise PhotoError(reason)
    raise PhotoError(f"its first bytes are those of no photo ({_READ})")


def open_header(data: bytes, kind: str) -> ImageFile:
    """Read the header of a file; its pixels are not decoded yet.

    Pillow's own ``Image.open`` is not used: it knows more formats than are wanted, and
    its limits and warnings are settings of the whole process.
    """
    return _OPENERS[kind](BytesIO(data))


def check_size(image: ImageFile, max_pixels: int) -> None:
    """Refuse a header that promises too many pixels, before they are decoded.

    Raises
    ------
    PhotoError
        There are more than ``max_pixels`` in the image or in one of its tiles, or none.
    """
    columns, rows = image.size
    if min(columns, rows) < 1:
        raise PhotoError("it has no pixels")
    tags = getattr(image, "tag_v2", None) or {}
    tile = int(tags.get(_TILE_WIDTH, 1)) * int(tags.get(_TILE_HEIGHT, 1))
    if max(columns * rows, tile) > max_pixels:
        raise PhotoError(
            f"it has {columns:,} x {rows:,} pixels, more than the limit of "
            f"{max_pixels:,}"
        )


def is_cut_off(data: bytes, kind: str) -> bool:
    """Tell whether compressed data end in zeros, as interrupted copies do.

    JPEG, PNG and GIF decoders miss their end mark then and say so themselves. In
    uncompressed files zeros may be black pixels.
    """
    return kind in ("WebP", "AVIF") and data.endswith(bytes(_PADDED))


def lacks_data(image: ImageFile) -> bool:
    """Tell whether a decoded JPEG shows grey where its data ended early.

    The decoder of JPEG fills such a picture with 128 in every channel and goes on if
    the file has an end mark. The last row is then this grey throughout. A photo on a
    grey ground is told apart by its first row, which is the same grey.
    """
    if not isinstance(image, JpegImageFile) or image.mode not in ("RGB", "L"):
        return False
    columns, rows = image.size
    first = image.crop((0, 0, columns, 1)).getcolors(1)
    last = image.crop((0, rows - 1, columns, rows)).getcolors(1)
    grey = _NO_DATA if image.mode == "L" else (_NO_DATA,) * 3
    return last == [(columns, grey)] != first


def _iso_kind(data: bytes) -> str:
    """Tell AVIF from its relatives by the brands that the file claims."""
    length = int.from_bytes(data[:4], "big")
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, min(length, 256), 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    if any(brand[:3] in (b"hei", b"hev", b"mif") for brand in brands):
        raise PhotoError(
            "it is a HEIC file, which is not read; export it as JPEG, or convert it "
            "with `heif-convert`"
        )
    raise PhotoError("it is a film or sound, not a photo")
