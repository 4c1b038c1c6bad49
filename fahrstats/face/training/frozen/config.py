"""What a head on frozen embeddings is told: one TOML file, checked whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from fahrstats.errors import DataError
from fahrstats.face.checkpoints.names import CARD, PARAMETERS
from fahrstats.section import Section, open_toml

Per = Literal["photo", "subject"]
_ABOUT = ("name", "training_data", "licence")
_TABLE = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenConfig:
    """All that decides the scores of a cohort, and where they are written.

    Attributes
    ----------
    embeddings : Path
        What ``fahrstats embed`` wrote.
    labels : Path
        Table with ``time`` and ``event`` by ``photo`` or ``subject``.
    n_folds, seed : int
        Into how many parts the subjects are dealt, and how.
    penalties : tuple of float, or None
        As for :func:`~fahrstats.face.training.frozen.heads.fit_frozen_head`.
    network : str or None
        Checkpoint that the embeddings came from.
    scores : Path
        Table of cross-fitted scores to write.
    per : str
        Whether it has one row a photo or one a subject.
    checkpoint : Path or None
        Checkpoint to write, with the head of all subjects.
    name, training_data, licence, notes : str
        Of its card.
    """

    embeddings: Path
    labels: Path
    n_folds: int
    seed: int
    penalties: tuple[float, ...] | None
    network: str | None
    scores: Path
    per: Per
    checkpoint: Path | None
    name: str
    training_data: str
    licence: str
    notes: str


def read_frozen_config(path: Path) -> FrozenConfig:
    """Read the file of a head on frozen embeddings.

    Paths in it are relative to its folder.

    Raises
    ------
    DataError
        The file, or one that it names, is absent; it is not TOML; or a key is unknown,
        missing or out of range. All problems are told at once.
    """
    top = open_toml(path)
    top.choice("kind", ("survival",), "survival")
    data = top.section("data", required=True)
    frozen = top.section("frozen", required=True)
    output = top.section("output", required=True)
    folder = path.parent
    checkpoint = _named(output, "checkpoint", folder, PARAMETERS)
    config = FrozenConfig(
        embeddings=_existing(data, "embeddings", folder),
        labels=_existing(data, "labels", folder),
        n_folds=frozen.whole("folds", 5, at_least=2),
        seed=frozen.whole("seed", 1),
        penalties=frozen.ascending("penalties") or None,
        network=_network(frozen, folder, is_needed=checkpoint is not None),
        scores=_named(output, "scores", folder, _TABLE, required=True) or folder,
        per=cast(Per, output.choice("per", ("photo", "subject"), "photo")),
        checkpoint=checkpoint,
        **{key: output.text(key, required=checkpoint is not None) for key in _ABOUT},
        notes=output.text("notes"),
    )
    for section in (data, frozen, output, top):
        section.finish()
    if top.problems:
        raise DataError(f"`{path.name}`: {' '.join(top.problems)}")
    return config


def _existing(section: Section, key: str, folder: Path) -> Path:
    """Read the path of a file that is there."""
    name = section.text(key, required=True)
    path = folder / name
    if name and not path.is_file():
        section.problem(f"`{key}` is `{name}`, and there is no such file.")
    return path


def _named(
    section: Section, key: str, folder: Path, ending: str, *, required: bool = False
) -> Path | None:
    """Read the path of a file to write."""
    name = section.text(key, required=required)
    if not name:
        return None
    if not name.endswith(ending):
        section.problem(f"`{key}` is `{name}`; it must end in `{ending}`.")
    return folder / name


def _network(section: Section, folder: Path, *, is_needed: bool) -> str | None:
    """Read the checkpoint of the embeddings: a file, or the name of a shipped one."""
    name = section.text("checkpoint")
    if is_needed and not name:
        section.problem(
            "`checkpoint` is missing; the checkpoint that is written needs the network "
            "that the embeddings came from."
        )
    is_file = name.endswith((PARAMETERS, CARD))
    return str(folder / name) if is_file else name or None
