"""Scores of photographs under simulated changes, as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fahrstats.face.detection.found import SMALLEST_FACE, Several
from fahrstats.face.engine import Device
from fahrstats.face.perturbations.catalogue import Landmarks, panel_of
from fahrstats.face.perturbations.perturbed_table import long_table
from fahrstats.face.pictures.photos import PhotoSource
from fahrstats.face.scoring.plan import Plan, model_names
from fahrstats.face.scoring.score import as_arrow


def perturb_photos(
    photos: str | Path | pd.DataFrame | PhotoSource,
    *,
    checkpoint: str | Path | Sequence[str | Path],
    conditions: Sequence[str] | None = None,
    landmarks: Landmarks = "detected",
    detector: str = "mtcnn",
    several: Several = "refuse",
    min_face: int = SMALLEST_FACE,
    device: Device = "auto",
) -> pd.DataFrame:
    """Score every photo of a cohort untouched and under simulated changes.

    Many photos are scored in parallel, into a file, by ``fahrstats perturb``. What is
    simulated is one change at a time of one photo; see
    :data:`~fahrstats.face.perturbations.catalogue.CONDITIONS` for what each means.

    Parameters
    ----------
    photos, checkpoint, detector, several, min_face, device
        As in :func:`~fahrstats.face.scoring.score.score_photos`.
    conditions
        Names of conditions; all by default.
    landmarks
        As in :class:`~fahrstats.face.perturbations.catalogue.Panel`.

    Returns
    -------
    DataFrame
        As :func:`~fahrstats.face.perturbations.perturbed_table.read_perturbed`.

    Raises
    ------
    DataError
        There are no photos, no such condition, or a model cannot be opened.
    """
    panel = panel_of(conditions, landmarks)
    plan = Plan(
        models=model_names(checkpoint),
        detector=detector,
        several=several,
        min_face=min_face,
        device=device,
        outcome="perturbed",
        panel=panel,
    )
    return long_table(as_arrow(photos, plan), panel.conditions)
