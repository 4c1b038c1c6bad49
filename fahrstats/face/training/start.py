"""What a training starts from must fit what it trains."""

from __future__ import annotations

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import ConvolutionalArchitecture
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.training.config import Config
from fahrstats.face.training.faces.crops import Crops

_SIZE = {"image_size", "input_size"}
"""Where a face's pixels are said, of which no parameter of a convolution depends."""


def check_crops(config: Config, crops: Crops) -> None:
    """Raise a `DataError` where crops show less than the network is to see."""
    wanted = config.preprocessing
    if crops.margin < wanted.crop_margin:
        raise DataError(
            f"`crop_margin` is {wanted.crop_margin:g}, but the crops were made with a "
            f"margin of {crops.margin:g}; crop the photos again with `--margin "
            f"{wanted.crop_margin:g}` or more, or lower `crop_margin`."
        )
    if crops.interpolation != wanted.interpolation:
        raise DataError(
            f"The crops were made by {crops.interpolation} interpolation, but the "
            f"network will be fed by {wanted.interpolation} interpolation; crop the "
            f"photos again with `--interpolation {wanted.interpolation}`."
        )


def check_start(config: Config, start: Checkpoint | None) -> None:
    """Raise a `DataError` where a checkpoint is of another network or fed otherwise.

    A convolutional network may start from one that saw faces of another size.
    """
    if start is None:
        return
    is_free = isinstance(config.architecture, ConvolutionalArchitecture)
    for what in ("architecture", "preprocessing"):
        theirs, ours = getattr(start.card, what), getattr(config, what)
        names = [name for name in type(theirs).__slots__ if type(theirs) is type(ours)]
        differing = [
            f"`{name}` is {getattr(theirs, name)} there and {getattr(ours, name)} here"
            for name in names
            if getattr(theirs, name) != getattr(ours, name)
            and not (is_free and name in _SIZE)
        ]
        if type(theirs) is not type(ours):
            differing = [f"it is of the kind `{theirs.kind}`"]
        if differing:
            raise DataError(
                f"`start` is `{start.name}`, whose {what} differs: "
                f"{'; '.join(differing)}. Change [network] accordingly."
            )
