"""Result tables on disk: Parquet files that carry their own provenance.

A run that is stopped leaves either a whole file or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.files import write_whole

PROVENANCE_KEY = b"fahrstats"
"""Key of the provenance in the metadata of a Parquet file."""


def write(table: pd.DataFrame, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write a result table, its columns in glossary order, with its provenance.

    Parameters
    ----------
    table
        Columns out of :data:`fahrstats.columns.GLOSSARY`; the index is not kept.
    path
        The file to write; its folder is made if needed. An older file is replaced
        only when the new one is complete.
    provenance
        What the numbers come from, stored as JSON inside the file: package version,
        hash of the data, formula, seed.
    """
    ordered = _as_text(table[in_order(table.columns)])
    arrow = pa.Table.from_pandas(ordered, preserve_index=False)
    stored = json.dumps(dict(provenance), sort_keys=True).encode()
    arrow = arrow.replace_schema_metadata(
        {**(arrow.schema.metadata or {}), PROVENANCE_KEY: stored}
    )
    write_whole(path, lambda partial: pq.write_table(arrow, partial))


def read(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a result table and its provenance.

    Raises
    ------
    DataError
        The file is absent, is not Parquet, or was not written by :func:`write`.
    """
    try:
        arrow = pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"There is no result table `{path}`; run the study.") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"`{path}` is not a Parquet file: {error}") from error
    metadata = arrow.schema.metadata or {}
    if PROVENANCE_KEY not in metadata:
        raise DataError(
            f"`{path}` holds no provenance, so it is not a result table; run the study."
        )
    return arrow.to_pandas(), json.loads(metadata[PROVENANCE_KEY])


def read_provenance(path: Path) -> dict[str, Any] | None:
    """Return the provenance of a finished table, or None where there is none."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return None
    try:
        stored = json.loads(metadata.get(PROVENANCE_KEY, b"null"))
    except ValueError:
        return None
    return stored if isinstance(stored, dict) else None


def write_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Write what describes a whole study, as indented JSON."""
    text = json.dumps(dict(manifest), indent=2, ensure_ascii=False) + "\n"
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a study.

    Raises
    ------
    DataError
        The file is absent or is not a JSON object.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"There is no `{path}`: the study is not finished; run it."
        ) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(
            f"`{path}` is not a manifest; run `fahrstats analyse` again: {error}"
        ) from error
    if not isinstance(manifest, dict):
        raise DataError(f"`{path}` is not a manifest; run `fahrstats analyse` again.")
    return manifest


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Turn categorical columns into text, which every reader of Parquet knows."""
    kinds = {
        name: str
        for name, dtype in table.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
    }
    return table.astype(kinds)
