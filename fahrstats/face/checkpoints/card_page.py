"""The card of a checkpoint as a page of text."""

from __future__ import annotations

import textwrap

from fahrstats.face.checkpoints.card import (
    AnyArchitecture,
    Card,
    ConvolutionalArchitecture,
    Preprocessing,
)

_INDENT = 16
_WIDTH = 88


def card_page(card: Card) -> str:
    """Return what a card says, in words, at most 88 characters wide."""
    gives = [f"{output.column} ({output.units})" for output in card.outputs]
    measured = [f"{name}: {value:g}" for name, value in card.accuracy.items()]
    lines = {
        "Gives": ", ".join(gives) or "embeddings; it has no head",
        "Accuracy": "\n".join(measured) or "not measured",
        "Training data": card.training_data,
        "Licence": card.licence,
        "Notes": card.notes or "none",
        "Input": _input(card.preprocessing),
        "Network": _network(card.architecture),
        "SHA-256": card.sha256,
    }
    return "\n".join([card.name, *(_line(name, text) for name, text in lines.items())])


def _input(how: Preprocessing) -> str:
    """Say how a face is fed to the network."""
    mean, spread = (
        ", ".join(f"{x:g}" for x in values)
        for values in (how.channel_mean, how.channel_spread)
    )
    return (
        f"{how.input_size} x {how.input_size} pixels, crop margin {how.crop_margin:g}, "
        f"{how.interpolation}, {how.channel_order}, mean {mean}, spread {spread}"
    )


def _network(shape: AnyArchitecture) -> str:
    """Say what the network is."""
    if isinstance(shape, ConvolutionalArchitecture):
        blocks, widths = (
            ", ".join(str(x) for x in values) for values in (shape.blocks, shape.widths)
        )
        return f"residual convolutional, blocks {blocks}, widths {widths}"
    return (
        f"vision transformer, {shape.depth} blocks, width {shape.width}, {shape.heads} "
        f"heads, patches of {shape.patch_size} pixels"
    )


def _line(name: str, text: str) -> str:
    """Put a name before its text, every line of which is indented alike."""
    indent = " " * _INDENT
    wrapped = [
        textwrap.fill(line, _WIDTH, initial_indent=indent, subsequent_indent=indent)
        for line in text.splitlines()
    ]
    return f"{name:<{_INDENT}}" + "\n".join(wrapped).lstrip(" ")
