"""Tables of importance: what ``fahrstats explain`` wrote, read without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fahrstats.errors import DataError
from fahrstats.face.parquet import open_parquet
from fahrstats.face.saliency.regions import REGIONS, region_areas

REGIONS_SUFFIX = "_regions"
"""Ends the column that holds, beside a score, the importance of each region."""

MAP_SUFFIX = "_map"
"""Ends the column that holds its map, if there is one."""

MAP_SIDE = 112
"""Side in pixels of a stored map of the aligned face with the regions' margin."""


def read_importance(path: str | Path) -> pd.DataFrame:
    """Read the importance of regions as a long table.

    Parameters
    ----------
    path
        The Parquet file that ``fahrstats explain`` wrote.

    Returns
    -------
    DataFrame
        One row per photo, score and region, in the order of the file: ``photo``,
        ``subject``, ``status``; ``model``, the column of the score; ``region``;
        ``importance``, in units of the score and signed (a share of the relevance, if
        it was found by rollout), NaN for photos without a score; ``area``, the share
        of the aligned face that the region covers.

    Raises
    ------
    DataError
        The file is absent, or holds no importance.
    """
    path = Path(path)
    return long_table(open_parquet(path).read(), path.name)


def long_table(table: pa.Table, name: str) -> pd.DataFrame:
    """Return a table of one row per photo as :func:`read_importance` does.

    Raises
    ------
    DataError
        It holds no importance; ``name`` is the table's.
    """
    scores = _scores(table.schema, REGIONS_SUFFIX, name)
    about = table.select(["photo", "subject", "status"]).to_pandas()
    importance = [_rows(table[f"{score}{REGIONS_SUFFIX}"]) for score in scores]
    n, k = len(about), len(scores) * len(REGIONS)
    long = about.loc[about.index.repeat(k)].reset_index(drop=True)
    found: pd.DataFrame = long.assign(
        model=np.tile(np.repeat(scores, len(REGIONS)), n),
        region=np.tile(REGIONS, n * len(scores)),
        importance=np.stack(importance, axis=1).ravel(),
        area=np.tile(region_areas(), n * len(scores)),
    )
    return found


def mean_maps(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Return the mean map of each score over all photos that have one.

    Maps are added up one row group after the other; only their sum is held.

    Parameters
    ----------
    path
        The Parquet file that ``fahrstats explain --map`` wrote.

    Returns
    -------
    mapping of str to ndarray of shape (112, 112), float64
        By column of the score.

    Raises
    ------
    DataError
        The file is absent, holds no map, or holds one with missing values.
    """
    path = Path(path)
    file = open_parquet(path)
    scores = _scores(file.schema_arrow, MAP_SUFFIX, path.name)
    columns = [f"{score}{MAP_SUFFIX}" for score in scores]
    sums = np.zeros((len(scores), MAP_SIDE**2))
    counts = np.zeros(len(scores), int)
    for batch in file.iter_batches(batch_size=256, columns=columns):
        for i, column in enumerate(batch.columns):
            maps = column.drop_null().flatten().to_numpy().reshape(-1, MAP_SIDE**2)
            sums[i] += maps.sum(axis=0, dtype=np.float64)
            counts[i] += len(maps)
    if not counts.all():
        raise DataError(f"`{path.name}` holds no map of a face with a score.")
    for score, total in zip(scores, sums, strict=True):
        n_missing = int((~np.isfinite(total)).sum())
        if n_missing:
            raise DataError(
                f"{n_missing} of {total.size} places are missing or infinite in some "
                f"map of `{score}` in `{path.name}`; explain these photos again."
            )
    return {
        score: (total / n).reshape(MAP_SIDE, MAP_SIDE)
        for score, total, n in zip(scores, sums, counts, strict=True)
    }


def _scores(schema: pa.Schema, suffix: str, name: str) -> list[str]:
    """Return the scores beside which there is a column of this suffix."""
    scores = [x for x in schema.names if f"{x}{suffix}" in schema.names]
    if not scores:
        how = "fahrstats explain" + (" --map" if suffix == MAP_SUFFIX else "")
        raise DataError(f"`{name}` has no column `SCORE{suffix}`; `{how}` writes it.")
    return scores


def _rows(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return lists of eleven as rows; missing ones are NaN."""
    found = np.full((len(column), len(REGIONS)), np.nan)
    lists = column.combine_chunks()
    found[lists.is_valid().to_numpy(zero_copy_only=False)] = (
        lists.drop_null()
        .flatten()
        .to_numpy(zero_copy_only=False)
        .reshape(-1, len(REGIONS))
    )
    return found
