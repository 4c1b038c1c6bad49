"""What is done to a found face: scores, embeddings or a crop, and their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pyarrow as pa

from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.faces import Detector, FoundFace
from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.models.opening import open_models
from fahrstats.face.perturbations.reading import PerturbedReading
from fahrstats.face.saliency.reading import open_importance
from fahrstats.face.scoring.plan import Crop, Plan
from fahrstats.face.scoring.score_table import CROP, EMBEDDING

_BATCH = 8


class Reading(Protocol):
    """What is done to found faces, and the columns that it fills.

    What is read of a face does not depend on the other faces of the call.
    """

    @property
    def models(self) -> Sequence[FaceModel]:
        """Models that look at the faces, for provenance; none for crops."""
        ...

    @property
    def columns(self) -> Mapping[str, pa.DataType]:
        """Columns and their types; where a number is missing it is NaN."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the columns depend on besides faces and models, for the fingerprint."""
        ...

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels at which a face is looked at."""
        ...

    @property
    def batch_size(self) -> int:
        """Faces that it is best given at once."""
        ...

    def read(self, faces: Sequence[FoundFace]) -> Mapping[str, Iterable[Any]]:
        """Return the values of faces by column, in the order of the faces."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ScoreReading:
    """The scores of one or several models."""

    models: tuple[FaceModel, ...]

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """One column of numbers per score."""
        names = [column for model in self.models for column in model.columns]
        return dict.fromkeys(names, pa.float64())

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing that the models do not say."""
        return {}

    @property
    def pixels_wanted(self) -> int:
        """The most that a model wants."""
        return max(model.pixels_wanted for model in self.models)

    @property
    def batch_size(self) -> int:
        """The most that suits a model."""
        return max(getattr(model, "batch_size", _BATCH) for model in self.models)

    def read(self, faces: Sequence[FoundFace]) -> dict[str, Iterable[Any]]:
        """Return the scores."""
        return {
            column: values
            for model in self.models
            for column, values in zip(
                model.columns, model.predict(faces).T, strict=True
            )
        }


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingReading:
    """The vectors before the head of one checkpoint."""

    embedder: CheckpointModel

    @property
    def models(self) -> tuple[FaceModel, ...]:
        """The checkpoint."""
        return (self.embedder,)

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """One column of vectors."""
        return {EMBEDDING: pa.list_(pa.float32(), self.embedder.width)}

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing that the checkpoint does not say."""
        return {}

    @property
    def pixels_wanted(self) -> int:
        """As the checkpoint."""
        return self.embedder.pixels_wanted

    @property
    def batch_size(self) -> int:
        """As the checkpoint."""
        return self.embedder.batch_size

    def read(self, faces: Sequence[FoundFace]) -> dict[str, Iterable[Any]]:
        """Return the embeddings."""
        return {EMBEDDING: self.embedder.embed(faces)}


@dataclass(frozen=True, slots=True, eq=False)
class CropReading:
    """Upright faces of one size; no model looks at them."""

    crop: Crop

    @property
    def models(self) -> tuple[FaceModel, ...]:
        """None."""
        return ()

    @property
    def columns(self) -> dict[str, pa.DataType]:
        """One column of bytes: sRGB, row by row."""
        return {CROP: pa.binary(self.crop.n_bytes)}

    @property
    def settings(self) -> dict[str, Any]:
        """How faces are cut out."""
        return {CROP: asdict(self.crop)}

    @property
    def pixels_wanted(self) -> int:
        """Side of the crop."""
        return self.crop.size

    @property
    def batch_size(self) -> int:
        """Few, since each is cut on its own."""
        return _BATCH

    def read(self, faces: Sequence[FoundFace]) -> dict[str, Iterable[Any]]:
        """Return the crops."""
        how = asdict(self.crop)
        return {CROP: [align(face, **how).tobytes() for face in faces]}


def open_reading(plan: Plan, detector: Detector) -> Reading:
    """Open what the outcome of a plan asks for.

    ``detector`` is that of the plan, for what looks at changed pictures.

    Raises
    ------
    DataError
        A model cannot be opened.
    """
    if plan.outcome == "crops":
        return CropReading(plan.crop)
    if plan.outcome == "embeddings":
        checkpoint = load_checkpoint(plan.models[0])
        return EmbeddingReading(
            CheckpointModel(checkpoint, device=plan.device, precision=plan.precision)
        )
    if plan.outcome == "importance":
        return open_importance(
            plan.models, plan.importance, device=plan.device, precision=plan.precision
        )
    models = open_models(
        plan.models,
        predictions=plan.predictions,
        device=plan.device,
        precision=plan.precision,
    )
    if plan.outcome == "perturbed":
        return PerturbedReading(tuple(models), plan.panel, detector)
    return ScoreReading(tuple(models))
