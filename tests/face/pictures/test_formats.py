from __future__ import annotations

import pytest
from photo_files import encoded, squares

from fahrstats.errors import PhotoError
from fahrstats.face.pictures.formats import kind_of
from fahrstats.face.pictures.reading import read_picture


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04\x14\0\0\0", "it is a zip archive; unpack it"),
        (b"%PDF-1.7", "it is a PDF document; export the photo as JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript file, which is never opened"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC file.*export it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", "HEIC file, which is not read"),
        (b"\0\0\0\x14ftypisom\0\0\2\0mp41", "it is a film or sound, not a photo"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL file; convert it"),
        (b"\xff\x0a\0\0", "JPEG XL file; convert it"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 file; convert it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "run `git lfs pull`"),
        (b" \n<!DOCTYPE html>", "it is a web page or a drawing in text"),
        (b"<svg xmlns=", "it is a web page or a drawing in text"),
        (b"8BPS\0\1", r"those of no photo \(JPEG, PNG, .*BMP and GIF are read\)"),
        (b"P6 1 1 255\n", "its first bytes are those of no photo"),
        (bytes(1000), "its first bytes are those of no photo"),
    ],
)
def test_what_is_not_read_is_told_by_its_first_bytes(data, message):
    with pytest.raises(PhotoError, match=message):
        kind_of(data)
    with pytest.raises(PhotoError, match=rf"`x\.jpg` cannot be read: .*{message}"):
        read_picture("x.jpg", data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "AVIF", "TIFF", "BMP", "GIF"])
def test_formats_are_told_by_their_bytes_and_not_by_the_name(kind):
    assert kind_of(encoded(squares(), kind)) == kind


def test_avif_of_a_general_brand_is_known_by_its_other_brands():
    data = encoded(squares(), "AVIF")
    assert kind_of(data.replace(b"ftypavif", b"ftypmif1", 1)) == "AVIF"
