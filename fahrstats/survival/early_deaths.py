"""Death by an early day: odds ratios, with those lost before it accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, Dropped, build_design
from fahrstats.cohort.encoding import DesignColumn
from fahrstats.cohort.follow_up import tie_with
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_ratio, phrase_p
from fahrstats.display.labels import amount
from fahrstats.display.result_table import records
from fahrstats.errors import DataError
from fahrstats.kernels.censoring_weights import spread_influence, weigh_by_censoring
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.survival.logistic import LogisticFit, fit_logistic
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.summaries import describe_dropped, name_with_step
from fahrstats.survival.wald import as_ratio, find_steps, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
Censoring = Literal["excluded", "weighted"]
TimeUnit = Literal["days", "months", "years"]

CENSORINGS: tuple[Censoring, ...] = ("excluded", "weighted")
"""What becomes of rows censored before the horizon."""

TIME_UNITS: tuple[TimeUnit, ...] = ("days", "months", "years")
"""Units of follow-up."""

FEW_DEATHS = 5
"""Deaths per coefficient below which odds ratios are called fragile."""


_LIFETIME = {"days": 150 * 366.0, "months": 150 * 12.0, "years": 150.0}
"""Follow-up that nobody lives through."""


def early_mortality(
    formula: str,
    data: pd.DataFrame,
    *,
    horizons: Sequence[float],
    time_unit: TimeUnit,
    censoring: Censoring = "excluded",
) -> EarlyMortality:
    """Estimate odds ratios of the event by early horizons, such as 30 and 60 days.

    A logistic model for each horizon h: 1 for rows with the event at or before h, 0 for
    rows followed to h or beyond without it. A row censored before h is neither; it is
    never taken for alive. It is left out and counted, which is unbiased if censoring
    before h depends on nothing but the covariates; or, with ``censoring="weighted"``,
    the known rows stand for it.

    Parameters
    ----------
    formula
        Outcome and covariates: ``"Surv(time, event) ~ faceage + age"``.
    data
        One row per subject. Rows with a missing value in any column used, and rows of
        time 0, are left out and counted. Never modified.
    horizons
        Times, in the unit of ``time``, each once.
    time_unit
        Unit of ``time`` and ``horizons``: ``"days"``, ``"months"`` or ``"years"``.
    censoring
        ``"excluded"``, or ``"weighted"`` for inverse-probability-of-censoring weights
        from the Kaplan-Meier curve of censoring in all rows, which must not depend on
        covariates.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        Follow-up starts after time 0, a horizon is not positive or nobody is followed
        to it, follow-up is longer than a life in ``time_unit``, an option is unknown,
        or the data do not pass the gate.

    Notes
    -----
    Standard errors are those of the model (R's ``glm``) without weights. With weights
    they are robust and allow for the weights having been estimated, by the influence of
    each row on the curve of censoring. Where covariates tell the dead from the living
    completely, the likelihood has no maximum: the horizon keeps its rows, without
    estimates, and a note names the columns (Konis's linear program).

    References
    ----------
    Albert and Anderson (1984), Biometrika 71:1-10. Konis (2007), DPhil thesis, Oxford.
    Scheike, Zhang and Gerds (2008), Biometrika 95:205-220, for the weights.

    Examples
    --------
    >>> early = fs.early_mortality("Surv(days, died) ~ faceage + age", cohort,
    ...                            horizons=[30, 60], time_unit="days")
    >>> early.tidy(exponentiate=True, per={"faceage": 10})
    """
    refuse_unknown("censoring", censoring, CENSORINGS)
    refuse_unknown("time_unit", time_unit, TIME_UNITS)
    design = build_design(formula, data)
    wanted = _check_horizons(horizons, design, time_unit)
    estimate = _excluding if censoring == "excluded" else _weighting
    return EarlyMortality(
        formula=formula,
        columns=design.columns,
        time_unit=time_unit,
        censoring=censoring,
        horizons=tuple(estimate(design, horizon) for horizon in wanted),
        n=design.n,
        n_events=design.n_events,
        dropped=design.dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Horizon:
    """The event by one time.

    Attributes
    ----------
    time : float
        The horizon.
    fit : LogisticFit
        Its logistic model; p design columns.
    n, n_events, n_censored : int
        Rows whose state is known, events among them, rows censored before.
    """

    time: float
    fit: LogisticFit
    n: int
    n_events: int
    n_censored: int


@dataclass(frozen=True, slots=True, eq=False)
class EarlyMortality:
    """Odds ratios of the event by each of several horizons.

    Attributes
    ----------
    formula : str
        The formula as given.
    columns : tuple of DesignColumn
        The p columns of the design.
    time_unit, censoring : str
        Unit of the horizons, and what became of rows censored before them.
    horizons : tuple of Horizon
        One per horizon, in the caller's order.
    n, n_events : int
        Rows that passed the gate, and events in all their follow-up.
    dropped : tuple of Dropped
        Rows left out at the gate, by reason.
    """

    formula: str
    columns: tuple[DesignColumn, ...]
    time_unit: TimeUnit
    censoring: Censoring
    horizons: tuple[Horizon, ...]
    n: int
    n_events: int
    dropped: tuple[Dropped, ...]

    @property
    def n_dropped(self) -> int:
        """Rows left out at the gate."""
        return sum(dropped.n for dropped in self.dropped)

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per horizon and design column.

        ``n`` are the rows whose state at the horizon is known, ``n_events`` those with
        the event by then, ``n_censored`` those censored before.

        Parameters
        ----------
        exponentiate
            Odds ratios instead of their logarithms.
        per
            Size of the step by column or variable: ``{"faceage": 10}``.
        conf_level
            Confidence level of the Wald intervals.
        """
        step = find_steps(self.columns, per)
        parts = []
        for horizon in self.horizons:
            table = pd.DataFrame(
                {
                    "variable": [column.variable for column in self.columns],
                    "level": [column.level for column in self.columns],
                    "term": [column.term for column in self.columns],
                    "reference": [column.reference for column in self.columns],
                    "per": step,
                    "estimand": "log_or",
                    "time": horizon.time,
                    "n_censored": horizon.n_censored,
                    "n": horizon.n,
                    "n_events": horizon.n_events,
                    "note": horizon.fit.notes,
                }
            )
            estimate = horizon.fit.log_or * step
            std_error = np.sqrt(np.diag(horizon.fit.cov)) * np.abs(step)
            parts.append(with_wald(table, estimate, std_error, conf_level))
        table = pd.concat(parts, ignore_index=True)
        table = table[in_order(table.columns)]
        if not exponentiate:
            return table
        return as_ratio(table).assign(estimand="or")

    def glance(self) -> pd.DataFrame:
        """One row: rows that passed the gate, events in all their follow-up."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the odds ratios, the horizons below each column."""
        from fahrstats.display.figures import forest

        table = self.tidy(exponentiate=True, per=per)
        # One horizon after the other becomes one column of the design after the other.
        order = np.arange(len(table)).reshape(len(self.horizons), -1).T.ravel()
        rows = table.iloc[order]
        names = [name_with_step(row) for row in records(rows)]
        levels = [f"by {amount(time, self.time_unit)}" for time in rows["time"]]
        return forest(rows.assign(subgroup=names, level=levels).drop(columns="term"))

    def summary(self) -> str:
        """Describe the result as text: each horizon with its counts and odds ratios."""
        lines = [
            f"Early mortality: {self.formula}",
            f"{format_count(self.n)} rows; those censored before a horizon are "
            f"{self.censoring}",
            *describe_dropped(self.dropped),
        ]
        table = self.tidy(exponentiate=True)
        for horizon in self.horizons:
            lines.append(
                f"By {amount(horizon.time, self.time_unit)}: "
                f"{format_count(horizon.n_events)} events in {format_count(horizon.n)} "
                f"rows, {format_count(horizon.n_censored)} censored before"
            )
            for row in table[table["time"] == horizon.time].to_dict("records"):
                limits = row["estimate"], row["conf_low"], row["conf_high"]
                text = f"  {row['term']}: OR {format_ratio(*limits)}"
                if np.isfinite(row["p_value"]):
                    text += f", {phrase_p(row['p_value'])}"
                lines.append(text + (f"  ({row['note']})" if row["note"] else ""))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _check_horizons(
    horizons: Sequence[float], design: Design, time_unit: TimeUnit
) -> FloatArray:
    """Refuse horizons that nobody reaches, and follow-up that starts late or is not so.

    Each once, in the order given.
    """
    outcome = design.formula
    if design.entry is not None:
        raise DataError(
            f"`{outcome.entry}` starts follow-up after time 0, but whoever died before "
            "it was never seen; an early horizon needs everyone from time 0."
        )
    if not design.columns:
        raise DataError(f"`{outcome.text}` names no covariate for an odds ratio.")
    given = tie_with(np.atleast_1d(np.asarray(horizons, np.float64)), design.time)
    wanted = np.array(list(dict.fromkeys(given.tolist())))
    if not wanted.size or not (wanted > 0).all() or not np.isfinite(wanted).all():
        raise DataError(
            f"`horizons` is {horizons}; give positive times in the unit of "
            f"`{outcome.time}`."
        )
    longest = design.time.max()
    if longest > _LIFETIME[time_unit]:
        raise DataError(
            f"The longest follow-up in `{outcome.time}` is {longest:g}, longer than a "
            f"life in {time_unit}; give `time_unit` and `horizons` in its unit."
        )
    if wanted.max() > longest:
        raise DataError(
            f"`horizons` holds {wanted.max():g}, but the longest follow-up in "
            f"`{outcome.time}` is {longest:g}; give horizons in its unit."
        )
    return wanted


def _states(
    design: Design, horizon: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark rows with the event by the horizon, and rows followed to it without."""
    died = design.event & (design.time <= horizon)
    return died, (design.time >= horizon) & ~died


def _excluding(design: Design, horizon: float) -> Horizon:
    """Leave out the rows censored before the horizon."""
    died, lived = _states(design, horizon)
    known = died | lived
    fit = fit_logistic(design.X[known], died[known], design.columns)
    return _described(horizon, fit, died, lived)


def _weighting(design: Design, horizon: float) -> Horizon:
    """Let the known rows stand for those censored before the horizon.

    Rows censored at the horizon itself are known to have reached it, so they are moved
    beyond it before the kernel, which counts as controls those followed beyond, sees
    them.
    """
    died, lived = _states(design, horizon)
    known = died | lived
    beyond = 2 * design.time.max()
    sets = sort_risk_sets(np.where(lived, beyond, design.time), died)
    weights = weigh_by_censoring(sets, horizon)
    inverse = np.empty(design.n)
    inverse[sets.order] = weights.inverse
    fit = fit_logistic(design.X[known], died[known], design.columns, inverse[known])

    def influence(residuals: FloatArray) -> FloatArray:
        """Influence of all rows on the weighted sum of the known rows' residuals."""
        derivative = np.zeros((design.n, residuals.shape[1]))
        derivative[known] = residuals
        return spread_influence(sets, weights, derivative[sets.order])

    return _described(horizon, fit.with_influence(influence), died, lived)


def _described(
    horizon: float,
    fit: LogisticFit,
    died: NDArray[np.bool_],
    lived: NDArray[np.bool_],
) -> Horizon:
    n = int((died | lived).sum())
    n_events = int(died.sum())
    n_estimated = int(np.isfinite(fit.log_or).sum())
    if n_estimated and n_events < FEW_DEATHS * n_estimated:
        note = f"fragile: {n_events} events for {n_estimated} coefficients"
        fit = fit.with_note(note)
    return Horizon(float(horizon), fit, n, n_events, died.size - n)
