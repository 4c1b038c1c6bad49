"""Wald tests and intervals as columns of a table, per step, and as ratios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.encoding import DesignColumn
from fahrstats.errors import DataError
from fahrstats.kernels.newton import solve_scaled
from fahrstats.survival.options import check_conf_level

FloatArray = NDArray[np.float64]


def with_wald(
    table: pd.DataFrame, estimate: FloatArray, std_error: FloatArray, conf_level: float
) -> pd.DataFrame:
    """Add the estimate with its Wald test and interval."""
    check_conf_level(conf_level)
    margin = norm.isf((1 - conf_level) / 2) * std_error
    with np.errstate(invalid="ignore"):
        statistic = estimate / std_error
    return table.assign(
        estimate=estimate,
        std_error=std_error,
        statistic=statistic,
        p_value=2 * norm.sf(np.abs(statistic)),
        conf_low=estimate - margin,
        conf_high=estimate + margin,
    )


def as_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Exponentiate the estimate and its bounds; a ratio keeps no standard error."""
    ratio = table.drop(columns="std_error")
    with np.errstate(over="ignore"):
        for column in ("estimate", "conf_low", "conf_high"):
            ratio[column] = np.exp(table[column])
    return ratio.assign(estimand=table["estimand"].str.replace("log_hr", "hr"))


def find_steps(
    columns: Sequence[DesignColumn], per: Mapping[str, float] | None
) -> FloatArray:
    """Return the step to report for every design column: 1 where ``per`` names none.

    Raises
    ------
    DataError
        ``per`` is no mapping of columns or variables, or a step is no finite number
        other than 0.
    """
    step = np.ones(len(columns))
    for name, size in _pairs(per):
        named = [name in (column.term, column.variable) for column in columns]
        if not any(named):
            terms = ", ".join(f"`{column.term}`" for column in columns)
            raise DataError(f"`per` names `{name}`; the terms are {terms}.")
        step[named] = check_step(name, size)
    return step


def find_step(term: str, per: Mapping[str, float] | None) -> float:
    """Return the step to report for the only term that can have one.

    Raises
    ------
    DataError
        As :func:`find_steps`.
    """
    step = 1.0
    for name, size in _pairs(per):
        if name != term:
            raise DataError(f"`per` names `{name}`; the score is `{term}`.")
        step = check_step(name, size)
    return step


def check_step(name: str, size: float) -> float:
    """Return the step that ``per`` gives a term, or refuse one that is none."""
    if not isinstance(size, Real) or not np.isfinite(size) or size == 0:
        raise DataError(
            f"`per` gives `{name}` a step of {size}; give a finite number other than 0."
        )
    return size


def _pairs(per: Mapping[str, float] | None) -> Iterable[tuple[str, float]]:
    """Return names and their steps, or refuse what names none."""
    if per is None:
        return ()
    if not isinstance(per, Mapping):
        raise DataError(
            f'`per` is {per!r}; give steps by name, such as `{{"age": 10}}`.'
        )
    return per.items()


def quadratic_form(effects: FloatArray, cov: FloatArray) -> float:
    """Return the Wald statistic of effects (k,) with covariance (k, k)."""
    return float(effects @ solve_scaled(cov, effects))


def joint_statistic(effects: FloatArray, cov: FloatArray, *, n_clusters: int) -> float:
    """Return the Wald statistic of the finite effects of a model.

    It is missing where there are no more clusters (0 for none) than such effects,
    because the sandwich covariance then has no inverse.
    """
    finite = np.isfinite(effects)
    if 0 < n_clusters <= finite.sum():
        return np.nan
    return quadratic_form(effects[finite], cov[np.ix_(finite, finite)])
