"""Files of crops as `fahrstats crop` writes them, from given pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fahrstats.cohort.store import PROVENANCE_KEY
from fahrstats.face.scoring.plan import Crop


def draw_pixels(n: int, size: int = 8, seed: int = 1) -> NDArray[np.uint8]:
    """Return n crops of noise, shape (n, size, size, 3)."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def write_crops(
    path: Path,
    pixels: NDArray[np.uint8],
    *,
    photo: Sequence[str] | None = None,
    subject: Sequence[str | None] | None = None,
    status: Sequence[str] | None = None,
    margin: float = 0.4,
    rows_per_group: int = 1024,
) -> Path:
    """Write crops, shape (n, size, size, 3); those of a status but ``ok`` are null.

    Photos are ``p000.png`` and so on, all ``ok``, of unknown subjects, if not given.
    """
    n, size = pixels.shape[:2]
    status = ["ok"] * n if status is None else status
    crops = [
        crop.tobytes() if state == "ok" else None
        for crop, state in zip(pixels, status, strict=True)
    ]
    table = pa.table(
        {
            "photo": [f"p{i:03d}.png" for i in range(n)] if photo is None else photo,
            "subject": pa.array(subject or [None] * n, pa.string()),
            "status": status,
            "content": [hashlib.sha256(crop).hexdigest() for crop in pixels],
            "crop": pa.array(crops, pa.binary(3 * size**2)),
        }
    )
    provenance = json.dumps({"crop": asdict(Crop(size=size, margin=margin))})
    table = table.replace_schema_metadata({PROVENANCE_KEY: provenance})
    pq.write_table(table, path, row_group_size=rows_per_group, compression="zstd")
    return path
