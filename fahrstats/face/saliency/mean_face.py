"""The mean of many aligned faces, which shows nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.choosing import open_detector
from fahrstats.face.detection.found import Several
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.saliency.explanation import FIELD_SIDE
from fahrstats.face.saliency.regions import REGION_MARGIN
from fahrstats.face.scoring.examination import examine
from fahrstats.face.scoring.plan import Crop, Plan
from fahrstats.watching import Watch

FEWEST_FACES = 30
"""Faces below which a mean is not given out, since it may show one of them."""


@dataclass(frozen=True, slots=True, eq=False)
class MeanFace:
    """The mean of n aligned faces.

    Attributes
    ----------
    pixels : ndarray of shape (224, 224, 3), float64
        Mean sRGB values, 0 to 255, with the margin of the regions.
    n : int
        Faces behind them.
    """

    pixels: NDArray[np.float64]
    n: int


def mean_face(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    detector: str = "mtcnn",
    several: Several = "refuse",
    watch: Watch = lambda step, position, total: None,
) -> MeanFace:
    """Return the mean face of a cohort; only a sum is held.

    Parameters
    ----------
    photos, detector, several
        As in :func:`~fahrstats.face.scoring.score.score_photos`.
    watch
        Told about the progress.

    Raises
    ------
    DataError
        Fewer than 30 photos have a usable face: the mean of few faces would show them.
    """
    if isinstance(photos, str | Path | pd.DataFrame):
        photos = open_source(photos)
    plan = Plan(
        models=(), detector=detector, several=several, outcome="crops", crop=Crop()
    )
    finder = open_detector(detector)
    total = np.zeros((FIELD_SIDE, FIELD_SIDE, 3))
    n = position = 0
    for shard in photos.shards(len(photos)):
        for photo in shard:
            watch("adding up faces", position, len(photos))
            position += 1
            _, face = examine(photo, finder, plan, FIELD_SIDE)
            if face is not None:
                total += align(
                    face,
                    size=FIELD_SIDE,
                    margin=REGION_MARGIN,
                    interpolation="bilinear",
                )
                n += 1
    if n < FEWEST_FACES:
        raise DataError(
            f"{n} of {position} photos have a usable face; a mean of fewer than "
            f"{FEWEST_FACES} would show them."
        )
    return MeanFace(total / n, n)
