from __future__ import annotations

import numpy as np
import pytest
from colour_profiles import ADOBE_GAMMA, ADOBE_RGB, SRGB, as_srgb, matrix_profile
from photo_files import encoded, face, png, squares
from PIL import Image, ImageCms

from fahrstats.errors import PhotoError
from fahrstats.face.pictures.reading import read_picture

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def pixels(image, kind="PNG", **options):
    return read_picture("a", encoded(image, kind, **options)).pixels


def grey(values):
    return np.repeat(np.asarray(values)[..., None], 3, axis=2)


def test_grey_becomes_equal_channels():
    np.testing.assert_array_equal(pixels(Image.fromarray(RAMP)), grey(RAMP))


def test_black_and_white_is_0_and_255():
    bits = Image.fromarray(RAMP % 2 == 0)
    assert bits.mode == "1"
    for kind in ("PNG", "TIFF", "BMP"):
        np.testing.assert_array_equal(pixels(bits, kind), grey((RAMP % 2 == 0) * 255))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(kind):
    wide = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    np.testing.assert_array_equal(pixels(Image.fromarray(wide), kind), grey(RAMP))


def test_sixteen_bits_are_rounded_to_the_nearest():
    wide = np.array([[0, 128, 129, 257, 65406, 65407]], dtype=np.uint16)
    assert pixels(Image.fromarray(wide))[0, :, 0].tolist() == [0, 0, 1, 1, 254, 255]


def test_sixteen_bits_may_come_in_either_byte_order():
    wide = np.array([[0, 32896, 65535]], dtype=">u2")
    for order in (">u2", "<u2"):
        image = Image.fromarray(wide.astype(order))
        assert pixels(image, "TIFF")[0, :, 0].tolist() == [0, 128, 255]


def test_colours_of_sixteen_bits_are_scaled():
    values = np.array([[0, 32896, 65535]], dtype=">u2").tobytes()
    data = png(1, 1, 16, 2, b"\0" + values)
    assert read_picture("a", data).pixels.tolist() == [[[0, 128, 255]]]


def test_twelve_bits_are_scaled_by_their_own_white():
    values = [0, 4095, 2048, 1024]
    packed = b"".join(
        bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255])
        for a, b in zip(values[::2], values[1::2], strict=True)
    )
    wide = Image.fromarray(np.zeros((1, 4), np.uint16))
    data = encoded(wide, "TIFF", tiffinfo={258: 12})
    start = data.index(b"\x02\x01\x03\0") + 8  # BitsPerSample
    data = data[:start] + b"\x0c\0" + data[start + 2 :]
    data = data[: -len(bytes(8))] + packed + bytes(2)
    read = read_picture("a", data).pixels[0, :, 0].tolist()
    assert read == [0, 255, 128, 64]


def test_fractions_are_scaled_by_one():
    image = Image.fromarray((RAMP / 255).astype(np.float32))
    np.testing.assert_array_equal(pixels(image, "TIFF"), grey(RAMP))


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan, np.inf])
def test_fractions_whose_white_is_unknown_are_refused(value):
    image = Image.fromarray(np.array([[0.5, value]], dtype=np.float32))
    with pytest.raises(PhotoError, match=r"fractions are not within 0 to 1; save it"):
        pixels(image, "TIFF")


def test_integers_of_32_bits_are_refused():
    image = Image.fromarray(np.array([[1, 70_000]], dtype=np.int32))
    with pytest.raises(
        PhotoError, match="it has 32-bit integers; save it with 8 or 16"
    ):
        pixels(image, "TIFF")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "BMP"])
def test_a_palette_is_looked_up(kind):
    image = squares().quantize(6)
    np.testing.assert_array_equal(pixels(image, kind), np.asarray(image.convert("RGB")))


def test_transparency_lies_on_white():
    colour = np.array([10, 100, 200])
    alpha = RAMP[..., None] / 255
    image = Image.new("RGB", (16, 16), tuple(colour.tolist()))
    image.putalpha(Image.fromarray(RAMP))
    expected = alpha * colour + (1 - alpha) * 255
    for kind, options in {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}.items():
        shown = pixels(image, kind, **options)
        # WebP forgets the colour of what is not seen at all, which white hides
        assert np.abs(shown - expected).max() <= 1


def test_transparent_grey_lies_on_white():
    image = Image.merge("LA", [Image.new("L", (16, 16), 50), Image.fromarray(RAMP)])
    alpha = RAMP / 255
    expected = grey(alpha * 50 + (1 - alpha) * 255)
    assert np.abs(pixels(image) - expected).max() <= 1


def test_one_transparent_colour_becomes_white():
    rgb = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8))
    assert pixels(rgb, transparency=(1, 2, 3)).tolist() == [[[255] * 3, [4, 5, 6]]]
    level = Image.fromarray(np.array([[7, 9]], dtype=np.uint8))
    assert pixels(level, transparency=7)[0, :, 0].tolist() == [255, 9]


def test_a_palette_with_levels_of_transparency_lies_on_white():
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    shown = pixels(image, transparency=bytes([0, 128, 255]))
    assert np.abs(shown[0] - [[255] * 3, [127, 227, 127], [0, 0, 200]]).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_what_ink_leaves_of_white(kind):
    """Without a profile, red is 255 (1 - C)(1 - K); JPEG stores it inverted (Adobe)."""
    ink = np.zeros((8, 32, 4), np.uint8)
    ink[:, 8:16, 0] = 255
    ink[:, 16:24, 3] = 102
    ink[:, 24:] = [0, 128, 255, 51]
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    shown = pixels(Image.fromarray(ink, "CMYK"), kind, **options)
    part = ink / 255
    expected = 255 * (1 - part[..., :3]) * (1 - part[..., 3:])
    assert np.abs(shown - expected).max() <= 3


def test_ycck_becomes_cmyk():
    """An Adobe mark of transform 2 says that CMY is stored as luminance and colour."""
    plain = Image.fromarray(np.full((8, 8, 4), [0, 0, 0, 51], np.uint8), "CMYK")
    data = encoded(plain, "JPEG", quality=100)
    mark = data.index(b"Adobe") + 11
    ycck = data[:mark] + b"\2" + data[mark + 1 :]
    # Stored is 255 - ink, here 255, 255, 255, 204. As luminance and colour this is red
    # 255, green 255 - (0.344 + 0.714) 127 = 121, blue 255; the inks stored are 255
    # minus that, 0, 134, 0, so what they leave of white is 0, 134, 0, times 0.8.
    shown = read_picture("a", ycck).pixels.astype(int)
    assert np.abs(shown - [0, 0.8 * 134, 0]).max() <= 2


def test_lab_is_converted_by_its_definition():
    """L* = 50 without colour is 18.4% of the light, in sRGB 119."""
    lab = Image.new("LAB", (4, 4), (128, 128, 128))
    assert np.abs(pixels(lab, "TIFF").astype(int) - 119).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_an_embedded_profile_is_applied(kind):
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    profile = matrix_profile(ADOBE_RGB, ADOBE_GAMMA)
    colours = [(200, 120, 100), (90, 60, 50), (128, 128, 128), (255, 255, 255)]
    for colour in colours:
        image = Image.new("RGB", (16, 16), colour)
        saved = {"icc_profile": profile, **options.get(kind, {})}
        shown = pixels(image, kind, **saved)
        expected = as_srgb(colour, ADOBE_RGB, ADOBE_GAMMA)
        assert np.abs(shown - expected).max() <= (4 if kind == "AVIF" else 2)


def test_a_profile_is_applied_beside_transparency():
    profile = matrix_profile(ADOBE_RGB, ADOBE_GAMMA)
    image = Image.new("RGBA", (2, 1), (200, 120, 100, 255))
    image.putpixel((1, 0), (200, 120, 100, 128))
    opaque = as_srgb((200, 120, 100), ADOBE_RGB, ADOBE_GAMMA)
    half = 255 + (opaque - 255) * 128 / 255
    shown = pixels(image, icc_profile=profile)[0]
    assert np.abs(shown - [opaque, half]).max() <= 2


def test_a_profile_that_is_srgb_by_name_changes_nothing():
    named = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    expected = np.asarray(face(64))
    np.testing.assert_array_equal(pixels(face(64), icc_profile=named), expected)
    other = matrix_profile(SRGB, 2.2, "sRGB, or nearly")
    np.testing.assert_array_equal(pixels(face(64), icc_profile=other), expected)


@pytest.mark.parametrize("profile", [b"nonsense", bytes(200)])
def test_a_broken_profile_is_passed_over(profile):
    shown = pixels(face(64), icc_profile=profile)
    np.testing.assert_array_equal(shown, np.asarray(face(64)))


def test_a_profile_of_other_channels_is_passed_over():
    profile = matrix_profile(ADOBE_RGB, ADOBE_GAMMA)
    shown = pixels(Image.fromarray(RAMP), icc_profile=profile)
    np.testing.assert_array_equal(shown, grey(RAMP))
