"""Tables of how one score ranks the levels of one subgroup against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import f, t

from fahrstats.columns import contrast_name
from fahrstats.kernels.cross_covariance import (
    principal_chi_squared,
    without_rounding,
)
from fahrstats.kernels.simultaneous import sidak_p
from fahrstats.survival.rankings.ranking_rows import (
    c_index_rows,
    delta_rows,
    with_joint,
)
from fahrstats.survival.subgroup_audits.floors import name_level

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OTHERS = "all others"
"""What stands for all levels but one in a term."""

OUTSIDE = "outside_c_index_event", "outside_c_index_survivor", "outside_c_difference"
"""Estimands of one level against all others."""

MOST_JOINT = 20
"""Levels up to which differences of all pairs are adjusted by max-T.

With m differences its cost grows as m cubed, and what it gains over Sidak is little.
"""

_LIMITS = "conf_low", "conf_high", "joint_low", "joint_high"

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
    n_units, n_other_units : tuple of int
        Rows or, where given, clusters of each level, and of all others.
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
    n_units: tuple[int, ...]
    n_other_units: tuple[int, ...]
    notes: tuple[str, ...]

    def cross_rows(self, conf_level: float) -> pd.DataFrame:
        """One row per ordered pair of different levels, each tested against 0.5."""
        g = len(self.levels)
        first, second = np.nonzero(~np.eye(g, dtype=np.bool_))
        at = first * g + second
        std_error = np.sqrt(np.diag(self.cov)[at])
        terms = self._terms(first, second)
        df = self._df(first, second)
        values = self.c_index.ravel()[at], std_error, df
        table = _c_index_rows(terms, *values, conf_level)
        table = table.assign(estimand="cross_c_index", n_pairs=self.n_pairs.ravel()[at])
        return self._described(table, first, second)

    def difference_rows(self, conf_level: float) -> pd.DataFrame:
        """One row per pair of levels: C(a, b) - C(b, a), all of them jointly."""
        g = len(self.levels)
        first, second = np.triu_indices(g, 1)
        delta, cov = self._between_pairs()
        std_error = np.sqrt(np.diag(cov))
        terms, df = self._terms(first, second), self._df(first, second)
        table = _with_t(delta_rows(terms, delta, std_error, conf_level), df, conf_level)
        if g <= MOST_JOINT:
            table = with_joint(table, cov, conf_level)
        else:
            table = _as_if_independent(table, conf_level)
        table = table.assign(estimand="cross_c_difference")
        return self._described(table, first, second)

    def outside_rows(self, conf_level: float) -> pd.DataFrame:
        """Three rows per level: its events, its survivors, and their difference."""
        g = len(self.levels)
        every = np.arange(g)
        event = g * g + 2 * every
        delta, cov = self._differences(event, event + 1)
        mine = self._against_others()[0]
        difference = delta_rows(mine, delta, np.sqrt(np.diag(cov)), conf_level)
        difference = _with_t(difference, self._df_against_others(), conf_level)
        difference = with_joint(difference, cov, conf_level)
        difference = difference.assign(estimand=OUTSIDE[2])
        tables = [
            self.outside_c_index_rows(conf_level),
            self._described(difference, every, every),
        ]
        by_level = np.concatenate([np.repeat(every, 2), every])
        return pd.concat(tables).iloc[np.argsort(by_level, kind="stable")]

    def outside_c_index_rows(self, conf_level: float) -> pd.DataFrame:
        """Two rows per level: its events against all others, and its survivors."""
        g = len(self.levels)
        every = np.arange(g)
        std_error = np.sqrt(np.diag(self.cov)[g * g :]).reshape(g, 2)
        tables = []
        for side, terms in enumerate(self._against_others()):
            df = self._df_against_others()
            values = self.outside[:, side], std_error[:, side], df
            table = _c_index_rows(terms, *values, conf_level)
            table = table.assign(estimand=OUTSIDE[side])
            tables.append(self._described(table, every, every))
        by_level = np.tile(every, 2)
        return pd.concat(tables).iloc[np.argsort(by_level, kind="stable")]

    def test_row(self) -> pd.DataFrame:
        """Test that C(a, b) and C(b, a) are equal for all pairs of levels shown.

        The residual degrees of freedom are the harmonic mean of those of the levels
        against all others, so that small levels make the test as much more cautious as
        chance moves it there.
        """
        first, second = np.triu_indices(len(self.levels), 1)
        delta, cov = self._between_pairs()
        tested = np.diag(cov) > 0  # false where missing
        df = np.union1d(first[tested], second[tested]).size - 1
        shown = [a for a, note in enumerate(self.notes) if not note]
        row = {
            "biomarker": self.biomarker,
            "subgroup": self.subgroup,
            "level": "",
            "term": "",
            "estimand": "asymmetry_f",
            "statistic": np.nan,
            "df": 0.0,
            "df_residual": np.nan,
            "p_value": np.nan,
            "n": sum(self.n[a] for a in shown),
            "n_events": sum(self.n_events[a] for a in shown),
            "note": "no two levels to compare",
        }
        if df > 0:
            square = principal_chi_squared(
                delta[tested], cov[np.ix_(tested, tested)], df
            )
            compared = np.union1d(first[tested], second[tested])
            residual = 1 / np.mean(1 / self._df_against_others()[compared])
            row |= {
                "statistic": square / df,
                "df": float(df),
                "df_residual": residual,
                "p_value": float(f.sf(square / df, df, residual)),
                "note": f"{df + 1} levels",
            }
        return pd.DataFrame([row]).astype({"n": "Int64", "n_events": "Int64"})

    def _between_pairs(self) -> tuple[FloatArray, FloatArray]:
        """C(a, b) - C(b, a) of all pairs a before b, and their covariance."""
        g = len(self.levels)
        first, second = np.triu_indices(g, 1)
        return self._differences(first * g + second, second * g + first)

    def _against_others(self) -> tuple[list[str], list[str]]:
        """Each level before all others, and all others before it."""
        return (
            [contrast_name(level, OTHERS) for level in self.levels],
            [contrast_name(OTHERS, level) for level in self.levels],
        )

    def _df(self, first: IntArray, second: IntArray) -> FloatArray:
        """Degrees of freedom of what compares two levels: those of the smaller."""
        return _df_of_smaller(np.array(self.n_units)[[first, second]])

    def _df_against_others(self) -> FloatArray:
        """Degrees of freedom of each level against all others."""
        return _df_of_smaller(np.array([self.n_units, self.n_other_units]))

    def _terms(self, first: IntArray, second: IntArray) -> list[str]:
        return [
            contrast_name(self.levels[a], self.levels[b])
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
        cov = without_rounding(cov, variance[one], variance[other])
        return values[one] - values[other], cov

    def _described(
        self, table: pd.DataFrame, first: IntArray, second: IntArray
    ) -> pd.DataFrame:
        """Add which levels rows are about, their sizes, and why one is not shown.

        Limits of differences end at -1 and 1, beyond which there are none.
        """
        notes = np.array(self.notes, dtype=object)
        levels = np.array(self.levels, dtype=object)
        table = table.reset_index(drop=True).assign(
            biomarker=self.biomarker, subgroup=self.subgroup, level=levels[first]
        )
        limits = [name for name in _LIMITS if name in table]
        table[limits] = table[limits].clip(-1, 1)
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
            name_level(self.notes[i], self.levels[i]) for i in (a, b) if self.notes[i]
        )


def _df_of_smaller(n_units: IntArray) -> FloatArray:
    """One less than the units of the smaller side; sides in rows."""
    return np.asarray(np.maximum(n_units.min(axis=0) - 1.0, 1.0))


def _c_index_rows(
    terms: list[str],
    c_index: FloatArray,
    std_error: FloatArray,
    df: FloatArray,
    conf_level: float,
) -> pd.DataFrame:
    """Concordances with their tests against 0.5, and limits from those of the logit."""
    table = c_index_rows(terms, c_index, std_error, conf_level)
    table = _with_t(table, df, conf_level)
    inside = (c_index > 0) & (c_index < 1)
    c = np.where(inside, c_index, np.nan)
    margin = t.isf((1 - conf_level) / 2, df) * std_error / (c * (1 - c))
    return table.assign(
        conf_low=np.where(inside, expit(logit(c) - margin), c_index),
        conf_high=np.where(inside, expit(logit(c) + margin), c_index),
    )


def _with_t(table: pd.DataFrame, df: FloatArray, conf_level: float) -> pd.DataFrame:
    """Take p values and limits from t distributions."""
    margin = t.isf((1 - conf_level) / 2, df) * table["std_error"]
    return table.assign(
        df_residual=np.where(table["statistic"].notna(), df, np.nan),
        p_value=2 * t.sf(table["statistic"].abs(), df),
        conf_low=table["estimate"] - margin,
        conf_high=table["estimate"] + margin,
    )


def _as_if_independent(table: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Adjust for the number of tests by Sidak's bound on max-T."""
    m = max(int(table["statistic"].notna().sum()), 1)
    beyond = -np.expm1(np.log(conf_level) / m) / 2
    margin = t.isf(beyond, table["df_residual"]) * table["std_error"]
    return table.assign(
        p_adjusted=sidak_p(table["p_value"].to_numpy(), m),
        joint_low=table["estimate"] - margin,
        joint_high=table["estimate"] + margin,
    )
