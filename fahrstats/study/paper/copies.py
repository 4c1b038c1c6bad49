"""Results of a study as a folder of the paper's own, without what is personal."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.files import file_sha256, write_whole
from fahrstats.study.results_in import check_tables, read_manifest

MANIFEST = "manifest.json"


def copy_results(source: Path, target: Path) -> None:
    """Copy manifest, tables and averages of a study; nothing of single people.

    A copy that is whole and the same is left alone.

    Raises
    ------
    DataError
        The tables of ``source`` are not those that its manifest describes.
    """
    manifest = read_manifest(source)
    check_tables(source, manifest)
    if is_copy(source, target):
        return
    clear_copy(target)
    for name in (*_beside(manifest), MANIFEST):
        write_whole(target / name, partial(shutil.copyfile, source / name))


def is_copy(source: Path, target: Path) -> bool:
    """Tell whether a folder holds a whole copy of the results in another."""
    try:
        manifest = read_manifest(target)
        check_tables(target, manifest)
    except DataError:
        return False
    return all(
        (target / name).is_file()
        and file_sha256(target / name) == file_sha256(source / name)
        for name in (MANIFEST, *_averages(manifest))
    )


def clear_copy(folder: Path) -> None:
    """Take away a copy of results and its folders, and leave all else alone."""
    (folder / MANIFEST).unlink(missing_ok=True)
    for file in (*folder.glob("tables/*.parquet"), *folder.glob("*.npz")):
        if file.suffix == ".npz" or store.read_provenance(file) is not None:
            file.unlink(missing_ok=True)
    for place in (folder / "tables", folder):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def _beside(manifest: dict[str, Any]) -> list[str]:
    """Return the files of a study's results other than the manifest."""
    tables = [f"tables/{name}.parquet" for name in manifest["tables"]]
    return [*tables, *_averages(manifest)]


def _averages(manifest: dict[str, Any]) -> list[str]:
    """Return the file of mean faces and maps, of a study that has one."""
    name = manifest.get("averages_file")
    return [] if name is None else [Path(str(name)).name]
