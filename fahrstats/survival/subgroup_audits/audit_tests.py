"""Tests that a measure is the same in all levels, adjusted for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2
from statsmodels.stats.multitest import multipletests

from fahrstats.kernels.simultaneous import holm
from fahrstats.survival.subgroup_audits.audited_measures import (
    MEASURES,
    MODEL,
    Measure,
)
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.level_contrasts import (
    FEWER,
    comparable,
    differences,
    differences_in_logit,
    equality_statistic,
    events_counted,
    why_not_left,
)

IntArray = NDArray[np.int64]


def rows_of_tests(
    parts: Sequence[AuditedPart], marker: str, horizon: float
) -> pd.DataFrame:
    """One row per factor and measure, with p values adjusted for all of them."""
    rows = [
        _test_row(part, m, measure, marker, horizon)
        for part in parts
        for m, measure in enumerate(MEASURES)
        if measure.is_tested
    ]
    table = pd.DataFrame(rows).assign(level="")
    p_value = table["p_value"].to_numpy(np.float64)
    is_made = ~np.isnan(p_value)
    q_value = np.full(p_value.size, np.nan)
    if is_made.any():
        q_value[is_made] = multipletests(p_value[is_made], method="fdr_bh")[1]
    number = f"one of {int(is_made.sum())} tests"
    notes = [
        "; ".join(filter(None, [note, number if made else ""]))
        for note, made in zip(table["note"], is_made, strict=True)
    ]
    return table.assign(p_adjusted=holm(p_value), q_value=q_value, note=notes)


def _test_row(
    part: AuditedPart, m: int, measure: Measure, marker: str, horizon: float
) -> dict[str, Any]:
    """Test that one measure is the same in all levels that have it."""
    usable = comparable(part, m)
    left_out = [level for g, level in enumerate(part.levels) if g not in usable]
    without = f"without {', '.join(left_out)}" if left_out else ""
    statistic, df, obstacle = _equal(part, m, measure, usable)
    row: dict[str, Any] = {
        "subgroup": part.subgroup,
        "term": marker if measure.about == "marker" else MODEL,
        "measure": measure.name,
        "estimand": "heterogeneity_chi2",
        "statistic": np.nan,
        "df": 0,
        "p_value": np.nan,
        "i_squared": share_between(statistic, df),
        "n": int(part.sizes.n[usable].sum()),
        "time": horizon if measure.at_horizon else np.nan,
        "n_events": int(events_counted(part, measure)[usable].sum()),
        "note": without,
    }
    if measure.name == "hr":
        return row | _interaction(part, statistic, df)
    if obstacle:
        return row | {"note": obstacle}
    return row | {
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2.sf(statistic, df)),
    }


def _equal(
    part: AuditedPart, m: int, measure: Measure, usable: IntArray
) -> tuple[float, int, str]:
    """Cochran's Q of some levels, allowing for what they share, or why none."""
    if usable.size < 2:
        return np.nan, 0, FEWER
    pairs = np.column_stack([np.repeat(usable[0], usable.size - 1), usable[1:]])
    compared = differences_in_logit if measure.is_share else differences
    delta, cov, given = compared(part, m, pairs)
    statistic, df = equality_statistic(delta, cov, given)
    return statistic, df, "" if df else why_not_left(given)


def _interaction(part: AuditedPart, q: float, df: int) -> dict[str, Any]:
    """Test of the products of marker and level; Q of the levels' own fits in words."""
    test = part.interaction
    assert test is not None
    own = f"Q {q:.2f} on {df} df of the models fitted within levels" if df else ""
    return {
        "estimand": "interaction_chi2",
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
        "n": test.n,
        "n_events": test.n_events,
        "note": "; ".join(filter(None, [test.note, own])),
    }


def share_between(q: float, df: int) -> float:
    """Share of the variance of estimates that is between levels, from Cochran's Q.

    References
    ----------
    Higgins and Thompson (2002), Statistics in Medicine 21:1539-1558.
    """
    if not df:
        return np.nan
    return max(0.0, 1 - df / q) if q > 0 else 0.0
