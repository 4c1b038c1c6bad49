"""The result of ranking people of different groups, and the tables made from it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fahrstats.columns import CONTRAST, in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_number,
    phrase_p,
)
from fahrstats.errors import DataError
from fahrstats.kernels.time_weights import TimeWeight
from fahrstats.survival.rankings.ranking_rows import weighting_columns
from fahrstats.survival.subgroup_audits.between_groups_rows import GroupsRanked

if TYPE_CHECKING:
    from plotnine import ggplot


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
        pairs = rows["term"].str.replace(CONTRAST, " before ", regex=False)
        return estimates(rows.assign(level=pairs), title=wanted["biomarker"])

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
        f"  no asymmetry between {test['note']}: F "
        f"{format_number(test['statistic'])} on {test['df']:.0f} and "
        f"{test['df_residual']:.0f} df, "
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
