"""Embeddings of photographs: the vectors before a model's head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.found import SMALLEST_FACE, Several
from fahrstats.face.engine import Device
from fahrstats.face.parquet import open_parquet
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.scoring.plan import Plan
from fahrstats.face.scoring.score import as_frame
from fahrstats.face.scoring.score_table import EMBEDDING


def embed_photos(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    checkpoint: str | Path,
    detector: str = "mtcnn",
    several: Several = "refuse",
    min_face: int = SMALLEST_FACE,
    device: Device = "auto",
    batch_size: int | None = None,
) -> pd.DataFrame:
    """Embed every photo of a cohort, in this process.

    Parameters
    ----------
    photos, detector, several, min_face, device, batch_size
        As in :func:`~fahrstats.face.scoring.score.score_photos`.
    checkpoint
        Name or path of one checkpoint, with or without a head.

    Returns
    -------
    DataFrame
        As :func:`~fahrstats.face.scoring.score.score_photos` returns it; instead of
        scores, the column ``embedding`` holds the class-token vectors, float32, and
        None for photos whose status is not ``ok``.

    Raises
    ------
    DataError
        There are no photos, or the checkpoint cannot be opened.
    """
    plan = Plan(
        models=(str(checkpoint),),
        detector=detector,
        several=several,
        min_face=min_face,
        device=device,
        batch_size=batch_size,
        outcome="embeddings",
    )
    return as_frame(photos, plan)


def read_embeddings(path: Path) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Read what ``fahrstats embed`` wrote.

    Parameters
    ----------
    path
        The Parquet file.

    Returns
    -------
    photos : DataFrame
        The n photos with an embedding, in the order of the file: all columns but that
        of the embeddings.
    embeddings : ndarray of shape (n, d), float32
        Their class-token vectors.

    Raises
    ------
    DataError
        The file is absent, or holds no embedding.
    """
    table = open_parquet(path).read()
    if EMBEDDING not in table.column_names:
        raise DataError(
            f"`{path}` has no column `{EMBEDDING}`; `fahrstats embed` writes it."
        )
    table = table.filter(table[EMBEDDING].is_valid())
    if not len(table):
        raise DataError(
            f"`{path}` holds no embedding, because no photo has the status ok; the "
            "column `note` says why."
        )
    vectors = table[EMBEDDING].combine_chunks()
    embeddings = vectors.flatten().to_numpy().reshape(len(table), -1)
    return table.drop_columns(EMBEDDING).to_pandas(), embeddings
