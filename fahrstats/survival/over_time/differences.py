"""Differences of survival between groups at fixed times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.over_time.contrast_rows import (
    contrast_rows,
    each_against,
    interval_text,
    joint_std_error,
)
from fahrstats.survival.over_time.curves import (
    estimate_curves,
    warn_of_early_extinction,
)
from fahrstats.survival.over_time.grouping import (
    group_cohort,
    group_position,
    need_two_groups,
    refuse_shared_subjects,
)
from fahrstats.survival.over_time.survival_curves import SurvivalCurves, check_times
from fahrstats.survival.wald import with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
TestScale = Literal["plain", "log-log"]


def survival_difference(
    formula: str,
    data: pd.DataFrame,
    *,
    times: float | Sequence[float] | FloatArray,
    reference: str | float | None = None,
    weights: str | None = None,
    id: str | None = None,
    test: TestScale = "plain",
) -> SurvivalDifferences:
    """Compare survival of groups at times named beforehand.

    Kaplan-Meier survival of each group less that of the reference group, with a
    standard error from both (the groups are independent) and a symmetric interval.
    Positive differences mean longer survival than the reference. Rows with a missing
    value in any column used are left out and counted in ``n_dropped``. ``data`` is
    never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns, as in :func:`kaplan_meier`.
    data
        One row per subject, or per interval a subject is at risk.
    times
        Times of follow-up at which to compare, chosen before looking at the curves.
    reference
        Group that the others are set against; the first by default.
    weights
        Column of case weights, as in :func:`kaplan_meier`.
    id
        Column of subjects, checked for repeats and for staying in one group; as in
        :func:`kaplan_meier`.
    test
        Scale of the test: ``"plain"``, so that test and interval agree, or
        ``"log-log"``, whose size is closer to nominal in small groups.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        There are not two groups, ``reference`` is none of them, a time is impossible,
        a subject changes groups, or the data do not pass the gate.

    Notes
    -----
    Between a group and the reference no p value is adjusted for the number of groups
    or times. Where a group has had no event yet, its Greenwood variance is 0 and says
    nothing; there the difference has neither standard error nor interval, and the row
    a note. The same holds once a group's survival is 0. Beyond the last follow-up of a
    group the difference itself is missing.

    References
    ----------
    Klein, Logan, Harhoff and Andersen (2007), Statistics in Medicine 26:4505-4519.

    Examples
    --------
    >>> fs.survival_difference("Surv(time, event) ~ quartile", cohort, times=[1, 5])
    """
    refuse_unknown("test", test, get_args(TestScale))
    cohort = group_cohort(formula, data, weights=weights, id=id)
    need_two_groups(cohort, formula, "a difference")
    refuse_shared_subjects(cohort, id)
    curves = estimate_curves(
        cohort.risk_sets,
        cohort.groups,
        interval="log-log",
        formula=formula,
        n_dropped=cohort.design.n_dropped,
        subject=cohort.subject,
    )
    warn_of_early_extinction(curves)
    return SurvivalDifferences(
        curves=curves,
        times=check_times(times),
        reference=cohort.groups[group_position(cohort.groups, reference)],
        test=test,
    )


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalDifferences:
    """Survival of k groups at m times, and its differences from a reference group.

    Attributes
    ----------
    curves : SurvivalCurves
        The Kaplan-Meier curves.
    times : ndarray of shape (m,)
        Times of comparison.
    reference : str
        Group that the others are set against.
    test : str
        Scale of the test.
    """

    curves: SurvivalCurves
    times: FloatArray
    reference: str
    test: TestScale

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per group and time, then one per difference and time.

        The limits of survival are on the log-log scale, those of a difference
        symmetric. Counts are as in :meth:`SurvivalCurves.at`, of both groups in rows of
        differences.
        """
        levels = self.curves.at(self.times, conf_level=conf_level)
        levels = levels.drop(columns="n_censored").assign(
            reference="", statistic=np.nan, p_value=np.nan, note=self._notes(levels)
        )
        differences = [
            self._difference(rows, base, conf_level)
            for rows, base in each_against(levels, self.reference)
        ]
        table = pd.concat([levels, *differences], ignore_index=True)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        return self.curves.glance()

    def plot(self) -> ggplot:
        """Survival and its differences, with intervals, at each time."""
        from fahrstats.display.figures import group_contrasts

        return group_contrasts(self.tidy())

    def summary(self) -> str:
        """Describe the differences as text."""
        curves = self.curves
        lines = [
            f"Survival minus that of `{self.reference}`: {curves.formula}",
            f"{curves.n} rows, {curves.n_events} events, {curves.n_dropped} left out; "
            f"95% CI, test on the {self.test} scale",
        ]
        table = self.tidy()
        for row in records(table[table["estimand"] == "delta_survival"]):
            why = f"; {row['note']}" if row["note"] else ""
            lines.append(
                f"  {row['group']} at {row['time']:g}: {interval_text(row, 3)}{why}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _notes(self, levels: pd.DataFrame) -> list[str]:
        """Say of every group and time why there is no estimate or no interval."""
        starts = np.repeat(self.curves.first_entry, self.times.size)
        ends = np.repeat(self.curves.last_time, self.times.size)
        notes = []
        for survival, time, start, end in zip(
            levels["estimate"], levels["time"], starts, ends, strict=True
        ):
            if np.isnan(survival):
                notes.append(f"follow-up ends at {round(end, 2):g}")
            elif 0 < time <= start:
                notes.append(f"nobody at risk until {round(start, 2):g}")
            elif survival == 1:
                notes.append("no event by then")
            else:
                notes.append("survival is 0 by then" if survival == 0 else "")
        return notes

    def _difference(
        self, rows: pd.DataFrame, base: pd.DataFrame, conf_level: float
    ) -> pd.DataFrame:
        """Differences of one group from the reference, one row per time."""
        survival, std_error = (
            [side[name].to_numpy(np.float64) for side in (rows, base)]
            for name in ("estimate", "std_error")
        )
        table = with_wald(
            contrast_rows(rows, base, "delta_survival"),
            survival[0] - survival[1],
            joint_std_error(*std_error),
            conf_level,
        )
        if self.test == "plain":
            return table
        z = _log_log_statistic(survival, std_error)
        return table.assign(statistic=z, p_value=2 * norm.sf(np.abs(z)))


def _log_log_statistic(
    survival: list[FloatArray], std_error: list[FloatArray]
) -> FloatArray:
    """Difference of log(-log S) over its standard error, positive for more survival."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = [-np.log(s) for s in survival]
        scaled = [
            se / (s * h) for se, s, h in zip(std_error, survival, hazard, strict=True)
        ]
        difference = np.log(hazard[1]) - np.log(hazard[0])
        statistic: FloatArray = difference / joint_std_error(*scaled)
    return statistic
