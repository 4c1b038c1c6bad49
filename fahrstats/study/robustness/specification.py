"""What the file of a robustness study says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fahrstats.face.perturbations.catalogue import Landmarks
from fahrstats.study.benchmark.specification import Group
from fahrstats.study.photo_section import Several
from fahrstats.study.specification import TableFile

SUBJECT, CONDITION, MOMENT, PHOTO = "subject", "condition", "moment", "photo"
"""Columns of paired photos once they are read."""

TAKEN = (SUBJECT, CONDITION, MOMENT, PHOTO, "severity", "dose", "overall", "status")
"""Names that no model and no group can have."""


@dataclass(frozen=True, slots=True)
class PanelPhotos:
    """Photos that are changed by the panel of simulated changes, and scored.

    Attributes
    ----------
    photos : str
        Folder of photos, or a manifest of them; beside the study file or in the data
        folder.
    models : tuple of str
        What scores them, by name or path.
    conditions : tuple of str
        Simulated changes; empty for all.
    limit : int or None
        How many photos are drawn, or all of them.
    seed : int
        Decides which.
    landmarks : str
        Whether landmarks are ``carried`` along, or ``detected`` anew in every picture.
    several : str
        Which face is scored where a photo shows several.
    source : str
        Where the photos come from.
    """

    photos: str
    models: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    landmarks: Landmarks = "detected"
    limit: int | None = None
    seed: int = 1
    several: Several = "refuse"
    source: str = ""


@dataclass(frozen=True, slots=True)
class PairSet:
    """Pairs of real photos, before and after something.

    Attributes
    ----------
    name : str
        Name of its section.
    label : str
        How it is printed.
    photos : str or None
        Folder or table that :func:`fahrstats.face.open_pairs` reads.
    models : tuple of str
        What scores them.
    table : TableFile or None
        Table of scores that are there already, one row a photo, in place of photos.
    by : tuple of str
        Groups of subjects.
    several : str
        Which face is scored where a photo shows several.
    source : str
        Where the photos come from.
    """

    name: str
    label: str
    photos: str | None
    models: tuple[str, ...] = ()
    table: TableFile | None = None
    by: tuple[str, ...] = ()
    several: Several = "refuse"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Serial:
    """Repeated photos of the same subjects, with their scores.

    Attributes
    ----------
    table : TableFile
        Table of scores, one row a photo.
    subject : str
        Column of subjects.
    date, day : str or None
        Column of dates, or of days.
    """

    table: TableFile
    subject: str
    date: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Robustness:
    """The file of a robustness study.

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
    panel : PanelPhotos or None
        Simulated changes.
    pairs : tuple of PairSet
        Real pairs.
    serial : Serial or None
        Repeated photos.
    groups : tuple of Group
        What makes groups.
    margin : float
        Change in years that would not matter.
    moved : float
        Change in years above which a photo has moved.
    limits : tuple of float
        Sizes of change whose passing is looked for.
    cut_points : tuple of float
        Cut points of the score between classes; none for its quartiles.
    n_boot, seed : int
        Draws of the bootstrap, and what decides them.
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
    panel: PanelPhotos | None
    pairs: tuple[PairSet, ...]
    serial: Serial | None
    groups: tuple[Group, ...]
    margin: float
    moved: float
    limits: tuple[float, ...]
    cut_points: tuple[float, ...]
    n_boot: int
    seed: int
    notes: str | None = None
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the scores."""
        return tuple(column for column, _ in self.models)
