"""A study's own script, for a table that a study file cannot describe.

The script is Python and is run with all rights of the user who runs the study, as any
script is; only a file in the folder of the study file is run. It defines one function,
``prepare(table)``, from the table as it was read, with its scores, to the table that
the study file describes.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import cast

import pandas as pd

from fahrstats.errors import DataError, FahrstatsError

_FUNCTION = "prepare"


def find_script(script: str, folder: Path) -> Path:
    """Return the path of a script that stands in the folder of its study file.

    Raises
    ------
    DataError
        It is absent, or outside of the folder, also by a link.
    """
    path = folder / script
    if not path.is_file():
        raise DataError(f"The script `{script}` is not beside the study file.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(
            f"The script `{script}` is outside the folder of the study file; only a "
            "script in that folder is run."
        )
    return path


def run_script(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table that the ``prepare`` function of a script makes of ``table``.

    Parameters
    ----------
    path
        The script, as :func:`find_script` returns it.
    table
        The table as it was read; the script is given a copy.

    Raises
    ------
    DataError
        The script cannot be read as Python or stops; it has no function ``prepare``; or
        what the function returns is no data frame, has other rows, or a column twice.
    """
    try:
        prepared = _function_of(path)(table.copy())
    except FahrstatsError:
        raise
    except (Exception, SystemExit) as error:  # sys.exit() must not end a run as done
        raise DataError(_stopped(path, error)) from error
    if not isinstance(prepared, pd.DataFrame):
        raise DataError(
            f"`{_FUNCTION}` of `{path.name}` returned {type(prepared).__name__}; it "
            "must return a data frame."
        )
    if not prepared.index.equals(table.index):
        raise DataError(
            f"`{_FUNCTION}` of `{path.name}` returned {len(prepared)} rows of the "
            f"{len(table)} it was given, or moved them; keep every row in its place "
            "with its index, and leave rows out by the column that `left_out` of "
            "[table] names, so that they are counted."
        )
    prepared = prepared.rename(columns=str)
    twice = prepared.columns[prepared.columns.duplicated()]
    if len(twice):
        raise DataError(
            f"`{_FUNCTION}` of `{path.name}` returned several columns `{twice[0]}`."
        )
    return prepared


def _function_of(path: Path) -> Callable[[pd.DataFrame], object]:
    """Run the script, and return its function."""
    function = run_path(str(path)).get(_FUNCTION)
    if not callable(function):
        raise DataError(
            f"`{path.name}` has no function `{_FUNCTION}`; write "
            f"`def {_FUNCTION}(table):`, which returns the table of the study."
        )
    return cast(Callable[[pd.DataFrame], object], function)


def _stopped(path: Path, error: BaseException) -> str:
    """Say at which line a script stopped, and why."""
    if isinstance(error, SyntaxError):
        line = error.lineno
    else:
        steps = traceback.extract_tb(error.__traceback__)
        line = next((s.lineno for s in steps[::-1] if s.filename == str(path)), None)
    where = f" at line {line}" if line else ""
    reason = " ".join(str(error).split())
    return f"`{path.name}` stopped{where}: {type(error).__name__}: {reason}"
