"""Bytes of image files, made in memory."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image
from skimage.data import astronaut


def face(size=512):
    """Return the astronaut picture, size x size pixels."""
    return Image.fromarray(astronaut()).resize((size, size))


def squares(columns=24, rows=16, seed=1):
    """Return an image of random colours in squares of 8 pixels; no symmetry."""
    draw = np.random.default_rng(seed).integers(0, 256, (rows // 8, columns // 8, 3))
    return Image.fromarray(draw.astype(np.uint8).repeat(8, 0).repeat(8, 1))


def encoded(image, kind, **options):
    """Return an image as the bytes of a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width, height, bits, colour_type, pixels):
    """Return a PNG file of stated size, whatever pixels it holds."""

    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    parts = {b"IHDR": header, b"IDAT": zlib.compress(pixels), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts.items())
