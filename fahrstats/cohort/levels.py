"""Levels of the columns that part people into groups, as text in their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import level_text, type_problems
from fahrstats.cohort.follow_up import is_number
from fahrstats.errors import DataError

MOST_LEVELS = 20
"""Distinct numbers above which a column is taken for a measurement, not a factor."""

MISSING = "missing"
"""Level of the rows whose subgroup is unknown or was declined."""


def subgroup_levels(data: pd.DataFrame, column: str) -> pd.Series:
    """Levels of a subgroup as ordered text categories, missing values a level.

    Raises
    ------
    DataError
        The column is absent or is a measurement.
    """
    n_columns = int((data.columns == column).sum())
    if n_columns != 1:
        held = "no column" if n_columns == 0 else "several columns named"
        raise DataError(f"`data` has {held} `{column}`.")
    for problem in type_problems(data, column):
        raise DataError(problem)
    values = data[column]
    is_missing = values.isna().to_numpy()
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = values.cat.categories.tolist()
    else:
        known = values[~is_missing].infer_objects()
        levels = sorted(known.unique().tolist())
        distinct = len(levels)
        if is_number(known) and distinct > MOST_LEVELS:
            raise DataError(
                f"`{column}` has {distinct} distinct numbers, a measurement rather "
                "than levels; cut it into bands first, or turn codes into text."
            )
    order = dict.fromkeys([level_text(level) for level in levels])
    if is_missing.any():
        order[MISSING] = None
    codes, distinct_values = pd.factorize(values.astype(object))
    texts = np.array([*map(level_text, distinct_values), MISSING], dtype=object)
    # Missing values have code -1, which takes the last text.
    categories = pd.Categorical(texts[codes], categories=list(order))
    return pd.Series(categories, index=data.index)


def kept_levels(data: pd.DataFrame, column: str, rows: NDArray[np.int64]) -> pd.Series:
    """Levels of the rows kept; `missing` only where some of them are."""
    levels = subgroup_levels(data, column).iloc[rows]
    if MISSING in levels.cat.categories and not (levels == MISSING).any():
        return levels.cat.remove_categories(MISSING)
    return levels
