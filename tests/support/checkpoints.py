"""Small checkpoints whose numbers come from a formula, the same everywhere."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from fahrstats.face.checkpoints.card import (
    Architecture,
    Card,
    ConvolutionalArchitecture,
    Output,
    Preprocessing,
)
from fahrstats.face.checkpoints.store import shapes_of

CARD = Card(
    name="small-age",
    architecture=Architecture(
        image_size=24, patch_size=8, width=16, depth=2, heads=2, mlp_width=24
    ),
    preprocessing=Preprocessing(
        input_size=24,
        crop_margin=0.2,
        interpolation="bicubic",
        channel_order="RGB",
        channel_mean=(0.5, 0.4, 0.3),
        channel_spread=(0.25, 0.2, 0.3),
    ),
    outputs=(Output("faceage", "years"),),
    training_data="none: the numbers come from a formula and mean nothing",
    licence="none",
)

CONVOLUTIONAL_CARD = replace(
    CARD,
    architecture=ConvolutionalArchitecture(
        image_size=24, widths=(8, 16), blocks=(1, 2)
    ),
)


def card_with(**changes) -> Card:
    """Return the card with other values of its preprocessing."""
    return replace(CARD, preprocessing=replace(CARD.preprocessing, **changes))


def formula_parameters(card: Card = CARD) -> dict[str, Tensor]:
    """Return parameters between -0.5 and 0.5, scales and variances 0.5 to 1.5.

    Entry i of the j-th tensor is ((7919 i + 104729 j) mod 1009) / 1009 - 0.5.
    """
    parameters = {}
    for j, (name, shape) in enumerate(shapes_of(card).items()):
        i = torch.arange(prod(shape), dtype=torch.int64)
        values = ((7919 * i + 104729 * j) % 1009).double() / 1009 - 0.5
        if "norm" in name and name.endswith(("weight", "variance")):
            values = values + 1
        parameters[name] = values.float().reshape(shape)
    return parameters
