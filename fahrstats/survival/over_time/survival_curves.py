"""The curves that :func:`fahrstats.kaplan_meier` returns, and what they can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from fahrstats.cohort.follow_up import tie_with
from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import (
    Interval,
    survival_limits,
    survival_quantile,
)
from fahrstats.survival.options import check_conf_level, refuse_unknown

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
CountRows = Literal["all", "at_risk", "none"]

_MOST_COUNTED = 2.0**53
"""Sums of weights from which float64 holds no single units."""


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurves:
    """Kaplan-Meier curves of k groups, as steps.

    Attributes
    ----------
    formula : str
        The formula as given.
    groups : tuple of str
        Names of the groups; ``overall`` where the formula names none.
    start : ndarray of int64, shape (k + 1,)
        Position of each group's first step, at time 0, and the number of steps.
    time, survival, std_error : ndarray
        Steps: survival from ``time`` on. The standard error is missing at survival 0.
    n_at_risk, n_failed, n_censored : ndarray
        At each step: at risk just before ``time`` (at time 0: just after) and ending
        follow-up at it; sums of weights. With delayed entry, entries are steps too.
    interval : str
        Scale of the limits.
    group_n, group_events : ndarray of shape (k,)
        Rows and events of each group, unweighted.
    n_dropped : int
        Rows left out.
    """

    formula: str
    groups: tuple[str, ...]
    start: NDArray[np.int64]
    time: FloatArray
    survival: FloatArray
    std_error: FloatArray
    n_at_risk: FloatArray
    n_failed: FloatArray
    n_censored: FloatArray
    interval: Interval
    group_n: NDArray[np.int64]
    group_events: NDArray[np.int64]
    n_dropped: int

    @property
    def n(self) -> int:
        """Rows used."""
        return int(self.group_n.sum())

    @property
    def n_events(self) -> int:
        """Events among the rows used."""
        return int(self.group_events.sum())

    @property
    def first_entry(self) -> FloatArray:
        """Time from which somebody of each group is at risk."""
        held = [int((self.n_at_risk[steps] > 0).argmax()) for steps in self._steps()]
        entry: FloatArray = self.time[
            self.start[:-1] + np.maximum(np.array(held) - 1, 0)
        ]
        return entry

    @property
    def last_time(self) -> FloatArray:
        """Last follow-up of each group."""
        return self.time[self.start[1:] - 1]

    @property
    def known_until(self) -> FloatArray:
        """Last time at which survival of each group is known, infinite if 0 then."""
        return np.where(self.survival[self.start[1:] - 1] == 0, np.inf, self.last_time)

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per step of each curve, from time 0.

        ``n`` is the size of the group; ``n_events`` and ``n_censored`` count at
        ``time``.
        """
        low, high = self._limits(conf_level)
        sizes = np.diff(self.start)
        values = {
            "group": np.repeat(self.groups, sizes),
            "estimand": "survival",
            "time": self.time,
            "estimate": self.survival,
            "std_error": self.std_error,
            "conf_low": low,
            "conf_high": high,
            "n_at_risk": _whole(self.n_at_risk),
            "n_censored": _whole(self.n_censored),
            "n": np.repeat(self.group_n, sizes),
            "n_events": _whole(self.n_failed),
        }
        return pd.DataFrame(values)[in_order(values)]

    def at(
        self, times: float | Sequence[float] | FloatArray, *, conf_level: float = 0.95
    ) -> pd.DataFrame:
        """Survival at given times, one row per group and time.

        ``n_at_risk`` is just before the time; ``n_events`` and ``n_censored`` count up
        to and including it. Beyond the last follow-up of a group survival is unknown,
        so estimates are missing unless it has reached 0. A time that differs from one
        of the data by rounding only is that time.
        """
        wanted = check_times(times)
        looked_up = tie_with(wanted, self.time)
        estimates = dict(
            zip(("conf_low", "conf_high"), self._limits(conf_level), strict=True),
            estimate=self.survival,
            std_error=self.std_error,
        )
        tables = []
        for k, steps in enumerate(self._steps()):
            last = np.searchsorted(self.time[steps], looked_up, "right") - 1
            is_known = looked_up <= self.known_until[k]
            values = {
                name: np.where(is_known, array[steps][last], np.nan)
                for name, array in estimates.items()
            }
            counts = self._counts(k, looked_up, last + 1)
            tables.append(counts.assign(time=wanted, **values))
        table = pd.concat(tables, ignore_index=True).assign(estimand="survival")
        return table[in_order(table.columns)]

    def at_risk(self, times: float | Sequence[float] | FloatArray) -> pd.DataFrame:
        """Who is at risk just before each time, and who was censored or failed before.

        Without delayed entry the three add up to the size of the group. Between steps
        R's ``summary`` also counts those who enter before its next step.
        """
        wanted = check_times(times)
        looked_up = tie_with(wanted, self.time)
        table = pd.concat(
            [
                self._counts(
                    k, looked_up, np.searchsorted(self.time[steps], looked_up)
                ).assign(time=wanted)
                for k, steps in enumerate(self._steps())
            ],
            ignore_index=True,
        ).drop(columns="n")
        return table[in_order(table.columns)]

    def quantiles(
        self,
        probabilities: float | Sequence[float] = (0.25, 0.5, 0.75),
        *,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Find the times by which given shares of each group have had the event.

        Limits are where the pointwise limits of the curve cross the same height
        (Brookmeyer and Crowley). A quantile or limit that the curve never reaches is
        missing; where the curve is flat at the height, it is the middle of that part.
        Where a limit rises again, as it can with delayed entry, its first crossing
        counts; R's ``quantile`` sorts the limits and then reports a later one.
        """
        wanted = _as_numbers("probabilities", probabilities)
        if not wanted.size:
            raise DataError("`probabilities` is empty; give at least one share.")
        for probability in wanted:
            if not 0 < probability < 1:
                raise DataError(
                    f"`probabilities` holds {probability:g}; give shares between 0 and "
                    "1."
                )
        low, high = self._limits(conf_level)
        rows = [
            {
                "group": self.groups[k],
                "quantile": probability,
                "estimand": "survival_time",
                "n": self.group_n[k],
                "n_events": self.group_events[k],
            }
            | {
                name: survival_quantile(self.time[steps], curve[steps], probability)
                for name, curve in {
                    "estimate": self.survival,
                    "conf_low": low,
                    "conf_high": high,
                }.items()
            }
            for k, steps in enumerate(self._steps())
            for probability in wanted
        ]
        return pd.DataFrame(rows)[in_order(rows[0])]

    def median(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Median survival of each group: :meth:`quantiles` at one half."""
        return self.quantiles((0.5,), conf_level=conf_level)

    def glance(self) -> pd.DataFrame:
        """One row: rows, events and rows left out."""
        values = {"n": self.n, "n_events": self.n_events, "n_dropped": self.n_dropped}
        return pd.DataFrame([values])[in_order(values)]

    def plot(
        self,
        *,
        times: float | Sequence[float] | FloatArray | None = None,
        counts: CountRows = "all",
    ) -> ggplot:
        """Curves with their limits above a table of counts at ``times``.

        ``counts`` are those at risk just before each time, and censored and with the
        event until then (``"all"``), those at risk alone (``"at_risk"``) or ``"none"``.
        """
        from fahrstats.display.figures import survival_curves
        from fahrstats.display.step_curves import round_times

        refuse_unknown("counts", counts, get_args(CountRows))
        if counts == "none":
            return survival_curves(self.tidy())
        shown = round_times(float(self.time.max())) if times is None else times
        table = self.at_risk(shown)
        if counts == "at_risk":
            table = table.drop(columns=["n_censored", "n_events"])
        return survival_curves(self.tidy(), table)

    def summary(self) -> str:
        """Describe the curves as text: each group with its events and median."""
        lines = [
            f"Kaplan-Meier: {self.formula}",
            f"{self.n} rows, {self.n_events} events, {self.n_dropped} left out; "
            f"95% CI on the {self.interval} scale",
        ]
        width = max(len(group) for group in self.groups)
        for row in records(self.median()):
            lines.append(
                f"  {row['group']:<{width}}  {row['n']} rows, "
                f"{row['n_events']} events, median {quantile_text(row)}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _steps(self) -> Iterator[slice]:
        """Yield where the steps of each group are."""
        for first, last in pairwise(self.start):
            yield slice(first, last)

    def _limits(self, conf_level: float) -> tuple[FloatArray, FloatArray]:
        """Pointwise limits of every step."""
        check_conf_level(conf_level)
        z = float(norm.isf((1 - conf_level) / 2))
        return survival_limits(self.survival, self.std_error, self.interval, z)

    def _counts(
        self, k: int, times: FloatArray, n_steps: NDArray[np.intp]
    ) -> pd.DataFrame:
        """Numbers of group k at times, summed over its first ``n_steps`` steps."""
        steps = list(self._steps())[k]
        at_risk = np.append(self.n_at_risk[steps], 0.0)
        censored = np.append(0.0, np.cumsum(self.n_censored[steps]))
        events = np.append(0.0, np.cumsum(self.n_failed[steps]))
        return pd.DataFrame(
            {
                "group": self.groups[k],
                "time": times,
                "n_at_risk": _whole(at_risk[np.searchsorted(self.time[steps], times)]),
                "n_censored": _whole(censored[n_steps]),
                "n": self.group_n[k],
                "n_events": _whole(events[n_steps]),
            }
        )


def quantile_text(row: Mapping[str, Any]) -> str:
    """Write a quantile of time with its limits, what is never reached in words."""
    text, low, high = (
        "not reached" if np.isnan(row[name]) else f"{row[name]:g}"
        for name in ("estimate", "conf_low", "conf_high")
    )
    return text if text == low == high else f"{text} ({low} to {high})"


def check_times(times: float | Sequence[float] | FloatArray) -> FloatArray:
    """Return times as an array, or refuse those that no follow-up can have."""
    wanted = _as_numbers("times", times)
    if not wanted.size:
        raise DataError("`times` is empty; give at least one time of follow-up.")
    bad = wanted[~(np.isfinite(wanted) & (wanted >= 0))]
    if bad.size:
        raise DataError(
            f"`times` holds {bad[0]:g} ({bad.size} of {wanted.size} are negative or "
            "not finite); give times of follow-up."
        )
    return wanted


def _as_numbers(name: str, values: float | Sequence[float] | FloatArray) -> FloatArray:
    """Return a number or a list of numbers as an array."""
    try:
        numbers = np.atleast_1d(np.asarray(values, np.float64))
    except (TypeError, ValueError):
        numbers = np.empty((0, 0))
    if numbers.ndim > 1:
        raise DataError(f"`{name}` is {values!r}; give a number or a list of numbers.")
    return numbers


def _whole(counts: FloatArray) -> NDArray[np.float64] | NDArray[np.int64]:
    """Return counts as integers, unless weights were fractional or huge."""
    rounded = np.rint(counts)
    is_whole = (rounded == counts) & (counts < _MOST_COUNTED)
    return rounded.astype(np.int64) if is_whole.all() else counts
