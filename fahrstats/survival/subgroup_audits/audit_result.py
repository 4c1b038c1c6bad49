"""The result of an audit, and the tables made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd

from fahrstats.columns import in_order
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.subgroup_audits.audit_differences import difference_rows
from fahrstats.survival.subgroup_audits.audit_rows import level_rows
from fahrstats.survival.subgroup_audits.audit_tests import rows_of_tests
from fahrstats.survival.subgroup_audits.audited_part import AuditedPart
from fahrstats.survival.subgroup_audits.between_groups_result import (
    ConcordanceBetween,
)
from fahrstats.survival.subgroup_audits.level_pooling import pooled_rows
from fahrstats.survival.wald import as_ratio, find_step

if TYPE_CHECKING:
    from plotnine import ggplot

RankedBy = Literal["marker", "model"]
"""What ranks people of different groups."""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """Whether a marker, and the model that it is part of, work alike in every group.

    Attributes
    ----------
    formula, term : str
        The model, and the marker in it.
    horizon : float
        Time that predicted risks are about.
    risk : str or None
        Column of risks predicted by another model; None where the model of ``formula``
        predicts them.
    overall : CoxFit
        The model in everyone.
    everyone : AuditedPart
        All measures in everyone.
    parts : tuple of AuditedPart
        All measures by level, one part per column and crossing.
    ranked : ConcordanceBetween
        Concordance between levels, of the marker and of the model.
    """

    formula: str
    term: str
    horizon: float
    risk: str | None
    overall: CoxFit
    everyone: AuditedPart
    parts: tuple[AuditedPart, ...]
    ranked: ConcordanceBetween

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per level and measure: everyone first, then each factor.

        ``hr`` or ``log_hr`` of the marker, from the model fitted again in the level;
        ``c_index`` of the marker and, with ``term`` ``model``, of the predictions;
        ``observed_expected`` (ratio of events observed to those expected),
        ``calibration_intercept``, ``calibration_slope``, ``brier`` and ``ipa`` of the
        predicted risks at the horizon; mean and standard deviation of the marker; the
        share censored and the person-time; ``outside_c_index_event`` and
        ``outside_c_index_survivor``, the marker's concordance between the level and all
        others, see :meth:`between`. P values are those of a level alone: compare levels
        by :meth:`tests`. ``n_missing`` are rows of the level that lack the marker, a
        covariate or the predicted risk. ``n_events`` of rows with a ``time`` are those
        by then.

        Parameters
        ----------
        exponentiate
            Hazard ratios instead of their logarithms.
        per
            Size of the step of the marker: ``{"faceage": 10}``.
        conf_level
            Of each interval alone.
        """
        step = find_step(self.term, per)
        outside = {
            part.subgroup: part.outside_c_index_rows(conf_level)
            .drop(columns="biomarker")
            .assign(time=self.horizon)
            for part in self.ranked.parts
            if part.biomarker == self.term
        }
        tables = []
        for part in (self.everyone, *self.parts):
            tables.append(level_rows(part, self.term, self.horizon, step, conf_level))
            if part.subgroup in outside:
                tables.append(outside[part.subgroup])
        table = pd.concat(tables, ignore_index=True)
        if exponentiate:
            table = _with_ratios(table)
        return table[in_order(table.columns)]

    def tests(self) -> pd.DataFrame:
        """One row per factor and measure: is it the same in all levels.

        The marker's effect by the products of marker and level (``interaction_chi2``),
        the other measures by Cochran's Q (``heterogeneity_chi2``), concordances on the
        scale of the logit; ``i_squared`` is the share of the variance of the estimates
        that is between levels, (Q - df) / Q. ``p_adjusted`` is
        adjusted by Holm's method for all tests of the table, whose number is in the
        note, and ``q_value`` by that of Benjamini and Hochberg.
        """
        table = rows_of_tests(self.parts, self.term, self.horizon)
        return table[in_order(table.columns)]

    def largest_difference(
        self, *, per: Mapping[str, float] | None = None, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """One row per factor and measure: the two levels that differ most.

        Hazard ratios and ratios of observed to expected events are compared by their
        ratio (``ratio_hr``), the others by their difference (``delta_c_index``).
        ``p_adjusted`` and the limits hold for all pairs of levels of the factor
        together (single-step max-T; Sidak's bound beyond 20 levels), so that it does no
        harm to look at the largest alone.

        Parameters
        ----------
        per, conf_level
            As in :meth:`tidy`.
        """
        step = find_step(self.term, per)
        table = difference_rows(self.parts, self.horizon, step, conf_level)
        return table[in_order(table.columns)]

    def between(
        self, *, by: RankedBy = "marker", conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Concordance between the people of two levels, as ``concordance_between``.

        Events by the horizon count, weighed by the inverse chance that both are
        uncensored, in each level by itself.

        Parameters
        ----------
        by
            ``"marker"``, or ``"model"`` for the model's predictions.
        conf_level
            Of each interval.
        """
        refuse_unknown("by", by, get_args(RankedBy))
        table = self.ranked.tidy(conf_level=conf_level)
        ranks = self.term if by == "marker" else by
        return table[table["biomarker"] == ranks].reset_index(drop=True)

    def shrunken(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Draw small levels towards the others of their factor: partial pooling.

        Empirical-Bayes estimates of the hazard ratio, the marker's concordance (on the
        scale of its logit) and the ratio of observed to expected events. ``weight`` is
        the share of the level's own estimate. A level without an estimate of its own
        has the mean of the others, and limits in which another such level lies.

        Parameters
        ----------
        exponentiate, per, conf_level
            As in :meth:`tidy`.
        """
        step = find_step(self.term, per)
        table = pooled_rows(self.parts, self.term, self.horizon, step, conf_level)
        if exponentiate:
            table = _with_ratios(table)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: the fit in everyone."""
        return self.overall.glance()

    def plot(
        self, *, measures: Sequence[str] = ("hr", "c_index", "observed_expected")
    ) -> ggplot:
        """Draw measures of every level side by side, everyone's value as a line."""
        from fahrstats.display.figures import group_measures

        return group_measures(self.tidy(exponentiate=True), measures=measures)

    def summary(self) -> str:
        """Describe the audit as text: sizes, differences, and what is unknown."""
        from fahrstats.display.audit_sentences import (
            group_differences,
            groups_too_small,
            tests_made,
            unknown_groups,
        )

        table, tests = self.tidy(exponentiate=True), self.tests()
        fit = self.overall
        lines = [
            f"Audit of {self.term} at {self.horizon:g}: {self.formula}",
            f"{fit.n} rows, {fit.n_events} events, {fit.n_dropped} left out",
            *group_differences(tests, self.largest_difference()),
            tests_made(tests),
            *(unknown_groups(table, name) for name in _WITH_MARGIN),
            groups_too_small(table),
        ]
        return "\n".join(filter(None, lines))

    def __str__(self) -> str:
        return self.summary()


_WITH_MARGIN = ("hr", "c_index", "observed_expected", "calibration_slope")


def _with_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Exponentiate the rows of log hazard ratios; a ratio keeps no standard error."""
    is_log = table["estimand"] == "log_hr"
    parts = [as_ratio(table[is_log]), table[~is_log]]
    return pd.concat(parts).sort_index()
