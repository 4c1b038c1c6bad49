"""Tests of changes: are they small enough, and do they depend on group or condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, t
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.oneway import anova_oneway

from fahrstats.measurement.agreement_statistics import mean_change
from fahrstats.measurement.paired_scores import OVERALL, PairedScores

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Row = dict[str, Any]

FEWEST = 3
"""Pairs of a group or condition below which nothing is estimated of it."""

EQUIVALENCE = "equivalence"
_ABSENT: Row = {
    "statistic": np.nan,
    "df": np.nan,
    "df_residual": np.nan,
    "p_value": np.nan,
}


def equivalence(change: FloatArray, margin: float, tail: float) -> Row:
    """Test whether the mean change is smaller than a margin, up and down.

    Two one-sided t tests; the P value is the larger of both. The interval leaves out
    twice ``tail`` on either side: it lies within the margin exactly if P is below twice
    ``tail``.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15:657-680.
    """
    found = mean_change(change, 2 * tail)
    df = change.size - 1
    room = margin - abs(found.estimate)
    if found.std_error > 0:
        statistic = room / found.std_error
        p_value = float(t.sf(statistic, df))
    else:
        statistic, p_value = np.nan, float(room <= 0)
    return {
        "estimate": found.estimate,
        "std_error": found.std_error,
        "statistic": statistic,
        "df_residual": float(df),
        "p_value": p_value,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "n": change.size,
    }


def tests_across(pairs: PairedScores) -> Iterator[Row]:
    """Yield tests of whether changes depend on groups, on conditions, and on both.

    Each is made of the change, and of its size.
    """
    for measure, values in (
        ("mean_change", pairs.change),
        ("mean_absolute_change", np.abs(pairs.change)),
    ):
        for column, (levels, code) in pairs.groups.items():
            for at, condition in enumerate(pairs.conditions):
                here = (pairs.condition == at) & pairs.is_complete
                yield {
                    "condition": condition,
                    "subgroup": column,
                    "measure": measure,
                    "estimand": "group_f",
                    **_between_groups(values[here], code[here], levels),
                }
        if len(pairs.conditions) == 1:
            continue
        for column, cells in _crossings(pairs):
            yield {
                "condition": OVERALL,
                "subgroup": column,
                "measure": measure,
                "estimand": "condition_f" if column == OVERALL else "interaction_f",
                **_between_conditions(pairs, values, *cells),
            }


def _between_groups(values: FloatArray, code: IntArray, levels: tuple[str, ...]) -> Row:
    """Test equal means of independent groups whose variances may differ (Welch)."""
    sizes = np.bincount(code, minlength=len(levels))
    kept = np.flatnonzero(sizes >= FEWEST)
    few = [levels[at] for at in np.flatnonzero(sizes < FEWEST)]
    note = f"left out, fewer than {FEWEST} pairs: {', '.join(few)}" if few else ""
    parts = [values[code == at] for at in kept]
    row = {**_ABSENT, "n": int(sizes[kept].sum()), "note": note}
    if len(parts) < 2:
        return row | {
            "note": f"not tested: {note}" if note else "not tested: one level"
        }
    if any(part.std() == 0 for part in parts):
        return row | {"note": "not tested: changes of a level are all equal"}
    found = anova_oneway(parts, use_var="unequal")
    return row | {
        "statistic": float(found.statistic),
        "df": float(found.df_num),
        "df_residual": float(found.df_denom),
        "p_value": float(found.pvalue),
    }


def _crossings(
    pairs: PairedScores,
) -> Iterator[tuple[str, tuple[IntArray, tuple[str, ...]]]]:
    """Yield everyone, then each grouping: the level of each pair, and all levels."""
    yield OVERALL, (np.zeros(pairs.subject.size, np.int64), (OVERALL,))
    yield from (
        (column, (code, levels)) for column, (levels, code) in pairs.groups.items()
    )


def _between_conditions(
    pairs: PairedScores, values: FloatArray, code: IntArray, levels: tuple[str, ...]
) -> Row:
    """Test whether differences between conditions are 0, or the same at every level.

    Means of all cells of level and condition have a covariance that is clustered by
    subject, so that the same face under several conditions counts as one. With k
    contrasts and g subjects, the Wald statistic times (g - k) / (k g) is compared with
    F on k and g - k degrees of freedom, which is Hotelling's test exactly where every
    subject has every condition.
    """
    complete = pairs.is_complete
    n_conditions, n_levels = len(pairs.conditions), len(levels)
    cell = (code * n_conditions + pairs.condition)[complete]
    sizes = np.bincount(cell, minlength=n_levels * n_conditions)
    subject = np.unique(pairs.subject[complete], return_inverse=True)[1]
    row = {**_ABSENT, "n": int(complete.sum()), "note": ""}
    short = _short_cells(sizes, pairs.conditions, levels)
    if short:
        return row | {"note": f"not tested: {short}"}
    contrasts = np.kron(_differences(n_levels), _differences(n_conditions))
    k, n_subjects = len(contrasts), int(subject.max()) + 1
    if n_subjects <= k + n_levels:
        return row | {"note": f"not tested: {n_subjects} subjects for {k} differences"}
    X = np.eye(sizes.size)[cell]
    clusters = {"groups": subject, "use_correction": False}
    fit = OLS(values[complete], X).fit(cov_type="cluster", cov_kwds=clusters)
    found = contrasts @ fit.params
    cov = contrasts @ fit.cov_params() @ contrasts.T
    if np.linalg.matrix_rank(cov, hermitian=True) < k:
        return row | {"note": "not tested: changes do not vary"}
    wald = float(found @ np.linalg.solve(cov, found))
    statistic = wald * (n_subjects - k) / (k * n_subjects)
    return row | {
        "statistic": statistic,
        "df": float(k),
        "df_residual": float(n_subjects - k),
        "p_value": float(f.sf(statistic, k, n_subjects - k)),
    }


def _short_cells(
    sizes: IntArray, conditions: tuple[str, ...], levels: tuple[str, ...]
) -> str:
    """Name the conditions of which a level has too few pairs, or nothing."""
    grid = sizes.reshape(len(levels), len(conditions))
    named = [
        f"`{condition}`" + ("" if len(levels) == 1 else f" of `{levels[level]}`")
        for level, at in np.argwhere(grid < FEWEST)
        for condition in [conditions[at]]
    ]
    return f"fewer than {FEWEST} pairs under {', '.join(named)}" if named else ""


def _differences(n: int) -> FloatArray:
    """Return the contrasts of n means with the first, or the one mean itself."""
    if n == 1:
        return np.ones((1, 1))
    return np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])
