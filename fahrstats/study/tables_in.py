"""Finding and reading the tables that a study names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.linkage import link
from fahrstats.errors import DataError
from fahrstats.files import file_sha256
from fahrstats.section import did_you_mean
from fahrstats.study.specification import Study

DATA_VARIABLE = "FAHRSTATS_DATA"
"""Environment variable that names the data folder."""

MISSING_MARKERS = frozenset(
    {"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "."}
)
"""Text for a missing value among numbers; among other text it is a level."""

_DEFAULT_DATA = Path("..") / "shared" / "data"
_PACKAGES = {"sksurv": "sksurv.datasets", "lifelines": "lifelines.datasets"}
_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}
_SEPARATOR_NAMES = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
}


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
    return SourceTable(_read_file(path), path.name, file_sha256(path))


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


def data_folder(data_dir: Path | None = None) -> Path | None:
    """Return the data folder, or None where there is none.

    Raises
    ------
    DataError
        A folder was named that does not exist.
    """
    named = data_dir or os.environ.get(DATA_VARIABLE)
    if not named:
        return _DEFAULT_DATA if _DEFAULT_DATA.is_dir() else None
    if not Path(named).is_dir():
        raise DataError(f"The data folder `{named}` does not exist.")
    return Path(named)


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _read_file(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file by its extension."""
    name = path.name.lower()
    separator = next((s for end, s in _SEPARATORS.items() if name.endswith(end)), None)
    if separator is None and not name.endswith(".parquet"):
        raise DataError(
            f"`{path.name}` must be a .csv, .csv.gz, .tsv or .parquet file."
        )
    try:
        if separator is None:
            data = pd.read_parquet(path)
        else:
            _check_header(path, separator)
            text = pd.read_csv(
                path,
                sep=separator,
                keep_default_na=False,
                na_values=[""],
                low_memory=False,
            )
            data = text.apply(_without_markers)
    except DataError:
        raise
    except UnicodeError as error:
        raise DataError(
            f"`{path.name}` is not UTF-8 text; save it as UTF-8."
        ) from error
    except (ValueError, OSError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise DataError(f"`{path.name}` cannot be read: {reason}.") from error
    if data.empty:
        raise DataError(f"`{path.name}` has no rows.")
    return data.rename(columns=str)


def _without_markers(values: pd.Series) -> pd.Series:
    """Turn text into numbers, or true and false, where markers alone prevent that."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values
    levels = pd.Series(values.dropna().unique(), dtype=object).astype(str)
    stripped = levels.str.strip()
    rest = levels[~stripped.isin(MISSING_MARKERS) & (stripped != "")]
    if rest.str.strip().str.lower().isin(["true", "false"]).all():
        known = {level: level.strip().lower() == "true" for level in rest}
    elif pd.to_numeric(rest, errors="coerce").notna().all():
        known = dict(zip(rest, pd.to_numeric(rest), strict=True))
    else:
        return values
    plain = values.astype(object).map(lambda v: known.get(str(v), np.nan))
    return plain.infer_objects()


def _check_header(path: Path, separator: str) -> None:
    """Refuse a repeated name, and another separator, which leaves one column."""
    first = pd.read_csv(path, sep=separator, nrows=1, header=None, dtype=str)
    given = first.iloc[0].dropna()
    for name in given[given.duplicated()].unique():
        raise DataError(
            f"`{path.name}` has {int((given == name).sum())} columns named `{name}`; "
            "rename all but one."
        )
    names = [str(name) for name in pd.read_csv(path, sep=separator, nrows=0)]
    others = (mark for mark in _SEPARATOR_NAMES if mark != separator)
    found = next((mark for mark in others if mark in names[0]), None)
    if len(names) > 1 or found is None:
        return
    ends = [end for end, mark in _SEPARATORS.items() if mark == found]
    rename = f", or name it {ends[0]}" if ends else ""
    raise DataError(
        f"`{path.name}` holds one column, {names[0]!r}; it seems to be separated by "
        f"{_SEPARATOR_NAMES[found]}: save it with {_SEPARATOR_NAMES[separator]}, and "
        f"with decimal points{rename}."
    )


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
