"""Table of every measure in every level of an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.survival.options import check_conf_level
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES, MODEL, Measure
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.floors import TOO_FEW

BoolArray = NDArray[np.bool_]

_ROUNDING = 1e-13
"""A standard error below this is what summing in float64 leaves of zero."""


def level_rows(
    part: AuditedPart, marker: str, horizon: float, step: float, conf_level: float
) -> pd.DataFrame:
    """One row per level and measure, level by level; sizes of small levels are hidden.

    Hazard ratios are logarithms, per ``step`` of the marker; ratios of observed to
    expected are not.
    """
    check_conf_level(conf_level)
    z = float(norm.isf((1 - conf_level) / 2))
    tables = [
        _measure_rows(part, m, measure, marker, horizon, step, z)
        for m, measure in enumerate(MEASURES)
    ]
    tables += [_described(part, name) for name in ("censored_share", "person_time")]
    g = len(part.levels)
    by_level = np.arange(g * len(tables)).reshape(-1, g).T.ravel()
    table = pd.concat(tables, ignore_index=True).iloc[by_level]
    level = by_level % g
    return _without_small_counts(
        table.assign(
            subgroup=part.subgroup,
            level=np.array(part.levels, dtype=object)[level],
            n=part.sizes.n[level],
            n_missing=part.sizes.n_missing[level],
        ),
        np.array(part.too_few, dtype=object)[level] != "",
    )


def _described(part: AuditedPart, name: str) -> pd.DataFrame:
    """One row per level for a size that is no whole number."""
    values = np.where(np.array(part.too_few) == "", getattr(part.sizes, name), np.nan)
    return pd.DataFrame(
        {
            "term": "",
            "estimand": name,
            "estimate": values,
            "n_events": part.sizes.n_events,
            "note": list(part.too_few),
        }
    )


def _without_small_counts(table: pd.DataFrame, is_small: BoolArray) -> pd.DataFrame:
    """Leave out the sizes of small levels, and events of which there are too few."""
    counts = ["n", "n_events", "n_missing"]
    table = table.astype(dict.fromkeys(counts, "Int64"))
    table.loc[is_small, counts] = pd.NA
    few_events = table["note"].str.startswith(TOO_FEW)
    table.loc[few_events, "n_events"] = pd.NA
    return table


def _measure_rows(
    part: AuditedPart,
    m: int,
    measure: Measure,
    marker: str,
    horizon: float,
    step: float,
    z: float,
) -> pd.DataFrame:
    """One row per level for one measure."""
    size = step if measure.name == "hr" else 1.0
    estimate, std_error = part.estimate[:, m] * size, part.std_error[:, m] * abs(size)
    statistic = np.full(estimate.size, np.nan)
    if measure.no_effect is not None:
        varies = std_error > _ROUNDING
        np.divide(estimate - measure.no_effect, std_error, out=statistic, where=varies)
    low, high = estimate - z * std_error, estimate + z * std_error
    is_ratio = measure.is_log and not measure.estimand.startswith("log")
    if is_ratio:
        estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
        std_error = np.full(estimate.size, np.nan)
    until = measure.at_horizon
    return pd.DataFrame(
        {
            "term": marker if measure.about == "marker" else MODEL,
            "per": step if measure.name == "hr" else np.nan,
            "estimand": measure.estimand,
            "time": horizon if until else np.nan,
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": 2 * norm.sf(np.abs(statistic)),
            "conf_low": low,
            "conf_high": high,
            "n_events": part.sizes.n_events_until if until else part.sizes.n_events,
            "note": [notes[m] for notes in part.notes],
        }
    )
