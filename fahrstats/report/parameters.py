"""Parameters of a report as YAML, the only form in which they reach its code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fahrstats.errors import DataError
from fahrstats.report.extras import required

# The folder of result tables; the report reads it and the cache watches it.
RESULTS = "results"


def checked_params(params: Mapping[str, object]) -> dict[str, object]:
    """Check names and make paths plain text, ``results`` an absolute one.

    Raises
    ------
    DataError
        A name is not a Python name, or ``results`` is no folder.
    """
    plain: dict[str, object] = {}
    for name, value in params.items():
        if not name.isidentifier():
            raise DataError(
                f"`params` names `{name}`, which cannot be the name of a variable."
            )
        plain[name] = str(value) if isinstance(value, os.PathLike) else value
    if RESULTS in plain:
        folder = Path(str(plain[RESULTS]))
        if not folder.is_dir():
            raise DataError(f"The parameter `{RESULTS}` is not a folder: `{folder}`.")
        plain[RESULTS] = str(folder.resolve())
    return plain


def as_yaml(params: Mapping[str, object]) -> str:
    """Write parameters as YAML.

    Raises
    ------
    DataError
        A value is not text, a number, a truth value, a date, a list or a mapping.
    """
    yaml = required("yaml", "pyyaml")
    for name, value in params.items():
        try:
            yaml.safe_dump(value)
        except yaml.YAMLError as error:
            raise DataError(
                f"The parameter `{name}` is of type `{type(value).__name__}`; give "
                "text, a number, true or false, a date, a list or a mapping."
            ) from error
    return str(yaml.safe_dump(dict(params), sort_keys=True, allow_unicode=True))
