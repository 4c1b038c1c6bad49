"""Photographs of a study: scored before anything is analysed, then read as a table.

Scores of single photos are personal data. They stay in the folder ``personal`` of the
results, and nothing outside of it has a row for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from fahrstats.cohort import store
from fahrstats.datasets.folder import DATA_VARIABLE, data_folder
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.section import did_you_mean
from fahrstats.study.photo_section import Photos
from fahrstats.study.tabled import Tabled
from fahrstats.study.tables_in import (
    LeftOut,
    SourceTable,
    read_table,
    text_sha256,
)
from fahrstats.watching import Watch

if TYPE_CHECKING:
    from fahrstats.face.scoring.plan import Plan

PERSONAL = "personal"
"""Folder, among the results of a study, of what has a row for every photo."""

_IGNORED = """\
# Scores of single photos are personal data: leave this folder out where you publish the
# results. Git leaves it out.
*
"""

PREFIX = "photo_"
"""What the columns about a photo, but not its scores, start with in the table."""

STATUS_WORDS = {
    "ok": "scored",
    "no_face": "no face found in the photo",
    "several_faces": "several faces in the photo",
    "too_small": "face in the photo too small",
    "unreadable": "photo cannot be read",
}
"""What the status of a photo means to a reader."""

_NONE = "none"
_NAMES = ("photo", "subject", "session")


@dataclass(frozen=True, slots=True, eq=False)
class PhotoScores:
    """Scores of the photographs of a study.

    Attributes
    ----------
    table : SourceTable
        One row for each photo or, where photos say whom they show, each subject; by the
        column ``id`` of [photos].
    photos : DataFrame
        One row for each photo: that column, and what is known of the photo.
    key : str
        What that column names: ``"photo"`` or ``"subject"``.
    provenance : dict
        What scored them: models with fingerprints, detector, settings, counts.
    """

    table: SourceTable
    photos: pd.DataFrame
    key: Literal["photo", "subject"]
    provenance: dict[str, Any]


def find_photos(study: Tabled, data_dir: Path | None = None) -> Path:
    """Return the folder, manifest or Parquet file of the photos of a study.

    Raises
    ------
    DataError
        It is neither beside the study file nor in the data folder.
    """
    section = _section(study)
    try:
        return locate(section.folder, study.path.parent, data_dir, study.table.source)
    except DataError as error:
        raise DataError(f"[photos]: {error}") from error


def locate(
    where: str, beside: Path, data_dir: Path | None = None, source: str = ""
) -> Path:
    """Return the path of photos beside a study or in the data folder.

    Raises
    ------
    DataError
        They are in neither; the message says where they come from.
    """
    data = data_folder(data_dir)
    for place in (beside, *([] if data is None else [data])):
        if (place / where).exists():
            return place / where
    looked = (
        f"no data folder is given (`--data-dir` or {DATA_VARIABLE})"
        if data is None
        else f"not in the data folder `{data}`"
    )
    origin = f" Where it comes from: {source}" if source else ""
    raise DataError(f"`{where}` is not beside the study file, and {looked}.{origin}")


def check_photos(study: Tabled, data_dir: Path | None = None) -> str:
    """Return what a reader should know of photos that are not scored yet.

    Raises
    ------
    DataError
        The table, the column of the photos, the photos or a model are absent.
    MissingExtraError
        What reads and scores photos is not installed.
    """
    from fahrstats.face.checkpoints.store import load_checkpoint
    from fahrstats.face.models.opening import open_models
    from fahrstats.face.pictures.sources import open_source

    section, file = _section(study), study.table.file
    table = read_table(file, study.path.parent, data_dir, study.table.source).data
    if section.id not in table:
        raise DataError(
            f"[photos]: `id` is `{section.id}`, which is no column of `{file}`."
            f"{did_you_mean(section.id, table.columns)}"
        )
    open_models(section.models)
    if section.survival is not None:
        load_checkpoint(section.survival.checkpoint)
    photos = open_source(find_photos(study, data_dir))
    return (
        f"{len(photos):,} photos are not scored yet; `fahrstats run` scores them, and "
        "what needs their scores is checked then."
    )


def score_photos(
    studies: Sequence[Tabled], data_dir: Path | None, results: Path, watch: Watch
) -> None:
    """Score the photos of a study, unless that is done and nothing changed since.

    They are embedded as well, where the study learns FaceSurvival from them. Several
    studies, such as data sets, may share the folder of results; photos that they score
    alike are scored once.

    Raises
    ------
    DataError
        The photos or a model are absent, or no photo could be scored.
    MissingExtraError
        What reads and scores photos is not installed.
    """
    from fahrstats.face.pictures.sources import open_source
    from fahrstats.face.scoring.runs import check_scored, score_to

    personal = make_personal(results)
    kept = set()
    for study in studies:
        source = open_source(find_photos(study, data_dir))
        for out, plan in _plans(_section(study), results).items():
            if out not in kept:
                counts = score_to(
                    out, source, plan=plan, restart="if stale", watch=watch
                )
                check_scored(counts, out)
            kept.add(out)
    older = {*personal.glob("scores-*.parquet"), *personal.glob("embeddings-*.parquet")}
    for file in older - kept:
        file.unlink()


def make_personal(results: Path) -> Path:
    """Make the folder of what has a row for every photo, and return it."""
    personal = results / PERSONAL
    results.mkdir(parents=True, exist_ok=True)
    personal.mkdir(mode=0o700, exist_ok=True)  # for nobody else on this machine
    (personal / ".gitignore").write_text(_IGNORED)
    return personal


def _plans(section: Photos, results: Path) -> dict[Path, Plan]:
    """Return how each file is made that a study needs of its photos."""
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(models=section.models, several=section.several)
    plans = {scores_file(section, results): plan}
    if section.survival is not None:
        embedder = (section.survival.checkpoint,)
        plan = replace(plan, models=embedder, outcome="embeddings")
        plans[embeddings_file(section, results)] = plan
    return plans


def read_photo_scores(study: Tabled, results: Path) -> PhotoScores | None:
    """Return the scores of a study's photos; None where they are not scored yet."""
    section = _section(study)
    file = scores_file(section, results)
    if not file.is_file():
        return None
    scores, provenance = store.read(file)
    by_subject = scores["subject"].notna().any()
    of_photo = {name: f"{PREFIX}{name}" for name in _about(scores)}
    key: Literal["photo", "subject"] = "subject" if by_subject else "photo"
    others = [name for name in _NAMES if name != key]
    photos = scores.drop(columns=others).rename(columns={**of_photo, key: section.id})
    table = _by_subject(scores, section) if by_subject else photos
    return PhotoScores(
        table=SourceTable(
            data=table,
            file=f"scores of {len(scores):,} photos",
            sha256=file_sha256(file),
            left_out=tuple(_without_score(table)),
        ),
        photos=photos,
        key=key,
        provenance=provenance,
    )


def scores_sha256(study: Tabled, results: Path) -> str:
    """Return the hash of the scores of a study's photos.

    Raises
    ------
    DataError
        They are not there.
    """
    file = scores_file(_section(study), results)
    if not file.is_file():
        raise DataError(f"`{file}` is absent.")
    return file_sha256(file)


def _by_subject(scores: pd.DataFrame, section: Photos) -> pd.DataFrame:
    """Combine the photos of each subject."""
    from fahrstats.face.scoring.sessions import combine_photos

    combined = combine_photos(scores)
    renamed = {name: f"{PREFIX}{name}" for name in _about(combined)}
    status = combined["n_scored"].gt(0).map({True: "ok", False: _NONE})
    return combined.rename(columns={**renamed, "subject": section.id}).assign(
        **{f"{PREFIX}status": status}
    )


def _about(scores: pd.DataFrame) -> list[str]:
    """Return the columns about a photo that are no scores."""
    from fahrstats.face.scoring.sessions import score_names

    kept = (*_NAMES, *score_names(scores))
    starts = tuple(f"{name}_" for name in score_names(scores))
    return [
        name
        for name in map(str, scores.columns)
        if name not in kept and not name.startswith(starts)
    ]


def _without_score(table: pd.DataFrame) -> Iterator[LeftOut]:
    """Yield the photos without a score, by reason."""
    column = f"{PREFIX}status"
    for status, words in {**STATUS_WORDS, _NONE: "no photo could be scored"}.items():
        rows = table[column].eq(status).to_numpy(dtype=bool)
        if status != "ok" and rows.any():
            yield LeftOut(words, "", rows)


def scores_file(section: Photos, results: Path) -> Path:
    """Return where the scores are; what the section says is part of the name."""
    made_of = (section.folder, section.models, section.several)
    return personal_file(results, "scores", *made_of)


def embeddings_file(section: Photos, results: Path) -> Path:
    """Return where the embeddings are that FaceSurvival is learned from."""
    assert section.survival is not None
    by = section.survival.checkpoint
    return personal_file(results, "embeddings", section.folder, by, section.several)


def personal_file(results: Path, kind: str, *made_of: object) -> Path:
    """Return a file with a row for every photo, named by what it is made of."""
    return results / PERSONAL / f"{kind}-{text_sha256(repr(made_of))[:12]}.parquet"


def _section(study: Tabled) -> Photos:
    """Return the section of the study file, which these functions need."""
    assert study.photos is not None
    return study.photos
