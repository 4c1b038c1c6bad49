"""The card of a checkpoint: what it is, how it is fed, and how good it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Interpolation = Literal["bilinear", "bicubic"]
Positions = Literal["learned", "sincos"]
ChannelOrder = Literal["RGB", "BGR"]
Units = Literal["years", "log hazard"]
Channels = tuple[float, float, float]

LARGEST_MARGIN = 1.0
"""Largest crop margin; a found face comes with the pixels that it needs."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Shape of a vision transformer.

    Attributes
    ----------
    kind : str
        ``"vit"``.
    patch_size, image_size : int
        Sides in pixels; the image's is a multiple of the patch's.
    width, depth, heads, mlp_width : int
        Length of a token, number of blocks, attention heads, hidden units of a block.
    positions : str
        ``"learned"``, or ``"sincos"`` (fixed).
    norm_eps : float
        Added to the variance in layer norms.
    """

    image_size: int
    patch_size: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    positions: Positions = "learned"
    norm_eps: float = 1e-6
    kind: Literal["vit"] = "vit"


@dataclass(frozen=True, slots=True)
class ConvolutionalArchitecture:
    """Shape of a residual convolutional network.

    Attributes
    ----------
    kind : str
        ``"convolutional"``.
    image_size : int
        Side of the image in pixels.
    widths : tuple of int
        Channels of each stage, multiples of 8. A stage halves the sides of the stage
        before it; the first one those of the image.
    blocks : tuple of int
        Residual blocks of each stage.
    """

    image_size: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    kind: Literal["convolutional"] = "convolutional"

    @property
    def width(self) -> int:
        """Length of the embedding: the channels of the last stage."""
        return self.widths[-1]


AnyArchitecture = Architecture | ConvolutionalArchitecture


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a found face becomes the input of the network; nothing has a default.

    Attributes
    ----------
    input_size : int
        Side of the square input in pixels.
    crop_margin : float
        Share of the ArcFace crop's side that is added on each of the four sides; 0 is
        the ArcFace crop itself, 1 the most.
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``.
    channel_order : str
        ``"RGB"`` or ``"BGR"``.
    channel_mean, channel_spread : tuple of three float
        Subtracted from, and divided into, pixels scaled to 0 to 1, in channel order.
    """

    input_size: int
    crop_margin: float
    interpolation: Interpolation
    channel_order: ChannelOrder
    channel_mean: Channels
    channel_spread: Channels


@dataclass(frozen=True, slots=True)
class Output:
    """One column that the head writes.

    Attributes
    ----------
    column : str
        Name of the column of the scores, such as ``faceage``.
    units : str
        ``"years"``, or ``"log hazard"`` (higher is worse).
    """

    column: str
    units: Units


@dataclass(frozen=True, slots=True)
class Card:
    """What a checkpoint is. Everything a user must know travels with the parameters.

    Attributes
    ----------
    name : str
        Name, such as ``fahr-faceage``.
    architecture : Architecture or ConvolutionalArchitecture
        Shape of the network.
    preprocessing : Preprocessing
        How a face is fed to it.
    outputs : tuple of Output
        Columns of the head in order; empty for a foundation model without a head.
    training_data : str
        Data sets, their size and origin.
    licence : str
        Licence of the parameters.
    accuracy : mapping of str to float
        Measured accuracies by name, such as ``{"MAE, years, 256 portraits": 5.6}``;
        empty if none was measured.
    notes : str
        Who trained it, what it is not for, what is unknown.
    sha256 : str
        SHA-256 of the file of parameters; empty until it is written.
    """

    name: str
    architecture: AnyArchitecture
    preprocessing: Preprocessing
    outputs: tuple[Output, ...]
    training_data: str
    licence: str
    accuracy: Mapping[str, float] = field(default_factory=dict)
    notes: str = ""
    sha256: str = ""
