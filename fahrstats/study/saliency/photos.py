"""Photographs of a saliency study: explained, read back, and averaged.

What is known of single photos is personal data, and stays in the folder ``personal``.
Averages of many faces show nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.face.saliency.importance_table import mean_maps, read_importance
from fahrstats.files import file_sha256, write_whole
from fahrstats.measurement.accuracy_blocks import FEWEST_PEOPLE
from fahrstats.study.photo_sample import open_sample
from fahrstats.study.photo_scores import locate, make_personal, personal_file
from fahrstats.study.saliency.specification import Saliency
from fahrstats.study.saliency.survival import fit_survival_head, survival_model
from fahrstats.study.tables_in import text_sha256
from fahrstats.watching import Watch

if TYPE_CHECKING:
    from fahrstats.face.detection.faces import FoundFace
    from fahrstats.face.pictures.photos import PhotoSource
    from fahrstats.face.scoring.plan import Plan

AVERAGES = "averages.npz"
"""Mean face and mean maps, beside the tables."""

_MADE_OF, _FACE, _MAP = "made_of", "face", "map_"


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Importance of regions as it was read back.

    Attributes
    ----------
    importance : DataFrame
        One row per photo, score and region.
    provenance : dict
        What explained them: models with fingerprints, detector, settings, counts.
    sha256 : str
        Hash of the files.
    """

    importance: pd.DataFrame
    provenance: dict[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Means over many faces.

    Attributes
    ----------
    face : ndarray of shape (224, 224, 3), uint8, or None
        The mean face, unless there are too few faces for it to show nobody.
    maps : dict of ndarray of shape (112, 112), float32
        Mean map of each score, where the study has maps.
    """

    face: NDArray[np.uint8] | None
    maps: dict[str, NDArray[np.float32]]


def model_names(study: Saliency, results: Path) -> tuple[str, ...]:
    """Return what scores the photos, with FaceSurvival of another study."""
    if study.survival_of is None:
        return study.photos.models
    return (*study.photos.models, survival_model(results))


def importance_file(study: Saliency, results: Path) -> Path:
    """Return where the importance of regions is."""
    made_of = (replace(study.photos, source=""), study.survival_of)
    return personal_file(results, "importance", *made_of)


def maps_file(study: Saliency, results: Path) -> Path:
    """Return where the maps are."""
    made_of = (replace(study.photos, source=""), study.survival_of, study.maps)
    return personal_file(results, "maps", *made_of)


def open_photos(
    study: Saliency, data_dir: Path | None, limit: int | None = None
) -> PhotoSource:
    """Return the photos of a study, or so many of them.

    Raises
    ------
    DataError
        They are absent, or fewer than are to be drawn.
    """
    photos = study.photos
    try:
        where = locate(photos.folder, study.path.parent, data_dir, photos.source)
    except DataError as error:
        raise DataError(f"[photos]: {error}") from error
    limit = photos.limit if limit is None else limit
    return open_sample(where, section="[photos]", limit=limit, seed=photos.seed)


def explain_all(
    study: Saliency, data_dir: Path | None, results: Path, watch: Watch
) -> None:
    """Explain the scores of all photos, unless that is done and nothing changed since.

    Raises
    ------
    DataError
        The photos or a model are absent, a model cannot be explained so, or no photo
        has a usable face.
    MissingExtraError
        What reads, scores or explains photos is not installed.
    """
    from fahrstats.face.saliency.explanation import Importance

    personal = make_personal(results)
    if study.survival_of is not None:
        fit_survival_head(study, results, watch)
    names = model_names(study, results)
    source = open_photos(study, data_dir)
    files = {importance_file(study, results)}
    plan = plan_of(study, names, Importance(study.photos.method))
    _score(importance_file(study, results), source, plan, watch)
    if study.maps is not None:
        file = maps_file(study, results)
        some = open_photos(study, data_dir, study.maps.limit)
        plan = plan_of(study, names, Importance(study.maps.method, maps=True))
        _score(file, some, plan, watch)
        files.add(file)
    for older in {*personal.glob("importance-*"), *personal.glob("maps-*")} - files:
        older.unlink()
    _average(study, source, results, watch)


def read_explained(study: Saliency, results: Path) -> Explained | None:
    """Return the importance of regions; None where photos are not explained yet."""
    file = importance_file(study, results)
    files = [file] if study.maps is None else [file, maps_file(study, results)]
    if not all(one.is_file() for one in files):
        return None
    _, provenance = store.read(file)
    return Explained(read_importance(file), provenance, _files_sha256(files))


def explained_sha256(study: Saliency, results: Path) -> str:
    """Return the hash of what explains the photos.

    Raises
    ------
    DataError
        It is not there.
    """
    file = importance_file(study, results)
    files = [file] if study.maps is None else [file, maps_file(study, results)]
    for one in files:
        if not one.is_file():
            raise DataError(f"`{one}` is absent.")
    return _files_sha256(files)


def read_averages(folder: Path) -> Averages:
    """Return the means over faces among the results of a study.

    Raises
    ------
    DataError
        They are not there.
    """
    file = folder / AVERAGES
    if not file.is_file():
        raise DataError(f"`{file}` is absent; run `fahrstats analyse` again.")
    with np.load(file, allow_pickle=False) as held:
        maps = {
            name.removeprefix(_MAP): held[name]
            for name in held.files
            if name.startswith(_MAP)
        }
        return Averages(held[_FACE] if _FACE in held.files else None, maps)


def find_faces(
    study: Saliency, data_dir: Path | None, pixels_wanted: int
) -> list[FoundFace]:
    """Return the faces on which the explanation is checked, drawn from the photos.

    Raises
    ------
    DataError
        Fewer photos have a usable face.
    """
    from fahrstats.face.detection.choosing import open_detector
    from fahrstats.face.scoring.examination import examine

    plan = plan_of(study, study.photos.models)
    detector = open_detector(plan.detector)
    source = open_photos(study, data_dir)
    photos = [photo for shard in source.shards(len(source)) for photo in shard]
    faces: list[FoundFace] = []
    for at in np.random.default_rng(study.seed).permutation(len(photos)):
        _, face = examine(photos[at], detector, plan, pixels_wanted)
        if face is not None:
            faces.append(face)
        if len(faces) == study.n_checked:
            return faces
    raise DataError(
        f"[analysis]: {len(faces)} of {len(photos)} photos have a usable face, but "
        f"`checked_faces` is {study.n_checked}."
    )


def plan_of(study: Saliency, names: Sequence[str], importance: Any = None) -> Plan:
    """Return what is done to the photos."""
    from fahrstats.face.scoring.plan import Plan

    plan = Plan(models=tuple(names), several=study.photos.several)
    if importance is None:
        return plan
    return replace(plan, outcome="importance", importance=importance)


def _score(file: Path, source: PhotoSource, plan: Plan, watch: Watch) -> None:
    """Explain photos into a file, going on where an earlier run stopped."""
    from fahrstats.face.scoring.runs import check_scored, score_to

    counts = score_to(file, source, plan=plan, restart="if stale", watch=watch)
    check_scored(counts, file)


def _average(study: Saliency, source: PhotoSource, results: Path, watch: Watch) -> None:
    """Write the mean face and the mean maps, unless they are there."""
    from fahrstats.face.saliency.mean_face import FEWEST_FACES, mean_face

    made_of = explained_sha256(study, results)
    file = results / AVERAGES
    if file.is_file():
        with np.load(file, allow_pickle=False) as held:
            if str(held[_MADE_OF]) == made_of:
                return
    arrays: dict[str, NDArray[Any]] = {_MADE_OF: np.array(made_of)}
    if _n_faces(importance_file(study, results)) >= FEWEST_FACES:
        plan = plan_of(study, study.photos.models)
        mean = mean_face(
            source, detector=plan.detector, several=plan.several, watch=watch
        )
        arrays[_FACE] = np.rint(mean.pixels).astype(np.uint8)
    if study.maps is not None:
        maps = maps_file(study, results)
        if _n_faces(maps) >= FEWEST_PEOPLE:
            arrays |= {
                f"{_MAP}{name}": values.astype(np.float32)
                for name, values in mean_maps(maps).items()
            }

    def write(partial: Path) -> None:
        with partial.open("wb") as out:
            np.savez_compressed(out, allow_pickle=False, **arrays)

    write_whole(file, write)


def _n_faces(file: Path) -> int:
    """Return how many photos have a face that was explained."""
    table, _ = store.read(file)
    return int((table["status"] == "ok").sum())


def _files_sha256(files: Sequence[Path]) -> str:
    """Return one hash of some files."""
    return text_sha256("".join(file_sha256(file) for file in files))
