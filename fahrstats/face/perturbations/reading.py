"""Scores of a face under every change of a panel, one row per photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fahrstats.face.detection.faces import Detector, FoundFace
from fahrstats.face.detection.found import find_again
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.perturbations.catalogue import CONDITIONS, SEVERITIES, Panel
from fahrstats.face.perturbations.changes import perturbed
from fahrstats.face.perturbations.framing import framed
from fahrstats.face.perturbations.perturbed_table import perturbed_column
from fahrstats.face.pictures.photos import in_runs

_AT_ONCE = 32  # changed pictures in memory; a whole number of passes of a network


@dataclass(frozen=True, slots=True, eq=False)
class PerturbedReading:
    """What models say of faces, untouched and under every change of a panel.

    Attributes
    ----------
    models : tuple of FaceModel
        The models.
    panel : Panel
        The changes.
    detector : Detector
        What finds faces anew, if the panel says so.
    """

    models: tuple[FaceModel, ...]
    panel: Panel
    detector: Detector

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """Of each score, the untouched one and a list of those under the changes."""
        changed = pa.list_(pa.float64(), self.panel.n_versions)
        return {
            name: kind
            for model in self.models
            for column in model.columns
            for name, kind in (
                (column, pa.float64()),
                (perturbed_column(column), changed),
            )
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The conditions, in the order of the lists, with their doses."""
        return {
            "conditions": list(self.panel.conditions),
            "doses": [
                [CONDITIONS[name].dose(severity) for severity in SEVERITIES]
                for name in self.panel.conditions
            ],
            "landmarks": self.panel.landmarks,
        }

    @property
    def pixels_wanted(self) -> int:
        """The most that a model wants."""
        return max(model.pixels_wanted for model in self.models)

    @property
    def batch_size(self) -> int:
        """One, since a face has many changed versions."""
        return 1

    def read(self, faces: Sequence[FoundFace]) -> dict[str, Iterable[Any]]:
        """Return the scores; NaN under changes that hide a face from the detector."""
        scores = np.stack([self._scores(face) for face in faces])  # (n, 1 + m, k)
        names = [column for model in self.models for column in model.columns]
        return {
            column: values
            for i, name in enumerate(names)
            for column, values in (
                (name, scores[:, 0, i]),
                (perturbed_column(name), list(scores[:, 1:, i])),
            )
        }

    def _scores(self, face: FoundFace) -> NDArray[np.float64]:
        """Return the scores of one face, shape (1 + m, k), the untouched one first."""
        n_columns = sum(len(model.columns) for model in self.models)
        scores = np.full((1 + self.panel.n_versions, n_columns), np.nan)
        for run in in_runs(enumerate(self._versions(face)), _AT_ONCE):
            rows = [row for row, version in run if version is not None]
            seen = [version for _, version in run if version is not None]
            if seen:
                found = [model.predict(seen) for model in self.models]
                scores[rows] = np.concatenate(found, axis=1)
        return scores

    def _versions(self, face: FoundFace) -> Iterator[FoundFace | None]:
        """Give the untouched face, then the changed ones; None if it is not found."""
        kept = framed(
            face, pixels_wanted=self.pixels_wanted, margin=_largest_margin(self.models)
        )
        yield self._located(kept)
        for condition in self.panel.conditions:
            for severity in SEVERITIES:
                yield self._located(perturbed(kept, condition, severity))

    def _located(self, face: FoundFace) -> FoundFace | None:
        """Return a face with the landmarks that the panel asks for."""
        if self.panel.landmarks == "carried":
            return face
        return find_again(face, self.detector)


def _largest_margin(models: Sequence[FaceModel]) -> float:
    """Return the largest crop margin that a model states."""
    cards = [model.card for model in models if hasattr(model, "card")]
    return max((card.preprocessing.crop_margin for card in cards), default=0.0)
