"""Where the numbers of a study come from: its file, its data, the code."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fahrstats import __version__
from fahrstats.files import file_sha256
from fahrstats.study.tables_in import text_sha256

_PACKAGE = Path(__file__).parents[1]
_VERSIONS = ("numpy", "scipy", "pandas", "numba", "formulaic")


def provenance_of(
    text: str, *, file: str, sha256: str, n_rows: int, beside: Mapping[str, str]
) -> dict[str, Any]:
    """Return what every table carries: data, versions, and a key of all of it.

    The ``key`` is a hash of all that the numbers depend on: the study file and those
    beside it, the data with the scores, and the package's code. Tables with the same
    key hold the same numbers.

    Parameters
    ----------
    text
        Text of the study file.
    file, sha256, n_rows
        Name, hash and number of rows of the data.
    beside
        Hashes of the files beside the study file.
    """
    code = code_sha256()
    study_sha256 = text_sha256(text)
    parts = [study_sha256, sha256, *beside.values(), __version__, code]
    return {
        "key": text_sha256("\n".join(parts)),
        "study_sha256": study_sha256,
        "package": __version__,
        "code_sha256": code,
        "python": platform.python_version(),
        "data_file": file,
        "data_sha256": sha256,
        **beside,
        "n_rows": n_rows,
        "created": date.today().isoformat(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


def code_sha256() -> str:
    """Return a hash of the package's own code, so that a change of it is noticed."""
    files = sorted(_PACKAGE.rglob("*.py"))
    return text_sha256("".join(file_sha256(file) for file in files))
