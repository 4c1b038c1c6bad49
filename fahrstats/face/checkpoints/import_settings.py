"""What the user says of a foreign checkpoint, because its tensors do not say it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.card_file import SCHEMA, SCHEMA_KEY, card_from
from fahrstats.section import Section, open_toml

_ASKED = {
    "": {
        "name": "a name of your own, such as `fahr-faceage`",
        "training_data": "data sets, their size and origin, or `unknown`",
        "licence": "licence of the parameters, or `unknown`",
    },
    "architecture": {
        "heads": "attention heads of a block; in most networks the width, here "
        "{width}, divided by 64",
        "norm_eps": "added to the variance in layer norms; 1e-12 in Hugging Face's "
        "ViT, 1e-6 in timm and masked autoencoders",
    },
    "preprocessing": {
        "crop_margin": "share of the side of an ArcFace crop that is added on each "
        "side, such as 0 or 0.2",
        "interpolation": "`bilinear` or `bicubic`",
        "channel_order": "`RGB`, or `BGR` where OpenCV read the photos",
        "channel_mean": "three numbers for pixels from 0 to 1; [0.5, 0.5, 0.5] in "
        "Hugging Face's ViT, [0.485, 0.456, 0.406] for ImageNet",
        "channel_spread": "three numbers for pixels from 0 to 1; [0.5, 0.5, 0.5] in "
        "Hugging Face's ViT, [0.229, 0.224, 0.225] for ImageNet",
    },
}
_ASKED_OF_OUTPUTS = {
    "column": "name of the column of the scores, such as `faceage`",
    "units": "`years` or `log hazard`",
}
_POOLER = (
    "The file holds a pooler, a layer on top of the class token. Where the head reads "
    'the class token itself, write pooler = "unused" above the first section; a head '
    "that reads the pooler cannot be imported."
)


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What a foreign checkpoint is, as far as the user and its tensors say.

    Attributes
    ----------
    card : Card
        The card, without a fingerprint.
    scales : tuple of (float, float)
        For each column of the head, scale and offset that turn what it gives into the
        units of the card.
    """

    card: Card
    scales: tuple[tuple[float, float], ...]


def read_settings(
    config: Path, *, sizes: Mapping[str, int], n_outputs: int, asks_pooler: bool
) -> ImportSettings:
    """Read a configuration in TOML and complete it by the sizes of the tensors.

    Parameters
    ----------
    config
        As described in :func:`~fahrstats.face.checkpoints.authors.import_checkpoint`.
    sizes
        ``image_size``, ``patch_size``, ``width``, ``depth`` and ``mlp_width``.
    n_outputs
        Columns of the head; 0 where there is none.
    asks_pooler
        Whether it must be said that a pooler is unused.

    Raises
    ------
    DataError
        Keys are missing (all are listed, with what they mean), unknown, out of range,
        or contradict the sizes.
    """
    top = open_toml(config)
    for key, asked in _ASKED.items():
        section = top.section(key) if key else top
        _ask(section, asked, sizes)
        if key == "architecture":
            _check_sizes(section, sizes)
    scales = _scales(top, n_outputs)
    if asks_pooler and top.text("pooler") != "unused":
        top.problem(_POOLER)
    if top.problems:
        raise DataError(f"`{config}`: {' '.join(top.problems)}")
    card = card_from(_completed(top, sizes), f"`{config}`")
    return ImportSettings(card, scales)


def _ask(section: Section, asked: Mapping[str, str], sizes: Mapping[str, int]) -> None:
    """Report the keys that are missing, and what they mean."""
    for key, meaning in asked.items():
        if not section.is_given(key):
            section.problem(f"`{key}` is missing: {meaning.format(**sizes)}.")


def _check_sizes(section: Section, sizes: Mapping[str, int]) -> None:
    """Report sizes that are not those of the tensors."""
    for key, size in sizes.items():
        given = section.values.get(key, size)
        if given != size:
            section.problem(f"`{key}` is {given}, but the tensors say {size}.")


def _scales(top: Section, n_outputs: int) -> tuple[tuple[float, float], ...]:
    """Read scale and offset of every column of the head."""
    items = top.items("outputs")
    if not all(isinstance(item, dict) for item in items):
        top.problem("`outputs` must be written as sections, [[outputs]].")
        return ()
    if len(items) != n_outputs:
        top.problem(
            f"{len(items)} of {n_outputs} sections [[outputs]] are given; every column "
            'of the head needs one, with `column`, such as "faceage", and `units`, '
            '"years" or "log hazard".'
        )
    scales = []
    for i, item in enumerate(items, start=1):
        section = Section(f"[outputs {i}]", item, top.problems)
        _ask(section, _ASKED_OF_OUTPUTS, {})
        scale = section.number("scale", at_least=-math.inf)
        offset = section.number("offset", at_least=-math.inf)
        if scale == 0:
            section.problem("`scale` is 0, which makes every score the same.")
        scales.append((1.0 if scale is None else scale, offset or 0.0))
    return tuple(scales)


def _completed(top: Section, sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return the values of a card."""
    architecture = {"kind": "vit", "positions": "learned", **sizes}
    outputs = [
        {key: x for key, x in output.items() if key not in ("scale", "offset")}
        for output in top.items("outputs")
    ]
    return {
        "notes": "",
        "accuracy": {},
        **{key: x for key, x in top.values.items() if key != "pooler"},
        SCHEMA_KEY: SCHEMA,
        "sha256": "",
        "architecture": architecture | top.values["architecture"],
        "preprocessing": {"input_size": sizes["image_size"]}
        | top.values["preprocessing"],
        "outputs": outputs,
    }
