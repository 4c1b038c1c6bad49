"""The folder of the data on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from fahrstats.errors import DataError

DATA_VARIABLE = "FAHRSTATS_DATA"
"""Environment variable that names the data folder."""

_DEFAULT_DATA = Path("..") / "shared" / "data"


def data_folder(data_dir: Path | None = None) -> Path | None:
    """Return the data folder, or None where there is none.

    It is ``data_dir``; without it, what the environment variable ``FAHRSTATS_DATA``
    names; without that, ``../shared/data`` where it exists.

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
