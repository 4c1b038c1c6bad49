"""Pixels of any kind to 8 bits of red, green and blue in sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

from fahrstats.errors import PhotoError

_WHITE = (255, 255, 255)
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE = 258
_DEVICE_MODES = ("RGB", "L", "CMYK")
"""Kinds of pixels that a colour profile describes."""


def to_eight_bits(image: ImageFile) -> Image.Image:
    """Return an image with 8 bits a channel and without a palette.

    Grey of 12 or 16 bits is scaled so that its largest value becomes 255, and fractions
    so that 1 does.

    Raises
    ------
    PhotoError
        The value of white is unknown: 32-bit integers, or fractions beyond 0 to 1.
    """
    if image.mode in _SIXTEEN_BITS:
        white = 4095 if _bits(image) == 12 else 65535
        scaled = np.minimum((np.arange(65536) * 255 + white // 2) // white, 255)
        return Image.fromarray(scaled.astype(np.uint8)[np.asarray(image)])
    if image.mode == "F":
        values = np.asarray(image)
        if not bool(((values >= 0) & (values <= 1)).all()):
            raise PhotoError("its fractions are not within 0 to 1; save it with 8 bits")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    if image.mode == "I":
        raise PhotoError("it has 32-bit integers; save it with 8 or 16 bits")
    if "transparency" in image.info or image.mode == "PA":
        return image.convert("RGBA")
    if image.mode == "P":
        return image.convert("RGB")
    return image.convert("L") if image.mode == "1" else image


def _bits(image: ImageFile) -> int:
    """Return the bits of a sample as a TIFF file states them, elsewhere 16."""
    stated = (getattr(image, "tag_v2", None) or {}).get(_BITS_PER_SAMPLE, 16)
    return int(stated[0] if isinstance(stated, tuple) else stated)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an image with 8 bits a channel in sRGB, mode ``RGB``.

    Transparent parts are laid on white, as a page shows them. An embedded colour
    profile is applied with relative colorimetric intent; one that is broken or meant
    for other channels is passed over, as viewers do, and the pixels taken for sRGB.
    """
    if image.mode in ("RGBA", "LA"):
        alpha = image.getchannel("A")
        colours = to_srgb(image.convert(image.mode[:-1]), profile)
        return Image.composite(colours, Image.new("RGB", image.size, _WHITE), alpha)
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        return _converted(image, lab) or image.convert("RGB")
    if profile and image.mode in _DEVICE_MODES:
        return _converted(image, profile) or image.convert("RGB")
    return image.convert("RGB")


def _converted(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Apply a profile; return None if it does not fit."""
    try:
        transform = _transform(profile, image.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return image if transform is None else transform.apply(image)


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None if it is sRGB by its own name."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    name = ImageCms.getProfileDescription(source).strip()
    if mode == "RGB" and name.startswith("sRGB"):
        return None
    return ImageCms.ImageCmsTransform(
        source,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE,
    )
