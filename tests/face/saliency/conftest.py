from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from portraits import draw_portraits, small_checkpoint, table_of_faces


class Cohort(NamedTuple):
    """A few photos, where their faces are, and a small vision transformer."""

    photos: Path
    detector: str
    checkpoint: Path


@pytest.fixture(scope="package")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("explained")
    photos = draw_portraits(folder / "photos", 34)
    faces = table_of_faces(
        folder / "faces.csv", sorted(path.name for path in photos.iterdir())
    )
    (photos / "broken.png").write_bytes(b"no picture")
    return Cohort(
        photos,
        f"precomputed:{faces}",
        small_checkpoint(folder / "small-age.safetensors"),
    )
