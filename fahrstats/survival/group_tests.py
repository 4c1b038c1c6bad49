"""The log-rank test between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.product_limit import chi_squared, logrank_moments
from fahrstats.survival.grouping import group_cohort

FloatArray = NDArray[np.float64]


def logrank(formula: str, data: pd.DataFrame, *, strata: str | None = None) -> LogRank:
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

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns.
    DataError
        There are not two groups to compare, or the data do not pass the gate.

    References
    ----------
    Mantel (1966), Cancer Chemotherapy Reports 50:163-170. Peto and Peto (1972), JRSS A
    135:185-207.
    """
    cohort = group_cohort(formula, data, strata=strata)
    design, groups = cohort.design, cohort.groups
    if len(groups) < 2:
        raise DataError(
            f"`{formula}` makes 1 group of the {design.n} complete rows; a test "
            "needs at least 2."
        )
    sets = design.risk_sets
    observed, expected, cov = logrank_moments(
        sets, cohort.codes[sets.order], len(groups)
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
        observed=observed,
        expected=expected,
        cov=cov,
        statistic=statistic,
        df=df,
        group_n=np.bincount(cohort.codes),
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
    observed, expected : ndarray of shape (k,)
        Events of each group, and those expected were all hazards equal.
    cov : ndarray of shape (k, k)
        Covariance of ``observed`` under equal hazards.
    statistic, df : float, int
        Chi-squared statistic and its degrees of freedom.
    group_n : ndarray of shape (k,)
        Rows of each group.
    n_strata, n_dropped : int
        Strata, and rows left out.
    """

    formula: str
    groups: tuple[str, ...]
    observed: FloatArray
    expected: FloatArray
    cov: FloatArray
    statistic: float
    df: int
    group_n: NDArray[np.int64]
    n_strata: int
    n_dropped: int

    @property
    def p_value(self) -> float:
        """Probability of a larger statistic were all hazards equal."""
        return float(chi2.sf(self.statistic, self.df))

    def tidy(self) -> pd.DataFrame:
        """One row: the test."""
        values = {
            "estimand": "logrank_chi2",
            "statistic": self.statistic,
            "df": self.df,
            "p_value": self.p_value,
            "n": int(self.group_n.sum()),
            "n_events": int(self.observed.sum()),
        }
        return pd.DataFrame([values])[in_order(values)]

    def by_group(self) -> pd.DataFrame:
        """One row per group: expected events as estimate, observed as ``n_events``."""
        values = {
            "group": self.groups,
            "estimand": "expected_events",
            "estimate": self.expected,
            "n": self.group_n,
            "n_events": self.observed.astype(np.int64),
        }
        return pd.DataFrame(values)[in_order(values)]

    def glance(self) -> pd.DataFrame:
        """One row: the test and the rows left out."""
        table = self.tidy().assign(n_dropped=self.n_dropped)
        return table[in_order(table.columns)]

    def summary(self) -> str:
        """Describe the test as text: observed and expected events of each group."""
        strata = f" within {self.n_strata} strata" if self.n_strata > 1 else ""
        lines = [
            f"Log-rank test: {self.formula}{strata}",
            f"chi-squared {self.statistic:.4g} on {self.df} df, "
            f"p = {self.p_value:.3g}; {self.n_dropped} rows left out",
        ]
        width = max(len(group) for group in self.groups)
        for row in self.by_group().itertuples():
            lines.append(
                f"  {row.group:<{width}}  {row.n} rows, {row.n_events} events, "
                f"{row.estimate:.2f} expected"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()
