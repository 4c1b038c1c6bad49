"""The result of ranking people of different groups, and the tables made from it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_number,
    phrase_p,
)
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import chi_squared
from fahrstats.kernels.time_weights import TimeWeight
from fahrstats.survival.rankings.ranking_rows import (
    c_index_rows,
    delta_rows,
    weighting_columns,
    with_joint,
)
from fahrstats.survival.subgroup_audits.floors import TOO_FEW

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OTHERS = "others"
"""What stands for all levels but one in a term."""

OUTSIDE = "outside_c_index_event", "outside_c_index_survivor", "outside_c_difference"
"""Estimands of one level against all others."""

_ROUNDING = 1e-12
"""Share of two variances that rounding can leave of that of their difference."""

_NO_PAIRS = "no two rows are comparable"
_NO_VARIATION = "every pair is ranked alike: the jackknife sees no variation"


@dataclass(frozen=True, slots=True, eq=False)
class GroupsRanked:
    """How one score ranks the g levels of one subgroup against each other.

    Attributes
    ----------
    biomarker, subgroup : str
        The score, and the column of levels.
    levels : tuple of str
        Levels in their order.
    c_index : ndarray of shape (g, g)
        C(a, b): the first has the event, the second outlasts it; C(a, a) is that within
        a level. Missing without comparable pairs, and for levels not shown.
    outside : ndarray of shape (g, 2)
        Each level against all others: with its events, and with its survivors.
    cov : ndarray of shape (g g + 2 g, g g + 2 g)
        Joint covariance of ``c_index``, row by row, and then of ``outside``.
    n_pairs : ndarray of shape (g, g)
        Comparable pairs, weighted.
    n, n_events : tuple of int
        Rows, and events among them that count, of each level.
    notes : tuple of str
        Why a level is not shown; empty where it is.
    """

    biomarker: str
    subgroup: str
    levels: tuple[str, ...]
    c_index: FloatArray
    outside: FloatArray
    cov: FloatArray
    n_pairs: FloatArray
    n: tuple[int, ...]
    n_events: tuple[int, ...]
    notes: tuple[str, ...]

    def cross_rows(self, conf_level: float) -> pd.DataFrame:
        """One row per ordered pair of different levels, each tested against 0.5."""
        g = len(self.levels)
        first, second = np.nonzero(~np.eye(g, dtype=np.bool_))
        at = first * g + second
        std_error = np.sqrt(np.diag(self.cov)[at])
        terms = self._terms(first, second)
        table = _c_index_rows(terms, self.c_index.ravel()[at], std_error, conf_level)
        table = table.assign(estimand="cross_c_index", n_pairs=self.n_pairs.ravel()[at])
        return self._described(table, first, second)

    def difference_rows(self, conf_level: float) -> pd.DataFrame:
        """One row per pair of levels: C(a, b) - C(b, a), all of them jointly."""
        g = len(self.levels)
        first, second = np.triu_indices(g, 1)
        delta, cov = self._differences(first * g + second, second * g + first)
        std_error = np.sqrt(np.diag(cov))
        table = delta_rows(self._terms(first, second), delta, std_error, conf_level)
        table = with_joint(table, cov, conf_level)
        table = table.assign(estimand="cross_c_difference")
        return self._described(table, first, second)

    def outside_rows(self, conf_level: float) -> pd.DataFrame:
        """Three rows per level: its events, its survivors, and their difference."""
        g = len(self.levels)
        every = np.arange(g)
        event = g * g + 2 * every
        std_error = np.sqrt(np.diag(self.cov)[g * g :]).reshape(g, 2)
        mine = [f"{level} - {OTHERS}" for level in self.levels]
        theirs = [f"{OTHERS} - {level}" for level in self.levels]
        delta, cov = self._differences(event, event + 1)
        difference = delta_rows(mine, delta, np.sqrt(np.diag(cov)), conf_level)
        tables = [
            _c_index_rows(mine, self.outside[:, 0], std_error[:, 0], conf_level),
            _c_index_rows(theirs, self.outside[:, 1], std_error[:, 1], conf_level),
            with_joint(difference, cov, conf_level),
        ]
        described = [
            self._described(table.assign(estimand=estimand), every, every)
            for table, estimand in zip(tables, OUTSIDE, strict=True)
        ]
        return pd.concat(described).iloc[np.argsort(np.tile(every, 3), kind="stable")]

    def test_row(self) -> pd.DataFrame:
        """Test that C(a, b) and C(b, a) are equal for all pairs of levels shown."""
        g = len(self.levels)
        first, second = np.triu_indices(g, 1)
        delta, cov = self._differences(first * g + second, second * g + first)
        tested = np.diag(cov) > 0  # false where missing
        statistic, df = chi_squared(delta[tested], cov[np.ix_(tested, tested)])
        shown = [a for a, note in enumerate(self.notes) if not note]
        n_pairs = int(tested.sum())
        row = {
            "biomarker": self.biomarker,
            "subgroup": self.subgroup,
            "level": "",
            "term": "",
            "estimand": "asymmetry_chi2",
            "statistic": statistic if df else np.nan,
            "df": float(df),
            "p_value": float(chi2.sf(statistic, df)) if df else np.nan,
            "n": sum(self.n[a] for a in shown),
            "n_events": sum(self.n_events[a] for a in shown),
            "note": _count_pairs(n_pairs) if df else "no two levels to compare",
        }
        return pd.DataFrame([row]).astype({"n": "Int64", "n_events": "Int64"})

    def _terms(self, first: IntArray, second: IntArray) -> list[str]:
        return [
            f"{self.levels[a]} - {self.levels[b]}"
            for a, b in zip(first, second, strict=True)
        ]

    def _differences(
        self, one: IntArray, other: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Differences of values at two places each, and their joint covariance."""
        values = np.append(self.c_index.ravel(), self.outside.ravel())
        cov = (
            self.cov[np.ix_(one, one)]
            - self.cov[np.ix_(one, other)]
            - self.cov[np.ix_(other, one)]
            + self.cov[np.ix_(other, other)]
        )
        variance = np.diag(self.cov)
        nothing = np.diag(cov) <= _ROUNDING * (variance[one] + variance[other])
        cov[nothing] = 0.0
        cov[:, nothing] = 0.0
        return values[one] - values[other], cov

    def _described(
        self, table: pd.DataFrame, first: IntArray, second: IntArray
    ) -> pd.DataFrame:
        """Add which levels rows are about, their sizes, and why one is not shown."""
        notes = np.array(self.notes, dtype=object)
        levels = np.array(self.levels, dtype=object)
        table = table.reset_index(drop=True).assign(
            biomarker=self.biomarker, subgroup=self.subgroup, level=levels[first]
        )
        is_shown = (notes[first] == "") & (notes[second] == "")
        has_pair = first != second
        for column in ("n", "n_events"):
            size = np.array(getattr(self, column))
            total = size[first] + np.where(has_pair, size[second], 0)
            table[column] = pd.array(total, dtype="Int64")
            table.loc[~is_shown, column] = pd.NA
        said = [
            self._obstacle(a, b)
            or (_NO_PAIRS if np.isnan(estimate) else "")
            or (_NO_VARIATION if np.isnan(statistic) else "")
            for a, b, estimate, statistic in zip(
                first, second, table["estimate"], table["statistic"], strict=True
            )
        ]
        return table.assign(note=said)

    def _obstacle(self, a: int, b: int) -> str:
        """Say which of two levels is not shown; of one level, only why."""
        if a == b:
            return self.notes[a]
        return "; ".join(
            self.notes[i].replace(TOO_FEW, f"{TOO_FEW} in {self.levels[i]}", 1)
            for i in (a, b)
            if self.notes[i]
        )


@dataclass(frozen=True, slots=True, eq=False)
class ConcordanceBetween:
    """How scores rank people of different groups against each other.

    Attributes
    ----------
    formula : str
        The formula as given.
    time_weight : str
        How pairs are weighed.
    tau : float
        Last time at which an event counts; infinite where all do.
    parts : tuple of GroupsRanked
        One per subgroup and score, in the order asked for.
    n, n_events, n_dropped : int
        Rows used, events among them that count, rows left out.
    """

    formula: str
    time_weight: TimeWeight
    tau: float
    parts: tuple[GroupsRanked, ...]
    n: int
    n_events: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per ordered pair of levels, difference and level; then the test.

        ``term`` is ``a - b``: a has the event, b outlasts it; ``level`` is a. A
        difference below 0 says that people of a are placed too low against those of b,
        or b too high. ``p_adjusted`` and joint limits hold for all differences of one
        score and subgroup between pairs of levels together, and for those of all levels
        against all others together.
        """
        tables = []
        for part in self.parts:
            tables += [
                part.cross_rows(conf_level),
                part.difference_rows(conf_level),
                part.outside_rows(conf_level),
                part.test_row(),
            ]
        table = pd.concat(tables, ignore_index=True)
        table = table.assign(**weighting_columns(self.time_weight, self.tau))
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        values = {
            **weighting_columns(self.time_weight, self.tau),
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(
        self, *, biomarker: str | None = None, subgroup: str | None = None
    ) -> ggplot:
        """Dots and intervals of one score (the first) in one subgroup (the first).

        Raises
        ------
        DataError
            There is no such score or subgroup, or no pair of levels is estimated.
        """
        from fahrstats.display.figures import estimates

        wanted = {
            "biomarker": biomarker or self.parts[0].biomarker,
            "subgroup": subgroup or self.parts[0].subgroup,
        }
        table = self.tidy()
        for column, value in wanted.items():
            known = ", ".join(f"`{name}`" for name in table[column].unique())
            table = table[table[column] == value]
            if table.empty:
                raise DataError(f"`{column}` is `{value}`; choose one of {known}.")
        is_pair = (table["estimand"] == "cross_c_index") & table["conf_low"].notna()
        if not is_pair.any():
            raise DataError(
                f"No two levels of `{wanted['subgroup']}` can be compared: "
                f"{table['note'].iloc[0]}."
            )
        rows = table[is_pair]
        after = [
            term.removeprefix(f"{level} - ")
            for level, term in zip(rows["level"], rows["term"], strict=True)
        ]
        return estimates(
            rows.assign(level=rows["level"] + " before " + after),
            title=wanted["biomarker"],
        )

    def summary(self) -> str:
        """Describe the result as text: each score and subgroup, then its pairs."""
        lines = [
            f"Concordance between groups: {self.formula}",
            f"{format_count(self.n)} rows, {format_count(self.n_events)} events, "
            f"{format_count(self.n_dropped)} left out",
        ]
        for part in self.parts:
            lines += ["", *_describe(part)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _c_index_rows(
    terms: list[str], c_index: FloatArray, std_error: FloatArray, conf_level: float
) -> pd.DataFrame:
    """Concordances with their tests against 0.5, and limits from those of the logit."""
    table = c_index_rows(terms, c_index, std_error, conf_level)
    inside = (c_index > 0) & (c_index < 1)
    c = np.where(inside, c_index, np.nan)
    margin = norm.isf((1 - conf_level) / 2) * std_error / (c * (1 - c))
    return table.assign(
        conf_low=np.where(inside, expit(logit(c) - margin), c_index),
        conf_high=np.where(inside, expit(logit(c) + margin), c_index),
    )


def _count_pairs(n_pairs: int) -> str:
    return "1 pair of levels" if n_pairs == 1 else f"{n_pairs} pairs of levels"


def _describe(part: GroupsRanked) -> Iterator[str]:
    """Lines of the summary about one score in one subgroup."""
    yield f"{part.biomarker}, between levels of {part.subgroup}"
    for row in part.cross_rows(0.95).to_dict("records"):
        yield _describe_row(row, "")
    for row in part.difference_rows(0.95).to_dict("records"):
        if np.isfinite(row["estimate"]):
            yield _describe_row(row, "asymmetry of ")
    test = part.test_row().iloc[0]
    if np.isnan(test["statistic"]):
        yield f"  {test['note']}"
        return
    yield (
        f"  symmetric in {test['note']}: chi-squared "
        f"{format_number(test['statistic'])} on {test['df']:.0f} df, "
        f"{phrase_p(test['p_value'])}"
    )


def _describe_row(row: dict[Hashable, Any], opening: str) -> str:
    """One estimate with its interval, or why there is none."""
    if np.isnan(row["estimate"]):
        return f"  {opening}{row['term']}: {row['note']}"
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    line = f"  {opening}{row['term']}: {format_difference(*limits, decimals=4)}"
    if "p_adjusted" in row and np.isfinite(row["p_adjusted"]):
        line += f", adjusted {phrase_p(row['p_adjusted'])}"
    return line + (f"; {row['note']}" if row["note"] else "")
