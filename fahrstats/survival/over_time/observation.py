"""How long a cohort was observed: follow-up, person-time and event rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.over_time.curves import estimate_curves
from fahrstats.survival.over_time.grouping import group_cohort
from fahrstats.survival.over_time.survival_curves import SurvivalCurves, quantile_text

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_PER = 1000
_QUARTILES = (0.25, 0.5, 0.75)


def follow_up(formula: str, data: pd.DataFrame) -> FollowUp:
    """Summarise how long a cohort was followed.

    Quartiles of follow-up are those of the reverse Kaplan-Meier curve, in which
    censoring is the event and the event censors: how long rows would have been
    followed had none had the event. The event rate is events over person-time. Rows
    with a missing value in any column used are left out and counted in ``n_dropped``.
    ``data`` is never modified.

    Parameters
    ----------
    formula
        The outcome alone, ``"Surv(time, event) ~ 1"``, or with grouping columns as in
        :func:`kaplan_meier`; with delayed entry ``"Surv(entry, exit, event) ~ 1"``.
    data
        One row per subject.

    Raises
    ------
    FormulaError
        The formula cannot be read, or its right-hand side is not a list of columns.
    DataError
        The data do not pass the gate.

    Notes
    -----
    A row with the event at t is still followed at t, as in R's
    ``survfit(Surv(time, 1 - event) ~ 1)``.

    References
    ----------
    Schemper and Smith (1996), Controlled Clinical Trials 17:343-346, for follow-up.
    Garwood (1936), Biometrika 28:437-442, for the exact interval of the rate.

    Examples
    --------
    >>> print(fs.follow_up("Surv(time, event) ~ 1", cohort))
    """
    cohort = group_cohort(formula, data)
    design, codes = cohort.design, cohort.codes
    reverse = sort_risk_sets(
        design.time, ~design.event, entry=design.entry, strata=codes
    )
    followed = design.time if design.entry is None else design.time - design.entry
    return FollowUp(
        reverse=estimate_curves(
            reverse,
            cohort.groups,
            interval="log-log",
            formula=formula,
            n_dropped=design.n_dropped,
        ),
        person_time=np.bincount(codes, followed).astype(np.float64),
        group_events=np.bincount(codes[design.event], minlength=len(cohort.groups)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Follow-up of k groups, or of everyone.

    Attributes
    ----------
    reverse : SurvivalCurves
        Reverse Kaplan-Meier curves; their events are the censored rows.
    person_time : ndarray of shape (k,)
        Sum of the times at risk.
    group_events : ndarray of shape (k,)
        Events of each group.
    """

    reverse: SurvivalCurves
    person_time: FloatArray
    group_events: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Rows used."""
        return self.reverse.n

    @property
    def n_events(self) -> int:
        """Events among the rows used."""
        return int(self.group_events.sum())

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Quartiles of follow-up, person-time, event rate and last follow-up by group.

        The rate is per 1000 units of time, with an exact Poisson interval.
        """
        quartiles = self.reverse.quantiles(_QUARTILES, conf_level=conf_level)
        quartiles = quartiles.assign(estimand="follow_up")
        tables = []
        for k, group in enumerate(self.reverse.groups):
            rows = [
                quartiles[quartiles["group"] == group],
                self._totals(k, conf_level).assign(group=group),
            ]
            size = {"n": self.reverse.group_n[k], "n_events": self.group_events[k]}
            tables.append(pd.concat(rows, ignore_index=True).assign(**size))
        table = pd.concat(tables, ignore_index=True)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        values = {
            "n": self.n,
            "n_events": self.n_events,
            "n_dropped": self.reverse.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Share still followed over time: the reverse Kaplan-Meier curves."""
        from fahrstats.display.figures import survival_curves

        return survival_curves(self.reverse.tidy(), y_label="Still under follow-up")

    def summary(self) -> str:
        """Describe follow-up as text, one paragraph per group."""
        table = self.tidy()
        lines = [
            f"Follow-up: {self.n} rows, {self.n_events} events, "
            f"{self.reverse.n_dropped} left out; reverse Kaplan-Meier median, 95% CI"
        ]
        for k, group in enumerate(self.reverse.groups):
            rows = table[table["group"] == group]
            if len(self.reverse.groups) > 1:
                lines.append(
                    f"{group}: {self.reverse.group_n[k]} rows, "
                    f"{self.group_events[k]} events"
                )
            lines += _summary_lines(rows)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _totals(self, k: int, conf_level: float) -> pd.DataFrame:
        """Person-time, event rate and last follow-up of one group."""
        tail = (1 - conf_level) / 2
        n_events = self.group_events[k]
        per_event = _PER / self.person_time[k]
        most = chi2.isf(tail, 2 * n_events + 2)
        fewest = chi2.ppf(tail, 2 * n_events) if n_events else 0.0
        return pd.DataFrame(
            {
                "estimand": ["person_time", "event_rate_per_1000", "last_follow_up"],
                "estimate": [
                    self.person_time[k],
                    n_events * per_event,
                    self.reverse.last_time[k],
                ],
                "conf_low": [np.nan, fewest / 2 * per_event, np.nan],
                "conf_high": [np.nan, most / 2 * per_event, np.nan],
            }
        )


def _summary_lines(rows: pd.DataFrame) -> list[str]:
    """Describe the follow-up of one group."""
    found = {row["estimand"]: row for row in records(rows)}
    rate, person_time = found["event_rate_per_1000"], found["person_time"]
    median = records(rows[rows["quantile"] == 0.5])[0]
    longest = found["last_follow_up"]["estimate"]
    return [
        f"median {quantile_text(median)}, longest {longest:g}",
        f"person-time {person_time['estimate']:g}; {rate['estimate']:.4g} events per "
        f"{_PER} units of time ({rate['conf_low']:.4g} to {rate['conf_high']:.4g})",
    ]
