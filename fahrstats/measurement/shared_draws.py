"""Limits and tests from the draws of one bootstrap that all estimates share."""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.simultaneous import (
    joint_critical_value,
    largest_of_draws,
    single_step_p,
)

FloatArray = NDArray[np.float64]

FEWEST_DRAWS = 20
"""Draws that must have an estimate for limits to be percentiles of them."""

ROUNDING = 1e-12
"""A standard error below this is what summing in float64 leaves of zero."""


def check_conf_level(conf_level: float) -> None:
    """Refuse a confidence level that is no probability."""
    if not isinstance(conf_level, Real) or not 0 < conf_level < 1:
        raise DataError(f"`conf_level` is {conf_level}; give a number between 0 and 1.")


def percentiles(
    draws: FloatArray, people: NDArray[np.int64], conf_level: float
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return limits of every column, and how many draws they come from."""
    ascending = np.sort(draws, axis=0)  # missing ones last
    n_usable = np.isfinite(draws).sum(axis=0)
    tail = percentile_tail(people, conf_level)
    column = np.arange(draws.shape[1])

    def quantile(share: FloatArray) -> FloatArray:
        place = share * np.maximum(n_usable - 1, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(n_usable - 1, 0))
        low, high = ascending[below, column], ascending[above, column]
        return np.asarray(low + (place - below) * (high - low))

    enough = (n_usable >= FEWEST_DRAWS) & (people > 1)
    low, high = quantile(tail), quantile(1 - tail)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan), n_usable


def percentile_tail(people: NDArray[np.int64], conf_level: float) -> FloatArray:
    """Return the share of draws beyond each limit, by the number of people.

    The tail is that of a t interval on the normal scale: with n people, the standard
    deviation of draws is short by sqrt((n - 1) / n), and the normal by t's tails.
    """
    n = np.maximum(people, 2)
    reach = t.isf((1 - conf_level) / 2, n - 1) * np.sqrt(n / (n - 1))
    return np.asarray(norm.sf(reach))


def spread(draws: FloatArray, people: NDArray[np.int64]) -> FloatArray:
    """Return the standard error of every column."""
    is_usable = np.isfinite(draws)
    n_usable = is_usable.sum(axis=0)
    known = np.where(is_usable, draws, 0.0)
    mean = known.sum(axis=0) / np.maximum(n_usable, 1)
    squares = (np.where(is_usable, draws - mean, 0.0) ** 2).sum(axis=0)
    n = np.maximum(people, 2)
    found = np.sqrt(squares / np.maximum(n_usable - 1, 1) * n / (n - 1))
    return np.where((n_usable >= FEWEST_DRAWS) & (people > 1), found, np.nan)


def with_tests(
    table: pd.DataFrame,
    differences: FloatArray,
    people: NDArray[np.int64],
    conf_level: float,
) -> pd.DataFrame:
    """Add tests against 0, intervals, and what holds for all rows together.

    Parameters
    ----------
    table
        Differences, one a row, with their ``note``.
    differences
        The same in each draw, shape (n_boot, rows).
    people
        Number of people that the uncertainty of each is due to, shape (rows,).
    conf_level
        Of each interval alone, and of the joint limits together.
    """
    estimate = table["estimate"].to_numpy()
    std_error = spread(differences, people)
    tested = np.isfinite(estimate) & (std_error > ROUNDING)
    statistic, p_adjusted, critical = np.full((3, len(table)), np.nan)
    statistic[tested] = estimate[tested] / std_error[tested]
    if tested.any():
        largest = largest_of_draws(differences[:, tested])
        p_adjusted[tested] = single_step_p(largest, statistic[tested])
        critical[tested] = joint_critical_value(largest, conf_level)
    alone = norm.isf((1 - conf_level) / 2) * std_error
    joint = critical * std_error
    table = table.assign(
        std_error=std_error,
        statistic=statistic,
        p_value=2 * norm.sf(np.abs(statistic)),
        p_adjusted=p_adjusted,
        conf_low=estimate - alone,
        conf_high=estimate + alone,
        joint_low=estimate - joint,
        joint_high=estimate + joint,
    )
    return table[in_order(table.columns)]
