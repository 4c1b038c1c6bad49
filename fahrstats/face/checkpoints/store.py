"""Checkpoints on disk: a file of parameters, and beside it the card.

Parameters are safetensors, which hold numbers only; nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card, ConvolutionalArchitecture
from fahrstats.face.checkpoints.card_file import card_text, read_card
from fahrstats.face.checkpoints.names import CARD, PARAMETERS, find_checkpoint
from fahrstats.face.network.convolutional import ConvolutionalNetwork
from fahrstats.face.network.positions import sincos_positions
from fahrstats.face.network.vit import VisionTransformer
from fahrstats.files import write_whole

_NUMBERS = (torch.float32, torch.float16, torch.bfloat16)
_MANY = 4  # tensors that a message names

Network = VisionTransformer | ConvolutionalNetwork


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Trained parameters and how they are used.

    Attributes
    ----------
    path : Path
        The file of parameters.
    card : Card
        What the checkpoint is, and the SHA-256 that ``path`` was found to have.
    parameters : mapping of str to Tensor
        By their name in the network, float32 unless they are stored shorter.
    """

    path: Path
    card: Card
    parameters: Mapping[str, Tensor]

    @property
    def name(self) -> str:
        """Name and fingerprint, such as ``mini-age@3f2a9c1d0b7e``."""
        return f"{self.card.name}@{self.card.sha256[:12]}"

    def network(self) -> Network:
        """Return a network with a copy of these parameters, in float32."""
        network = _empty_network(self.card)
        copies = {name: x.float().clone() for name, x in self.parameters.items()}
        network.load_state_dict(copies, assign=True)
        if isinstance(network, VisionTransformer):
            shape = network.architecture
            if shape.positions == "sincos":  # these are computed, not stored
                side = shape.image_size // shape.patch_size
                network.positions = sincos_positions(shape.width, side=side)
        return network


def save_checkpoint(
    path: Path, card: Card, parameters: Mapping[str, Tensor]
) -> Checkpoint:
    """Write parameters and their card, each whole or not at all.

    Parameters
    ----------
    path
        File of parameters, ending in ``.safetensors``; the card is written beside it
        under the same name with ``.json``, after the parameters, so that what is left
        of a stopped run is refused when it is loaded.
    card
        What the checkpoint is; its ``sha256`` is filled in.
    parameters
        Every tensor of the network, by name.

    Raises
    ------
    DataError
        A value of the card is out of range, or the parameters do not fit it.
    """
    if path.suffix != PARAMETERS:
        raise DataError(f"`{path}` must end in {PARAMETERS}.")
    card_text(card)
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()
    }
    _check(tensors, card, card.name)
    content = save(tensors)
    write_whole(path, lambda partial: partial.write_bytes(content))
    card = replace(card, sha256=sha256(content).hexdigest())
    text = card_text(card)
    write_whole(
        path.with_suffix(CARD),
        lambda partial: partial.write_text(text, encoding="utf-8"),
    )
    return Checkpoint(path=path, card=card, parameters=tensors)


def load_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """Read a checkpoint, once its fingerprint, tensors and card are checked.

    Parameters
    ----------
    name_or_path
        Name of a shipped checkpoint, or the path of either of its two files.

    Raises
    ------
    DataError
        There is no such checkpoint; its file is not the one the card was written for;
        a tensor is missing, unknown, of another shape or not finite; a key of the
        card is missing, unknown or out of range.
    """
    path = find_checkpoint(name_or_path)
    content = path.read_bytes()  # once: what is used is what has the fingerprint
    card = read_card(path, sha256=sha256(content).hexdigest())
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise DataError(f"`{path}` is not a safetensors file: {error}.") from error
    _check(tensors, card, str(path))
    return Checkpoint(path=path, card=card, parameters=tensors)


def shapes_of(card: Card) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every parameter of the network that a card describes."""
    parameters = _empty_network(card).state_dict()
    return {name: tuple(x.shape) for name, x in parameters.items()}


def _empty_network(card: Card) -> Network:
    """Return the network that a card describes, before it has numbers."""
    shape, n_outputs = card.architecture, len(card.outputs)
    with torch.device("meta"):
        if isinstance(shape, ConvolutionalArchitecture):
            return ConvolutionalNetwork(shape, n_outputs)
        return VisionTransformer(shape, n_outputs)


def _check(tensors: Mapping[str, Tensor], card: Card, where: str) -> None:
    """Refuse tensors that are not those of the network the card describes."""
    wanted = shapes_of(card)
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise DataError(f"`{where}` lacks {_named(missing)}, which its card implies.")
    extra = sorted(name for name in tensors if name not in wanted)
    if extra:
        raise DataError(f"`{where}` holds {_named(extra)}, unknown to its card.")
    for name, shape in wanted.items():
        found = tuple(tensors[name].shape)
        if found != shape:
            raise DataError(
                f"`{where}`: `{name}` has shape {found}, but its card implies {shape}."
            )
        if tensors[name].dtype not in _NUMBERS:
            raise DataError(
                f"`{where}`: `{name}` holds {tensors[name].dtype}; float32, float16 "
                "and bfloat16 are read."
            )
        n_broken = int((~tensors[name].isfinite()).sum())
        if n_broken:
            raise DataError(
                f"`{where}`: {n_broken} of {tensors[name].numel()} values of `{name}` "
                "are not finite; the training broke down or the file is damaged."
            )


def _named(names: list[str]) -> str:
    """Name some tensors and count the others."""
    some = ", ".join(f"`{name}`" for name in names[:_MANY])
    return some if len(names) <= _MANY else f"{some} and {len(names) - _MANY} more"
