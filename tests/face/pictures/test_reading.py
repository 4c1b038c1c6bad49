from __future__ import annotations

import hashlib
import os
import pickle
import threading
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_files import encoded, face, png, squares
from PIL import Image
from PIL.ExifTags import IFD, Base

from fahrstats.errors import DataError, PhotoError
from fahrstats.face.pictures import reading
from fahrstats.face.pictures.picture import Picture
from fahrstats.face.pictures.reading import read_picture

KINDS = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 90},
    "TIFF": {},
    "TIFF lzw": {"compression": "tiff_lzw"},
}

TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


def dated(**fields):
    """Return EXIF fields with dates by name."""
    exif = Image.Exif()
    if "DateTime" in fields:
        exif[Base.DateTime] = fields.pop("DateTime")
    inner = exif.get_ifd(IFD.Exif)
    inner.update({Base[name]: value for name, value in fields.items()})
    exif[IFD.Exif] = dict(inner)
    return exif


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", TURNED)
def test_pictures_are_upright(kind, orientation):
    options = {**KINDS[kind]}
    kind = kind.split()[0]
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    plain = read_picture("a", encoded(squares(), kind, **options))
    turned = read_picture("a", encoded(squares(), kind, exif=exif, **options))
    expected = TURNED[orientation](plain.pixels)
    np.testing.assert_array_equal(turned.pixels, expected)
    assert (turned.height, turned.width) == expected.shape[:2]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP"])
def test_lossless_files_give_their_pixels(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = read_picture("a", encoded(face(64), kind, **options))
    np.testing.assert_array_equal(picture.pixels, np.asarray(face(64)))
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.writeable  # torch warns of arrays that are not


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_files_give_nearly_their_pixels(kind):
    picture = read_picture("a", encoded(face(), kind, quality=90))
    assert np.abs(picture.pixels - np.asarray(face(), float)).mean() < 3  # of 255


def test_a_picture_knows_its_name_size_and_bytes(tmp_path):
    data = encoded(face(100).resize((100, 80)), "JPEG")
    (tmp_path / "x.jpg").write_bytes(data)
    for where in (data, tmp_path / "x.jpg"):
        picture = read_picture("cohort/x.jpg", where)
        assert picture.photo == "cohort/x.jpg"
        assert (picture.width, picture.height) == (100, 80)
        assert picture.content == hashlib.sha256(data).hexdigest()
        assert picture.taken is None
        assert picture.reduction == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("at_least", "side"),
    [(None, 512), (512, 512), (300, 512), (256, 256), (100, 128), (64, 64), (1, 64)],
)
def test_photos_are_reduced_as_far_as_the_shorter_side_allows(kind, at_least, side):
    photo = face().resize((768, 512))
    picture = read_picture("a", encoded(photo, kind), at_least=at_least)
    assert picture.pixels.shape == (side, side * 3 // 2, 3)
    assert (picture.width, picture.height) == (768, 512)
    assert picture.reduction == 512 / side


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_reduced_jpeg_is_the_average_of_blocks(factor):
    data = encoded(face(), "JPEG", quality=90)
    reduced = read_picture("a", data, at_least=512 // factor).pixels
    full = read_picture("a", data).pixels.astype(float)
    side = 512 // factor
    blocks = full.reshape(side, factor, side, factor, 3).mean((1, 3))
    assert np.abs(reduced - blocks).mean() < 1.5  # of 255


def test_reduced_png_is_the_average_of_blocks():
    reduced = read_picture("a", encoded(face(), "PNG"), at_least=128).pixels
    blocks = np.asarray(face(), float).reshape(128, 4, 128, 4, 3).mean((1, 3))
    assert np.abs(reduced - blocks).max() <= 0.5


def test_a_reduced_photo_is_turned_like_the_whole():
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    data = encoded(face().resize((512, 400)), "JPEG", exif=exif)
    picture = read_picture("a", data, at_least=100)
    assert picture.pixels.shape == (128, 100, 3)
    assert (picture.width, picture.height, picture.reduction) == (400, 512, 4)


def test_of_odd_sizes_the_last_row_is_a_partial_block():
    for kind in ("JPEG", "PNG"):
        picture = read_picture(
            "a", encoded(squares(40, 24).crop((0, 0, 37, 21)), kind), at_least=10
        )
        assert picture.pixels.shape == (11, 19, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", TURNED)
def test_blocks_of_a_turned_photo_begin_at_its_first_pixel(kind, orientation):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    photo = face().crop((0, 0, 333, 347))
    data = encoded(photo, kind, exif=exif, **KINDS[kind])
    reduced = read_picture("a", data, at_least=41).pixels.astype(float)
    full = Image.fromarray(read_picture("a", data).pixels)
    blocks = np.asarray(full.reduce(8), float)
    assert reduced.shape == blocks.shape
    inner = np.abs(reduced - blocks)[:-1, :-1]  # decoders fill the last one
    assert inner.mean() < 1.5  # of 255; 8 to 13 where blocks begin elsewhere


def test_a_useless_size_is_refused():
    with pytest.raises(DataError, match="`at_least` must be at least 1, but it is 0"):
        read_picture("a", b"", at_least=0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_date_is_that_of_the_exposure_and_kept_on_request(kind):
    exif = dated(
        DateTime="2020:01:01 00:00:00",
        DateTimeOriginal="2015:05:01 12:30:00",
        DateTimeDigitized="2016:01:01 00:00:00",
    )
    data = encoded(squares(), kind, exif=exif)
    assert read_picture("a", data).taken is None
    assert read_picture("a", data, keep_date=True).taken == datetime(2015, 5, 1, 12, 30)


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"DateTimeDigitized": "2016:02:03 04:05:06"}, datetime(2016, 2, 3, 4, 5, 6)),
        ({"DateTime": "2016:02:03 04:05:06"}, None),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, None),
        ({"DateTimeOriginal": "    :  :     :  :  \0"}, None),
        ({"DateTimeOriginal": "2015"}, None),
        ({}, None),
    ],
)
def test_a_date_that_nobody_set_is_none(fields, taken):
    data = encoded(squares(), "JPEG", exif=dated(**fields))
    assert read_picture("a", data, keep_date=True).taken == taken


def test_damaged_exif_does_not_cost_the_picture():
    data = encoded(
        squares(), "JPEG", exif=dated(DateTimeOriginal="2015:05:01 12:30:00")
    )
    start = data.index(b"Exif\0\0") + 10
    broken = data[:start] + b"\xff" * 20 + data[start + 20 :]
    picture = read_picture("a", broken, keep_date=True)
    np.testing.assert_array_equal(picture.pixels, read_picture("a", data).pixels)
    assert picture.taken is None


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_read(kind):
    first, second = squares(seed=1), squares(seed=2)
    options = {
        "WEBP": {"lossless": True},
        "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    }.get(kind, {})
    data = encoded(first, kind, save_all=True, append_images=[second], **options)
    pixels = read_picture("a", data).pixels.astype(float)
    assert np.abs(pixels - np.asarray(first)).mean() < 5
    assert np.abs(pixels - np.asarray(second)).mean() > 40


def test_a_header_that_promises_too_much_is_refused_before_it_is_decoded():
    data = png(50_000, 50_000, 8, 2, bytes(1000))
    with pytest.raises(
        PhotoError, match=r"^`a\.png` cannot be read: it has 50,000 x 5"
    ):
        read_picture("a.png", data)
    assert len(data) < 200


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
def test_the_limit_of_pixels_holds_for_every_format(kind):
    data = encoded(squares(), kind)
    assert read_picture("a", data, max_pixels=24 * 16).width == 24
    with pytest.raises(PhotoError, match=r"24 x 16 pixels, more than the limit of 383"):
        read_picture("a", data, max_pixels=24 * 16 - 1)


def test_the_limit_holds_for_photos_larger_than_pillow_warns_of():
    white = encoded(Image.new("1", (20_000, 5_000), 1), "PNG")
    picture = read_picture("a", white, at_least=625)
    assert picture.pixels.shape == (625, 2500, 3)
    assert picture.pixels.min() == 255


def test_the_limit_of_bytes_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    (tmp_path / "a.jpg").write_bytes(bytes(11))
    for data in (bytes(11), tmp_path / "a.jpg"):
        with pytest.raises(
            PhotoError, match=r"has 11 bytes, more than the limit of 10"
        ):
            read_picture("a", data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("tail", ["", "zeros"])
def test_a_file_that_is_cut_off_gives_no_picture(kind, share, tail):
    data = encoded(face(), kind)
    end = int(len(data) * share)
    if tail and kind in ("TIFF", "BMP"):
        return  # zeros are black pixels there
    cut = data[:end] + bytes(len(data) - end if tail else 0)
    with pytest.raises(PhotoError, match="data are damaged or cut off"):
        read_picture("a", cut)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("at_least", [None, 64])
def test_a_jpeg_with_an_early_end_mark_is_not_shown_half_grey(mode, at_least):
    data = encoded(face().convert(mode), "JPEG")
    cut = data[: len(data) // 2] + b"\xff\xd9"
    with pytest.raises(PhotoError, match="its JPEG data end before the picture does"):
        read_picture("a", cut, at_least=at_least)


def test_a_photo_on_grey_ground_is_read():
    ground = Image.new("RGB", (256, 256), (128, 128, 128))
    ground.paste(face(128), (64, 64))
    assert read_picture("a", encoded(ground, "JPEG")).width == 256


def test_a_damaged_png_is_noticed_by_its_checksums():
    data = bytearray(encoded(face(128), "PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(PhotoError, match="its PNG data are damaged or cut off"):
        read_picture("a", bytes(data))


def test_absent_and_odd_files_say_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "closed.jpg").write_bytes(b"x")
    for path, reason in [
        (tmp_path / "absent.jpg", "the file does not exist"),
        (
            tmp_path / "p\\a.jpg",
            "the file does not exist; write / between folders",
        ),
        (tmp_path / "pipe.jpg", "it is not a file"),
        (tmp_path, "it is not a file"),
        (tmp_path / "a\0b.jpg", "its name is not that of a file"),
        (tmp_path / ("x" * 300), "the file cannot be opened: File name too long"),
    ]:
        with pytest.raises(PhotoError) as error:
            read_picture("x\n.jpg", path)
        assert error.value.reason == reason
        assert str(error.value) == rf"`x\n.jpg` cannot be read: {reason}."


def test_the_error_survives_the_way_between_processes():
    with pytest.raises(PhotoError) as error:
        read_picture("a", b"")
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == "`a` cannot be read: the file is empty."
    assert (again.photo, again.reason) == ("a", "the file is empty")


def test_too_little_memory_is_an_error_of_the_photo(monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(reading, "to_srgb", fail)
    with pytest.raises(PhotoError, match="needs more memory than there is"):
        read_picture("a", encoded(squares(), "PNG"))


def test_reading_is_the_same_in_many_threads():
    files = [encoded(face(64), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF")]
    alone = [read_picture("a", data).pixels for data in files]
    wrong = []

    def work():
        for data, pixels in zip(files * 5, alone * 5, strict=True):
            if not np.array_equal(read_picture("a", data).pixels, pixels):
                wrong.append(data)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


SMALL = [
    encoded(squares(), "JPEG", exif=dated(DateTimeOriginal="2015:05:01 12:30:00")),
    encoded(squares(), "JPEG", progressive=True),
    encoded(squares().convert("CMYK"), "JPEG"),
    encoded(squares(), "PNG"),
    encoded(squares().quantize(8), "PNG", transparency=b"\0\x80"),
    encoded(squares(), "PNG", save_all=True, append_images=[squares(seed=2)]),
    encoded(squares(), "WEBP"),
    encoded(squares(), "WEBP", lossless=True, exif=dated(DateTime="x")),
    encoded(squares(), "GIF"),
    encoded(squares(), "BMP"),
    encoded(squares(), "TIFF"),
    encoded(squares(), "TIFF", compression="tiff_lzw"),
    encoded(squares(), "TIFF", compression="jpeg"),
    encoded(squares(), "AVIF"),
]


@settings(max_examples=400)
@given(
    which=st.integers(0, len(SMALL) - 1),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8),
    end=st.floats(0, 1),
    is_cut=st.booleans(),
    at_least=st.sampled_from([None, 4]),
)
def test_damaged_bytes_give_a_picture_or_an_error_of_the_photo(
    which, changes, end, is_cut, at_least
):
    data = bytearray(SMALL[which])
    for place, value in changes:
        data[place % len(data)] = value
    if is_cut:
        del data[int(end * len(data)) :]
    try:
        picture = read_picture(
            "a", bytes(data), at_least=at_least, keep_date=True, max_pixels=10**6
        )
    except PhotoError:
        return
    assert isinstance(picture, Picture)
    assert picture.pixels.ndim == 3


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_worse(data):
    with pytest.raises(PhotoError):
        read_picture("a", data)
