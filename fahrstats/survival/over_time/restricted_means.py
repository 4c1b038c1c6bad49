"""Restricted mean survival time of groups, its differences and ratios."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import tie_with
from fahrstats.columns import in_order
from fahrstats.display.result_table import records
from fahrstats.errors import DataError, ResultWarning
from fahrstats.kernels.product_limit import life_table
from fahrstats.kernels.restricted_mean import (
    greenwood_mean_std_error,
    restricted_mean,
    robust_mean_std_error,
)
from fahrstats.kernels.risk_sets import RiskSets
from fahrstats.survival.over_time.contrast_rows import (
    contrast_rows,
    each_against,
    interval_text,
    joint_std_error,
)
from fahrstats.survival.over_time.curves import (
    estimate_curves,
    needs_jackknife,
    warn_of_early_extinction,
)
from fahrstats.survival.over_time.grouping import (
    group_cohort,
    group_position,
    refuse_shared_subjects,
)
from fahrstats.survival.over_time.survival_curves import SurvivalCurves
from fahrstats.survival.wald import as_ratio, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_DEFAULT_TAU = "tau is the shortest of the groups' longest follow-ups"


def rmst(
    formula: str,
    data: pd.DataFrame,
    *,
    tau: float | None = None,
    reference: str | float | None = None,
    weights: str | None = None,
    id: str | None = None,
) -> RestrictedMeans:
    """Estimate the mean time without the event until ``tau``, by group.

    The restricted mean survival time is the area under the Kaplan-Meier curve from 0 to
    ``tau``, in the unit of time: how long members of a group live without the event, on
    average, within the first ``tau``. Each group is set against a reference group as a
    difference and as a ratio; positive differences and ratios above 1 mean longer
    survival. Neither needs proportional hazards. Rows with a missing value in any
    column used are left out and counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns, as in :func:`kaplan_meier`; ``~ 1`` for everyone.
    data
        One row per subject, or per interval a subject is at risk.
    tau
        End of the mean, best chosen beforehand. By default the shortest of the groups'
        longest follow-ups, which the summary and :meth:`RestrictedMeans.glance` say.
    reference
        Group that the others are set against; the first by default.
    weights
        Column of case weights; with fractional ones standard errors are the
        infinitesimal jackknife's.
    id
        Column of subjects, checked for repeats and for staying in one group; as in
        :func:`kaplan_meier`.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        ``tau`` is not positive, or passes the last follow-up of a group whose survival
        is above 0 then (the curve is not known there); ``reference`` is no group; a
        subject changes groups; or the data do not pass the gate.

    Warns
    -----
    ResultWarning
        As :func:`kaplan_meier`, of a curve that reached 0 before others entered; or,
        with delayed entry, nobody of a group is at risk at first.

    Notes
    -----
    Means and standard errors equal those of R's ``print(survfit(...), rmean = tau)``;
    with fractional weights the standard error is that of ``residuals(..., type =
    "rmst", weighted = TRUE)``, while R's print takes weights for numbers of rows. R
    lets the curve go on at its last height beyond the last follow-up. lifelines adds
    up the variance differently and is not the reference. The interval and the test of
    the ratio are those of its logarithm.

    References
    ----------
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152. Uno et al.
    (2014), Journal of Clinical Oncology 32:2380-2385.

    Examples
    --------
    >>> fs.rmst("Surv(time, event) ~ quartile", cohort, tau=5).tidy()
    """
    cohort = group_cohort(formula, data, weights=weights, id=id)
    refuse_shared_subjects(cohort, id)
    position = group_position(cohort.groups, reference)
    sets = cohort.risk_sets
    curves = estimate_curves(
        sets,
        cohort.groups,
        interval="log-log",
        formula=formula,
        n_dropped=cohort.design.n_dropped,
        subject=cohort.subject,
    )
    end = curves.last_time.min() if tau is None else _check_tau(tau, curves)
    warn_of_early_extinction(curves)
    _warn_of_late_entry(curves)
    mean, std_error = _restricted_means(sets, end, cohort.subject[sets.order])
    has_event = cohort.design.event & (cohort.design.time <= end)
    return RestrictedMeans(
        formula=formula,
        groups=cohort.groups,
        reference=cohort.groups[position],
        tau=float(end if tau is None else tau),
        is_default_tau=tau is None,
        mean=mean,
        std_error=std_error,
        group_n=curves.group_n,
        group_events=np.bincount(cohort.codes[has_event], minlength=mean.size),
        n_dropped=curves.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedMeans:
    """Restricted mean survival time of k groups.

    Attributes
    ----------
    formula : str
        The formula as given.
    groups : tuple of str
        Names of the groups.
    reference : str
        Group that the others are set against.
    tau : float
        End of the mean.
    is_default_tau : bool
        Whether ``tau`` was not given and is the shortest of the longest follow-ups.
    mean, std_error : ndarray of shape (k,)
        Area under each curve until ``tau``; the standard error is 0 in a group whose
        times do not vary, as without an event by then.
    group_n, group_events : ndarray of shape (k,)
        Rows of each group and its events until ``tau``, unweighted.
    n_dropped : int
        Rows left out.
    """

    formula: str
    groups: tuple[str, ...]
    reference: str
    tau: float
    is_default_tau: bool
    mean: FloatArray
    std_error: FloatArray
    group_n: NDArray[np.int64]
    group_events: NDArray[np.int64]
    n_dropped: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per group, then a difference and a ratio for each other group.

        ``time`` is tau, and ``n_events`` counts until then. Where the times of a group
        do not vary, standard errors and intervals are missing and ``note`` says why.
        """
        means = self._means(conf_level)
        pairs = list(each_against(means, self.reference))
        contrasts = [
            row(rows, base, conf_level)
            for rows, base in pairs
            for row in (_difference, _ratio)
        ]
        table = pd.concat([means, *contrasts], ignore_index=True)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: tau as ``time``, rows, events until tau and rows left out."""
        values = {
            "time": self.tau,
            "n": int(self.group_n.sum()),
            "n_events": int(self.group_events.sum()),
            "n_dropped": self.n_dropped,
            "note": _DEFAULT_TAU if self.is_default_tau else "",
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Means and their differences from the reference, with intervals."""
        from fahrstats.display.figures import group_contrasts

        return group_contrasts(self.tidy())

    def summary(self) -> str:
        """Describe the means as text, and each group against the reference."""
        size = self.glance().iloc[0]
        note = f" ({size['note']})" if size["note"] else ""
        lines = [
            f"Restricted mean survival time until {self.tau:g}: {self.formula}{note}",
            f"{size['n']} rows, {size['n_events']} events by then, {size['n_dropped']} "
            "left out; 95% CI",
        ]
        names = {
            "rmst": "",
            "delta_rmst": f" minus {self.reference}",
            "rmst_ratio": f" over {self.reference}",
        }
        for row in records(self.tidy()):
            why = f"; {row['note']}" if row["note"] else ""
            name = f"{row['group']}{names[row['estimand']]}"
            lines.append(f"  {name}: {interval_text(row, 4)}{why}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _means(self, conf_level: float) -> pd.DataFrame:
        """One row per group."""
        rows = pd.DataFrame(
            {
                "group": self.groups,
                "reference": "",
                "estimand": "rmst",
                "time": self.tau,
                "n": self.group_n,
                "n_events": self.group_events,
                "note": [
                    _why_exact(*size)
                    for size in zip(self.std_error, self.group_events, strict=True)
                ],
            }
        )
        std_error = np.where(self.std_error > 0, self.std_error, np.nan)
        table = with_wald(rows, self.mean, std_error, conf_level)
        return table.assign(statistic=np.nan, p_value=np.nan)


def _check_tau(tau: float, curves: SurvivalCurves) -> float:
    """Return tau, or the time it ties with; refuse one where a curve is not known."""
    if not (isinstance(tau, Real) and np.isfinite(tau) and tau > 0):
        raise DataError(f"`tau` is {tau}; give a positive time of follow-up.")
    end = tie_with(np.array([tau], np.float64), curves.time)[0]
    ends = curves.known_until
    k = int(ends.argmin())
    if end > ends[k]:
        last = curves.survival[curves.start[k + 1] - 1]
        raise DataError(
            f"`tau` is {tau:.15g}, but follow-up of `{curves.groups[k]}` ends at "
            f"{ends[k]:.15g}, where its survival is {last:.3g}; give at most "
            f"{ends[k]:.15g}."
        )
    return float(end)


def _warn_of_late_entry(curves: SurvivalCurves) -> None:
    """Warn of groups nobody of which is at risk at first."""
    for group, start in zip(curves.groups, curves.first_entry, strict=True):
        if start > 0:
            warnings.warn(
                f"Nobody of `{group}` is at risk until {start:g}, and its mean counts "
                "that time as lived in full; take the start of follow-up as time 0.",
                ResultWarning,
                stacklevel=3,
            )


def _restricted_means(
    sets: RiskSets, tau: float, subject: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Restricted mean of every stratum of ``sets``, and its standard error."""
    is_robust = needs_jackknife(sets, subject)
    mean, std_error = np.empty((2, sets.stratum_start.size - 1))
    for k in range(mean.size):
        table = life_table(sets, k)
        mean[k] = restricted_mean(table, tau)
        std_error[k] = (
            robust_mean_std_error(sets, k, table, tau, subject)
            if is_robust
            else greenwood_mean_std_error(table, tau)
        )
    return mean, std_error


def _why_exact(std_error: float, n_events: int) -> str:
    """Say why Greenwood's variance of a mean is 0, if it is."""
    if std_error > 0:
        return ""
    return "all had the event at one time" if n_events else "no event by then"


def _difference(
    rows: pd.DataFrame, base: pd.DataFrame, conf_level: float
) -> pd.DataFrame:
    """Mean of a group less that of the reference."""
    means, std_errors = _moments(rows, base)
    return with_wald(
        contrast_rows(rows, base, "delta_rmst"),
        means[0] - means[1],
        joint_std_error(*std_errors),
        conf_level,
    )


def _ratio(rows: pd.DataFrame, base: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Mean of a group over that of the reference, with the test of its logarithm."""
    means, std_errors = _moments(rows, base)
    relative = [se / mean for se, mean in zip(std_errors, means, strict=True)]
    table = with_wald(
        contrast_rows(rows, base, "rmst_ratio"),
        np.log(means[0] / means[1]),
        joint_std_error(*relative),
        conf_level,
    )
    return as_ratio(table)


def _moments(
    rows: pd.DataFrame, base: pd.DataFrame
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Means of two groups, and their standard errors."""
    means = [side["estimate"].to_numpy(np.float64) for side in (rows, base)]
    std_errors = [side["std_error"].to_numpy(np.float64) for side in (rows, base)]
    return means, std_errors
