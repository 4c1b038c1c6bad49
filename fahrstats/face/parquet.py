"""Parquet files that a run over photos wrote."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fahrstats.errors import DataError


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises
    ------
    DataError
        The file is absent or of another kind.
    """
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise DataError(f"There is no file `{path}`.") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"`{path}` is not a Parquet file: {error}") from error
