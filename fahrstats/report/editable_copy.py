"""A copy of a report of the package, with all that it includes and cites, to edit."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.files import write_whole
from fahrstats.report.documents import report_source
from fahrstats.report.project import PROJECT_FILE
from fahrstats.report.source import read_source


def check_is_free(name: str, folder: Path) -> None:
    """Make sure that a copy of a report would take no file's place.

    Raises
    ------
    DataError
        There is no report of this name, or a file of it is in the folder already.
    """
    for place in _files(name):
        if (folder / place).exists():
            raise DataError(
                f"`{folder / place}` exists; remove it, or name another folder."
            )


def copy_report(name: str, folder: Path) -> Path:
    """Copy a report and the files that it is made of into a folder.

    Parameters
    ----------
    name
        Name of the report, see :func:`fahrstats.report.report_source`.
    folder
        Folder of the copy; it is made if needed.

    Returns
    -------
    Path
        The document, ``folder/<name>.qmd``.

    Raises
    ------
    DataError
        There is no report of this name, or a file of it is in the folder already.
    """
    check_is_free(name, folder)
    for place, file in _files(name).items():
        write_whole(folder / place, partial(shutil.copyfile, file))
    return folder / f"{name}.qmd"


def _files(name: str) -> dict[str, Path]:
    """Return the files that a report is made of, by their place in a copy."""
    document = report_source(name)
    folder = document.resolve().parent
    return {
        file.resolve().relative_to(folder).as_posix(): file
        for file in read_source(document).files
        if file.name != PROJECT_FILE
    }
