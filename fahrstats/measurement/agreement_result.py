"""The result of faces scored twice, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_interval,
    format_number,
    phrase_p,
)
from fahrstats.display.result_table import records
from fahrstats.errors import DataError
from fahrstats.kernels.simultaneous import holm
from fahrstats.measurement.agreement_rows import estimate_rows
from fahrstats.measurement.change_tests import (
    EQUIVALENCE,
    FEWEST,
    equivalence,
    tests_across,
)
from fahrstats.measurement.paired_scores import OVERALL, PairedScores
from fahrstats.measurement.shared_draws import check_conf_level

if TYPE_CHECKING:
    from plotnine import ggplot

Row = dict[str, Any]

_LEVEL = 0.05
_QUESTIONS = {
    "group_f": "does the change depend on {subgroup}",
    "condition_f": "does the change depend on the condition",
    "interaction_f": "does what a condition does depend on {subgroup}",
}


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Faces scored twice.

    Attributes
    ----------
    predicted : str
        Column of the score.
    pairs : PairedScores
        The scores of every pair.
    margin : float or None
        Size of mean change that would not matter.
    moved : float
        Size of change above which a pair has moved.
    cut_points : tuple of float
        Upper bounds of all groups of the score but the last.
    """

    predicted: str
    pairs: PairedScores
    margin: float | None
    moved: float
    cut_points: tuple[float, ...]

    @property
    def n(self) -> int:
        """Pairs with both scores."""
        return int(self.pairs.is_complete.sum())

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row for each condition, everyone or level of a grouping, and estimand.

        ``mean_change`` (second less first), ``mean_absolute_change``, ``sd_change``,
        the limits of agreement ``loa_low`` and ``loa_high``, ``repeatability`` (95% of
        changes are smaller if they are chance), ``icc_2_1``, ``icc_3_1``, ``pearson``,
        ``ccc`` (Lin's), and of shares: ``share_moved``, ``share_changed_quantile``
        (another group of the score, by ``cut_points``), ``kappa_linear`` and
        ``kappa_quadratic`` of these groups, and ``share_lost``: photos of which only
        the second has no score, among those whose first has one.

        ``n`` are the pairs of the row and ``n_missing`` those without one of the
        scores. Below three pairs nothing is estimated, and ``note`` says so.
        """
        check_conf_level(conf_level)
        rows = [
            {"condition": condition, "subgroup": subgroup, "level": level, **row}
            for condition, subgroup, level, is_in in self.pairs.parts()
            for row in estimate_rows(
                self.pairs.first[is_in],
                self.pairs.second[is_in],
                (1 - conf_level) / 2,
                moved=self.moved,
                cut_points=self.cut_points,
            )
        ]
        table = pd.DataFrame(rows)
        return table[in_order(table.columns)]

    def tests(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Tests of whether changes are small enough, and what they depend on.

        With a margin, rows of ``equivalence``: ``estimate`` is the mean change,
        ``p_value`` the larger of two one-sided tests, and the interval, of 1 - 2 (1 -
        ``conf_level``), lies within the margin exactly if P is below 1 -
        ``conf_level``.

        ``group_f`` asks in each condition whether the ``measure`` (mean change, mean
        absolute change) is the same in all levels of a grouping (Welch),
        ``condition_f`` whether it is the same under all conditions, and
        ``interaction_f`` whether what conditions do is the same in all levels (both
        clustered by subject). ``p_adjusted`` is Holm's over the tests of equivalence,
        and over all the others. What cannot be tested keeps its row, with the reason
        in ``note``.
        """
        check_conf_level(conf_level)
        parts = [list(self._equivalence((1 - conf_level) / 2)), list(self._across())]
        tables = [pd.DataFrame(rows) for rows in parts if rows]
        tables = [
            table.assign(p_adjusted=holm(table["p_value"].to_numpy(np.float64)))
            for table in tables
        ]
        if not tables:
            raise DataError(
                "There is nothing to test: give `margin`, groups in `by`, or a "
                "`condition` with several values."
            )
        table = pd.concat(tables, ignore_index=True)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: pairs with both scores, subjects, and pairs left out."""
        values = {
            "n": self.n,
            "n_subjects": np.unique(self.pairs.subject[self.pairs.is_complete]).size,
            "n_dropped": self.pairs.subject.size - self.n,
        }
        return pd.DataFrame([values])[in_order(values)]

    def augment(self) -> pd.DataFrame:
        """One row for each pair with both scores: condition, ``mean``, ``change``."""
        pairs, known = self.pairs, self.pairs.is_complete
        names = np.array(pairs.conditions, dtype=object)
        return pd.DataFrame(
            {
                "condition": names[pairs.condition[known]],
                "mean": ((pairs.first + pairs.second) / 2)[known],
                "change": pairs.change[known],
            }
        )

    def plot(self, *, unit: str = "years") -> ggplot:
        """Bland and Altman's plot of every condition; each point is a pair.

        Parameters
        ----------
        unit
            Of the score, written at the axes; so in ``plot_parts``.
        """
        from fahrstats.display.figures import bland_altman

        table = self.tidy()
        everyone = table[table["subgroup"] == OVERALL]
        return bland_altman(everyone, self.augment(), unit=unit)

    def plot_parts(self, *, unit: str = "years") -> ggplot:
        """Mean change and limits of agreement of every condition and group."""
        from fahrstats.display.figures import change_forest

        return change_forest(self.tidy(), margin=self.margin, unit=unit)

    def summary(self) -> str:
        """Describe the agreement as text, and what it shows."""
        kept = self.glance().iloc[0]
        lines = [
            f"Agreement of two photos, `{self.predicted}`: {format_count(self.n)} "
            f"pairs of {format_count(kept['n_subjects'])} subjects; "
            f"{format_count(kept['n_dropped'])} left out, a score missing"
        ]
        tests = {_part(row): row for row in self._equivalence(_LEVEL / 2)}
        parts: dict[tuple[str, str, str], dict[str, Row]] = {}
        for row in records(self.tidy()):
            parts.setdefault(_part(row), {})[row["estimand"]] = row
        for part, rows in parts.items():
            lines += _lines(part, rows, self._shown(rows["mean_change"], tests))
        answers = list(_answers(self._across()))
        lines += answers
        if len(tests) + len(answers) > 1:
            lines.append("P values are not adjusted for their number; `tests()` does.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _equivalence(self, tail: float) -> Iterator[Row]:
        """Yield a test of equivalence of every part, if there is a margin."""
        if self.margin is None:
            return
        for condition, subgroup, level, is_in in self.pairs.parts():
            change = self.pairs.change[is_in & self.pairs.is_complete]
            row = {"condition": condition, "subgroup": subgroup, "level": level}
            row |= {"measure": "mean_change", "estimand": EQUIVALENCE}
            if change.size < FEWEST:
                few = f"not tested: fewer than {FEWEST} pairs"
                yield row | {"n": change.size, "p_value": np.nan, "note": few}
            else:
                yield row | equivalence(change, self.margin, tail) | {"note": ""}

    def _across(self) -> Iterator[Row]:
        """Yield tests of what changes depend on, as rows of every column."""
        for row in tests_across(self.pairs):
            yield row | {"level": ""}

    def _shown(self, mean: Row, tests: dict[tuple[str, str, str], Row]) -> str:
        """Say what is shown of a mean change, given the margin."""
        if self.margin is None:
            return "; without a margin, nothing is shown of how small it is"
        p_value = tests[_part(mean)]["p_value"]
        if mean["conf_low"] > self.margin or mean["conf_high"] < -self.margin:
            return f": larger than the margin of {self.margin:g}"
        if not p_value < _LEVEL:
            return f": neither shown to be smaller than {self.margin:g}, nor larger"
        shift = "" if mean["conf_low"] <= 0 <= mean["conf_high"] else ", though not 0"
        return f": smaller than {self.margin:g}{shift} ({phrase_p(p_value)})"


def _part(row: Row) -> tuple[str, str, str]:
    return row["condition"], row["subgroup"], row["level"]


def _lines(
    part: tuple[str, str, str], rows: dict[str, Row], shown: str
) -> Iterator[str]:
    """Yield the lines about some pairs: how far, how alike, and what is shown."""
    condition, subgroup, level = part
    named = [] if condition == OVERALL else [condition]
    named += [] if subgroup == OVERALL else [f"{subgroup} {level}"]
    mean = rows["mean_change"]
    yield f"{', '.join(named) or 'all pairs'}: n = {format_count(mean['n'])}"
    if np.isnan(mean["estimate"]):
        yield f"  {mean['note']}"
        return
    size, icc, ccc = (
        format_interval(*_limits(rows[name]), decimals=decimals)
        for name, decimals in (("mean_absolute_change", 2), ("icc_2_1", 3), ("ccc", 3))
    )
    low, high = (
        format_number(rows[name]["estimate"], 2) for name in ("loa_low", "loa_high")
    )
    yield f"  mean change {format_difference(*_limits(mean), decimals=2)}{shown}"
    yield f"  mean size of change {size}; limits of agreement {low} to {high}"
    yield f"  ICC(2,1) {icc}; CCC {ccc}"


def _limits(row: Row) -> tuple[float, float, float]:
    return row["estimate"], row["conf_low"], row["conf_high"]


def _answers(tests: Iterator[Row]) -> Iterator[str]:
    """Yield what the mean change depends on, in words."""
    for row in tests:
        if row["measure"] != "mean_change":
            continue
        question = _QUESTIONS[row["estimand"]].format(subgroup=row["subgroup"])
        named = "" if row["condition"] == OVERALL else f" under {row['condition']}"
        told = row["note"] if np.isnan(row["p_value"]) else phrase_p(row["p_value"])
        yield f"{question}{named}? {told}"
