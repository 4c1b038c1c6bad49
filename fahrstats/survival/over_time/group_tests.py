"""The log-rank test between groups, its family and its trend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Design
from fahrstats.cohort.encoding import level_text
from fahrstats.columns import in_order
from fahrstats.display.journals import phrase_p
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import chi_squared, logrank_moments
from fahrstats.survival.options import refuse_unknown
from fahrstats.survival.over_time.grouping import group_cohort, need_two_groups

FloatArray = NDArray[np.float64]

_ROUNDING = 1e-12
"""Share of a variance that summing in float64 can leave of zero."""


def logrank(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    rho: float = 0.0,
) -> LogRank:
    """Test whether groups share one survival curve.

    Compares observed events of each group with those expected if every group had the
    hazard of all, at each event time and within strata; chi-squared with the number of
    groups less one degrees of freedom, or fewer if groups share no stratum. Delayed
    entry is allowed. Rows with a missing value in any column used are left out and
    counted in ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns: ``"Surv(time, event) ~ sex"``; the groups of
        several columns are their combinations.
    data
        One row per subject, or per interval a subject is at risk.
    strata
        Column within whose levels groups are compared.
    weights
        Column of whole case weights: how many like rows a row stands for.
    id
        Column of subjects, checked for repeats.
    rho
        Power of the survival of all, just before an event, that the event counts with:
        0 is the log-rank test; 1 the Peto-Peto modification of Gehan and Wilcoxon's
        test, which sees early differences better; and so on (Harrington and Fleming's
        G-rho family). Choose it before looking at the curves.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        There are not two groups to compare, ``rho`` is negative, weights are fractional
        (the variance counts rows, so they would pass for more or fewer people than were
        seen), or the data do not pass the gate.

    Notes
    -----
    Equal to R's ``survdiff``, whose ``rho`` this is: survival is the Kaplan-Meier
    estimate of all groups of a stratum, just before the event. Delayed entry, which
    ``survdiff`` refuses, and with rho 0 everything else agree with the score test of
    ``coxph(..., ties = "exact")``.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170. Peto and Peto (1972), JRSS A
    135:185-207. Harrington and Fleming (1982), Biometrika 69:553-566.

    Examples
    --------
    >>> test = fs.logrank("Surv(time, event) ~ quartile", cohort)
    >>> test.trend()
    """
    if not (isinstance(rho, Real) and np.isfinite(rho) and rho >= 0):
        raise DataError(
            f"`rho` is {rho}; give 0 for the log-rank test, 1 for Peto's, or another "
            "number that is not negative."
        )
    cohort = group_cohort(formula, data, strata=strata, weights=weights, id=id)
    need_two_groups(cohort, formula, "a test")
    design, groups = cohort.design, cohort.groups
    _refuse_fractions(design, weights)
    sets = design.risk_sets
    observed, expected, cov = logrank_moments(
        sets, cohort.codes[sets.order], len(groups), rho
    )
    statistic, df = chi_squared(observed - expected, cov)
    if df == 0:
        raise DataError(
            f"No two of the {len(groups)} groups of `{formula}` are at risk together "
            "at an event, so they cannot be compared; are they nested in `strata`?"
        )
    return LogRank(
        formula=formula,
        groups=groups,
        rho=rho,
        observed=observed,
        expected=expected,
        cov=cov,
        statistic=statistic,
        df=df,
        group_n=np.bincount(cohort.codes),
        group_events=np.bincount(cohort.codes[design.event], minlength=len(groups)),
        n_strata=max(1, len(design.strata_levels)),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class LogRank:
    """A log-rank test between k groups; its figure is that of their curves.

    Attributes
    ----------
    formula : str
        The formula as given.
    groups : tuple of str
        Names of the groups.
    rho : float
        Power of survival that events count with; 0 is the log-rank test.
    observed, expected : ndarray of shape (k,)
        Events of each group, and those expected were all hazards equal; each event
        counts as its weight times survival to the power ``rho``.
    cov : ndarray of shape (k, k)
        Covariance of ``observed`` under equal hazards.
    statistic, df : float, int
        Chi-squared statistic and its degrees of freedom.
    group_n, group_events : ndarray of shape (k,)
        Rows and events of each group, unweighted.
    n_strata, n_dropped : int
        Strata, and rows left out.
    """

    formula: str
    groups: tuple[str, ...]
    rho: float
    observed: FloatArray
    expected: FloatArray
    cov: FloatArray
    statistic: float
    df: int
    group_n: NDArray[np.int64]
    group_events: NDArray[np.int64]
    n_strata: int
    n_dropped: int

    @property
    def p_value(self) -> float:
        """Probability of a larger statistic were all hazards equal."""
        return float(chi2.sf(self.statistic, self.df))

    def tidy(self) -> pd.DataFrame:
        """One row: the test.

        ``estimand`` is ``logrank_chi2``, or ``g_rho_chi2`` with a ``note`` of rho.
        """
        return self._test("chi2", self.statistic, self.df)

    def trend(
        self,
        scores: Mapping[str, float]
        | Mapping[float, float]
        | Literal["order", "levels"] = "order",
    ) -> pd.DataFrame:
        """One row: test of a hazard that rises or falls along the groups, with 1 df.

        The squared sum over groups of score times observed less expected events, over
        its variance. With rho 0 it is the score test of a Cox model with the score as
        its covariate and exact handling of ties (``coxph(..., ties = "exact")`` in R);
        without tied times, of any Cox model.

        Parameters
        ----------
        scores
            ``"order"`` counts the groups 0, 1, 2, ... in their order; ``"levels"``
            takes their names as numbers; a mapping gives the number of every group.
            Adding to all or multiplying all changes nothing.

        Raises
        ------
        DataError
            A group has no score, or groups that are compared share one score.

        References
        ----------
        Tarone (1975), Biometrika 62:679-682.
        """
        score = _group_scores(self.groups, scores)
        score = score - score.mean()
        difference = float(score @ (self.observed - self.expected))
        variance = float(score @ self.cov @ score)
        if variance <= _ROUNDING * float(score**2 @ np.diag(self.cov)):
            raise DataError(
                "`scores` are the same in all groups that can be compared, so there is "
                "no trend to test."
            )
        rises = "rises" if difference > 0 else "falls"
        return self._test(
            "trend_chi2",
            difference**2 / variance,
            1,
            note=f"the hazard {rises} with the score of the group",
        )

    def by_group(self) -> pd.DataFrame:
        """One row per group: expected events as estimate, observed as ``n_events``.

        With rho above 0 the expected count as the test counts them, so that they do not
        compare with ``n_events``; ``observed`` of the result does.
        """
        values = {
            "group": self.groups,
            "estimand": "expected_events",
            "estimate": self.expected,
            "n": self.group_n,
            "n_events": self.group_events,
        }
        return pd.DataFrame(values)[in_order(values)]

    def glance(self) -> pd.DataFrame:
        """One row: the test and the rows left out."""
        table = self.tidy().assign(n_dropped=self.n_dropped)
        return table[in_order(table.columns)]

    def summary(self) -> str:
        """Describe the test as text: observed and expected events of each group."""
        strata = f" within {self.n_strata} strata" if self.n_strata > 1 else ""
        name = f"G-rho test, rho = {self.rho:g}" if self.rho else "Log-rank test"
        lines = [
            f"{name}: {self.formula}{strata}",
            f"chi-squared {self.statistic:.4g} on {self.df} df, "
            f"{phrase_p(self.p_value)}; {self.n_dropped} rows left out",
        ]
        width = max(len(group) for group in self.groups)
        for k, group in enumerate(self.groups):
            lines.append(
                f"  {group:<{width}}  {self.group_n[k]} rows, {self.group_events[k]} "
                f"events, {self._sums(k)}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _sums(self, k: int) -> str:
        """Say how many events group k was expected to have, as the test counts."""
        if (self.observed == self.group_events).all():
            return f"{self.expected[k]:.2f} expected"
        return f"weighted: {self.observed[k]:.2f}, {self.expected[k]:.2f} expected"

    def _test(
        self, name: str, statistic: float, df: int, note: str = ""
    ) -> pd.DataFrame:
        """One row for a test of the family."""
        notes = [f"rho = {self.rho:g}"] if self.rho else []
        values: dict[str, object] = {
            "estimand": f"{'g_rho' if self.rho else 'logrank'}_{name}",
            "statistic": statistic,
            "df": df,
            "p_value": float(chi2.sf(statistic, df)),
            "n": int(self.group_n.sum()),
            "n_events": int(self.group_events.sum()),
        }
        if notes or note:
            values["note"] = "; ".join([*notes, note] if note else notes)
        return pd.DataFrame([values])[in_order(values)]


def _refuse_fractions(design: Design, weights: str | None) -> None:
    """Refuse weights that are no numbers of rows."""
    if design.weights is None:
        return
    n_fractions = int((design.weights != np.rint(design.weights)).sum())
    if n_fractions:
        raise DataError(
            f"`{weights}` is fractional in {n_fractions} of {design.n} rows, but the "
            "variance of a log-rank test counts rows; use `cox`, whose standard errors "
            "are then robust."
        )


def _group_scores(
    groups: tuple[str, ...],
    scores: Mapping[str, float] | Mapping[float, float] | Literal["order", "levels"],
) -> FloatArray:
    """Return the score of every group, or refuse groups without one."""
    if isinstance(scores, str):
        refuse_unknown("scores", scores, ("order", "levels"))
        if scores == "order":
            return np.arange(len(groups), dtype=np.float64)
        scores = {group: _as_number(group) for group in groups}
    named = {level_text(group): score for group, score in scores.items()}
    missing = [f"`{group}`" for group in groups if not _is_finite(named.get(group))]
    if missing:
        raise DataError(
            f"`scores` has no finite number for {', '.join(missing)}; give one for "
            "each group."
        )
    found = np.array([named[group] for group in groups], np.float64)
    largest = np.abs(found).max()
    return found / largest if largest > 0 else found


def _is_finite(score: object) -> bool:
    """Whether a score is a finite number."""
    return isinstance(score, Real) and math.isfinite(score)


def _as_number(text: str) -> float:
    """Return the number that a text writes, or missing."""
    try:
        return float(text)
    except ValueError:
        return np.nan
