"""What every model that reads a face offers, trained here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fahrstats.face.detection.faces import FoundFace


class FaceModel(Protocol):
    """A model from found faces to numbers.

    A result of a face does not depend on the other faces of the call.
    """

    @property
    def name(self) -> str:
        """Name and fingerprint, such as ``mini-age@3f2a9c1d0b7e``, for provenance."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the scores, such as ``("faceage",)``, length k."""
        ...

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels at which the model looks at a face."""
        ...

    def predict(self, faces: Sequence[FoundFace]) -> NDArray[np.float64]:
        """Return the scores, shape (n, k); NaN where the model has none."""
        ...


class AgeModel(FaceModel, Protocol):
    """A face model whose one column is an age in years.

    FAHR-FaceAge checkpoints, benchmark models and tables of predictions made
    elsewhere are all of this kind, so that they can be compared on the same photos.
    """


class Embedder(Protocol):
    """A model that gives the vector before the head."""

    @property
    def name(self) -> str:
        """Name and fingerprint, for provenance."""
        ...

    @property
    def width(self) -> int:
        """Length d of an embedding."""
        ...

    def embed(self, faces: Sequence[FoundFace]) -> NDArray[np.float32]:
        """Return the class-token vectors, shape (n, d)."""
        ...
