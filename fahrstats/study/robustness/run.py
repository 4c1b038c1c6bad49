"""The file of a robustness study to a folder of result tables, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fahrstats.errors import DataError
from fahrstats.face.perturbations.catalogue import CONDITIONS, panel_of
from fahrstats.files import file_sha256
from fahrstats.study.notes import notes_sha256, read_notes
from fahrstats.study.privacy import without_folders
from fahrstats.study.provenance import provenance_of
from fahrstats.study.results_in import (
    check_files,
    read_checked,
)
from fahrstats.study.robustness.photos import pairs_file, panel_file, score_all
from fahrstats.study.robustness.sources import (
    Read,
    Sources,
    check_robustness,
    read_sources,
)
from fahrstats.study.robustness.specification import Robustness
from fahrstats.study.robustness.study_file import parse_robustness
from fahrstats.study.robustness.tables import table_makers
from fahrstats.study.study_file import first_of, results_folder
from fahrstats.study.tables_in import find_file, joint_sha256
from fahrstats.study.tables_out import described, write_tables
from fahrstats.watching import Watch


def analyse_robustness(
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Write every result table of a robustness study, and the manifest.

    Parameters, what is kept of an earlier run and what is returned are those of
    :func:`fahrstats.study.analyse.analyse_study`.

    Raises
    ------
    DataError
        The study has a problem, or its data cannot support a table.
    """
    folder = results_folder(path, out)
    before = check_robustness(path, data_dir, folder)
    problems = [one for one in before.problems if one not in before.of_scores]
    if problems or before.study is None:
        raise DataError(first_of(problems, path.name))
    score_all(before.study, data_dir, folder, watch)
    study, sources = read_sources(path, data_dir, folder)
    provenance = _provenance(study, sources)
    write_tables(
        folder,
        table_makers(study, sources),
        provenance=provenance,
        describe=partial(_describe, study, sources, provenance),
        watch=watch,
    )
    return folder


def check_robustness_results(
    path: Path, folder: Path, data_dir: Path | None = None
) -> dict[str, Any]:
    """Return the manifest of a robustness study whose tables are up to date.

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
    study, manifest = read_checked(path, folder, parse_robustness)
    hashes: dict[str, Callable[[], str]] = {"notes": partial(notes_sha256, study)}
    files: dict[str, str | None] = {"notes": study.notes}
    for key, (file, find) in _files(study, folder, data_dir).items():
        hashes[key] = partial(_file_sha256, find)
        files[key] = file
    check_files(hashes, manifest["provenance"], files)
    return manifest


def _files(
    study: Robustness, folder: Path, data_dir: Path | None
) -> dict[str, tuple[str, Callable[[], Path]]]:
    """Return the file that each part was read from, and what finds it."""
    beside = study.path.parent
    found: dict[str, tuple[str, Callable[[], Path]]] = {}
    if study.panel is not None:
        panel = panel_file(study.panel, folder)
        found["panel"] = (panel.name, lambda: panel)
    for pairs in study.pairs:
        key = f"pairs_{pairs.name}"
        if pairs.table is not None:
            file = pairs.table.file
            found[key] = (file, partial(find_file, file, beside, data_dir))
        else:
            scores = pairs_file(pairs, folder)
            found[key] = (scores.name, partial(Path, scores))
    if study.serial is not None:
        file = study.serial.table.file
        found["serial"] = (file, partial(find_file, file, beside, data_dir))
    return found


def _file_sha256(find: Callable[[], Path]) -> str:
    """Return the hash of a file that may be absent."""
    file = find()
    if not file.is_file():
        raise DataError(f"`{file}` is absent.")
    return file_sha256(file)


def _provenance(study: Robustness, sources: Sources) -> dict[str, Any]:
    """Return what every table carries."""
    parts = sources.parts
    read = parts.values()
    return {
        **provenance_of(
            study.text,
            file=", ".join(dict.fromkeys(one.file for one in read)),
            sha256=joint_sha256(one.sha256 for one in read),
            n_rows=sum(len(one.table) for one in read),
            beside={"notes_sha256": notes_sha256(study)},
        ),
        **{f"{key}_sha256": one.sha256 for key, one in parts.items()},
        "seed": study.seed,
        "time_unit": "years",
    }


def _describe(
    study: Robustness,
    sources: Sources,
    provenance: dict[str, Any],
    tables: Path,
    names: list[str],
) -> dict[str, Any]:
    """Return the manifest of a robustness study whose tables are written."""
    return {
        "kind": "robustness",
        "name": study.name,
        "title": study.title,
        "study_file": without_folders(study.text),
        "labels": _labels(study),
        "models": list(study.columns),
        "panel": _panel(study, sources.panel),
        "pairs": [_part(read) for read in sources.pairs.values()],
        "serial": {} if sources.serial is None else _part(sources.serial),
        "choices": {
            "margin": study.margin,
            "moved": study.moved,
            "limits": list(study.limits),
            "n_boot": study.n_boot,
        },
        "notes": read_notes(study),
        "statements": study.statements,
        "provenance": provenance,
        **described(tables, names),
    }


def _labels(study: Robustness) -> dict[str, dict[str, str]]:
    """Return label and unit of models, groups and simulated changes."""
    labels = {column: {"label": text, "unit": ""} for column, text in study.models}
    for group in study.groups:
        labels[group.name] = {"label": group.label, "unit": ""}
    for name, condition in CONDITIONS.items():
        labels[name] = {"label": condition.label, "unit": condition.unit}
    return labels


def _panel(study: Robustness, read: Read | None) -> dict[str, Any]:
    """Return what a report says of the simulated changes; nothing without them."""
    if study.panel is None or read is None:
        return {}
    panel = panel_of(study.panel.conditions, study.panel.landmarks)
    conditions = [CONDITIONS[name] for name in panel.conditions]
    return {
        **_part(read),
        "source": study.panel.source,
        "sample_seed": None if study.panel.limit is None else study.panel.seed,
        "landmarks": panel.landmarks,
        "conditions": [
            {"name": one.name, "family": one.family, "meaning": one.meaning}
            for one in conditions
        ],
    }


def _part(read: Read) -> dict[str, Any]:
    """Return what a report says of a part beyond its tables."""
    provenance: Mapping[str, Any] = read.provenance
    return {
        "label": read.label,
        "by": list(read.groups),
        "photos": dict(provenance),
    }
