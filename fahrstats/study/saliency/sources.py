"""Every problem of a saliency study at once, and what it looks at without one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fahrstats.errors import DataError, FahrstatsError
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.study.notes import read_notes
from fahrstats.study.saliency.photos import (
    Explained,
    open_photos,
    read_explained,
)
from fahrstats.study.saliency.specification import Saliency
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.saliency.survival import find_survival
from fahrstats.study.study_file import first_of, results_folder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyCheck:
    """What a check of a saliency study found.

    Attributes
    ----------
    problems : tuple of str
        Why it cannot be analysed; empty where it can.
    notes : tuple of str
        What a reader should know though nothing is wrong.
    study : Saliency or None
        What the file says, where it can be read.
    explained : Explained or None
        Importance of regions, where photos are explained.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    study: Saliency | None
    explained: Explained | None = None


def check_saliency(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> SaliencyCheck:
    """List every problem of a saliency study, not only the first.

    Parameters
    ----------
    path
        The study file.
    data_dir
        Folder of the data, see :func:`fahrstats.datasets.folder.data_folder`.
    out
        Folder of the results, where the importance of regions is. Before photos are
        explained, nothing that needs it is checked.
    """
    study, problems = parse_saliency(path)
    if study is None:
        return SaliencyCheck(tuple(problems), (), None)
    results, notes = results_folder(path, out), []
    try:
        read_notes(study)
    except DataError as error:
        problems.append(str(error))
    explained = None
    try:
        explained = read_explained(study, results)
        if explained is None:
            notes.append(_not_explained(study, data_dir, results))
        else:
            problems += _problems(study, explained.importance)
            n = explained.importance["photo"].nunique()
            notes.append(f"{n:,} photos are explained.")
    except FahrstatsError as error:
        problems.append(str(error))
    return SaliencyCheck(tuple(problems), tuple(notes), study, explained)


def read_saliency(
    path: Path, data_dir: Path | None = None, out: Path | None = None
) -> tuple[Saliency, Explained]:
    """Return a saliency study with the importance of regions.

    Raises
    ------
    DataError
        It has a problem; the message is the first, and the number of all.
    """
    check = check_saliency(path, data_dir, out)
    if check.problems or check.study is None or check.explained is None:
        raise DataError(first_of(list(check.problems), path.name))
    return check.study, check.explained


def _not_explained(study: Saliency, data_dir: Path | None, results: Path) -> str:
    """Open the models, and say that photos are not explained yet.

    Raises
    ------
    DataError
        The photos, a model or what FaceSurvival is learned from are absent.
    """
    from fahrstats.face.models.opening import open_models

    n = len(open_photos(study, data_dir))
    if study.survival_of is not None:
        find_survival(study, results)
    open_models(study.photos.models)
    return (
        f"{n:,} photos are not explained yet; `fahrstats run` explains them, and what "
        "needs that is checked then."
    )


def _problems(study: Saliency, importance: pd.DataFrame) -> list[str]:
    """Return the models that nothing is known of, and say if there are few people."""
    known = set(importance["model"])
    problems = [
        f"[models] names `{name}`, but the photos have no such score."
        for name in study.columns
        if name not in known
    ]
    kept = importance[importance["importance"].notna()]
    who = kept["subject"].fillna(kept["photo"])
    n_people = who.nunique()
    if n_people < FEWEST_PEOPLE:
        problems.append(
            f"{n_people} people are explained; of fewer than {FEWEST_PEOPLE} nothing "
            "is reported, since it would tell of single people."
        )
    return problems
