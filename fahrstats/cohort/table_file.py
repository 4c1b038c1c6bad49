"""Tables as people keep them: CSV and Parquet files."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from fahrstats.errors import DataError

MISSING_MARKERS = frozenset(
    {"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "."}
)
"""Text for a missing value among numbers; among other text it is a level."""

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t"}
_SEPARATOR_NAMES = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
}


def read_table_file(path: Path, *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file by its extension.

    Parameters
    ----------
    path
        A .csv, .csv.gz, .tsv or .parquet file.
    text
        Columns of a text file that are kept as they are written, such as identifiers
        with leading zeros; other columns become numbers, or true and false, where all
        their values but the :data:`MISSING_MARKERS` are such.

    Raises
    ------
    DataError
        The file cannot be read, has no rows, or names two columns alike.
    """
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
            read = pd.read_csv(
                path,
                sep=separator,
                keep_default_na=False,
                na_values=[""],
                low_memory=False,
                dtype=dict.fromkeys(text, str),
            )
            data = read.apply(lambda c: c if c.name in text else _without_markers(c))
    except DataError:
        raise
    except UnicodeError as error:
        raise DataError(
            f"`{path.name}` is not UTF-8 text; save it as UTF-8."
        ) from error
    except (ValueError, OSError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.errno:
            text = os.strerror(error.errno)
        reason = text.strip().partition("\n")[0].rstrip(".")
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
