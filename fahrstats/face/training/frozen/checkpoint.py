"""A head on frozen embeddings as a checkpoint: the network and the head in one."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card, Output
from fahrstats.face.checkpoints.store import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from fahrstats.face.training.frozen.config import FrozenConfig
from fahrstats.face.training.frozen.heads import FrozenHead
from fahrstats.face.training.frozen.rank_check import RankCheck

_HEAD = ("head.weight", "head.bias")


def open_network(name: str, embedded_by: str, embeddings: Path) -> Checkpoint:
    """Open the checkpoint that embeddings came from.

    Parameters
    ----------
    name
        Its name or path.
    embedded_by
        Name and fingerprint in the table of embeddings.
    embeddings
        That table, for the message.

    Raises
    ------
    DataError
        There is no such checkpoint, or it is another one.
    """
    network = load_checkpoint(name)
    if network.name != embedded_by:
        raise DataError(
            f"`checkpoint` is `{network.name}`, but `{embeddings.name}` holds "
            f"embeddings of `{embedded_by}`; name that one, or embed the photos again."
        )
    return network


def save_with_head(
    network: Checkpoint, head: FrozenHead, ranks: RankCheck, config: FrozenConfig
) -> Checkpoint:
    """Write the network with a head, whose log hazard is that of ``head.predict``.

    Parameters
    ----------
    network
        What embedded the photos; a head of its own is replaced.
    head
        Fitted to all subjects.
    ranks
        How heads like it rank subjects that they were fitted without.
    config
        Names the file, and what is said on its card.

    Raises
    ------
    DataError
        The file is the network's own, or something on the card cannot be written.
    """
    path = config.checkpoint
    assert path is not None
    if path.resolve() == network.path.resolve():
        raise DataError(
            f"[output]: `checkpoint` is `{path.name}`, the file of the network itself; "
            "give another name."
        )
    per_unit = head.per_unit
    offset = -math.fsum(per_unit * head.centre)
    parameters = {k: x for k, x in network.parameters.items() if k not in _HEAD}
    parameters["head.weight"] = torch.from_numpy(per_unit).float()[None]
    parameters["head.bias"] = torch.tensor([offset], dtype=torch.float32)
    return save_checkpoint(path, _card(network.card, head, ranks, config), parameters)


def _card(
    network: Card, head: FrozenHead, ranks: RankCheck, config: FrozenConfig
) -> Card:
    """Say what the checkpoint is, and what its accuracy is not."""
    measured = f"{head.n} subjects, {head.n_events} events"
    notes = (
        f"A head on the frozen network of `{network.name}` (licence: {network.licence})"
        f": ridge Cox regression, penalty {head.penalty:g}, on the mean embedding of "
        "each subject. The log hazard is relative to the mean face of that cohort. The "
        f"C-index is that of heads fitted without the subject, in {config.n_folds} "
        "folds of the same cohort; the head has been tested on no other. Scores of the "
        "photos it was fitted to are optimistic: for these use the table of "
        "cross-fitted scores. Not for decisions about a person."
    )
    return Card(
        name=config.name,
        architecture=network.architecture,
        preprocessing=network.preprocessing,
        outputs=(Output("facesurvival", "log hazard"),),
        training_data=f"{config.training_data}\nOf the network: "
        f"{network.training_data}",
        licence=config.licence,
        accuracy={
            f"C-index, out of fold, {measured}": ranks.c_index,
            f"standard error of the C-index, {measured}": ranks.std_error,
        },
        notes="\n".join(filter(None, [notes, config.notes])),
    )
