"""What a worker has open, and what it does to photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isnan
from typing import Any

import pyarrow as pa

from fahrstats.face.checkpoints.store import load_checkpoint
from fahrstats.face.detection.alignment import ARCFACE_SIDE, align
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.detection.faces import Detector, FoundFace
from fahrstats.face.models.checkpoint_model import CheckpointModel
from fahrstats.face.models.face_model import FaceModel
from fahrstats.face.models.opening import open_models
from fahrstats.face.pictures.photos import Photo, hash_of
from fahrstats.face.scoring.examination import examine
from fahrstats.face.scoring.plan import Crop, Plan
from fahrstats.face.scoring.score_table import (
    CROP,
    EMBEDDING,
    Row,
    as_table,
    score_schema,
)

FINGERPRINT_KEY = b"fahrstats.made_with"
"""Key of the fingerprint of a workbench in the metadata of its tables."""

_BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Workbench:
    """A detector and models that are open, and the columns they fill.

    Attributes
    ----------
    plan : Plan
        What is done to a photo.
    detector : Detector
        What finds faces.
    models : tuple of FaceModel
        What scores them; empty if they are embedded or cut out.
    embedder : CheckpointModel or None
        What embeds them.
    crop : Crop or None
        How they are cut out, if that is all that is done.
    """

    plan: Plan
    detector: Detector
    models: tuple[FaceModel, ...]
    embedder: CheckpointModel | None = None
    crop: Crop | None = None

    def score(self, photos: Iterable[Photo]) -> pa.Table:
        """Return one row per photo, in their order; memory holds one batch of faces.

        The metadata of the schema hold the fingerprint.
        """
        rows: list[Row] = []
        waiting: list[tuple[Row, FoundFace]] = []
        batch_size = self.batch_size
        for photo in photos:
            row, face = examine(photo, self.detector, self.plan, self.pixels_wanted)
            rows.append(row | self._provenance)
            if face is not None:
                waiting.append((rows[-1], face))
            if len(waiting) == batch_size:
                self._read(waiting)
                waiting.clear()
        self._read(waiting)
        made_with = {FINGERPRINT_KEY: self.fingerprint}
        return as_table(rows, self.schema.with_metadata(made_with))

    def describe(self) -> dict[str, Any]:
        """Return all that the results depend on besides the photos."""
        return {
            **self._provenance,
            **({} if self.crop is None else {CROP: asdict(self.crop)}),
            "columns": self._columns,
            "cards": [
                asdict(model.card) for model in self._all if hasattr(model, "card")
            ],
            "licences": {
                model.name: getattr(model, "licence", "") for model in self._all
            },
            "detector": self.detector.name,
            "several": self.plan.several,
            "min_face": self.plan.min_face,
            "keep_date": self.plan.keep_date,
            "package": version("fahrstats"),
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that the results depend on besides the photos."""
        return hash_of([repr(sorted(self.describe().items()))])

    @property
    def batch_size(self) -> int:
        """Faces that the models are given at once."""
        suitable = (getattr(model, "batch_size", _BATCH) for model in self._all)
        return self.plan.batch_size or max(suitable, default=_BATCH)

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels at which a face is looked at, the largest of the models'."""
        sides = [model.pixels_wanted for model in self._all]
        if self.crop is not None:
            sides.append(self.crop.size)
        return max(ARCFACE_SIDE, *sides)

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        if self.crop is not None:
            scores = {CROP: pa.binary(self.crop.n_bytes)}
        elif self.embedder is not None:
            scores = {EMBEDDING: pa.list_(pa.float32(), self.embedder.width)}
        else:
            scores = dict.fromkeys(self._columns, pa.float64())
        return score_schema(
            scores, keep_date=self.plan.keep_date, has_models=self.crop is None
        )

    @property
    def _all(self) -> tuple[FaceModel, ...]:
        return self.models if self.embedder is None else (self.embedder,)

    @property
    def _columns(self) -> list[str]:
        if self.crop is not None:
            return [CROP]
        if self.embedder is not None:
            return [EMBEDDING]
        return [column for model in self.models for column in model.columns]

    @property
    def _provenance(self) -> dict[str, str]:
        """Columns that are the same in every row; crops have none."""
        if self.crop is not None:
            return {}
        precisions = {getattr(model, "precision", "float32") for model in self._all}
        return {
            "checkpoint": "; ".join(model.name for model in self._all),
            "precision": "; ".join(sorted(precisions)),
        }

    def _read(self, waiting: list[tuple[Row, FoundFace]]) -> None:
        """Fill in what the models say of faces, or their crops."""
        if not waiting:
            return
        for column, values in self._values([face for _, face in waiting]).items():
            for (row, _), value in zip(waiting, values, strict=True):
                row[column] = value
                if isinstance(value, float) and isnan(value):
                    lacking = f"its model has no {column} for this photo"
                    row["note"] = "; ".join(filter(None, [row["note"], lacking]))

    def _values(self, faces: list[FoundFace]) -> Mapping[str, Iterable[Any]]:
        """Return the values of faces by column."""
        if self.crop is not None:
            how = asdict(self.crop)
            return {CROP: [align(face, **how).tobytes() for face in faces]}
        if self.embedder is not None:
            return {EMBEDDING: self.embedder.embed(faces)}
        return {
            column: values
            for model in self.models
            for column, values in zip(
                model.columns, model.predict(faces).T, strict=True
            )
        }


def open_workbench(plan: Plan) -> Workbench:
    """Open the detector and the models of a plan.

    Raises
    ------
    DataError
        One of them cannot be opened.
    """
    detector = open_detector(plan.detector)
    if plan.outcome == "crops":
        return Workbench(plan, detector, (), crop=plan.crop)
    if plan.outcome == "embeddings":
        checkpoint = load_checkpoint(plan.models[0])
        embedder = CheckpointModel(
            checkpoint, device=plan.device, precision=plan.precision
        )
        return Workbench(plan, detector, (), embedder)
    models = open_models(
        plan.models,
        predictions=plan.predictions,
        device=plan.device,
        precision=plan.precision,
    )
    return Workbench(plan, detector, tuple(models))
