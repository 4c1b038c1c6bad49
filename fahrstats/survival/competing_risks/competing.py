"""Cumulative incidence of competing causes by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.follow_up import tie_with
from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.kernels.competing_risks import (
    cause_events,
    incidence_std_error,
)
from fahrstats.kernels.competing_risks import (
    cumulative_incidence as incidence_of_causes,
)
from fahrstats.kernels.product_limit import Interval, life_table, survival_limits
from fahrstats.survival.competing_risks.causes import Causes, read_causes
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.over_time.curves import (
    estimate_curves,
    warn_of_early_extinction,
)
from fahrstats.survival.over_time.grouping import GroupedCohort, group_cohort
from fahrstats.survival.over_time.survival_curves import SurvivalCurves, check_times

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


def cumulative_incidence(
    formula: str,
    data: pd.DataFrame,
    *,
    cause: str,
    weights: str | None = None,
    id: str | None = None,
    interval: Interval = "log-log",
) -> CumulativeIncidence:
    """Estimate the probability of an event of each cause, one set of curves a group.

    The estimator of Aalen and Johansen: among competing causes, an event of one takes a
    row out of reach of the others, so the incidences of all causes and the probability
    of no event yet add up to 1. One minus a Kaplan-Meier curve with the other causes
    censored is larger, and no probability of anything. Standard errors are the
    infinitesimal jackknife's. Rows with a missing value in any column used are left out
    and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns, as in :func:`fahrstats.kaplan_meier`. The event is
        0/1: an event of any cause. Delayed entry is allowed.
    data
        One row per subject, or per interval a subject is at risk.
    cause
        Column that names the cause of each event, as text or numbers. Rows without an
        event may hold anything in it.
    weights, id
        As in :func:`fahrstats.kaplan_meier`.
    interval
        Scale of the pointwise limits of the incidence, as in
        :func:`fahrstats.kaplan_meier` for survival.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns, or holds the causes.
    DataError
        An option is unknown, an event has no cause, a column has too many levels to be
        groups or causes, or the data do not pass the gate.

    Warns
    -----
    ResultWarning
        With delayed entry, everyone at risk had an event while others had yet to enter;
        incidence stays what it is from then on. The warning is the one of
        :func:`fahrstats.kaplan_meier`, about survival from any cause.

    Notes
    -----
    Equal to R's ``survfit(Surv(time, factor) ~ group)``, whose standard error is the
    infinitesimal jackknife too; the package cmprsk has a variance by martingales, which
    differs by a share of about 1 / n at risk. With one cause and no delayed entry the
    standard error is Greenwood's. Whole weights count rows here; R takes all weights as
    sampling weights, which is done here for fractional ones. Times that tie are ties:
    nothing is moved apart.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141-150. Gaynor et
    al. (1993), JASA 88:400-409.

    Examples
    --------
    >>> curves = fs.cumulative_incidence("Surv(time, event) ~ sex", cohort,
    ...                                  cause="cause_of_death")
    >>> curves.at([1, 5])
    """
    refuse_unknown("interval", interval, get_args(Interval))
    cohort = group_cohort(formula, data, weights=weights, id=id)
    design = cohort.design
    causes = read_causes(design, data, cause, formula=formula)
    curves = estimate_curves(
        cohort.risk_sets,
        cohort.groups,
        interval=interval,
        formula=formula,
        n_dropped=design.n_dropped,
        subject=cohort.subject,
    )
    warn_of_early_extinction(curves)
    return _estimate(cohort, curves, causes)


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeIncidence:
    """Cumulative incidence of c causes in k groups, as m steps.

    Attributes
    ----------
    cause : str
        Column of the causes.
    causes : tuple of str
        Their names.
    curves : SurvivalCurves
        Survival from events of any cause, with the times of the steps, the groups, and
        who is at risk.
    incidence, std_error : ndarray of shape (m, c)
        Probability of an event of each cause up to each step.
    n_failed : ndarray of shape (m, c)
        Events of each cause at each step; sums of weights.
    group_events : ndarray of int64, shape (k, c)
        Events of each group by cause, unweighted.
    """

    cause: str
    causes: tuple[str, ...]
    curves: SurvivalCurves
    incidence: FloatArray
    std_error: FloatArray
    n_failed: FloatArray
    group_events: NDArray[np.int64]

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups; ``overall`` where the formula names none."""
        return self.curves.groups

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per cause, group and step, from time 0.

        ``n`` is the size of the group; ``n_events`` counts events of the cause and
        ``n_censored`` rows without any event, both at ``time``.
        """
        steps = self.curves.tidy(conf_level=conf_level)
        tables = []
        for code, name in enumerate(self.causes):
            estimates = self._estimates(code, conf_level)
            failed = _like(self.n_failed[:, code], steps["n_events"])
            tables.append(steps.assign(cause=name, n_events=failed, **estimates))
        return _as_incidence(tables)

    def at(
        self, times: float | Sequence[float] | FloatArray, *, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Cumulative incidence at given times, one row per cause, group and time.

        ``n_at_risk`` is just before the time; ``n_events`` (of the cause) and
        ``n_censored`` count up to and including it. Beyond the last follow-up of a
        group incidence is unknown, so estimates are missing unless nobody was left
        without an event.
        """
        wanted = check_times(times)
        looked_up = tie_with(wanted, self.curves.time)
        counted = self.curves.at(wanted, conf_level=conf_level)
        known = np.repeat(self.curves.known_until, wanted.size)
        is_known = np.tile(looked_up, len(self.groups)) <= known
        step = np.concatenate(
            [
                first
                + np.searchsorted(self.curves.time[first:last], looked_up, "right")
                for first, last in pairwise(self.curves.start)
            ]
        )
        tables = []
        for code, name in enumerate(self.causes):
            values = {
                column: np.where(is_known, array[step - 1], np.nan)
                for column, array in self._estimates(code, conf_level).items()
            }
            failed = np.append(0.0, np.cumsum(self.n_failed[:, code]))
            since = np.repeat(failed[self.curves.start[:-1]], wanted.size)
            events = _like(failed[step] - since, counted["n_events"])
            tables.append(counted.assign(cause=name, n_events=events, **values))
        return _as_incidence(tables)

    def at_risk(self, times: float | Sequence[float] | FloatArray) -> pd.DataFrame:
        """Who is at risk just before each time, and who was censored or failed before.

        ``n_events`` counts events of any cause.
        """
        return self.curves.at_risk(times)

    def glance(self) -> pd.DataFrame:
        """One row: rows, events of any cause and rows left out."""
        return self.curves.glance()

    def plot(
        self, *, times: float | Sequence[float] | FloatArray | None = None
    ) -> ggplot:
        """Step curves, a panel a cause, above the table of those at risk at ``times``.

        Without groups all causes share one panel.
        """
        from fahrstats.display.figures import incidence_curves
        from fahrstats.display.step_curves import round_times

        shown = round_times(float(self.curves.time.max())) if times is None else times
        return incidence_curves(self.tidy(), self.at_risk(shown))

    def summary(self) -> str:
        """Describe the curves as text: events of each cause, and incidence at the end.

        The end is the last time by which follow-up of every group is known.
        """
        until = float(self.curves.last_time.min())
        lines = [
            f"Cumulative incidence: {self.curves.formula}, causes in `{self.cause}`",
            f"{self.curves.n} rows, {self.curves.n_events} events, "
            f"{self.curves.n_dropped} left out; 95% CI on the {self.curves.interval} "
            "scale",
        ]
        width = max(map(len, self.groups))
        table = self.at([until])
        for name in self.causes:
            lines.append(f"{name}, by {until:g}")
            for row in records(table[table["cause"] == name]):
                limits = f"{row['conf_low']:.3f} to {row['conf_high']:.3f}"
                if np.isnan(row["conf_low"]):
                    limits = "no interval"
                lines.append(
                    f"  {row['group']:<{width}}  {row['n']} rows, "
                    f"{row['n_events']:g} events, {row['estimate']:.3f} ({limits})"
                )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _estimates(self, code: int, conf_level: float) -> dict[str, FloatArray]:
        """Estimates of one cause at every step, with their limits."""
        estimate, std_error = self.incidence[:, code], self.std_error[:, code]
        z = float(norm.isf((1 - conf_level) / 2))
        low, high = survival_limits(estimate, std_error, self.curves.interval, z)
        names = ("estimate", "std_error", "conf_low", "conf_high")
        return dict(zip(names, (estimate, std_error, low, high), strict=True))


def _estimate(
    cohort: GroupedCohort, curves: SurvivalCurves, causes: Causes
) -> CumulativeIncidence:
    """Estimate incidence at the steps of the survival curves."""
    sets = cohort.risk_sets
    code, subject = causes.codes[sets.order], cohort.subject[sets.order]
    parts: list[list[FloatArray]] = []
    for k, (first, last) in enumerate(pairwise(curves.start)):
        table = life_table(sets, k)
        events = cause_events(sets, k, table, code, len(causes.labels))
        columns = [
            incidence_of_causes(table, events),
            incidence_std_error(sets, k, table, code, events, subject),
            events,
        ]
        n_before = int(last - first) - table.time.size  # the step at time 0
        parts.append([np.pad(column, ((n_before, 0), (0, 0))) for column in columns])
    incidence, std_error, n_failed = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return CumulativeIncidence(
        cause=causes.column,
        causes=causes.labels,
        curves=curves,
        incidence=incidence,
        std_error=std_error,
        n_failed=n_failed,
        group_events=np.stack(
            [
                np.add.reduceat(code == j, sets.stratum_start[:-1], dtype=np.int64)
                for j in range(len(causes.labels))
            ],
            axis=1,
        ),
    )


def _as_incidence(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack the tables of the causes."""
    table = pd.concat(tables, ignore_index=True)
    table = table.assign(estimand="cumulative_incidence")
    return table[in_order(table.columns)]


def _like(counts: FloatArray, column: pd.Series) -> FloatArray | NDArray[np.int64]:
    """Return counts as whole numbers where those of a column are."""
    if pd.api.types.is_integer_dtype(column):
        return np.rint(counts).astype(np.int64)
    return counts
