"""Tests of changes: are they small enough, and do they depend on group or condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f, t
from statsmodels.stats.oneway import anova_oneway

from fahrstats.measurement.agreement_statistics import ROUNDING, mean_change, spread
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
    if any(spread(part) == 0 for part in parts):
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

    Changes of one subject under several conditions may go together, and levels may
    differ in how changes vary. The test of k differences is Hotelling's for everyone
    with every condition, Welch's for two levels and two conditions, and approximate in
    between.
    """
    known = pairs.is_complete
    n_conditions = len(pairs.conditions)
    cell = (code * n_conditions + pairs.condition)[known]
    sizes = np.bincount(cell, minlength=len(levels) * n_conditions)
    is_short = (sizes < FEWEST).reshape(len(levels), n_conditions)
    kept = np.flatnonzero(~is_short.any(axis=1))
    known &= np.isin(code, kept)
    condition, subject, code = (
        one[known] for one in (pairs.condition, pairs.subject, code)
    )
    values = values[known]
    row = {**_ABSENT, "n": code.size, "note": _left_out(is_short, pairs, levels)}
    if kept.size < (1 if levels == (OVERALL,) else 2):
        return row | {"note": f"not tested: {row['note'] or 'one level'}"}
    if len(np.unique([subject, code], axis=1).T) > np.unique(subject).size:
        return row | {"note": "not tested: subjects are in several levels"}
    contrasts = np.kron(_differences(kept.size), _differences(n_conditions))
    parts = [
        _condition_means(values[mine], condition[mine], subject[mine])
        for mine in (code == at for at in kept)
    ]
    found = _joint_test(np.hsplit(contrasts, kept.size), parts)
    return row | (found or {"note": "not tested: too few subjects whose changes vary"})


def _condition_means(
    values: FloatArray, condition: IntArray, subject: IntArray
) -> tuple[FloatArray, FloatArray, float]:
    """Return means under each condition, their covariance, and its degrees of freedom.

    The covariance is that of means of the same subjects where they share conditions;
    degrees of freedom are those of the condition with the fewest.
    """
    sizes = np.bincount(condition)
    means = np.bincount(condition, values) / sizes
    who = np.unique(subject, return_inverse=True)[1]
    away = np.zeros((who.max() + 1, sizes.size))
    away[who, condition] = (values - means[condition]) / np.sqrt(sizes * (sizes - 1.0))[
        condition
    ]
    return means, away.T @ away, float(sizes.min() - 1)


def _joint_test(
    contrasts: Sequence[FloatArray],
    parts: Sequence[tuple[FloatArray, FloatArray, float]],
) -> Row | None:
    """Test whether contrasts of means of independent parts are all 0.

    The sum of the covariances is taken for a Wishart matrix, whose degrees of freedom
    match the variance of its entries. Nothing where contrasts do not vary, or where
    these degrees are too few.

    References
    ----------
    Krishnamoorthy and Yu (2004), Statistics and Probability Letters 66:161-169; Zhang
    (2012), Open Journal of Statistics 2:1-11, for any contrasts.
    """
    pairs = list(zip(contrasts, parts, strict=True))
    found = np.sum([C @ means for C, (means, _, _) in pairs], axis=0)
    covs = [C @ cov @ C.T for C, (_, cov, _) in pairs]
    cov, k = np.sum(covs, axis=0), found.size
    least = ROUNDING * max(float(np.abs(means).max()) for means, _, _ in parts)
    if np.diag(cov).min() <= least**2 or np.linalg.matrix_rank(cov, hermitian=True) < k:
        return None
    shares = [np.linalg.solve(cov, one) for one in covs]
    uncertain = sum(
        (np.trace(share @ share) + np.trace(share) ** 2) / df
        for share, (_, _, df) in zip(shares, parts, strict=True)
    )
    df = k * (k + 1) / uncertain
    df_residual = float(df - k + 1)
    if df_residual < 1:
        return None
    statistic = float(found @ np.linalg.solve(cov, found)) * df_residual / (k * df)
    return {
        "statistic": statistic,
        "df": float(k),
        "df_residual": df_residual,
        "p_value": float(f.sf(statistic, k, df_residual)),
    }


def _left_out(is_short: BoolArray, pairs: PairedScores, levels: tuple[str, ...]) -> str:
    """Name the conditions of which a level has too few pairs, or nothing."""
    named = [
        f"`{pairs.conditions[at]}`"
        + ("" if len(levels) == 1 else f" of {levels[level]}")
        for level, at in np.argwhere(is_short)
    ]
    return f"left out, fewer than {FEWEST} pairs: {', '.join(named)}" if named else ""


def _differences(n: int) -> FloatArray:
    """Return the contrasts of n means with the first, or the one mean itself."""
    if n == 1:
        return np.ones((1, 1))
    return np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])
