"""The file of a benchmark to a folder of result tables, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.study.benchmark.cohorts import (
    Cohort,
    check_benchmark,
    read_cohorts,
)
from fahrstats.study.benchmark.specification import AGE, Benchmark, DataSet
from fahrstats.study.benchmark.study_file import parse_benchmark
from fahrstats.study.benchmark.tables import table_makers
from fahrstats.study.notes import notes_sha256, read_notes
from fahrstats.study.photo_scores import read_photo_scores, score_photos
from fahrstats.study.privacy import without_folders
from fahrstats.study.provenance import provenance_of
from fahrstats.study.results_in import (
    check_files,
    data_sha256,
    read_checked,
)
from fahrstats.study.script import find_script
from fahrstats.study.study_file import first_of, results_folder
from fahrstats.study.tables_in import joint_sha256, text_sha256
from fahrstats.study.tables_out import described, write_tables
from fahrstats.watching import Watch


def analyse_benchmark(
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Write every result table of a benchmark, and the manifest that describes them.

    Parameters, what is kept of an earlier run and what is returned are those of
    :func:`fahrstats.study.analyse.analyse_study`.

    Raises
    ------
    DataError
        The study has a problem, or its data cannot support a table.
    """
    folder = results_folder(path, out)
    _score_first(path, data_dir, folder, watch)
    study, cohorts = read_cohorts(path, data_dir, folder)
    provenance = _provenance(study, cohorts)
    write_tables(
        folder,
        table_makers(study, cohorts),
        provenance=provenance,
        describe=partial(_describe, study, cohorts, provenance),
        watch=watch,
    )
    return folder


def check_benchmark_results(
    path: Path, folder: Path, data_dir: Path | None = None
) -> dict[str, Any]:
    """Return the manifest of a benchmark whose tables are whole and up to date.

    Parameters are those of :func:`fahrstats.study.results_in.check_results`.

    Raises
    ------
    DataError
        The tables do not belong together, or the study file, its data or a file beside
        it have changed since.

    Warns
    -----
    ResultWarning
        Some data are not there, so that a change of them would go unnoticed.
    """
    study, manifest = read_checked(path, folder, parse_benchmark)
    hashes: dict[str, Callable[[], str]] = {
        "notes": partial(notes_sha256, study),
        "prepare": partial(_scripts_sha256, study),
    }
    files: dict[str, str | None] = {
        "notes": study.notes,
        "prepare": next((d.prepare for d in study.data if d.prepare), None),
    }
    for data in study.data:
        hashes[_key(data)] = partial(data_sha256, data, folder, data_dir)
        files[_key(data)] = data.table.file
    check_files(hashes, manifest["provenance"], files)
    return manifest


def _score_first(path: Path, data_dir: Path | None, folder: Path, watch: Watch) -> None:
    """Score the photos of all data sets, once everything else can be read."""
    study, _ = parse_benchmark(path)
    with_photos = [] if study is None else [d for d in study.data if d.photos]
    if not with_photos:
        return
    problems = check_benchmark(path, data_dir, folder).problems
    if problems and any(read_photo_scores(d, folder) is None for d in with_photos):
        raise DataError(first_of(list(problems), path.name))
    score_photos(with_photos, data_dir, folder, watch)


def _provenance(study: Benchmark, cohorts: Sequence[Cohort]) -> dict[str, Any]:
    """Return what every table carries."""
    sources = [cohort.source for cohort in cohorts]
    beside = {
        "notes_sha256": notes_sha256(study),
        "prepare_sha256": _scripts_sha256(study),
    }
    of_each = {f"{_key(c.data)}_sha256": c.source.sha256 for c in cohorts}
    return {
        **provenance_of(
            study.text,
            file=", ".join(dict.fromkeys(source.file for source in sources)),
            sha256=joint_sha256(source.sha256 for source in sources),
            n_rows=sum(len(source.data) for source in sources),
            beside=beside,
        ),
        **of_each,
        "seed": study.seed,
        "time_unit": "years",
    }


def _describe(
    study: Benchmark,
    cohorts: Sequence[Cohort],
    provenance: dict[str, Any],
    tables: Path,
    names: list[str],
) -> dict[str, Any]:
    """Return the manifest of a benchmark whose tables are written."""
    labels = {column: label for column, label in study.models}
    labels |= {group.name: group.label for group in study.groups}
    return {
        "kind": "age-benchmark",
        "name": study.name,
        "title": study.title,
        "study_file": without_folders(study.text),
        "labels": {
            AGE: {"label": "True age", "unit": "years"},
            **{name: {"label": label, "unit": ""} for name, label in labels.items()},
        },
        "models": list(study.columns),
        "corrected": study.corrected,
        "data_sets": [_data_set(cohort) for cohort in cohorts],
        "choices": {"n_boot": study.n_boot, "age_bands": list(study.age_bands)},
        "card": {key: without_folders(text) for key, text in study.card.items()},
        "notes": read_notes(study),
        "statements": study.statements,
        "provenance": provenance,
        **described(tables, names),
    }


def _data_set(cohort: Cohort) -> dict[str, Any]:
    """Return what a report says of a data set beyond its tables."""
    data = cohort.data
    return {
        "label": data.label,
        "source": data.table.source,
        "by": [list(part) for part in data.by],
        "is_exact": len(data.age) == 1,
        "has_subjects": data.subject is not None,
        "photos": {} if cohort.photos is None else cohort.photos.provenance,
    }


def _key(data: DataSet) -> str:
    """Return what the hash of a data set is called."""
    return f"data_{data.name}"


def _scripts_sha256(study: Benchmark) -> str:
    """Return a hash of the scripts of all data sets; empty where there are none."""
    names = [data.prepare for data in study.data if data.prepare is not None]
    folder = study.path.parent
    found = [file_sha256(find_script(name, folder)) for name in dict.fromkeys(names)]
    return text_sha256("".join(found)) if found else ""
