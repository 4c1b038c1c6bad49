"""What scores rest on, as a data frame; and for one photo, with its maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.detection.alignment import align
from fahrstats.face.detection.found import Several
from fahrstats.face.engine import Device
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.pictures.sources import open_source
from fahrstats.face.saliency.explanation import FIELD_SIDE, Importance, Method
from fahrstats.face.saliency.importance_table import long_table
from fahrstats.face.saliency.reading import explain
from fahrstats.face.saliency.regions import REGION_MARGIN, REGIONS, region_areas
from fahrstats.face.scoring.examination import examine
from fahrstats.face.scoring.plan import Plan, model_names
from fahrstats.face.scoring.score import as_arrow
from fahrstats.face.scoring.workbench import open_workbench


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedFace:
    """One face, its scores and what they rest on. All of it is personal data.

    Attributes
    ----------
    face : ndarray of shape (224, 224, 3), uint8
        The aligned face in sRGB, with the margin of the regions.
    scores : mapping of str to float
        By column.
    regions : DataFrame
        One row per score and region: ``model``, ``region``, ``importance``, ``area``.
    maps : mapping of str to ndarray of shape (224, 224), float32
        By column, places as in ``face``; empty for ablation.
    """

    face: NDArray[np.uint8]
    scores: dict[str, float]
    regions: pd.DataFrame
    maps: dict[str, NDArray[np.float32]]


def explain_photos(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    checkpoint: str | Path | Sequence[str | Path],
    method: Method = "ablation",
    detector: str = "mtcnn",
    several: Several = "refuse",
    device: Device = "auto",
) -> pd.DataFrame:
    """Explain the scores of every photo of a cohort by regions, in this process.

    For large cohorts, for maps, and to go on where a run was stopped, see
    ``fahrstats explain``, or :func:`~fahrstats.face.score_to` with a plan whose outcome
    is importance.

    Parameters
    ----------
    photos, checkpoint, detector, several, device
        As in :func:`~fahrstats.face.scoring.score.score_photos`.
    method
        As in :class:`~fahrstats.face.saliency.explanation.Importance`.

    Returns
    -------
    DataFrame
        As :func:`~fahrstats.face.saliency.importance_table.read_importance` returns it.

    Raises
    ------
    DataError
        There are no photos, or a model cannot be opened or not be explained so.
    MissingExtraError
        captum is needed for the method and is not installed.
    """
    plan = Plan(
        models=model_names(checkpoint),
        detector=detector,
        several=several,
        device=device,
        outcome="importance",
        importance=Importance(method),
    )
    return long_table(as_arrow(photos, plan), "photos")


def explain_face(
    photo: str | Path,
    *,
    checkpoint: str | Path | Sequence[str | Path],
    method: Method = "occlusion",
    detector: str = "mtcnn",
    several: Several = "refuse",
    device: Device = "auto",
) -> ExplainedFace:
    """Explain the scores of one photo, for who asks for a figure of that very face.

    Parameters
    ----------
    photo
        Path of an image file.
    checkpoint, method, detector, several, device
        As in :func:`explain_photos`.

    Raises
    ------
    DataError
        The photo has no usable face, or a model cannot be opened or not be explained
        so.
    MissingExtraError
        captum is needed for the method and is not installed.
    """
    plan = Plan(
        models=model_names(checkpoint),
        detector=detector,
        several=several,
        device=device,
        outcome="importance",
        importance=Importance(method),
    )
    bench = open_workbench(plan)
    source = open_source(photo)
    (only,) = next(source.shards(1))
    row, face = examine(only, bench.detector, plan, bench.pixels_wanted)
    if face is None:
        raise DataError(f"`{only.photo}` cannot be explained: {row['note']}.")
    scores, regions, maps = {}, [], {}
    for model in bench.reading.models:
        found = explain(model, [face], method)
        for i, column in enumerate(model.columns):
            scores[column] = float(found.scores[0, i])
            regions.append(
                pd.DataFrame(
                    {
                        "model": column,
                        "region": REGIONS,
                        "importance": found.regions[0, i],
                        "area": region_areas(),
                    }
                )
            )
            if found.maps is not None:
                maps[column] = found.maps[0, i]
    crop = align(face, size=FIELD_SIDE, margin=REGION_MARGIN, interpolation="bilinear")
    return ExplainedFace(crop, scores, pd.concat(regions, ignore_index=True), maps)
