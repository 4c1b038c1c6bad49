"""What the file of a saliency study says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fahrstats.face.saliency.explanation import Method
from fahrstats.study.photo_section import Several

TAKEN = ("photo", "subject", "status", "model", "region", "importance", "area")
"""Names that no score can have."""


@dataclass(frozen=True, slots=True)
class ExplainedPhotos:
    """Photos whose scores are explained.

    Attributes
    ----------
    folder : str
        Folder of photos, or a manifest of them; beside the study file or in the data
        folder.
    models : tuple of str
        What scores them, by name or path.
    method : str
        How scores are explained.
    limit : int or None
        How many photos are drawn, or all of them.
    seed : int
        Decides which.
    several : str
        Which face is scored where a photo shows several.
    source : str
        Where the photos come from.
    """

    folder: str
    models: tuple[str, ...]
    method: Method = "ablation"
    limit: int | None = None
    seed: int = 1
    several: Several = "refuse"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Maps:
    """Maps of some of the photos, of which the mean is shown.

    Attributes
    ----------
    method : str
        How they are made.
    limit : int or None
        How many photos are drawn, or all of them.
    """

    method: Method
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Saliency:
    """The file of a saliency study.

    Attributes
    ----------
    name : str
        Name of the study file, or of its folder where the file is ``study.toml``.
    path : Path
        The study file.
    text : str
        Its text.
    title : str
        Title of the report.
    models : tuple of pairs
        Column of the score and label of each model.
    units : dict
        Unit of each score that has one.
    photos : ExplainedPhotos
        Photos whose scores are explained.
    maps : Maps or None
        Maps of some of them.
    survival_of : str or None
        Study file whose cross-fitted FaceSurvival is explained too.
    n_checked : int
        Faces on which the explanation is checked.
    n_boot, n_swaps, seed : int
        Draws of the bootstrap and of labels, and what decides them.
    notes : str or None
        Text beside the study file that the report prints.
    statements : dict
        What the authors say of the study, by :data:`fahrstats.statements.STATEMENTS`.
    """

    name: str
    path: Path
    text: str
    title: str
    models: tuple[tuple[str, str], ...]
    units: dict[str, str]
    photos: ExplainedPhotos
    maps: Maps | None
    survival_of: str | None
    n_checked: int
    n_boot: int
    n_swaps: int
    seed: int
    notes: str | None = None
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the scores."""
        return tuple(column for column, _ in self.models)
