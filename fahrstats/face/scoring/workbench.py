"""What a worker has open, and what it does to photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isnan
from typing import Any

import pyarrow as pa

from fahrstats.face.detection.alignment import ARCFACE_SIDE
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.detection.faces import Detector, FoundFace
from fahrstats.face.pictures.photos import Photo, hash_of
from fahrstats.face.scoring.examination import examine
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.readings import Reading, open_reading
from fahrstats.face.scoring.score_table import Row, as_table, score_schema

FINGERPRINT_KEY = b"fahrstats.made_with"
"""Key of the fingerprint of a workbench in the metadata of its tables."""


@dataclass(frozen=True, slots=True, eq=False)
class Workbench:
    """A detector that is open, and what is done to the faces that it finds.

    Attributes
    ----------
    plan : Plan
        What is done to a photo.
    detector : Detector
        What finds faces.
    reading : Reading
        What is done to them, and the columns that it fills.
    """

    plan: Plan
    detector: Detector
    reading: Reading

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
        models = self.reading.models
        return {
            **self._provenance,
            **self.reading.settings,
            "columns": list(self.reading.columns),
            "cards": [asdict(model.card) for model in models if hasattr(model, "card")],
            "licences": {model.name: getattr(model, "licence", "") for model in models},
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
        """Faces that are read at once."""
        return self.plan.batch_size or self.reading.batch_size

    @property
    def pixels_wanted(self) -> int:
        """Side in pixels at which a face is looked at."""
        return max(ARCFACE_SIDE, self.reading.pixels_wanted)

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return score_schema(
            self.reading.columns,
            keep_date=self.plan.keep_date,
            has_models=bool(self.reading.models),
        )

    @property
    def _provenance(self) -> dict[str, str]:
        """Columns that are the same in every row; without a model there are none."""
        models = self.reading.models
        if not models:
            return {}
        precisions = {getattr(model, "precision", "float32") for model in models}
        return {
            "checkpoint": "; ".join(model.name for model in models),
            "precision": "; ".join(sorted(precisions)),
        }

    def _read(self, waiting: list[tuple[Row, FoundFace]]) -> None:
        """Fill in what is read of faces."""
        if not waiting:
            return
        faces = [face for _, face in waiting]
        for column, values in self.reading.read(faces).items():
            for (row, _), value in zip(waiting, values, strict=True):
                row[column] = value
                if isinstance(value, float) and isnan(value):
                    lacking = f"its model has no {column} for this photo"
                    row["note"] = "; ".join(filter(None, [row["note"], lacking]))


def open_workbench(plan: Plan) -> Workbench:
    """Open the detector and the models of a plan.

    Raises
    ------
    DataError
        One of them cannot be opened.
    """
    detector = open_detector(plan.detector)
    return Workbench(plan, detector, open_reading(plan, detector))
