"""A checkpoint as a model that reads faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.card import Card
from fahrstats.face.checkpoints.store import Checkpoint
from fahrstats.face.detection.faces import FoundFace
from fahrstats.face.engine import Device, Engine, WantedPrecision
from fahrstats.face.preprocessing import prepare_faces


class CheckpointModel:
    """What a checkpoint says of faces: its columns, and the vectors before the head.

    Faces are aligned and scaled as the card says.

    Parameters
    ----------
    checkpoint
        The trained network and its card.
    column
        Name for the one column of the head, if not the card's.
    device, precision
        As for :class:`~fahrstats.face.engine.Engine`.

    Attributes
    ----------
    precision : str
        Number format of the network: ``"float32"`` or ``"bfloat16"``.
    batch_size : int
        Rows of a pass; other numbers of faces cost as much as the next multiple.

    Raises
    ------
    DataError
        ``column`` is given and the head has not one column; or as for the engine.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        column: str | None = None,
        device: Device = "auto",
        precision: WantedPrecision = "auto",
    ) -> None:
        columns = tuple(output.column for output in checkpoint.card.outputs)
        if column is not None and len(columns) != 1:
            raise DataError(
                f"`column` names one column, but `{checkpoint.name}` has "
                f"{len(columns)}: {', '.join(columns) or 'no head'}."
            )
        self._columns = columns if column is None else (column,)
        self._name, self._card = checkpoint.name, checkpoint.card
        self._engine = Engine(checkpoint, device=device, precision=precision)
        self.precision = self._engine.precision
        self.batch_size = self._engine.batch_size

    @property
    def name(self) -> str:
        """Name and fingerprint, such as ``mini-age@3f2a9c1d0b7e``."""
        return self._name

    @property
    def card(self) -> Card:
        """What the checkpoint is, for the provenance of its scores."""
        return self._card

    @property
    def licence(self) -> str:
        """Licence of the parameters."""
        return self.card.licence

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the scores, length k."""
        return self._columns

    @property
    def width(self) -> int:
        """Length d of an embedding."""
        return self._card.architecture.width

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels of the network's input."""
        return self._card.preprocessing.input_size

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the scores, shape (n, k).

        Raises
        ------
        DataError
            The checkpoint has no head, or gives numbers that are not finite.
        """
        if not self._columns:
            raise DataError(
                f"`{self.name}` has no head, so it gives embeddings and no scores."
            )
        found = self._read(faces, self._engine.outputs, len(self._columns))
        return found.astype(np.float64)

    def embed(self, faces: Sequence[FoundFace]) -> NDArray[np.float32]:
        """Return the class-token vectors, shape (n, d).

        Raises
        ------
        DataError
            The checkpoint gives numbers that are not finite.
        """
        return self._read(faces, self._engine.embeddings, self.width)

    def _read(
        self,
        faces: Sequence[FoundFace],
        read: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        width: int,
    ) -> NDArray[np.float32]:
        """Align, prepare and read the faces, as many at a time as one pass holds."""
        how = self._card.preprocessing
        found = np.empty((len(faces), width), np.float32)
        for start in range(0, len(faces), self.batch_size):
            some = faces[start : start + self.batch_size]
            found[start : start + len(some)] = read(prepare_faces(some, how))
        return found
