"""Standardised differences between two groups, in a unit that all variables share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError

FloatArray = NDArray[np.float64]


def standardized_differences(
    data: pd.DataFrame, variables: Sequence[str], *, by: str, groups: tuple[str, str]
) -> pd.DataFrame:
    """Return the standardised mean difference of each variable between two groups.

    Of a number it is the difference of the means over the root of the mean of the two
    variances, positive where the second group has more. Of a factor it is the
    Mahalanobis distance between the two sets of shares, with the mean of their
    covariances, and has no sign. It is of the rows with a value, does not grow with
    the size of the study, and is missing where neither group varies.

    Parameters
    ----------
    data
        One row per subject.
    variables
        Columns, numbers or factors; booleans and texts are factors.
    by
        Column of groups.
    groups
        The group that is the reference, and the one compared with it.

    Raises
    ------
    DataError
        A group has no rows.

    References
    ----------
    Austin (2009), Statistics in Medicine 28:3083-3107. Yang and Dalton (2012), SAS
    Global Forum, paper 335.
    """
    codes = data[by].astype(str)
    for group in groups:
        if not (codes == group).any():
            raise DataError(f"`{by}` has no rows in the group `{group}`.")
    rows = [
        {"variable": name, **_difference(*(data[name][codes == g] for g in groups))}
        for name in variables
    ]
    first, second = groups
    table = pd.DataFrame(rows).assign(
        level="", group=second, reference=first, estimand="smd"
    )
    return table[in_order(table.columns)]


def _difference(first: pd.Series, second: pd.Series) -> dict[str, float]:
    """Return the difference of one variable, and the rows with and without a value."""
    parts = [part.dropna() for part in (first, second)]
    n = sum(map(len, parts))
    counts = {"n": n, "n_missing": len(first) + len(second) - n}
    values = first.infer_objects()
    is_number = pd.api.types.is_numeric_dtype(values)
    if not all(map(len, parts)):
        return {"estimate": np.nan, **counts}
    if is_number and not pd.api.types.is_bool_dtype(values):
        numbers = (part.to_numpy(dtype=np.float64) for part in parts)
        return {"estimate": _of_numbers(*numbers), **counts}
    levels = pd.unique(pd.concat(parts).astype(str))
    shares = (
        np.array([(part.astype(str) == level).mean() for level in levels])
        for part in parts
    )
    return {"estimate": _of_shares(*shares), **counts}


def _of_numbers(first: FloatArray, second: FloatArray) -> float:
    """Difference of means over the root mean variance."""
    if min(first.size, second.size) < 2:
        return np.nan
    variance = (first.var(ddof=1) + second.var(ddof=1)) / 2
    difference = second.mean() - first.mean()
    return float(difference / np.sqrt(variance)) if variance > 0 else np.nan


def _of_shares(first: FloatArray, second: FloatArray) -> float:
    """Mahalanobis distance of shares; the last level follows from the others."""
    difference = (second - first)[:-1]
    cov = np.zeros((difference.size, difference.size))
    for share in (first[:-1], second[:-1]):
        cov += (np.diag(share) - np.outer(share, share)) / 2
    if not difference.size or np.linalg.matrix_rank(cov) < difference.size:
        return np.nan
    return float(np.sqrt(difference @ np.linalg.solve(cov, difference)))
