"""Checkpoints that others trained, brought into the form of this package.

What the shapes of the tensors say is read off them. The rest is asked for, because it
is not in the file, and a wrong guess gives wrong scores in silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.foreign_file import read_tensors
from fahrstats.face.checkpoints.foreign_keys import ForeignParameters, translate
from fahrstats.face.checkpoints.import_settings import read_settings
from fahrstats.face.checkpoints.store import Checkpoint, save_checkpoint
from fahrstats.files import file_sha256


def import_checkpoint(file: Path, *, config: Path, out: Path) -> Checkpoint:
    """Write a checkpoint of this package from parameters that others trained.

    Parameters
    ----------
    file
        Parameters of torch or safetensors, under the names of Hugging Face's or timm's
        vision transformer. Nothing in it is run.
    config
        TOML with what the shapes of the tensors do not say: ``name``,
        ``training_data``, ``licence``; ``[architecture]`` with ``heads`` and
        ``norm_eps``; ``[preprocessing]`` as in a card, without ``input_size``; for
        each column of the head ``[[outputs]]`` with ``column`` and ``units``, and with
        ``scale`` and ``offset`` where the score is scale times what the head gives
        plus offset. Sizes may be given, and must then agree with the tensors.
    out
        File to write, ending in ``.safetensors``; the card is written beside it.

    Raises
    ------
    DataError
        The file is damaged, would have to run code, or is not a plain vision
        transformer whose head reads the class token; the configuration lacks a key
        (all are listed) or contradicts the tensors; ``out`` is ``file``.
    """
    if out.exists() and out.samefile(file):
        raise DataError(f"`{out}` is the file to import; write another one.")
    found = translate(read_tensors(file), f"`{file}`")
    settings = read_settings(
        config,
        sizes=_sizes(found.encoder, f"`{file}`"),
        n_outputs=len(found.head["head.bias"]) if found.head else 0,
        asks_pooler=bool(found.head and found.pooler),
    )
    notes = f"{settings.card.notes} {_origin(file, found)}".strip()
    card = replace(settings.card, notes=notes)
    tensors = found.encoder | _rescaled(found.head, settings.scales)
    return save_checkpoint(out, card, {name: x.float() for name, x in tensors.items()})


def _sizes(encoder: Mapping[str, Tensor], where: str) -> dict[str, int]:
    """Return the sizes of a network that the shapes of its tensors tell."""
    needed = ("class_token", "positions", "patch.weight", "blocks.0.up.weight")
    missing = [name for name in needed if name not in encoder]
    if missing:
        raise DataError(
            f"{where} lacks what becomes {', '.join(f'`{name}`' for name in missing)}; "
            "it is not a whole vision transformer."
        )
    patch, positions = encoder["patch.weight"].shape, encoder["positions"].shape
    n_patches = positions[-2] - 1 if len(positions) == 3 else -1
    side = math.isqrt(max(n_patches, 0))
    if len(patch) != 4 or patch[1:] != (3, patch[2], patch[2]) or side**2 != n_patches:
        raise DataError(
            f"{where} has patches of shape {tuple(patch[1:])} and positions of shape "
            f"{tuple(positions)}; only square patches of 3 channels on a square grid "
            "behind a class token can be imported."
        )
    blocks = {int(name.split(".")[1]) for name in encoder if name.startswith("blocks.")}
    return {
        "image_size": side * patch[2],
        "patch_size": patch[2],
        "width": patch[0],
        "depth": 1 + max(blocks),
        "mlp_width": len(encoder["blocks.0.up.weight"]),
    }


def _rescaled(
    head: Mapping[str, Tensor], scales: tuple[tuple[float, float], ...]
) -> dict[str, Tensor]:
    """Return a head that gives scale times the old output plus offset."""
    if not head:
        return {}
    scale, offset = torch.tensor(scales, dtype=torch.float64).T
    return {
        "head.weight": scale[:, None] * head["head.weight"],
        "head.bias": scale * head["head.bias"] + offset,
    }


def _origin(file: Path, found: ForeignParameters) -> str:
    """Say what was imported, and what of it was left out."""
    left_out = [
        what
        for what, names in (
            ("the pooler", found.pooler),
            ("the tensors of pretraining", found.pretraining),
        )
        if names
    ]
    text = f"Imported from {file.name}, SHA-256 {file_sha256(file)}"
    return f"{text}, without {' and '.join(left_out)}." if left_out else f"{text}."
