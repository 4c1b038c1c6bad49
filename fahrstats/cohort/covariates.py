"""Columns of a data frame as covariates of a linear regression, without an outcome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from formulaic import Formula
from numpy.typing import NDArray

from fahrstats.cohort.encoding import fit_encoder, type_problems
from fahrstats.errors import DataError


def covariate_matrix(data: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float64]:
    """Return complete columns as numbers, shape (n, k), factors as indicators.

    Raises
    ------
    DataError
        A column is a date, is infinite, or mixes numbers and text.
    """
    for column in columns:
        for problem in type_problems(data, column):
            raise DataError(problem)
    if not columns:
        return np.empty((len(data), 0))
    right = Formula("1 + " + " + ".join(f"`{column}`" for column in columns))
    _, X = fit_encoder(right, data)
    return X
