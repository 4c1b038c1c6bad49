"""A study file to a folder of result tables, resuming where an earlier run stopped."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.files import file_sha256, remove_partial
from fahrstats.study.checks import StudyCohort, check_study, read_cohort
from fahrstats.study.contents import TableMaker, table_makers
from fahrstats.study.manifest import describe_provenance, describe_study
from fahrstats.study.photo_scores import read_photo_scores, score_photos
from fahrstats.study.photo_survival import fit_survival
from fahrstats.study.results_in import read_manifest
from fahrstats.study.study_file import first_of, parse_study, results_folder
from fahrstats.watching import Watch


def analyse_study(
    path: Path,
    data_dir: Path | None = None,
    out: Path | None = None,
    watch: Watch = lambda step, position, total: None,
) -> Path:
    """Write every result table of a study, and the manifest that describes them.

    A table is written when it is finished, under a key made of the study file, the
    data, the seed and the package's code. A table that is there under the same key is
    kept, so that a run which was stopped goes on where it was; one that is not as the
    manifest has it is made again. A manifest under another key goes away first, so
    that it never describes the tables of a later run.

    Parameters
    ----------
    path
        The study file.
    data_dir
        Folder of the data.
    out
        Folder of the results; ``results/<name of the study>`` by default.
    watch
        Called before each step with its name, its position and the number of steps.

    Returns
    -------
    Path
        Folder of the results.

    Raises
    ------
    DataError
        The study has a problem, or its data cannot support a table.
    """
    folder = results_folder(path, out)
    _score_first(path, data_dir, folder, watch)
    cohort = read_cohort(path, data_dir, folder)
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    remove_partial(tables)
    provenance = describe_provenance(cohort)
    makers = table_makers(cohort)
    known = _tables_known(folder, provenance["key"])
    is_changed = known is None
    if known is None:
        (folder / "manifest.json").unlink(missing_ok=True)
    for position, (name, make) in enumerate(makers.items()):
        watch(name.replace("_", " "), position, len(makers))
        file = tables / f"{name}.parquet"
        if not _is_finished(file, provenance["key"], (known or {}).get(name)):
            table, notes = _with_warnings(make, cohort)
            store.write(table, file, {**provenance, "table": name, "warnings": notes})
            is_changed = True
    for file in tables.glob("*.parquet"):
        if file.stem not in makers and store.read_provenance(file) is not None:
            file.unlink(missing_ok=True)
            is_changed = True
    if is_changed:
        manifest = describe_study(cohort, provenance, tables, list(makers))
        store.write_manifest(manifest, folder / "manifest.json")
    return folder


def _score_first(path: Path, data_dir: Path | None, folder: Path, watch: Watch) -> None:
    """Score the photos of a study that has some, once the rest of it can be read."""
    study, _ = parse_study(path)
    if study is None or study.photos is None:
        return
    problems = check_study(path, data_dir, folder).problems
    if read_photo_scores(study, folder) is None and problems:
        raise DataError(first_of(list(problems), path.name))
    score_photos(study, data_dir, folder, watch)
    fit_survival(study, data_dir, folder, watch)


def _tables_known(folder: Path, key: str) -> dict[str, str] | None:
    """Return the hashes in the manifest; None without a sound one under this key."""
    try:
        manifest = read_manifest(folder)
    except DataError:  # absent or broken: it is written anew
        return None
    known: dict[str, str] = manifest["tables"]
    return known if manifest["provenance"]["key"] == key else None


def _is_finished(file: Path, key: str, sha256: str | None) -> bool:
    """Tell whether a table is there under this key, and as the manifest has it."""
    provenance = store.read_provenance(file)
    if provenance is None or provenance.get("key") != key:
        return False
    return sha256 is None or file_sha256(file) == sha256


def _with_warnings(
    make: TableMaker, cohort: StudyCohort
) -> tuple[pd.DataFrame, list[str]]:
    """Make a table; return it with the warnings about it, which are passed on too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = make(cohort)
    for warning in caught:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
    texts = [str(w.message) for w in caught if issubclass(w.category, ResultWarning)]
    return table, list(dict.fromkeys(texts))
