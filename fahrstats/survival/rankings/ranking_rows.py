"""Rows of result tables about concordance: estimates, tests, intervals and notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from fahrstats.columns import in_order
from fahrstats.kernels.simultaneous import (
    joint_critical_value,
    largest_statistic,
    single_step_p,
)
from fahrstats.kernels.time_weights import TimeWeight
from fahrstats.survival.options import check_conf_level

if TYPE_CHECKING:
    from fahrstats.survival.rankings.ranking import Concordance

FloatArray = NDArray[np.float64]

ROUNDING = 1e-14
"""A standard error of C below this is what summing in float64 leaves of zero."""

_TINY = np.finfo(np.float64).tiny

_ALL_ALIKE = "every row is ranked alike: the jackknife sees no variation"
_REVERSED = "below 0.5: higher scores go with later events"
_SAME_ORDER = "both order every comparable pair alike: no variation to test"


def c_index_rows(
    terms: Sequence[str], c_index: FloatArray, std_error: FloatArray, conf_level: float
) -> pd.DataFrame:
    """One row per score with its test against 0.5; a reversed score has a note."""
    table = _with_normal(
        pd.DataFrame({"term": list(terms), "estimand": "c_index"}),
        c_index,
        std_error,
        0.5,
        conf_level,
    )
    notes = [
        [_ALL_ALIKE] * int(error <= ROUNDING) + [_REVERSED] * int(estimate < 0.5)
        for estimate, error in zip(c_index, std_error, strict=True)
    ]
    return table.assign(note=["; ".join(found) for found in notes])


def delta_rows(
    terms: Sequence[str], delta: FloatArray, std_error: FloatArray, conf_level: float
) -> pd.DataFrame:
    """One row per difference with its test against 0, or a note why there is none."""
    table = _with_normal(
        pd.DataFrame({"term": list(terms), "estimand": "delta_c_index"}),
        delta,
        std_error,
        0.0,
        conf_level,
    )
    return table.assign(note=np.where(std_error <= ROUNDING, _SAME_ORDER, ""))


def with_joint(table: pd.DataFrame, cov: FloatArray, conf_level: float) -> pd.DataFrame:
    """Add what holds for all rows together: adjusted p values and joint limits.

    Single-step max-T over the rows that can be tested, from their joint normal
    distribution with covariance ``cov``, shape (rows, rows). Statistics with
    ``df_residual`` have t distributions, joined by the same correlation.
    """
    tested = table["statistic"].notna().to_numpy()
    p_adjusted, critical = np.full(len(table), np.nan), np.zeros(len(table))
    if tested.any():
        largest = largest_statistic(cov[np.ix_(tested, tested)])
        statistic = table["statistic"].to_numpy()[tested]
        limit = np.full(len(statistic), joint_critical_value(largest, conf_level))
        if "df_residual" in table:
            df = table["df_residual"].to_numpy()[tested]
            beyond = np.maximum(t.sf(np.abs(statistic), df), _TINY)
            statistic = np.asarray(norm.isf(beyond))
            limit = np.asarray(t.isf(norm.sf(limit), df))
        p_adjusted[tested] = single_step_p(largest, statistic)
        critical[tested] = limit
    margin = critical * table["std_error"]
    table = table.assign(
        p_adjusted=p_adjusted,
        joint_low=table["estimate"] - margin,
        joint_high=table["estimate"] + margin,
    )
    return table[in_order(table.columns)]


def weighting_columns(time_weight: TimeWeight, tau: float) -> dict[str, str | float]:
    """Columns that say how pairs were weighed; none where all weigh alike."""
    columns: dict[str, str | float] = {}
    if time_weight != "n" or np.isfinite(tau):
        columns["time_weight"] = time_weight
    if np.isfinite(tau):
        columns["time"] = tau
    return columns


def summarize_concordance(fit: Concordance) -> str:
    """Describe a concordance as text: sizes, then each score with its interval."""
    lines = [
        f"Concordance: {fit.formula}",
        f"{fit.n} rows, {fit.n_events} events, {fit.n_dropped} left out; "
        f"{fit.n_pairs:g} comparable pairs",
    ]
    weighting = weighting_columns(fit.time_weight, fit.tau)
    if weighting:
        up_to = f", events up to {fit.tau:g}" if "time" in weighting else ""
        lines.append(f"pairs weighed by {fit.time_weight}{up_to}")
    if fit.n_strata > 1:
        lines.append(f"pairs within {fit.n_strata} strata")
    if fit.n_clusters:
        lines.append(f"standard errors from {fit.n_clusters} clusters")
    width = max(len(term) for term in fit.terms)
    for row in fit.tidy().itertuples():
        lines.append(
            f"  {row.term:<{width}}  C {row.estimate:.4f}  SE {row.std_error:.4f}  "
            f"95% CI {row.conf_low:.4f} to {row.conf_high:.4f}"
            + (f"  ({row.note!s})" if row.note else "")
        )
    return "\n".join(lines)


def _with_normal(
    table: pd.DataFrame,
    estimate: FloatArray,
    std_error: FloatArray,
    no_effect: float,
    conf_level: float,
) -> pd.DataFrame:
    """Add estimates with their normal test against ``no_effect`` and interval."""
    check_conf_level(conf_level)
    statistic = np.full(estimate.size, np.nan)
    varies = std_error > ROUNDING
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
