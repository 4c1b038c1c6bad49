from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces

from fahrstats.face.scoring.plan import Plan


class Cohort(NamedTuple):
    """Two dozen photos, a table of their faces, and a checkpoint."""

    photos: Path
    faces: Path
    checkpoint: Path

    def plan(self, **settings: object) -> Plan:
        """Return a plan that finds a face in every photo without looking for it."""
        defaults = {
            "models": (str(self.checkpoint),),
            "detector": f"precomputed:{self.faces}",
            "device": "cpu",
            "precision": "float32",
        }
        return Plan(**{**defaults, **settings})

    def options(self) -> list[str]:
        """Return the same for the command line."""
        return [
            str(self.photos),
            "--checkpoint",
            str(self.checkpoint),
            "--detector",
            f"precomputed:{self.faces}",
            "--device",
            "cpu",
            "--precision",
            "float32",
        ]


@pytest.fixture(scope="package")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("cohort")
    photos = draw_portraits(folder / "photos", 24)
    return Cohort(
        photos,
        table_of_faces(folder / "faces.csv", [path.name for path in photos.iterdir()]),
        small_checkpoint(folder / "small-age.safetensors"),
    )
