"""Networks that gradients can be taken of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.store import Checkpoint, Network, load_checkpoint
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.engine import Device, choose_device
from fahrstats.face.models.opening import BENCHMARK, split_name
from fahrstats.face.preprocessing import prepare_faces


@dataclass(frozen=True, slots=True, eq=False)
class OpenNetwork:
    """The network of a checkpoint in float32, for gradients with respect to its input.

    It is a :class:`~fahrstats.face.models.face_model.FaceModel` too.

    Attributes
    ----------
    name : str
        Name and fingerprint of the checkpoint.
    columns : tuple of str
        Columns of the scores, length k.
    card : Card
        How faces are fed to it.
    network : Network
        Its parameters are constants.
    device : str
        Where it computes.
    """

    name: str
    columns: tuple[str, ...]
    card: Card
    network: Network
    device: str = "cpu"

    @property
    def licence(self) -> str:
        """Licence of the parameters."""
        return self.card.licence

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels of the network's input."""
        return self.card.preprocessing.input_size

    def inputs(self, faces: Sequence[FoundFace]) -> Tensor:
        """Return faces as the network reads them, shape (n, 3, s, s)."""
        prepared = prepare_faces(faces, self.card.preprocessing)
        return torch.from_numpy(prepared).to(self.device)

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the scores, shape (n, k)."""
        with torch.no_grad():
            outputs: Tensor = self.network(self.inputs(faces))
        return outputs.cpu().numpy().astype(np.float64)


def open_network(name: str, *, device: Device = "auto") -> OpenNetwork:
    """Open a checkpoint by its name or path, after ``"COLUMN="`` if it is renamed.

    Raises
    ------
    DataError
        The model is no checkpoint, has no head, or a column is named for several.
    """
    column, what = split_name(name)
    if what == BENCHMARK:
        raise DataError(
            f"Gradients cannot be taken of `{BENCHMARK}`, which is no checkpoint of "
            "fahrstats; explain it by ablation or occlusion."
        )
    network = network_of(load_checkpoint(what), device=device)
    if column is None:
        return network
    if len(network.columns) != 1:
        raise DataError(
            f"`{name}` names one column, but `{network.name}` has "
            f"{len(network.columns)}: {', '.join(network.columns)}."
        )
    return replace(network, columns=(column,))


def network_of(checkpoint: Checkpoint, *, device: Device = "auto") -> OpenNetwork:
    """Return the network of a checkpoint.

    Raises
    ------
    DataError
        It has no head.
    """
    card = checkpoint.card
    if not card.outputs:
        raise DataError(
            f"`{checkpoint.name}` has no head, so there is no score to explain."
        )
    chosen = choose_device(device)
    network = checkpoint.network().to(chosen).eval().requires_grad_(False)
    columns = tuple(output.column for output in card.outputs)
    return OpenNetwork(checkpoint.name, columns, card, network, chosen)
