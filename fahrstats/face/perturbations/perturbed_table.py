"""The table of a panel, from one row per photo to one per photo, change and dose.

Nothing here needs torch: tables are read where photos never were.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from fahrstats.cohort.store import read_provenance
from fahrstats.errors import DataError
from fahrstats.face.parquet import open_parquet
from fahrstats.face.perturbations.catalogue import CONDITIONS, SEVERITIES

_SUFFIX = "_perturbed"
_STEPS = 1 + len(SEVERITIES)


def perturbed_column(score: str) -> str:
    """Return the name of the column of a score under the changes of a panel."""
    return f"{score}{_SUFFIX}"


def read_perturbed(path: str | Path) -> pd.DataFrame:
    """Read what ``fahrstats perturb`` wrote.

    Parameters
    ----------
    path
        The Parquet file.

    Returns
    -------
    DataFrame
        One row for each photo, condition and severity, in this order: ``photo``,
        ``subject``, ``status``, ``condition``, ``severity`` (0, the untouched photo, to
        5), ``dose`` (its unit is that of the condition in
        :data:`~fahrstats.face.perturbations.catalogue.CONDITIONS`; missing at severity
        0 where an untouched photo has no such number), and the scores. At severity 0
        they are the same under all conditions. They are missing where a photo has no
        usable face, and where the detector found none in the changed picture.

    Raises
    ------
    DataError
        The file is absent or no such table.
    """
    path = Path(path)
    table = open_parquet(path).read()
    conditions = (read_provenance(path) or {}).get("conditions")
    if not conditions:
        raise DataError(
            f"`{path}` holds no scores of changed photos; `fahrstats perturb` writes "
            "them."
        )
    return long_table(table, conditions)


def long_table(table: pa.Table, conditions: Sequence[str]) -> pd.DataFrame:
    """Return one row per photo, condition and severity.

    Parameters
    ----------
    table
        One row per photo, as :func:`read_perturbed` explains.
    conditions
        Names of the conditions in the order of the lists.
    """
    shape = (len(table), len(conditions), _STEPS)
    photo, condition, severity = np.indices(shape).reshape(3, -1)
    doses = np.array(
        [[CONDITIONS[name].dose(step) for step in range(_STEPS)] for name in conditions]
    )
    photos: pd.DataFrame = table.select(["photo", "subject", "status"]).to_pandas()
    data = photos.iloc[photo].reset_index(drop=True)
    data = data.assign(
        condition=np.array(conditions, object)[condition],
        severity=severity,
        dose=doses[condition, severity],
    )
    for name in table.column_names:
        if perturbed_column(name) in table.column_names:
            data[name] = _steps(table, name, shape).ravel()
    return data


def _steps(
    table: pa.Table, score: str, shape: tuple[int, int, int]
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Return a score of every photo, condition and severity."""
    steps = np.full(shape, np.nan)
    steps[:, :, 0] = table[score].to_numpy()[:, None]
    changed = table[perturbed_column(score)].combine_chunks()
    known = changed.is_valid().to_numpy(zero_copy_only=False)
    values = changed.drop_null().flatten().to_numpy(zero_copy_only=False)
    steps[known, :, 1:] = values.reshape(-1, shape[1], shape[2] - 1)
    return steps
