"""Sizes of the networks: their names, what they cost, and which shapes fit together."""

from __future__ import annotations

from typing import Literal, get_args

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Architecture, Positions

Size = Literal["tiny", "small", "base", "large"]

CHANNELS = 3
_MOST = {
    "image_size": 4096,
    "patch_size": 4096,
    "width": 16_384,
    "depth": 512,
    "heads": 1024,
    "mlp_width": 65_536,
}
_MOST_PATCHES = 16_384
"""Far above what is in use; a damaged card must not ask for all memory or time."""

_SHAPES = {  # width, depth, heads
    "tiny": (192, 12, 3),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
}


def architecture(
    size: Size,
    *,
    patch_size: int = 16,
    image_size: int = 224,
    positions: Positions = "learned",
) -> Architecture:
    """Return the shape of a network of a usual size.

    Parameters
    ----------
    size : str
        ``"tiny"``, ``"small"``, ``"base"`` or ``"large"``: width 192, 384, 768 or 1024,
        12 blocks (large: 24), heads of 64, a hidden layer of four times the width.
    patch_size, image_size : int
        Sides in pixels; the image's is a multiple of the patch's.
    positions : str
        ``"learned"``, or ``"sincos"`` (fixed).

    Raises
    ------
    DataError
        If the size is unknown or the sides do not fit.

    References
    ----------
    Dosovitskiy et al. 2021 (base, large); Touvron et al. 2021 (tiny, small).
    """
    if size not in _SHAPES:
        known = ", ".join(f"`{name}`" for name in get_args(Size))
        raise DataError(f"`size` is `{size}`; choose one of {known}.")
    width, depth, heads = _SHAPES[size]
    shape = Architecture(
        image_size=image_size,
        patch_size=patch_size,
        width=width,
        depth=depth,
        heads=heads,
        mlp_width=4 * width,
        positions=positions,
    )
    check_architecture(shape)
    return shape


def check_architecture(shape: Architecture) -> None:
    """Raise a `DataError` where the numbers of an architecture do not fit together."""
    for name, most in _MOST.items():
        if getattr(shape, name) < 1:
            raise DataError(
                f"`{name}` is {getattr(shape, name)}; it must be at least 1."
            )
        if getattr(shape, name) > most:
            raise DataError(f"`{name}` is too large; it must be at most {most}.")
    check_image_size(shape.image_size, shape.image_size, patch_size=shape.patch_size)
    if n_patches(shape) > _MOST_PATCHES:
        raise DataError(
            f"An image of {n_patches(shape)} patches is too large; at most "
            f"{_MOST_PATCHES} are read."
        )
    if shape.width % shape.heads:
        raise DataError(
            f"`width` is {shape.width} and cannot be shared among {shape.heads} "
            "`heads`; choose a multiple."
        )
    if shape.positions not in get_args(Positions):
        raise DataError(
            f"`positions` is `{shape.positions}`; choose `learned` or `sincos`."
        )
    if shape.positions == "sincos" and shape.width % 4:
        raise DataError(
            f"`width` is {shape.width}; with `sincos` positions it must be a multiple "
            "of 4: a sine and a cosine for either direction."
        )


def check_image_size(height: int, width: int, *, patch_size: int) -> None:
    """Raise a `DataError` unless whole patches cover the image."""
    if min(height, width) < 1 or height % patch_size or width % patch_size:
        raise DataError(
            f"An image of {height} x {width} pixels is not made of whole patches; "
            f"its sides must be multiples of `patch_size`, {patch_size}."
        )


def n_patches(shape: Architecture) -> int:
    """Return the number of patches of an image of the native size."""
    return int((shape.image_size // shape.patch_size) ** 2)


def flop_per_image(shape: Architecture, *, class_token_only: bool = False) -> int:
    """Return the floating-point operations of the matrix products for one image.

    A multiplication and an addition count as two. Norms, softmax and activations are
    left out, as is usual: they are below one percent.

    Parameters
    ----------
    shape : Architecture
        Shape of the network.
    class_token_only : bool
        Leave out what the last block does for tokens that are not read.
    """
    patches = n_patches(shape)
    tokens = patches + 1
    embedding = patches * shape.width * CHANNELS * shape.patch_size**2
    keys_and_values = tokens * shape.width * 2 * shape.width
    # Query, output, hidden layer and the two products of attention, for one token
    rest = shape.width * (2 * shape.width + 2 * shape.mlp_width + 2 * tokens)
    unread = patches * rest if class_token_only else 0
    blocks = shape.depth * (keys_and_values + tokens * rest)
    return 2 * (embedding + blocks - unread)
