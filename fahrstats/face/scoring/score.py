"""Scores of photographs as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fahrstats.face.detection.found import SMALLEST_FACE, Several
from fahrstats.face.engine import Device
from fahrstats.face.models.predictions import check_overlap
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.scoring.duplicates import first_alike, with_originals
from fahrstats.face.scoring.plan import Plan, model_names
from fahrstats.face.scoring.workbench import open_workbench


def score_photos(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    checkpoint: str | Path | Sequence[str | Path],
    detector: str = "mtcnn",
    several: Several = "refuse",
    min_face: int = SMALLEST_FACE,
    device: Device = "auto",
    batch_size: int | None = None,
) -> pd.DataFrame:
    """Score every photo of a cohort, in this process.

    One bad file never stops a cohort: a photo that cannot be scored keeps its row, its
    scores are missing, and ``status`` and ``note`` say why. For large cohorts, and to
    go on where a run was stopped, see :func:`~fahrstats.face.score_to`.

    Parameters
    ----------
    photos
        Folder, table of paths, or Parquet file, as
        :func:`~fahrstats.face.pictures.sources.open_source` reads it, or what it
        returned.
    checkpoint
        One or several models by name or path, as
        :func:`~fahrstats.face.models.opening.open_model` reads them.
    detector, several, min_face, device, batch_size
        As in :class:`~fahrstats.face.scoring.plan.Plan`.

    Returns
    -------
    DataFrame
        One row per photo in the order of the source; its columns are explained in
        :data:`fahrstats.face.SCORE_GLOSSARY`.

    Raises
    ------
    DataError
        There are no photos, a model cannot be opened, or a table of predictions knows
        none of the photos.

    Examples
    --------
    >>> scores = score_photos("photos", checkpoint="fahr-faceage.safetensors")
    >>> scores["status"].value_counts()
    """
    plan = Plan(
        models=model_names(checkpoint),
        detector=detector,
        several=several,
        min_face=min_face,
        device=device,
        batch_size=batch_size,
    )
    return as_frame(photos, plan)


def as_frame(
    photos: str | Path | pd.DataFrame | PhotoSource, plan: Plan
) -> pd.DataFrame:
    """Carry out a plan in this process; return one row per photo."""
    scores: pd.DataFrame = as_arrow(photos, plan).to_pandas()
    return scores


def as_arrow(photos: str | Path | pd.DataFrame | PhotoSource, plan: Plan) -> pa.Table:
    """Carry out a plan in this process; lists of numbers stay as they are."""
    if isinstance(photos, str | Path | pd.DataFrame):
        photos = open_source(photos)
    bench = open_workbench(plan)
    tables = [bench.score(shard) for shard in photos.shards(len(photos))]
    first = first_alike(table["content"] for table in tables)
    table = pa.concat_tables(with_originals(tables, first))
    check_overlap(bench.reading.models, table["photo"].to_pylist())
    return table
