"""Result tables read back: whether they are whole and still those of their study."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fahrstats import __version__
from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.files import file_sha256
from fahrstats.study.companions import COMPANIONS, companion_sha256
from fahrstats.study.photo_scores import scores_sha256
from fahrstats.study.photo_survival import survival_sha256
from fahrstats.study.study_file import parse_study
from fahrstats.study.tabled import Tabled
from fahrstats.study.tables_in import find_file, joint_sha256, text_sha256

_PARTS: dict[str, type] = {
    "name": str,
    "title": str,
    "study_file": str,
    "labels": dict,
    "choices": dict,
    "provenance": dict,
    "tables": dict,
    "warnings": dict,
}
_OF_COHORTS: dict[str, type] = {
    "time_unit": str,
    "horizons": list,
    "outcome_label": str,
    "biomarkers": list,
    "covariates": list,
    "subgroups": list,
    "quantile_groups": int,
    "groups_name": str,
    "deviations": dict,
    "analyses": list,
}
_OF_KIND: dict[str, dict[str, type]] = {
    "age-benchmark": {
        "models": list,
        "corrected": dict,
        "data_sets": list,
        "card": dict,
    },
    "robustness": {
        "models": list,
        "panel": dict,
        "pairs": list,
        "serial": dict,
    },
    "saliency": {
        "models": list,
        "photos": dict,
        "averages": str,
        "maps": list,
    },
    "paper": {
        "authors": list,
        "parts": dict,
    },
}
AnyStudy = TypeVar("AnyStudy")

_AGAIN = "run `fahrstats analyse` again"
_CHANGED = "changed since its tables were made; run `fahrstats run`."


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder of results, with all that it must hold.

    Raises
    ------
    DataError
        It is absent or broken, or a part of it is missing.
    """
    file = folder / "manifest.json"
    manifest = store.read_manifest(file)
    parts = _PARTS | _OF_KIND.get(str(manifest.get("kind")), _OF_COHORTS)
    wrong = [n for n, kind in parts.items() if not isinstance(manifest.get(n), kind)]
    if not wrong and not isinstance(manifest["provenance"].get("key"), str):
        wrong = ["provenance.key"]
    if wrong:
        raise DataError(f"`{file}` has no sound `{wrong[0]}`; {_AGAIN}.")
    name = manifest["name"]
    if name != Path(name).name:
        raise DataError(f"`{file}` has the name `{name}`, which is a path; {_AGAIN}.")
    return manifest


def check_tables(folder: Path, manifest: dict[str, Any]) -> None:
    """Make sure that the tables are those that the manifest describes.

    Raises
    ------
    DataError
        A table is missing, was changed, or was made in a run of another study, other
        data or other code.
    """
    key = manifest["provenance"]["key"]
    for name, sha256 in manifest["tables"].items():
        file = folder / "tables" / f"{name}.parquet"
        if not file.is_file():
            raise DataError(f"The table `{file}` is missing; {_AGAIN}.")
        provenance = store.read_provenance(file)
        if provenance is None:
            raise DataError(f"`{file}` is no result table; {_AGAIN}.")
        if provenance.get("key") != key:
            raise DataError(
                f"`{file}` was made for another study, other data or by other code "
                f"than the manifest; {_AGAIN}."
            )
        if file_sha256(file) != sha256:
            raise DataError(
                f"`{file}` was changed after the manifest was written; {_AGAIN}."
            )


def check_results(
    path: Path, folder: Path, data_dir: Path | None = None
) -> dict[str, Any]:
    """Return the manifest of a study whose tables are whole and up to date.

    Parameters
    ----------
    path
        The study file.
    folder
        Folder of the results.
    data_dir
        Folder of the data.

    Raises
    ------
    DataError
        The tables do not belong together, or the study file, its data or a file beside
        it have changed since.

    Warns
    -----
    ResultWarning
        The data are not there, so that a change of them would go unnoticed.
    """
    study, manifest = read_checked(path, folder, parse_study)
    provenance = manifest["provenance"]
    hashes: dict[str, Callable[[], str]] = {
        "data": lambda: data_sha256(study, folder, data_dir),
        **{key: partial(companion_sha256, study, key) for key in COMPANIONS},
    }
    if ":" in str(provenance.get("data_file")):  # a data set of a package
        del hashes["data"]
    files = {key: getattr(study, key) for key in COMPANIONS}
    files["data"] = study.table.file
    check_files(hashes, provenance, files)
    return manifest


def read_checked(
    path: Path, folder: Path, parse: Callable[[Path], tuple[AnyStudy | None, list[str]]]
) -> tuple[AnyStudy, dict[str, Any]]:
    """Return a study and the manifest of its results, which belong together.

    Parameters
    ----------
    path
        The study file.
    folder
        Folder of the results.
    parse
        Returns what the file says, or None where it has a problem.

    Raises
    ------
    DataError
        The tables are not those that the manifest describes, or the study file changed
        since.

    Warns
    -----
    ResultWarning
        Another version of the package computed them.
    """
    manifest = read_manifest(folder)
    check_tables(folder, manifest)
    made_by = manifest["provenance"].get("package", __version__)
    if made_by != __version__:
        warnings.warn(
            f"`{folder}` was computed by fahrstats {made_by}, but this is "
            f"{__version__}; run `fahrstats run` to have all of one version.",
            ResultWarning,
            stacklevel=3,
        )
    study, _ = parse(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    used = manifest["provenance"].get("study_sha256")
    if study is None or text_sha256(text) != used:
        raise DataError(
            f"`{path.name}`, the file of the study `{manifest['name']}`, has {_CHANGED}"
        )
    return study, manifest


def check_files(
    hashes: dict[str, Callable[[], str]],
    provenance: dict[str, Any],
    files: dict[str, str | None],
) -> None:
    """Compare the data and the files beside a study with those that were used.

    Parameters
    ----------
    hashes
        What returns the hash of each, by what it is.
    provenance
        Holds the hash that was used as ``<what it is>_sha256``.
    files
        The file of each.

    Raises
    ------
    DataError
        One changed since.

    Warns
    -----
    ResultWarning
        One is not there, so that a change of it would go unnoticed.
    """
    for what, sha256 in hashes.items():
        try:
            found = sha256()
        except DataError as error:
            warnings.warn(
                f"changes since the tables were made are not looked for: {error}",
                ResultWarning,
                stacklevel=3,
            )
            continue
        if found != provenance.get(f"{what}_sha256"):
            name, role = Path(str(files.get(what))).name, COMPANIONS.get(what, "data")
            raise DataError(f"`{name}`, the {role} of the study, has {_CHANGED}")


def data_sha256(study: Tabled, folder: Path, data_dir: Path | None) -> str:
    """Return the hash that the study's table and its scores have when they are read."""
    table = study.table
    hashes = [
        file_sha256(find_file(file, study.path.parent, data_dir, table.source))
        for file in (table.file, table.scores)
        if file is not None
    ]
    if study.photos is not None:
        hashes.append(scores_sha256(study, folder))
        if study.photos.survival is not None:
            hashes.append(survival_sha256(folder))
    return joint_sha256(hashes)
