"""Aligned crops of photographs: what networks are trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.face.checkpoints.card import Interpolation
from fahrstats.face.detection.found import SMALLEST_FACE, Several
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.scoring.plan import Crop, Plan
from fahrstats.face.scoring.score import as_frame
from fahrstats.face.scoring.score_table import CROP


def crop_photos(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    size: int = 160,
    margin: float = 0.4,
    interpolation: Interpolation = "bilinear",
    detector: str = "mtcnn",
    several: Several = "refuse",
    min_face: int = SMALLEST_FACE,
) -> pd.DataFrame:
    """Cut the face out of every photo of a cohort, in this process.

    Crops are personal data, as the photos are. Many are written to a file by
    ``fahrstats crop`` and read by
    :func:`~fahrstats.face.training.faces.crops.open_crops`.

    Parameters
    ----------
    photos, detector, several, min_face
        As in :func:`~fahrstats.face.scoring.score.score_photos`.
    size, margin, interpolation
        As in :class:`~fahrstats.face.scoring.plan.Crop`.

    Returns
    -------
    DataFrame
        As :func:`~fahrstats.face.scoring.score.score_photos` returns it; instead of
        scores, the column ``crop`` holds sRGB of shape (size, size, 3), uint8, and None
        for photos whose status is not ``ok``. There is no model to name.

    Raises
    ------
    DataError
        There are no photos, or a setting is out of its range.
    """
    plan = Plan(
        models=(),
        detector=detector,
        several=several,
        min_face=min_face,
        outcome="crops",
        crop=Crop(size, margin, interpolation),
    )
    table = as_frame(photos, plan)
    crops = [
        None if crop is None else np.frombuffer(crop, np.uint8).reshape(size, size, 3)
        for crop in table[CROP]
    ]
    return table.assign(**{CROP: pd.Series(crops, dtype=object)})
