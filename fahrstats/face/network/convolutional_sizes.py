"""Sizes of the convolutional networks, what they cost, and which shapes fit."""

from __future__ import annotations

from typing import Literal, get_args

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.network.sizes import CHANNELS

ConvolutionalSize = Literal["mini", "small"]

WIDTH_STEP = 8
"""Widths are multiples of it, so that channels fill the registers of a processor."""

_KERNEL = 9  # 3 x 3 pixels
_MOST_SIDE = 4096
_MOST_WIDTH = 4096
_MOST_STAGES = 8
_MOST_BLOCKS = 128  # of a stage; a damaged card must not ask for all memory

_SHAPES = {  # widths, blocks
    "mini": ((24, 48, 96, 192), (1, 1, 1, 1)),
    "small": ((32, 64, 128, 224), (1, 2, 2, 2)),
}


def convolutional_architecture(
    size: ConvolutionalSize, *, image_size: int = 112
) -> ConvolutionalArchitecture:
    """Return the shape of a convolutional network of a usual size.

    Parameters
    ----------
    size : str
        ``"mini"`` (0.7 million parameters) or ``"small"`` (2.3 million).
    image_size : int
        Side of the image in pixels.

    Raises
    ------
    DataError
        If the size is unknown or the image too small.
    """
    if size not in _SHAPES:
        known = ", ".join(f"`{name}`" for name in get_args(ConvolutionalSize))
        raise DataError(f"`size` is `{size}`; choose one of {known}.")
    widths, blocks = _SHAPES[size]
    shape = ConvolutionalArchitecture(
        image_size=image_size, widths=widths, blocks=blocks
    )
    check_convolutional(shape)
    return shape


def check_convolutional(shape: ConvolutionalArchitecture) -> None:
    """Raise a `DataError` where the numbers of an architecture do not fit together."""
    stages = len(shape.widths)
    if not 1 <= stages <= _MOST_STAGES or len(shape.blocks) != stages:
        raise DataError(
            f"`widths` names {stages} stages and `blocks` {len(shape.blocks)}; both "
            f"must name the same, 1 to {_MOST_STAGES}."
        )
    for width in shape.widths:
        if not WIDTH_STEP <= width <= _MOST_WIDTH or width % WIDTH_STEP:
            raise DataError(
                f"`widths` holds {width}; a width must be a multiple of {WIDTH_STEP}, "
                f"at most {_MOST_WIDTH}."
            )
    for count in shape.blocks:
        if not 1 <= count <= _MOST_BLOCKS:
            raise DataError(
                f"`blocks` holds {count}; a stage has 1 to {_MOST_BLOCKS} blocks."
            )
    if not 2**stages <= shape.image_size <= _MOST_SIDE:
        raise DataError(
            f"`image_size` is {shape.image_size}; with {stages} stages it must be "
            f"{2**stages} to {_MOST_SIDE}."
        )


def convolutional_flop(shape: ConvolutionalArchitecture) -> int:
    """Return the floating-point operations of the convolutions for one image.

    A multiplication and an addition count as two; products with the zeros around an
    image are counted too. Norms, activations and the head are left out.
    """
    side, before = (shape.image_size + 1) // 2, shape.widths[0]
    products = side**2 * _KERNEL * CHANNELS * before
    for stage, (width, count) in enumerate(
        zip(shape.widths, shape.blocks, strict=True)
    ):
        side = (side + 1) // 2 if stage else side
        for number in range(count):
            past = before if stage and not number else 0  # the shortcut's
            products += side**2 * width * (_KERNEL * (before + width) + past)
            before = width
    return 2 * products
