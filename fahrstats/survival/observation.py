"""How long a cohort was observed: follow-up, person-time and event rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2

from fahrstats.cohort.design import build_design
from fahrstats.columns import in_order
from fahrstats.errors import FormulaError
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.curves import estimate_curves
from fahrstats.survival.survival_curves import SurvivalCurves

if TYPE_CHECKING:
    from plotnine import ggplot

_PER = 1000
_QUARTILES = (0.25, 0.5, 0.75)


def follow_up(formula: str, data: pd.DataFrame) -> FollowUp:
    """Summarise how long a cohort was followed.

    Quartiles of follow-up are those of the reverse Kaplan-Meier curve, in which
    censoring is the event and the event censors: how long rows would have been
    followed had none had the event. The event rate is events over person-time.

    Parameters
    ----------
    formula
        The outcome alone: ``"Surv(time, event) ~ 1"``, or with delayed entry
        ``"Surv(entry, exit, event) ~ 1"``.
    data
        One row per subject.

    Raises
    ------
    FormulaError
        The formula cannot be read or names covariates.
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
    """
    design = build_design(formula, data)
    if design.terms:
        raise FormulaError(
            f"`{formula}` names `{design.terms[0]}`, but follow-up is that of all "
            "rows; write `~ 1`."
        )
    reverse = sort_risk_sets(design.time, ~design.event, entry=design.entry)
    entry = 0.0 if design.entry is None else design.entry
    return FollowUp(
        reverse=estimate_curves(
            reverse,
            ("overall",),
            interval="log-log",
            formula=formula,
            n_dropped=design.n_dropped,
        ),
        person_time=float((design.time - entry).sum()),
        last=float(design.time.max()),
        n=design.n,
        n_events=design.n_events,
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Follow-up of a cohort.

    Attributes
    ----------
    reverse : SurvivalCurves
        Reverse Kaplan-Meier curve; its events are the censored rows.
    person_time : float
        Sum of the times at risk.
    last : float
        End of the longest follow-up.
    n, n_events, n_dropped : int
        Rows used, events among them, rows left out.
    """

    reverse: SurvivalCurves
    person_time: float
    last: float
    n: int
    n_events: int
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Quartiles of follow-up, person-time, event rate and last follow-up.

        The rate is per 1000 units of time, with an exact Poisson interval.
        """
        quartiles = self.reverse.quantiles(_QUARTILES, conf_level=conf_level)
        tail = (1 - conf_level) / 2
        most, fewest = (
            chi2.isf(tail, 2 * self.n_events + 2),
            chi2.ppf(tail, 2 * self.n_events),
        )
        per_event = _PER / self.person_time
        others = pd.DataFrame(
            {
                "estimand": ["person_time", "event_rate_per_1000", "last_follow_up"],
                "estimate": [self.person_time, self.n_events * per_event, self.last],
                "conf_low": [np.nan, fewest / 2 * per_event, np.nan],
                "conf_high": [np.nan, most / 2 * per_event, np.nan],
            }
        )
        table = pd.concat(
            [quartiles.assign(estimand="follow_up").drop(columns="group"), others],
            ignore_index=True,
        ).assign(n=self.n, n_events=self.n_events)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Share still followed over time: the reverse Kaplan-Meier curve."""
        from fahrstats.display.figures import survival_curves

        return survival_curves(self.reverse.tidy(), y_label="Still under follow-up")

    def summary(self) -> str:
        """Describe follow-up as text."""
        table = self.tidy().set_index("estimand")
        median = self.reverse.median().iloc[0]
        rate = table.loc["event_rate_per_1000"]
        return "\n".join(
            [
                f"Follow-up: {self.n} rows, {self.n_events} events, {self.n_dropped} "
                "left out",
                f"median {median['estimate']:g} (95% CI {median['conf_low']:g} to "
                f"{median['conf_high']:g}), longest {self.last:g}",
                f"person-time {self.person_time:g}; {rate['estimate']:.4g} events per "
                f"1000 (95% CI {rate['conf_low']:.4g} to {rate['conf_high']:.4g})",
            ]
        )

    def __str__(self) -> str:
        return self.summary()
