"""Partial pooling of the levels of each factor of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from fahrstats.survival.subgroup_audits.audited_measures import (
    MEASURES,
    MODEL,
    Measure,
)
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.level_heterogeneity import shrink

POOLED: Final = ("hr", "c_index", "observed_expected")
"""Measures that are partially pooled."""


def pooled_rows(
    parts: Sequence[AuditedPart],
    marker: str,
    horizon: float,
    step: float,
    conf_level: float,
) -> pd.DataFrame:
    """One row per level of each pooled measure, drawn towards those of its factor."""
    tables = []
    for part in parts:
        for m, measure in enumerate(MEASURES):
            if measure.name in POOLED:
                tables.append(
                    _pooled(part, m, measure, marker, horizon, step, conf_level)
                )
    return pd.concat(tables, ignore_index=True)


def _pooled(
    part: AuditedPart,
    m: int,
    measure: Measure,
    marker: str,
    horizon: float,
    step: float,
    conf_level: float,
) -> pd.DataFrame:
    """One row per level of one measure."""
    y, s = part.estimate[:, m], part.std_error[:, m]
    if measure.name == "hr":
        y, s = y * step, s * abs(step)
    if measure.is_share:
        inside = (y > 0) & (y < 1)
        y = np.where(inside, y, np.nan)
        y, s = logit(y), s / (y * (1 - y))
    found = shrink(y, s, conf_level=conf_level)
    values = np.stack([found.estimate, found.conf_low, found.conf_high])
    std_error = found.std_error
    if measure.is_share:
        values = expit(values)
        std_error = std_error * values[0] * (1 - values[0])
    if measure.is_log and measure.name != "hr":
        values, std_error = np.exp(values), np.full(y.size, np.nan)
    own = [
        "of the other levels alone" if weight == 0 and not np.isfinite(one) else ""
        for weight, one in zip(found.weight, y, strict=True)
    ]
    return pd.DataFrame(
        {
            "subgroup": part.subgroup,
            "level": list(part.levels),
            "term": marker if measure.about == "marker" else MODEL,
            "per": step if measure.name == "hr" else np.nan,
            "estimand": measure.estimand,
            "time": horizon if measure.at_horizon else np.nan,
            "estimate": values[0],
            "std_error": std_error,
            "conf_low": values[1],
            "conf_high": values[2],
            "weight": found.weight,
            "note": [found.note or one for one in own],
        }
    )
