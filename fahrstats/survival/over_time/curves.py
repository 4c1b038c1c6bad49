"""Kaplan-Meier curves by group."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.errors import ResultWarning
from fahrstats.kernels.product_limit import (
    Interval,
    greenwood_std_error,
    life_table,
    product_limit,
    robust_std_error,
)
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.over_time.grouping import group_cohort
from fahrstats.survival.over_time.survival_curves import SurvivalCurves

FloatArray = NDArray[np.float64]


def kaplan_meier(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    id: str | None = None,
    interval: Interval = "log-log",
) -> SurvivalCurves:
    """Estimate survival by the product limit, one curve for each group.

    Standard errors are Greenwood's. With fractional weights, which stand for sampling
    and not for replicated rows, and with several events of a subject they are the
    infinitesimal jackknife's, summed within subjects, as in R. Rows with a missing
    value in any column used are left out and counted in ``n_dropped``. ``data`` is
    never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns: ``"Surv(time, event) ~ sex"``, several joined by
        ``+``, or ``~ 1`` for everyone. ``Surv(entry, exit, event)`` allows delayed
        entry: a row is at risk at t if ``entry < t <= exit``.
    data
        One row per subject, or per interval a subject is at risk; then an interval that
        ends without the event counts as censored there.
    weights
        Column of case weights; numbers at risk and of events are sums of weights.
    id
        Column of subjects, checked for repeats; give it where a subject has several
        intervals, which are then taken together in the jackknife.
    interval
        Scale of the pointwise limits: ``"log-log"``, ``"logit"`` and ``"arcsine"``
        stay within 0 and 1; ``"log"`` (R's default) and ``"plain"`` are cut there.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        An option is unknown, a column has too many levels to be groups, or the data do
        not pass the gate.

    Warns
    -----
    ResultWarning
        With delayed entry, a curve reached 0 because everyone at risk had the event
        while others had yet to enter; it stays 0 whatever happens to them.

    Notes
    -----
    Equal to R's ``survfit``, except that rows with time 0 are left out; that limits on
    the log-log, logit and arcsine scales are missing wherever survival is 1, and so in
    a group without events, where R's summary has 1 before the first time; and that no
    standard error is given where survival is 0.

    References
    ----------
    Kaplan and Meier (1958), JASA 53:457-481. Brookmeyer and Crowley (1982), Biometrics
    38:29-41, for limits of quantiles.

    Examples
    --------
    >>> curves = fs.kaplan_meier("Surv(time, event) ~ quartile", cohort)
    >>> curves.at([1, 5])
    >>> curves.median()
    """
    refuse_unknown("interval", interval, get_args(Interval))
    cohort = group_cohort(formula, data, weights=weights, id=id)
    curves = estimate_curves(
        cohort.risk_sets,
        cohort.groups,
        interval=interval,
        formula=formula,
        n_dropped=cohort.design.n_dropped,
        subject=cohort.subject,
    )
    warn_of_early_extinction(curves)
    return curves


def estimate_curves(
    sets: RiskSets,
    groups: tuple[str, ...],
    *,
    interval: Interval,
    formula: str,
    n_dropped: int,
    subject: NDArray[np.int64] | None = None,
) -> SurvivalCurves:
    """Estimate one curve per stratum of ``sets``, named by ``groups``.

    ``subject`` holds codes of subjects in data order; without it each row is its own.
    """
    subject = sets.order if subject is None else subject[sets.order]
    is_robust = needs_jackknife(sets, subject)
    columns: list[list[FloatArray]] = []
    for k, (first, last) in enumerate(pairwise(sets.stratum_start)):
        table = life_table(sets, k)
        std_error = (
            robust_std_error(sets, k, table, subject)
            if is_robust
            else greenwood_std_error(table)
        )
        steps = [
            table.time,
            product_limit(table),
            std_error,
            table.at_risk,
            table.events,
            table.censored,
        ]
        if table.time[0] > 0:
            steps = [np.insert(step, 0, 0.0) for step in steps]
            steps[1][0] = 1.0
        enters_at_0 = sets.entry[first:last] <= 0 if sets.entry.size else slice(None)
        steps[3][0] = sets.weights[first:last][enters_at_0].sum()
        columns.append(steps)
    time, survival, std_error, n_at_risk, n_failed, n_censored = (
        np.concatenate(parts) for parts in zip(*columns, strict=True)
    )
    return SurvivalCurves(
        formula=formula,
        groups=groups,
        start=np.cumsum([0, *(steps[0].size for steps in columns)]),
        time=time,
        survival=survival,
        std_error=std_error,
        n_at_risk=n_at_risk,
        n_failed=n_failed,
        n_censored=n_censored,
        interval=interval,
        group_n=np.diff(sets.stratum_start),
        group_events=np.add.reduceat(sets.event.astype(int), sets.stratum_start[:-1]),
        n_dropped=n_dropped,
    )


def needs_jackknife(sets: RiskSets, subject: NDArray[np.int64]) -> bool:
    """Whether Greenwood's variance does not hold, so that R takes the jackknife's.

    Weights that are fractional stand for sampling, and events of one subject depend on
    each other. ``subject`` is in the order of the risk sets.
    """
    with_event = subject[sets.event]
    is_fractional = (sets.weights != np.rint(sets.weights)).any()
    return bool(is_fractional or np.unique(with_event).size < with_event.size)


def warn_of_early_extinction(curves: SurvivalCurves) -> None:
    """Warn, in the name of the public caller, of curves that fell to 0 too early."""
    for group, time, n_later in _extinct_too_early(curves):
        warnings.warn(
            f"Survival of `{group}` is 0 from {time:g} on because all then at risk had "
            f"the event, yet up to {n_later:g} are at risk later; start follow-up when "
            "more have entered.",
            ResultWarning,
            stacklevel=3,
        )


def _extinct_too_early(curves: SurvivalCurves) -> Iterator[tuple[str, float, float]]:
    """Yield groups whose curve reached 0 with rows yet to enter: when, and how many."""
    for group, (first, last) in zip(curves.groups, pairwise(curves.start), strict=True):
        extinct = first + np.flatnonzero(curves.survival[first:last] == 0)
        if extinct.size > 1 and (n_later := curves.n_at_risk[extinct[1:]].max()) > 0:
            yield group, curves.time[extinct[0]], n_later
