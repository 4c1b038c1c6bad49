"""Tables that compare the levels of an audit: tests, differences, partial pooling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2, norm
from statsmodels.stats.multitest import multipletests

from fahrstats.kernels.product_limit import chi_squared
from fahrstats.survival.rankings.ranking_rows import with_joint
from fahrstats.survival.subgroup_audits.audited_measures import (
    MEASURES,
    MODEL,
    NAMES,
    Measure,
)
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.between_groups_rows import (
    MOST_JOINT,
    as_if_independent,
)
from fahrstats.survival.subgroup_audits.level_heterogeneity import (
    heterogeneity,
    shrink,
)

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEWER: Final = "fewer than two levels can be estimated"
_NO_VARIATION: Final = "no variation to test"
POOLED: Final = ("hr", "c_index", "observed_expected")
"""Measures that are partially pooled."""


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
    adjusted = np.full((2, p_value.size), np.nan)
    if is_made.any():
        for k, method in enumerate(("holm", "fdr_bh")):
            adjusted[k, is_made] = multipletests(p_value[is_made], method=method)[1]
    number = f"one of {int(is_made.sum())} tests"
    notes = [
        "; ".join(filter(None, [note, number if made else ""]))
        for note, made in zip(table["note"], is_made, strict=True)
    ]
    return table.assign(p_adjusted=adjusted[0], q_value=adjusted[1], note=notes)


def _test_row(
    part: AuditedPart, m: int, measure: Measure, marker: str, horizon: float
) -> dict[str, Any]:
    """Test that one measure is the same in all levels that have it."""
    usable = np.flatnonzero(_has_estimate(part, m))
    left_out = [level for g, level in enumerate(part.levels) if g not in usable]
    without = f"without {', '.join(left_out)}" if left_out else ""
    y, s = part.estimate[:, m], part.std_error[:, m]
    row: dict[str, Any] = {
        "subgroup": part.subgroup,
        "term": marker if measure.about == "marker" else MODEL,
        "measure": measure.name,
        "estimand": "heterogeneity_chi2",
        "statistic": np.nan,
        "df": 0,
        "p_value": np.nan,
        "i_squared": heterogeneity(y[usable], s[usable]).i_squared,
        "n": int(part.sizes.n[usable].sum()),
        "time": horizon if measure.at_horizon else np.nan,
        "n_events": int(_events(part, measure)[usable].sum()),
        "note": without,
    }
    if measure.name == "hr":
        return row | _interaction(part, usable)
    if usable.size < 2:
        return row | {"note": _FEWER}
    delta, cov = _differences(part, m, np.array([(usable[0], g) for g in usable[1:]]))
    if not (np.diag(cov) > 0).any():
        return row | {"note": _NO_VARIATION}
    statistic, df = chi_squared(delta, cov)
    return row | {
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2.sf(statistic, df)),
    }


def _interaction(part: AuditedPart, usable: IntArray) -> dict[str, Any]:
    """Test of the products of marker and level; Q of the levels' own fits in words."""
    test = part.interaction
    assert test is not None
    m = NAMES.index("hr")
    own = heterogeneity(part.estimate[usable, m], part.std_error[usable, m])
    q = ""
    if own.df:
        q = (
            f"Q {own.statistic:.2f} on {own.df} df, p {own.p_value:.2g}, of the models "
            "fitted within levels"
        )
    return {
        "estimand": "interaction_chi2",
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
        "n": test.n,
        "n_events": test.n_events,
        "note": "; ".join(filter(None, [test.note, q])),
    }


def difference_rows(
    parts: Sequence[AuditedPart], horizon: float, step: float, conf_level: float
) -> pd.DataFrame:
    """One row per factor and measure: the two levels that differ most."""
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
    usable = np.flatnonzero(_has_estimate(part, m))
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
        return row | {"note": _FEWER}
    pairs = np.array([*combinations(usable, 2)])
    delta, cov = _differences(part, m, pairs)
    if measure.name == "hr":
        delta, cov = delta * step, cov * step**2
    std_error = np.sqrt(np.diag(cov))
    statistic = np.full(delta.size, np.nan)
    np.divide(delta, std_error, out=statistic, where=std_error > 0)
    table = pd.DataFrame(
        {
            "estimate": delta,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": 2 * norm.sf(np.abs(statistic)),
        }
    )
    if usable.size <= MOST_JOINT:
        table = with_joint(table, cov, conf_level)
    else:
        table = as_if_independent(table, conf_level)
    at = int(np.abs(delta).argmax())
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
        "n_events": int(_events(part, measure)[[a, b]].sum()),
        "note": "" if std_error[at] > 0 else _NO_VARIATION,
    }


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
    is_c = measure.name.endswith("c_index")
    if is_c:
        inside = (y > 0) & (y < 1)
        y = np.where(inside, y, np.nan)
        y, s = logit(y), s / (y * (1 - y))
    found = shrink(y, s, conf_level=conf_level)
    values = np.stack([found.estimate, found.conf_low, found.conf_high])
    std_error = found.std_error
    if is_c:
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


def _events(part: AuditedPart, measure: Measure) -> IntArray:
    """Events that count for a measure."""
    sizes = part.sizes
    return sizes.n_events_until if measure.at_horizon else sizes.n_events


def _has_estimate(part: AuditedPart, m: int) -> BoolArray:
    """Which levels can be compared."""
    y, s = part.estimate[:, m], part.std_error[:, m]
    return np.isfinite(y) & np.isfinite(s) & (s > 0)


def _differences(
    part: AuditedPart, m: int, pairs: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Differences of a measure between pairs of levels, and their joint covariance."""
    first, second = pairs.T
    cov = part.cov[m]
    return part.estimate[first, m] - part.estimate[second, m], (
        cov[np.ix_(first, first)]
        - cov[np.ix_(first, second)]
        - cov[np.ix_(second, first)]
        + cov[np.ix_(second, second)]
    )
