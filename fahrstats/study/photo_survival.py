"""FaceSurvival of the photographs of a study, by heads that never saw who is scored.

Heads are fitted to the embeddings of the photos and to the main outcome of the study,
and whoever enters the study is scored by a head that was fitted without them. Follow-up
and scores of single people stay in the folder ``personal`` of the results.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.files import file_sha256, write_whole
from fahrstats.study.outcome_columns import add_outcome
from fahrstats.study.photo_scores import (
    PERSONAL,
    PhotoScores,
    embeddings_file,
    read_photo_scores,
)
from fahrstats.study.photo_section import CrossFit
from fahrstats.study.specification import Study
from fahrstats.study.tables_in import SourceTable, load, text_sha256
from fahrstats.study.work import Work
from fahrstats.watching import Watch

COLUMN = "facesurvival"
"""Column of the table that holds the cross-fitted scores."""

NOT_FITTED = (
    "FaceSurvival is not fitted to this outcome yet; `fahrstats run` fits it, and what "
    "needs its scores is checked then."
)

_WHERE = "[photos.survival]"
_LABELS = "facesurvival-labels.parquet"
_SETTINGS = "facesurvival.toml"


def fit_survival(
    study: Study, data_dir: Path | None, results: Path, watch: Watch
) -> None:
    """Cross-fit FaceSurvival, unless that is done and nothing changed since.

    Photos are scored and embedded before. The file of settings that is left in the
    folder ``personal`` makes the same scores by ``fahrstats train survival``.

    Raises
    ------
    DataError
        The table or its outcome has a problem, or heads cannot be fitted to them.
    ConvergenceError
        The penalised likelihood of a head reached no maximum.
    """
    cross_fit, photos = _cross_fit(study), read_photo_scores(study, results)
    personal = results / PERSONAL
    if cross_fit is None:
        for file in personal.glob("facesurvival*"):
            file.unlink()
        return
    from fahrstats.face.training.frozen.run import train_frozen

    assert photos is not None
    labels = _labels(study, photos, load(study, data_dir, photos.table))
    made_of = _made_of(study, results, labels)
    if _provenance_of(survival_file(results), made_of) is not None:
        return
    write_whole(labels_file(results), lambda partial: partial.write_bytes(labels))
    settings = _settings(study, photos, results)
    write_whole(personal / _SETTINGS, lambda partial: partial.write_text(settings))
    try:
        train_frozen(personal / _SETTINGS, watch)
    except DataError as error:
        raise DataError(f"{_WHERE}: {error}") from error


def with_survival(
    study: Study, photos: PhotoScores, source: SourceTable, results: Path
) -> tuple[PhotoScores, SourceTable] | None:
    """Add cross-fitted scores to a table, and how they were made to its photos.

    Returns
    -------
    tuple of PhotoScores and SourceTable, or None
        As they are where the study learns no FaceSurvival; None where it is not fitted
        yet, or was fitted to other photos, another outcome or in another way.

    Raises
    ------
    DataError
        The outcome has a problem, or the table a column of that name already.
    """
    if _cross_fit(study) is None:
        return photos, source
    labels, file = _labels(study, photos, source), survival_file(results)
    provenance = _provenance_of(file, _made_of(study, results, labels))
    if provenance is None:
        return None
    scores, _ = store.read(file)
    by_name = scores.set_index(photos.key)[COLUMN]
    names = source.data[_id(study)].astype(str)
    joined = replace(
        source,
        data=source.data.assign(**{COLUMN: names.map(by_name)}),
        sha256=text_sha256(source.sha256 + file_sha256(file)),
    )
    told = {**photos.provenance, "survival": provenance}
    return replace(photos, provenance=told), joined


def survival_file(results: Path) -> Path:
    """Return where the cross-fitted scores are."""
    return results / PERSONAL / "facesurvival.parquet"


def labels_file(results: Path) -> Path:
    """Return where the follow-up is that heads were fitted to."""
    return results / PERSONAL / _LABELS


def survival_sha256(results: Path) -> str:
    """Return the hash of the cross-fitted scores.

    Raises
    ------
    DataError
        They are not there.
    """
    file = survival_file(results)
    if not file.is_file():
        raise DataError(f"`{file}` is absent.")
    return file_sha256(file)


def _labels(study: Study, photos: PhotoScores, source: SourceTable) -> bytes:
    """Return the follow-up in years of whoever enters, as a Parquet file."""
    if COLUMN in source.data:
        raise DataError(
            f"{_WHERE}: the table has a column `{COLUMN}` already; rename it, or let "
            f'the model write another one: `models = ["OTHER_NAME=MODEL"]`.'
        )
    work = Work(source.data)
    add_outcome(work, study.main)
    strata = study.analysis.strata
    stratum = None if strata is None else work.source(strata, "[analysis] strata")
    if work.problems:
        raise DataError(" ".join(work.problems))
    time, event, _ = study.main.columns
    columns = {
        photos.key: source.data[_id(study)],
        "time": work.columns[time].where(work.columns[time] > 0),
        "event": work.columns[event],
        **({} if stratum is None else {"stratum": stratum}),
    }
    labels = pd.DataFrame(columns)[source.enters].dropna()
    return bytes(labels.to_parquet(index=False))


def _made_of(study: Study, results: Path, labels: bytes) -> dict[str, Any]:
    """Return all that the scores depend on, as their table says it."""
    cross_fit = _cross_fit(study)
    assert study.photos is not None
    assert cross_fit is not None
    embeddings = embeddings_file(study.photos, results)
    return {
        "embeddings": file_sha256(embeddings) if embeddings.is_file() else None,
        "labels": sha256(labels).hexdigest(),
        "folds": cross_fit.n_folds,
        "seed": cross_fit.seed,
        "package": version("fahrstats"),
    }


def _provenance_of(file: Path, made_of: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the scores say of themselves; None if they are made of others."""
    provenance = store.read_provenance(file) or {}
    is_current = all(provenance.get(key) == value for key, value in made_of.items())
    return provenance if is_current else None


def _settings(study: Study, photos: PhotoScores, results: Path) -> str:
    """Write what ``fahrstats train survival`` is told."""
    cross_fit = _cross_fit(study)
    assert study.photos is not None
    assert cross_fit is not None
    return f"""\
# `fahrstats train survival` makes {survival_file(results).name} of this file.
kind = "survival"
data = {{ embeddings = "{embeddings_file(study.photos, results).name}", \
labels = "{_LABELS}" }}
frozen = {{ folds = {cross_fit.n_folds}, seed = {cross_fit.seed} }}
output = {{ scores = "{survival_file(results).name}", per = "{photos.key}" }}
"""


def _cross_fit(study: Study) -> CrossFit | None:
    """Return how FaceSurvival is learned, where it is."""
    return None if study.photos is None else study.photos.survival


def _id(study: Study) -> str:
    """Return the column that names the photos or subjects."""
    assert study.photos is not None
    return study.photos.id
