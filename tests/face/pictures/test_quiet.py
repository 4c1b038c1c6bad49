from __future__ import annotations

import warnings
import zlib
from io import BytesIO

import pytest
from photo_files import encoded, squares
from PIL import Image

from fahrstats.face.pictures.quiet import QUIET
from fahrstats.face.pictures.reading import read_picture


def warn_as(module):
    warnings.warn_explicit("text", UserWarning, "file", 1, module=module)


def test_only_the_warnings_of_pillow_are_left_out_and_only_inside():
    before = list(warnings.filters)
    with QUIET:
        with QUIET:
            warn_as("PIL.TiffImagePlugin")
        warn_as("PIL.TiffImagePlugin")
        with pytest.raises(UserWarning, match="text"):
            warn_as("pillow")
    with pytest.raises(UserWarning, match="text"):
        warn_as("PIL.TiffImagePlugin")
    assert list(warnings.filters) == before


def test_leaving_in_another_order_does_not_keep_the_filter():
    before = list(warnings.filters)
    with QUIET, warnings.catch_warnings():
        warnings.simplefilter("always")
    assert list(warnings.filters) == before


def test_a_photo_that_pillow_warns_of_is_read_without_a_word(monkeypatch):
    data = encoded(squares(), "PNG", save_all=True, append_images=[squares(seed=2)])
    start = data.index(b"acTL")
    chunk = b"acTL" + bytes(8)  # no frame
    checksum = zlib.crc32(chunk).to_bytes(4, "big")
    broken = data[:start] + chunk + checksum + data[start + 16 :]
    with pytest.warns(UserWarning, match="Invalid APNG"):
        Image.open(BytesIO(broken))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_picture("a", encoded(squares(), "PNG")).width == 24
    assert read_picture("a", broken).width == 24
