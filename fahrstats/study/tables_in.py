"""Finding and reading the tables that a study names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
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
from fahrstats.study.script import find_script, run_script
from fahrstats.study.tabled import Tabled

_PACKAGES = {"sksurv": "sksurv.datasets", "lifelines": "lifelines.datasets"}


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Rows of a table that do not enter a study, for one reason.

    Attributes
    ----------
    reason : str
        The reason in words.
    column : str
        Column that the reason is about; empty where the reason says all.
    rows : ndarray of bool, shape (n,)
        The rows; a row that an earlier reason took out may be among them.
    """

    reason: str
    column: str
    rows: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SourceTable:
    """A table as it was read.

    Attributes
    ----------
    data : DataFrame
        The table, joined with its scores where the study names some, and prepared by
        the script of the study where it has one.
    file : str
        Name of the file or data set, without folders.
    sha256 : str
        Hash of the bytes read; of the values, for a data set of a package.
    left_out : tuple of LeftOut
        Rows that do not enter the study, by reason and in order.
    """

    data: pd.DataFrame
    file: str
    sha256: str
    left_out: tuple[LeftOut, ...] = ()

    @property
    def enters(self) -> NDArray[np.bool_]:
        """Which rows no reason takes out, shape (n,)."""
        enters = np.ones(len(self.data), dtype=np.bool_)
        for reason in self.left_out:
            enters &= ~reason.rows
        return enters


def load(
    study: Tabled, data_dir: Path | None = None, photos: SourceTable | None = None
) -> SourceTable:
    """Read the table of a study, join its scores and run its script.

    Parameters
    ----------
    study
        The study file.
    data_dir
        Folder of the data.
    photos
        Scores of the photographs of the study, by the column ``id`` of [photos].

    Raises
    ------
    DataError
        A file is absent or cannot be read, the tables cannot be joined, the script
        stops, or no row enters the study.
    """
    table, folder = study.table, study.path.parent
    source = read_table(table.file, folder, data_dir, table.source)
    if table.scores is not None and table.id is not None:
        scores = read_table(table.scores, folder, data_dir, table.source)
        source = _join(source, scores, table.id, table.allow_unmatched, "scores table")
    if study.photos is not None and photos is not None:
        allow = study.photos.allow_unmatched
        source = _join(source, photos, study.photos.id, allow, "photos")
    if study.prepare is not None:
        script = find_script(study.prepare, folder)
        source = replace(source, data=run_script(script, source.data))
    if table.left_out is not None:
        source = _leave_out(source, table.left_out)
    if not source.enters.any():
        reasons = "; ".join(reason.reason for reason in source.left_out)
        raise DataError(f"No row of `{source.file}` enters the study: {reasons}.")
    return source


def _join(
    source: SourceTable, scores: SourceTable, id: str, allow_unmatched: bool, what: str
) -> SourceTable:
    """Join scores to a table, and leave out the rows that have none."""
    linked = link(source.data, scores.data, id=id, allow_unmatched=allow_unmatched)
    n_without = linked.n_without_clinical
    absent = LeftOut(
        f"no row in the {what} ({n_without} of its rows have none here)",
        id,
        ~linked.has_scores,
    )
    is_matched = linked.has_scores.all() and not n_without
    of_scores = (
        LeftOut(
            reason.reason,
            reason.column,
            linked.table[id].isin(scores.data.loc[reason.rows, id]).to_numpy(),
        )
        for reason in scores.left_out
    )
    return SourceTable(
        data=linked.table,
        file=f"{source.file} + {scores.file}",
        sha256=joint_sha256([source.sha256, scores.sha256]),
        left_out=(*source.left_out, *([] if is_matched else [absent]), *of_scores),
    )


def _leave_out(source: SourceTable, column: str) -> SourceTable:
    """Leave out the rows for which a column holds a reason, by reason."""
    if column not in source.data:
        raise DataError(
            f"[table]: `left_out` is `{column}`, which is no column of the table."
            f"{did_you_mean(column, source.data.columns)}"
        )
    given = source.data[column]
    texts = given.where(given.notna(), "").astype(str).str.strip()
    reasons = (
        LeftOut(reason, "", (texts == reason).to_numpy(dtype=np.bool_))
        for reason in texts[texts != ""].unique()
    )
    return replace(source, left_out=(*source.left_out, *reasons))


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


def joint_sha256(hashes: Iterable[str]) -> str:
    """Return one hash for several in order; a single one stands for itself."""
    return reduce(lambda first, second: text_sha256(first + second), hashes)


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
