"""The result of an audit of subgroups, and the tables made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.wald import as_ratio, find_step, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot


@dataclass(frozen=True, slots=True)
class SubgroupEstimate:
    """Effect of the score in one level of one subgroup.

    Attributes
    ----------
    subgroup, level : str
        Audited variable and its level; ``overall`` twice for everyone.
    log_hr, std_error : float
        Adjusted log hazard ratio of the score per unit and its standard error; missing
        where the level is too small.
    n, n_events : int
        Rows used and events among them.
    note : str
        Why there is no estimate, or which covariates are constant in the level and so
        left out.
    """

    subgroup: str
    level: str
    log_hr: float
    std_error: float
    n: int
    n_events: int
    note: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """Test that the score's effect is the same in all levels of a subgroup.

    Attributes
    ----------
    subgroup : str
        Audited variable.
    statistic, df, p_value : float, int, float
        Chi-squared statistic; missing where fewer than two levels can be estimated.
    n, n_events : int
        Rows used and events among them.
    note : str
        The kind of test, and levels left out of it.
    """

    subgroup: str
    statistic: float
    df: int
    p_value: float
    n: int
    n_events: int
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupAudit:
    """Effect of one score in every level of several subgroups.

    Attributes
    ----------
    term : str
        The score.
    formula : str
        Model fitted within each level.
    overall : CoxFit
        The same model in everyone.
    levels : tuple of SubgroupEstimate
        One per level, in the order of the subgroups and of their levels.
    interactions : tuple of Interaction
        One per subgroup.
    """

    term: str
    formula: str
    overall: CoxFit
    levels: tuple[SubgroupEstimate, ...]
    interactions: tuple[Interaction, ...]

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Everyone first, then each subgroup: its levels and its interaction test.

        Parameters
        ----------
        exponentiate
            Hazard ratios instead of log hazard ratios.
        per
            Size of the step of the score: ``{"faceage": 10}``.
        conf_level
            Confidence level of the Wald intervals.
        """
        step = find_step(self.term, per)
        blocks = [self._rows(("overall",), step, conf_level)]
        for interaction in self.interactions:
            blocks.append(self._rows((interaction.subgroup,), step, conf_level))
            blocks.append(self._test_row(interaction, step))
        table = pd.concat(blocks, ignore_index=True)
        table = table[in_order(table.columns)]
        return as_ratio(table) if exponentiate else table

    def glance(self) -> pd.DataFrame:
        """One row: the fit in everyone."""
        return self.overall.glance()

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the hazard ratios, with one interaction p per subgroup."""
        from fahrstats.display.figures import forest

        return forest(self.tidy(exponentiate=True, per=per))

    def summary(self) -> str:
        """Describe the audit as text."""
        from fahrstats.survival.summaries import summarize_subgroups

        return summarize_subgroups(self)

    def __str__(self) -> str:
        return self.summary()

    def _rows(
        self, subgroups: Sequence[str], step: float, conf_level: float
    ) -> pd.DataFrame:
        """Estimates of some subgroups."""
        rows = [row for row in self.levels if row.subgroup in subgroups]
        table = pd.DataFrame(
            {
                "subgroup": [row.subgroup for row in rows],
                "level": [row.level for row in rows],
                "term": self.term,
                "per": step,
                "estimand": "log_hr",
                "n": [row.n for row in rows],
                "n_events": [row.n_events for row in rows],
                "note": [row.note for row in rows],
            }
        )
        estimate = np.array([row.log_hr for row in rows]) * step
        std_error = np.array([row.std_error for row in rows]) * abs(step)
        return with_wald(table, estimate, std_error, conf_level)

    def _test_row(self, test: Interaction, step: float) -> pd.DataFrame:
        """Interaction test of one subgroup."""
        return pd.DataFrame(
            {
                "subgroup": [test.subgroup],
                "level": "",
                "term": self.term,
                "per": step,
                "estimand": "interaction_chi2",
                "statistic": test.statistic,
                "df": test.df,
                "p_value": test.p_value,
                "n": test.n,
                "n_events": test.n_events,
                "note": test.note,
            }
        )
