"""The two levels of a factor that differ most, with limits that hold for all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.survival.options import check_conf_level
from fahrstats.survival.rankings.ranking_rows import with_joint
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES, Measure
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.between_groups_rows import (
    MOST_JOINT,
    as_if_independent,
)
from fahrstats.survival.subgroup_audits.level_contrasts import (
    BY_CONSTRUCTION,
    FEWER,
    comparable,
    differences,
    events_counted,
    is_left,
)

IntArray = NDArray[np.int64]


def difference_rows(
    parts: Sequence[AuditedPart], horizon: float, step: float, conf_level: float
) -> pd.DataFrame:
    """One row per factor and measure: the two levels that differ most."""
    check_conf_level(conf_level)
    rows = [
        _largest_difference(part, m, measure, horizon, step, conf_level)
        for part in parts
        for m, measure in enumerate(MEASURES)
    ]
    return pd.DataFrame(rows).assign(level="")


def _largest_difference(
    part: AuditedPart,
    m: int,
    measure: Measure,
    horizon: float,
    step: float,
    conf_level: float,
) -> dict[str, Any]:
    """Return the largest of all differences between levels, limits joint to them."""
    usable = comparable(part, m)
    row: dict[str, Any] = {
        "subgroup": part.subgroup,
        "term": "",
        "per": step if measure.name == "hr" else np.nan,
        "measure": measure.name,
        "estimand": f"{'ratio' if measure.is_log else 'delta'}_{measure.name}",
        "time": horizon if measure.at_horizon else np.nan,
        "estimate": np.nan,
        "note": "",
    }
    if usable.size < 2:
        return row | {"note": FEWER}
    pairs = np.array([*combinations(usable, 2)])
    size = step if measure.name == "hr" else 1.0
    table = _all_differences(part, m, pairs, size, conf_level)
    at = int(table["estimate"].abs().argmax())
    a, b = pairs[at]
    largest = table.iloc[at]
    limits = largest[["estimate", "joint_low", "joint_high"]].to_numpy(np.float64)
    if measure.is_log:
        limits = np.exp(limits)
    return row | {
        "term": f"{part.levels[a]} - {part.levels[b]}",
        "estimate": limits[0],
        "std_error": np.nan if measure.is_log else largest["std_error"],
        "statistic": largest["statistic"],
        "p_adjusted": largest["p_adjusted"],
        "conf_low": limits[1],
        "conf_high": limits[2],
        "n": int(part.sizes.n[[a, b]].sum()),
        "n_events": int(events_counted(part, measure)[[a, b]].sum()),
        "note": "" if np.isfinite(largest["std_error"]) else BY_CONSTRUCTION,
    }


def _all_differences(
    part: AuditedPart, m: int, pairs: IntArray, size: float, conf_level: float
) -> pd.DataFrame:
    """Differences of all pairs, times ``size``, with what holds for them together."""
    delta, cov, given = differences(part, m, pairs)
    left = is_left(cov, given)
    std_error = np.where(left, np.sqrt(np.diag(cov)), np.nan) * abs(size)
    statistic = delta * size / std_error
    table = pd.DataFrame(
        {
            "estimate": delta * size,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": 2 * norm.sf(np.abs(statistic)),
        }
    )
    n_levels = np.unique(pairs).size
    if n_levels > MOST_JOINT:
        return as_if_independent(table, conf_level)
    return with_joint(table, cov, conf_level)
