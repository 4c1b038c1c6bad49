"""What the file of an age benchmark says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fahrstats.measurement.age_groups import OVERALL
from fahrstats.study.photo_section import Photos
from fahrstats.study.specification import TableFile

AGE = "age"
"""Column of true age once a data set is read, and the name of its bands."""

AGE_ENDS = ("age_low", "age_high")
"""Columns of true age where it is known to an interval."""

SUBJECT = "subject"
"""Column of whom a photo shows."""

TAKEN = (AGE, *AGE_ENDS, SUBJECT, OVERALL)
"""Names that no model and no group can have."""

CARD = {
    "details": "Model details",
    "intended_use": "Intended use",
    "out_of_scope": "Uses out of scope",
    "training_data": "Training data",
    "inequalities": "Known inequalities",
    "ethics": "Ethical considerations",
    "caveats": "Caveats and recommendations",
}
"""What only the authors know of the models, for the card, in the order of its keys."""


@dataclass(frozen=True, slots=True)
class Group:
    """What makes groups in which accuracy is judged.

    Attributes
    ----------
    name : str
        Column.
    label : str
        How it is printed.
    levels : tuple of pairs
        Code and text of each level; empty where the values are texts themselves.
    """

    name: str
    label: str
    levels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """Photos of known age with the ages that every model predicts.

    Attributes
    ----------
    name : str
        Name of its section.
    label : str
        How it is printed.
    path : Path
        The study file.
    table : TableFile
        Its table, one row a photo.
    age : tuple of str
        Column of true age, or those of the first age of an interval and of the first
        one beyond it.
    subject : str or None
        Column of whom a photo shows.
    by : tuple of tuple of str
        Groups, and crossings of groups, in which accuracy is judged.
    photos : Photos or None
        Photographs that are scored before anything is analysed.
    prepare : str or None
        Script beside the study file that prepares the table.
    """

    name: str
    label: str
    path: Path
    table: TableFile
    age: tuple[str, ...]
    subject: str | None = None
    by: tuple[tuple[str, ...], ...] = ()
    photos: Photos | None = None
    prepare: str | None = None

    @property
    def groupings(self) -> list[str | tuple[str, ...]]:
        """Groups as texts, and crossings of them as tuples."""
        return [part[0] if len(part) == 1 else part for part in self.by]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The file of an age benchmark.

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
        Column of predicted age and label of each model.
    data : tuple of DataSet
        The data sets.
    groups : tuple of Group
        What makes groups.
    age_bands : tuple of float
        Ages at which bands begin.
    n_boot, seed : int
        Draws of the bootstrap, and what decides them.
    card : dict
        What the authors say of the models, by the keys of :data:`CARD`.
    corrected : dict
        Columns of ``models`` that were corrected given true age, each with that of the
        raw prediction.
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
    data: tuple[DataSet, ...]
    groups: tuple[Group, ...]
    age_bands: tuple[float, ...]
    n_boot: int
    seed: int
    card: dict[str, str]
    corrected: dict[str, str]
    notes: str | None = None
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of predicted age."""
        return tuple(column for column, _ in self.models)

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Columns of ages as a model gave them."""
        return tuple(name for name in self.columns if name not in self.corrected)
