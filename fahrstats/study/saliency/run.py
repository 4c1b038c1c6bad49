"""The file of a saliency study to a folder of result tables, and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fahrstats.errors import DataError
from fahrstats.face.saliency.explanation import LARGEST_CORRELATION
from fahrstats.files import file_sha256
from fahrstats.study.notes import notes_sha256, read_notes
from fahrstats.study.privacy import without_folders
from fahrstats.study.provenance import provenance_of
from fahrstats.study.results_in import (
    check_files,
    read_checked,
)
from fahrstats.study.saliency.photos import (
    AVERAGES,
    Explained,
    explain_all,
    explained_sha256,
    importance_file,
    read_averages,
)
from fahrstats.study.saliency.sources import check_saliency, read_saliency
from fahrstats.study.saliency.specification import Saliency
from fahrstats.study.saliency.study_file import parse_saliency
from fahrstats.study.saliency.tables import table_makers
from fahrstats.study.study_file import first_of, results_folder
from fahrstats.study.tables_out import described, write_tables
from fahrstats.watching import Watch


def analyse_saliency(
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Write every result table of a saliency study, averages, and the manifest.

    Parameters, what is kept of an earlier run and what is returned are those of
    :func:`fahrstats.study.analyse.analyse_study`.

    Raises
    ------
    DataError
        The study has a problem, or its photos cannot support a table.
    """
    folder = results_folder(path, out)
    before = check_saliency(path, data_dir, folder)
    if before.problems or before.study is None:
        raise DataError(first_of(list(before.problems), path.name))
    explain_all(before.study, data_dir, folder, watch)
    study, explained = read_saliency(path, data_dir, folder)
    averages = read_averages(folder)
    provenance = _provenance(study, explained)
    write_tables(
        folder,
        table_makers(study, explained, averages, data_dir=data_dir, results=folder),
        provenance=provenance,
        describe=partial(_describe, study, explained, provenance),
        watch=watch,
    )
    return folder


def check_saliency_results(
    path: Path, folder: Path, data_dir: Path | None = None
) -> dict[str, Any]:
    """Return the manifest of a saliency study whose tables are up to date.

    Parameters are those of :func:`fahrstats.study.results_in.check_results`.

    Raises
    ------
    DataError
        The tables do not belong together, or the study file, its data or a file beside
        it have changed since.

    Warns
    -----
    ResultWarning
        What explains the photos is not there, so that a change would go unnoticed.
    """
    study, manifest = read_checked(path, folder, parse_saliency)
    averages = folder / AVERAGES
    if not averages.is_file():
        raise DataError(f"`{averages}` is missing; run `fahrstats analyse` again.")
    if file_sha256(averages) != manifest["averages"]:
        raise DataError(
            f"`{averages}` was changed after the manifest was written; run "
            "`fahrstats analyse` again."
        )
    hashes: dict[str, Callable[[], str]] = {
        "notes": partial(notes_sha256, study),
        "data": partial(explained_sha256, study, folder),
    }
    files = {"notes": study.notes, "data": importance_file(study, folder).name}
    check_files(hashes, manifest["provenance"], files)
    return manifest


def _provenance(study: Saliency, explained: Explained) -> dict[str, Any]:
    """Return what every table carries."""
    n_photos = explained.importance["photo"].nunique()
    return {
        **provenance_of(
            study.text,
            file=f"importance of regions in {n_photos:,} photos",
            sha256=explained.sha256,
            n_rows=n_photos,
            beside={"notes_sha256": notes_sha256(study)},
        ),
        "seed": study.seed,
        "time_unit": "years",
    }


def _describe(
    study: Saliency,
    explained: Explained,
    provenance: dict[str, Any],
    tables: Path,
    names: list[str],
) -> dict[str, Any]:
    """Return the manifest of a saliency study whose tables are written."""
    photos = study.photos
    averages = read_averages(tables.parent)
    return {
        "kind": "saliency",
        "name": study.name,
        "title": study.title,
        "study_file": without_folders(study.text),
        "labels": {
            column: {"label": label, "unit": study.units.get(column, "")}
            for column, label in study.models
        },
        "models": list(study.columns),
        "photos": {
            **explained.provenance,
            "origin": photos.source,
            "sample_seed": None if photos.limit is None else photos.seed,
        },
        "averages_file": AVERAGES,
        "averages": file_sha256(tables.parent / AVERAGES),
        "has_face": averages.face is not None,
        "maps": sorted(averages.maps),
        "survival_of": ""
        if study.survival_of is None
        else Path(study.survival_of).parent.name,
        "choices": {
            "method": photos.method,
            "maps": "" if study.maps is None else study.maps.method,
            "checked_faces": study.n_checked,
            "n_boot": study.n_boot,
            "n_swaps": study.n_swaps,
            "largest_correlation": LARGEST_CORRELATION,
        },
        "notes": read_notes(study),
        "statements": study.statements,
        "provenance": provenance,
        **described(tables, names),
    }
