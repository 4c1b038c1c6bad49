"""Covariance of several statistics from the influence of every row on each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.design import Design
from fahrstats.survival.cox_models.hazards import sum_clusters
from fahrstats.survival.options import check_conf_level

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-13
"""A standard error below this is what summing in float64 leaves of zero."""


def scaled_influence(design: Design, influence: FloatArray) -> FloatArray:
    """Sum influences (n, k), sorted as the kernels have them, so that I'I is the cov.

    Rows of a cluster are added up, and the factor m / (m - 1), of m rows or clusters,
    is that of a sample variance.
    """
    summed = influence
    if design.cluster is not None:
        summed = sum_clusters(design, influence)
    m = len(summed)
    return np.asarray(summed * np.sqrt(m / (m - 1)), np.float64)


def difference_std_errors(influence: FloatArray) -> FloatArray:
    """Return the standard error of the difference of each two columns, (k, k).

    From the difference of influences, so that it is 0 for statistics that are the same.
    """
    std_error = np.stack(
        [np.linalg.norm(influence - column[:, None], axis=0) for column in influence.T]
    )
    return np.where(std_error > _ROUNDING, std_error, 0.0)


def with_normal_test(
    table: pd.DataFrame,
    estimate: FloatArray,
    std_error: FloatArray,
    conf_level: float,
    *,
    no_effect: float | None,
) -> pd.DataFrame:
    """Add estimates with intervals and, against ``no_effect``, a z test.

    The test is missing where ``no_effect`` is None or the standard error is 0.
    """
    check_conf_level(conf_level)
    statistic = np.full(estimate.size, np.nan)
    if no_effect is not None:
        varies = std_error > _ROUNDING
        np.divide(estimate - no_effect, std_error, out=statistic, where=varies)
    margin = norm.isf((1 - conf_level) / 2) * std_error
    return table.assign(
        estimate=estimate,
        std_error=std_error,
        statistic=statistic,
        p_value=2 * norm.sf(np.abs(statistic)),
        conf_low=estimate - margin,
        conf_high=estimate + margin,
    )
