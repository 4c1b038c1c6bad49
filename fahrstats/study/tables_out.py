"""Result tables of a study to a folder, resuming where an earlier run stopped."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fahrstats.cohort import store
from fahrstats.errors import DataError, ResultWarning
from fahrstats.files import file_sha256, remove_partial
from fahrstats.study.results_in import read_manifest
from fahrstats.watching import Watch


def write_tables(
    folder: Path,
    makers: Mapping[str, Callable[[], pd.DataFrame]],
    *,
    provenance: Mapping[str, Any],
    describe: Callable[[Path, list[str]], Mapping[str, Any]],
    watch: Watch,
) -> None:
    """Write the tables that are not there yet, then the manifest that describes them.

    Parameters
    ----------
    folder
        Folder of the results.
    makers
        What makes each table, by name and in order. A table that is there under the
        same key, as the manifest has it, is kept; tables of other names go away.
    provenance
        What every table carries, with its ``key``.
    describe
        Returns the manifest, given the folder of the tables and their names.
    watch
        Called before each step with its name, its position and the number of steps.
    """
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    remove_partial(tables)
    key = provenance["key"]
    known = _tables_known(folder, key)
    is_changed = known is None
    if known is None:
        (folder / "manifest.json").unlink(missing_ok=True)
    for position, (name, make) in enumerate(makers.items()):
        watch(name.replace("_", " "), position, len(makers))
        file = tables / f"{name}.parquet"
        if not _is_finished(file, key, (known or {}).get(name)):
            table, notes = _with_warnings(make)
            store.write(table, file, {**provenance, "table": name, "warnings": notes})
            is_changed = True
    for file in tables.glob("*.parquet"):
        if file.stem not in makers and store.read_provenance(file) is not None:
            file.unlink(missing_ok=True)
            is_changed = True
    if is_changed:
        manifest = describe(tables, list(makers))
        store.write_manifest(manifest, folder / "manifest.json")


def announced(file: Path) -> list[str]:
    """Return what was announced while a table was made: results that need care."""
    found: list[str] = (store.read_provenance(file) or {}).get("warnings", [])
    return found


def described(tables: Path, names: list[str]) -> dict[str, Any]:
    """Return what every manifest says of tables that are written.

    Their hashes, and what was announced while they were made.
    """
    return {
        "tables": {name: file_sha256(tables / f"{name}.parquet") for name in names},
        "warnings": {name: announced(tables / f"{name}.parquet") for name in names},
    }


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
    make: Callable[[], pd.DataFrame],
) -> tuple[pd.DataFrame, list[str]]:
    """Make a table; return it with the warnings about it, which are passed on too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = make()
    for warning in caught:
        warnings.warn_explicit(
            warning.message, warning.category, warning.filename, warning.lineno
        )
    texts = [str(w.message) for w in caught if issubclass(w.category, ResultWarning)]
    return table, list(dict.fromkeys(texts))
