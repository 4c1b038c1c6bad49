"""Finding and reading the tables that a study names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.linkage import link
from fahrstats.cohort.table_file import read_table_file
from fahrstats.datasets.folder import DATA_VARIABLE, data_folder
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.section import did_you_mean
from fahrstats.study.specification import Study

_PACKAGES = {"sksurv": "sksurv.datasets", "lifelines": "lifelines.datasets"}


@dataclass(frozen=True, slots=True, eq=False)
class SourceTable:
    """A table as it was read.

    Attributes
    ----------
    data : DataFrame
        The table, joined with its scores where the study names a scores table.
    file : str
        Name of the file or data set, without folders.
    sha256 : str
        Hash of the bytes read; of the values, for a data set of a package.
    has_scores : ndarray of bool, shape (n,), or None
        Whether the scores table holds the row's id; None without a scores table.
    n_without_clinical : int
        Rows of the scores table that the clinical table lacks.
    """

    data: pd.DataFrame
    file: str
    sha256: str
    has_scores: NDArray[np.bool_] | None = None
    n_without_clinical: int = 0


def load(study: Study, data_dir: Path | None = None) -> SourceTable:
    """Read the table of a study, joined with its scores.

    Raises
    ------
    DataError
        A file is absent or cannot be read, or the two tables cannot be joined.
    """
    table = study.table
    clinical = read_table(table.file, study.path.parent, data_dir, table.source)
    if table.scores is None or table.id is None:
        return clinical
    scores = read_table(table.scores, study.path.parent, data_dir, table.source)
    linked = link(
        clinical.data, scores.data, id=table.id, allow_unmatched=table.allow_unmatched
    )
    return SourceTable(
        data=linked.table,
        file=f"{clinical.file} + {scores.file}",
        sha256=text_sha256(clinical.sha256 + scores.sha256),
        has_scores=linked.has_scores,
        n_without_clinical=linked.n_without_clinical,
    )


def read_table(
    file: str, beside: Path, data_dir: Path | None = None, source: str = ""
) -> SourceTable:
    """Read a CSV or Parquet file, or a data set that comes with a package.

    Parameters
    ----------
    file
        A path, relative to ``beside`` or to the data folder, or ``package:name``.
    beside
        Folder that is searched first.
    data_dir
        The data folder; without it, the environment variable ``FAHRSTATS_DATA`` or
        ``../shared/data`` where that folder exists.
    source
        Where the data can be obtained, for the message when the file is absent.

    Raises
    ------
    DataError
        The file or data set is absent or cannot be read.
    """
    package, colon, name = file.partition(":")
    if colon and package in _PACKAGES:
        data = _data_set(package, name)
        return SourceTable(data, file, _values_sha256(data))
    path = find_file(file, beside, data_dir, source)
    return SourceTable(read_table_file(path), path.name, file_sha256(path))


def find_file(
    file: str, beside: Path, data_dir: Path | None = None, source: str = ""
) -> Path:
    """Return the path of a file beside a study or in the data folder.

    Raises
    ------
    DataError
        It is in neither; the message says where it was looked for and its source.
    """
    folder = data_folder(data_dir)
    for place in [beside, *([] if folder is None else [folder])]:
        if (place / file).is_file():
            return place / file
    looked = (
        f"no data folder is given (`--data-dir` or {DATA_VARIABLE})"
        if folder is None
        else f"not in the data folder `{folder}`"
    )
    origin = f" Where it comes from: {source}" if source else ""
    raise DataError(f"`{file}` is not beside the study file, and {looked}.{origin}")


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _data_set(package: str, name: str) -> pd.DataFrame:
    """Load a data set of an installed package, outcome and covariates side by side."""
    module = import_module(_PACKAGES[package])
    known = [attr[5:] for attr in vars(module) if attr.startswith("load_")]
    if name not in known:
        raise DataError(
            f"`{package}` has no data set `{name}`.{did_you_mean(name, known)}"
        )
    loaded = getattr(module, f"load_{name}")()
    parts = loaded if isinstance(loaded, tuple) else (loaded,)
    frames = [pd.DataFrame(part).reset_index(drop=True) for part in parts]
    return pd.concat(frames, axis=1).rename(columns=str)


def _values_sha256(data: pd.DataFrame) -> str:
    """Return a hash of the values of a table."""
    return text_sha256(data.to_csv(index=False))
