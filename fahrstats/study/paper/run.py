"""The file of a paper to a folder of the results that it prints, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.kind import Kind
from fahrstats.study.notes import notes_sha256, read_notes
from fahrstats.study.paper.copies import MANIFEST, clear_copy, copy_results, is_copy
from fahrstats.study.paper.sources import check_paper, results_of
from fahrstats.study.paper.specification import ROLES, Paper
from fahrstats.study.paper.study_file import parse_paper
from fahrstats.study.privacy import without_folders
from fahrstats.study.results_in import check_files, read_checked, read_manifest
from fahrstats.study.study_file import first_of, results_folder, study_name
from fahrstats.study.tables_in import text_sha256
from fahrstats.watching import Watch


def analyse_paper(
    kinds: Mapping[str, Kind],
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Analyse the studies of a paper, and copy their results into its folder.

    A study has its results in a folder of its own beside that of the paper, as if it
    had been run alone. One whose results are up to date is not analysed again.

    Parameters
    ----------
    kinds
        What each kind of study is run by.
    path
        The file of the paper.
    data_dir
        Folder of the data.
    out
        Folder of the paper's results; ``results/<name of the paper>`` by default.
    watch
        Called before each step with its name, its position and the number of steps.

    Returns
    -------
    Path
        Folder of the paper's results, a folder for each study in it.

    Raises
    ------
    DataError
        The paper or a study has a problem, or its data cannot support a table.
    """
    folder = results_folder(path, out)
    check = check_paper(kinds, path, data_dir, folder)
    if check.problems or check.paper is None:
        raise DataError(first_of(list(check.problems), path.name))
    for part in check.paper.parts:
        results = results_of(part, folder)
        if part.role not in check.finished:
            analyse = kinds[ROLES[part.role]].analyse
            analyse(part.path, data_dir, results, _named(watch, part.role))
    _bring_together(check.paper, folder)
    return folder


def check_paper_results(
    kinds: Mapping[str, Kind], path: Path, folder: Path, data_dir: Path | None = None
) -> dict[str, Any]:
    """Return the manifest of a paper whose copies of results are whole and up to date.

    Where the results of a study themselves are not there, such as on the machine of a
    co-author, its copy is compared with its study file alone.

    Parameters
    ----------
    kinds
        What each kind of study is run by.
    path, folder, data_dir
        As of :func:`fahrstats.study.results_in.check_results`.

    Raises
    ------
    DataError
        A copy is not whole, or the paper, a study or its data have changed since.

    Warns
    -----
    ResultWarning
        The data of a study are not there, so that a change would go unnoticed.
    """
    paper, manifest = read_checked(path, folder, parse_paper)
    hashes: dict[str, Callable[[], str]] = {"notes": partial(notes_sha256, paper)}
    check_files(hashes, manifest["provenance"], {"notes": paper.notes})
    for part in paper.parts:
        kind, copy = kinds[ROLES[part.role]], folder / part.role
        _, copied = read_checked(part.path, copy, kind.parse)
        if copied["provenance"]["key"] != manifest["parts"][part.role]["key"]:
            raise DataError(
                f"`{copy}` is not what the manifest of the paper describes; run "
                "`fahrstats analyse` again."
            )
        results = results_of(part, folder)
        if not (results / MANIFEST).is_file():
            continue
        kind.check_results(part.path, results, data_dir)
        if not is_copy(results, copy):
            raise DataError(
                f"The results of the study `{study_name(part.path)}` changed since "
                "they were copied; run `fahrstats run`."
            )
    return manifest


def _bring_together(paper: Paper, folder: Path) -> None:
    """Copy the results of all studies, and write the manifest that names them."""
    for role in ROLES:
        if role in paper.part:
            copy_results(results_of(paper.part[role], folder), folder / role)
        else:
            clear_copy(folder / role)
    manifest = _manifest(paper, folder)
    try:
        older = store.read_manifest(folder / MANIFEST)
    except DataError:  # absent or broken: it is written anew
        older = {}
    if _undated(older) != _undated(manifest):
        store.write_manifest(manifest, folder / MANIFEST)


def _undated(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest without the day on which it was written."""
    provenance = {**manifest.get("provenance", {}), "created": ""}
    return {**manifest, "provenance": provenance}


def _manifest(paper: Paper, folder: Path) -> dict[str, Any]:
    """Return what describes a paper whose results are brought together."""
    parts = {part.role: read_manifest(folder / part.role) for part in paper.parts}
    keys = {role: part["provenance"]["key"] for role, part in parts.items()}
    study_sha256, notes = text_sha256(paper.text), notes_sha256(paper)
    return {
        "kind": "paper",
        "name": paper.name,
        "title": paper.title,
        "study_file": without_folders(paper.text),
        "authors": [
            {**asdict(author), "affiliation": list(author.affiliation)}
            for author in paper.authors
        ],
        "parts": {
            role: {
                "name": part["name"],
                "kind": part["kind"],
                "title": part["title"],
                "key": keys[role],
            }
            for role, part in parts.items()
        },
        "labels": {},
        "choices": {},
        "notes": read_notes(paper),
        "statements": paper.statements,
        "provenance": {
            "key": text_sha256("\n".join([study_sha256, notes, *keys.values()])),
            "study_sha256": study_sha256,
            "notes_sha256": notes,
            "package": __version__,
            "created": date.today().isoformat(),
        },
        "tables": {},
        "warnings": {},
    }


def _named(watch: Watch, role: str) -> Watch:
    """Return what watches the steps of one study, and says whose they are."""
    return lambda step, position, total: watch(f"{role}: {step}", position, total)
