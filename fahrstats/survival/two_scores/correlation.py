"""How closely scores go together, overall and in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, rankdata, t

from fahrstats.cohort.covariates import covariate_matrix
from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.cohort.levels import subgroup_levels
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_interval, phrase_p
from fahrstats.errors import DataError
from fahrstats.survival.options import check_conf_level

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_LEAST_ROWS = 4
"""Rows beyond the covariates below which Fisher's interval does not exist."""

_ROUNDING = 1e-12
"""1 minus a squared correlation below this is what rounding leaves of identity."""

_KINDS = ("pearson", "spearman")


def score_correlation(
    scores: Sequence[str],
    data: pd.DataFrame,
    *,
    adjust: Sequence[str] = (),
    by: str | None = None,
) -> ScoreCorrelation:
    """Correlate two or more scores, with intervals: are they one score or two.

    Pearson's correlation, and Spearman's of the ranks (ties share their mean rank),
    for every pair of scores, in everyone and in each level of ``by``. With ``adjust``
    they are partial correlations: of what is left of the scores, or of their ranks,
    after a linear regression on the covariates (on the ranks of numeric ones, for
    Spearman's). Rows with a missing value in any column used are left out and counted;
    rows whose ``by`` is missing are a level of their own.

    Parameters
    ----------
    scores
        Names of two or more numeric columns.
    data
        One row per subject. Never modified.
    adjust
        Covariates: numbers as they are, other columns as factors.
    by
        Column of groups. Levels with too few rows keep their line without an estimate.

    Raises
    ------
    DataError
        There are not two different numeric scores, a score does not vary in any row, a
        column is absent, or too few rows are complete.

    Notes
    -----
    Intervals are Fisher's: symmetric on the scale of atanh(r), with standard error
    1 / sqrt(n - 3 - k) for Pearson's correlation given k covariates, and
    sqrt((1 + r^2 / 2) / (n - 3 - k)) for Spearman's (Bonett and Wright). The test is
    of R's ``cor.test`` (with ``exact = FALSE`` for Spearman's): t on n - 2 - k degrees
    of freedom. Two scores that are one up to scale have correlation 1 and neither an
    interval nor a test.

    References
    ----------
    Fisher (1924), Metron 3:329-332, for partial correlations. Bonett and Wright (2000),
    Psychometrika 65:23-28.

    Examples
    --------
    >>> fs.score_correlation(["faceage", "facesurvival"], cohort, adjust=["age", "sex"])
    """
    values, covariates, kept = _complete(scores, data, adjust, by)
    everyone = np.ones(len(values), np.bool_)
    groups = [("overall", "overall", everyone)]
    if by is not None:
        levels = subgroup_levels(kept, by)
        groups += [
            (by, level, (levels == level).to_numpy())
            for level in levels.cat.categories
            if (levels == level).any()
        ]
    found = [
        _correlate(values, covariates, pair, kind, is_in, subgroup, level)
        for subgroup, level, is_in in groups
        for pair in combinations(range(len(scores)), 2)
        for kind in _KINDS
    ]
    return ScoreCorrelation(
        scores=tuple(scores),
        adjust=tuple(adjust),
        correlations=tuple(found),
        n=len(values),
        n_dropped=len(data) - len(values),
    )


@dataclass(frozen=True, slots=True)
class Correlation:
    """One correlation of two scores in one group.

    Attributes
    ----------
    subgroup, level : str
        Column of groups and its level; ``overall`` twice for everyone.
    pair : tuple of int
        Positions of the scores.
    kind : str
        ``pearson`` or ``spearman``.
    r : float
        The correlation; missing where it cannot be estimated.
    fisher_std_error : float
        Standard error of atanh(r).
    n, n_covariates : int
        Rows, and columns of the covariates in them.
    note : str
        Why there is no estimate or no interval.
    """

    subgroup: str
    level: str
    pair: tuple[int, int]
    kind: str
    r: float
    fisher_std_error: float
    n: int
    n_covariates: int
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCorrelation:
    """Correlations of scores.

    Attributes
    ----------
    scores, adjust : tuple of str
        The scores, and what they are adjusted for.
    correlations : tuple of Correlation
        One per group, pair of scores and kind.
    n, n_dropped : int
        Rows used and rows left out.
    """

    scores: tuple[str, ...]
    adjust: tuple[str, ...]
    correlations: tuple[Correlation, ...]
    n: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per group, pair and kind; ``std_error`` is that of atanh(r)."""
        check_conf_level(conf_level)
        partial = "partial_" if self.adjust else ""
        rows = self.correlations
        r = np.array([row.r for row in rows])
        df = np.array([row.n - 2.0 - row.n_covariates for row in rows])
        std_error = np.array([row.fisher_std_error for row in rows])
        statistic = np.full(r.size, np.nan)
        has_test = np.isfinite(std_error)
        share = np.where(has_test, 1 - r**2, np.nan)
        np.divide(
            r * np.sqrt(df.clip(0)), np.sqrt(share), out=statistic, where=has_test
        )
        with np.errstate(divide="ignore"):
            z = np.arctanh(np.where(has_test, r, np.nan))
        margin = norm.isf((1 - conf_level) / 2) * std_error
        values = {
            "subgroup": [row.subgroup for row in rows],
            "level": [row.level for row in rows],
            "term": [" and ".join(self.scores[i] for i in row.pair) for row in rows],
            "estimand": [f"{partial}{row.kind}" for row in rows],
            "estimate": r,
            "statistic": statistic,
            "p_value": 2 * t.sf(np.abs(statistic), df.clip(1)),
            "conf_low": np.tanh(z - margin),
            "conf_high": np.tanh(z + margin),
            "n": [row.n for row in rows],
            "note": [row.note for row in rows],
        }
        return pd.DataFrame(values)[in_order(values)]

    def glance(self) -> pd.DataFrame:
        """One row: rows used and rows left out."""
        return pd.DataFrame({"n": [self.n], "n_dropped": [self.n_dropped]})

    def plot(self) -> ggplot:
        """Correlations with their intervals, a panel for each kind."""
        from fahrstats.display.figures import estimates

        table = self.tidy()
        several = len(self.scores) > 2
        names = [
            ": ".join(
                part
                for part in (
                    row["term"] if several else "",
                    "everyone" if row["level"] == "overall" else row["level"],
                )
                if part
            )
            for row in table.to_dict("records")
        ]
        return estimates(table.assign(level=names), decimals=2)

    def summary(self) -> str:
        """Describe the correlations as text."""
        given = f" given {', '.join(self.adjust)}" if self.adjust else ""
        lines = [
            f"Correlation of {', '.join(self.scores)}{given}",
            f"{format_count(self.n)} rows, {format_count(self.n_dropped)} left out",
        ]
        for row in self.tidy().to_dict("records"):
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            where = (
                ""
                if row["level"] == "overall"
                else f"{row['subgroup']} {row['level']}: "
            )
            test = row["note"] or phrase_p(row["p_value"])
            lines.append(
                f"  {where}{row['term']}, {row['estimand'].replace('_', ' ')} "
                f"{format_interval(*limits)}, n = {format_count(row['n'])}, {test}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _complete(
    scores: Sequence[str], data: pd.DataFrame, adjust: Sequence[str], by: str | None
) -> tuple[FloatArray, FloatArray, pd.DataFrame]:
    """Return scores (n, s) and covariates (n, k) of the complete rows, and these."""
    if isinstance(scores, str) or len(set(scores)) < max(2, len(scores)):
        raise DataError(f"`scores` is {scores!r}; name two or more different columns.")
    if isinstance(adjust, str):
        raise DataError(f"`adjust` is the text `{adjust}`; give a list of columns.")
    wanted = [*scores, *adjust, *([] if by is None else [by])]
    absent = ", ".join(f"`{name}`" for name in wanted if name not in data.columns)
    if absent:
        raise DataError(f"`data` has no column {absent}.")
    both = [name for name in scores if name in adjust]
    if both:
        raise DataError(f"`{both[0]}` is a score and in `adjust` too; give it once.")
    for name in scores:
        if not is_number(data[name].infer_objects()):
            raise DataError(
                f"`{name}` must hold numbers to be correlated, but its type is "
                f"{data[name].dtype}."
            )
    values = np.column_stack([as_float(data[name]) for name in scores])
    keep = ~np.isnan(values).any(axis=1)
    keep &= data[list(adjust)].notna().all(axis=1).to_numpy()
    if np.isinf(values[keep]).any():
        name = scores[int(np.isinf(values[keep]).any(axis=0).argmax())]
        raise DataError(f"`{name}` is infinite in some rows; give finite values.")
    kept = data.loc[keep]
    n_needed = _LEAST_ROWS + len(adjust)
    if len(kept) < n_needed:
        raise DataError(
            f"{len(kept)} of {len(data)} rows are complete; a correlation with its "
            f"interval needs at least {n_needed}."
        )
    for name, column in zip(scores, values[keep].T, strict=True):
        if (column == column[0]).all():
            raise DataError(
                f"`{name}` is {column[0]:g} in all {len(kept)} complete rows, so it "
                "goes with nothing."
            )
    return values[keep], covariate_matrix(kept, adjust), kept


def _correlate(
    values: FloatArray,
    covariates: FloatArray,
    pair: tuple[int, int],
    kind: str,
    is_in: NDArray[np.bool_],
    subgroup: str,
    level: str,
) -> Correlation:
    """Correlate one pair in one group, or say why not."""
    both, given = values[is_in][:, list(pair)], covariates[is_in]
    if kind == "spearman":
        both, given = rankdata(both, axis=0), rankdata(given, axis=0)
    n = len(both)
    left, n_covariates = _residuals(both, given)
    size = np.linalg.norm(left, axis=0)
    spread = np.linalg.norm(both - both.mean(axis=0), axis=0) if n else size
    is_flat = ~(size > _ROUNDING * spread)
    r, std_error, note = np.nan, np.nan, ""
    df = n - 3 - n_covariates
    if df < 1:
        note = f"too few rows ({n})"
    elif is_flat.any():
        note = "a score does not vary" + (
            " beyond the covariates" if given.size else ""
        )
    else:
        r = float(np.clip(left[:, 0] @ left[:, 1] / size.prod(), -1, 1))
        if 1 - r**2 < _ROUNDING:
            r, note = float(np.sign(r)), "the scores are the same up to scale: no test"
            if kind == "spearman":
                note = "the scores order all rows alike or in reverse: no test"
        else:
            widen = 1 + r**2 / 2 if kind == "spearman" else 1.0
            std_error = float(np.sqrt(widen / df))
    return Correlation(subgroup, level, pair, kind, r, std_error, n, n_covariates, note)


def _residuals(both: FloatArray, given: FloatArray) -> tuple[FloatArray, int]:
    """Subtract the regression on a constant and covariates; and their rank."""
    if not len(both):
        return both, 0
    centred = both - both.mean(axis=0)
    others = given - given.mean(axis=0)
    spread = others.std(axis=0)
    others = others[:, spread > 0] / spread[spread > 0]
    if not others.shape[1]:
        return centred, 0
    slopes, _, rank, _ = np.linalg.lstsq(others, centred, rcond=1e-10)
    return centred - others @ slopes, int(rank)
