"""The two levels of a factor that differ most, with limits that hold for all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.columns import contrast_name
from fahrstats.kernels.simultaneous import (
    joint_critical_value,
    largest_statistic,
    sidak_critical_value,
    sidak_p,
    single_step_p,
)
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.subgroup_audits.audited_measures import MEASURES, Measure
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.between_groups_rows import MOST_JOINT
from fahrstats.survival.subgroup_audits.level_contrasts import (
    FEWER,
    comparable,
    differences,
    events_counted,
    is_left,
    why_not_left,
)

FloatArray = NDArray[np.float64]

_COLUMNS = ["subgroup", "term", "per", "measure", "estimand", "time", "estimate"]
_COLUMNS += ["std_error", "statistic", "p_adjusted", "conf_low", "conf_high"]
_COLUMNS += ["n", "n_events", "note"]


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
    table = pd.DataFrame(rows, columns=_COLUMNS).assign(level="")
    return table.astype({"n": "Int64", "n_events": "Int64"})


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
        "note": "",
    }
    if usable.size < 2:
        return row | {"note": FEWER}
    pairs = np.array([*combinations(usable, 2)])
    delta, cov, given = differences(part, m, pairs)
    at = int(np.abs(delta).argmax())
    a, b = pairs[at]
    size = step if measure.name == "hr" else 1.0
    row |= {
        "term": contrast_name(part.levels[a], part.levels[b]),
        "estimate": _on_scale(measure, delta[at] * size),
        "n": int(part.sizes.n[[a, b]].sum()),
        "n_events": int(events_counted(part, measure)[[a, b]].sum()),
    }
    left = is_left(cov, given)
    if not left[at]:
        return row | {"note": why_not_left(given[at : at + 1, at : at + 1])}
    statistic = delta[at] / np.sqrt(cov[at, at])
    critical, p_adjusted = _jointly(
        cov[np.ix_(left, left)], statistic, usable.size, conf_level
    )
    std_error = float(np.sqrt(cov[at, at])) * abs(size)
    low, high = (delta[at] * size + side * critical * std_error for side in (-1, 1))
    return row | {
        "std_error": np.nan if measure.is_log else std_error,
        "statistic": statistic * np.sign(size),
        "p_adjusted": p_adjusted,
        "conf_low": _on_scale(measure, low),
        "conf_high": _on_scale(measure, high),
    }


def _on_scale(measure: Measure, value: float) -> float:
    """Return a difference, as a ratio where the measure is compared by its log."""
    return float(np.exp(value)) if measure.is_log else float(value)


def _jointly(
    cov: FloatArray, statistic: float, n_levels: int, conf_level: float
) -> tuple[float, float]:
    """Critical value and adjusted p of one of m differences of covariance (m, m)."""
    m = len(cov)
    if n_levels > MOST_JOINT:
        p_value = chi2.sf(np.array([statistic**2]), 1)
        return sidak_critical_value(m, conf_level), float(sidak_p(p_value, m)[0])
    largest = largest_statistic(cov)
    p_adjusted = single_step_p(largest, np.array([statistic]))[0]
    return joint_critical_value(largest, conf_level), float(p_adjusted)
