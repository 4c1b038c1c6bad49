"""Gray's test of equal cumulative incidence between groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.columns import in_order
from fahrstats.display.journals import phrase_p
from fahrstats.errors import DataError
from fahrstats.kernels.gray_moments import gray_moments
from fahrstats.kernels.product_limit import chi_squared
from fahrstats.survival.competing_risks.causes import read_causes
from fahrstats.survival.over_time.grouping import group_cohort, need_two_groups

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def gray_test(
    formula: str, data: pd.DataFrame, *, cause: str, strata: str | None = None
) -> GrayTest:
    """Test for each cause whether groups share one cumulative incidence.

    Compares subdistribution hazards, so it is a test of the curves of
    :func:`fahrstats.cumulative_incidence`; the log-rank test with other causes censored
    compares cause-specific hazards instead, and the two can disagree. Chi-squared with
    the number of groups less one degrees of freedom, or fewer if groups share no
    stratum. Rows with a missing value in any column used are left out and counted in
    ``n_dropped``. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and grouping columns: ``"Surv(time, event) ~ sex"``; the groups of
        several columns are their combinations.
    data
        One row per subject.
    cause
        Column that names the cause of each event, as in
        :func:`fahrstats.cumulative_incidence`.
    strata
        Column within whose levels groups are compared.

    Raises
    ------
    FormulaError
        The right-hand side is not a list of columns, or holds the causes.
    DataError
        There are not two groups to compare, entry is delayed, or the data do not pass
        the gate.

    Notes
    -----
    Equal to ``cuminc`` with ``rho = 0`` in R's package cmprsk.

    References
    ----------
    Gray (1988), Annals of Statistics 16:1141-1154.

    Examples
    --------
    >>> fs.gray_test("Surv(time, event) ~ sex", cohort, cause="cause_of_death")
    """
    cohort = group_cohort(formula, data, strata=strata)
    design, groups = cohort.design, cohort.groups
    causes = read_causes(design, data, cause, formula=formula)
    if design.entry is not None:
        raise DataError(
            f"`{formula}` has delayed entry, for which Gray's test is not defined; "
            "test cause-specific hazards with `cause_specific_cox` instead."
        )
    need_two_groups(cohort, formula, "a test")
    sets = design.risk_sets
    moments = [
        gray_moments(
            sets, causes.codes[sets.order], j, cohort.codes[sets.order], len(groups)
        )
        for j in range(len(causes.labels))
    ]
    tests = [chi_squared(seen - expected, cov) for seen, expected, cov in moments]
    if not any(df for _, df in tests):
        raise DataError(
            f"No two of the {len(groups)} groups of `{formula}` are at risk together "
            "at an event, so they cannot be compared; are they nested in `strata`?"
        )
    return GrayTest(
        formula=formula,
        cause=cause,
        causes=causes.labels,
        groups=groups,
        observed=np.stack([seen for seen, _, _ in moments]),
        expected=np.stack([expected for _, expected, _ in moments]),
        statistic=np.array([value if df else np.nan for value, df in tests]),
        df=np.array([df for _, df in tests]),
        group_n=np.bincount(cohort.codes),
        n_strata=max(1, len(design.strata_levels)),
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class GrayTest:
    """Gray's tests of c causes between k groups; their figure is that of the curves.

    Attributes
    ----------
    formula, cause : str
        The formula as given, and the column of the causes.
    causes, groups : tuple of str
        Names of the causes and of the groups.
    observed, expected : ndarray of shape (c, k)
        Events of each cause and group, and those expected were all incidences equal.
    statistic, df : ndarray of shape (c,)
        Chi-squared statistic of each cause, missing where no groups can be compared,
        and its degrees of freedom.
    group_n : ndarray of int64, shape (k,)
        Rows of each group.
    n_strata, n_dropped : int
        Strata, and rows left out.
    """

    formula: str
    cause: str
    causes: tuple[str, ...]
    groups: tuple[str, ...]
    observed: FloatArray
    expected: FloatArray
    statistic: FloatArray
    df: IntArray
    group_n: IntArray
    n_strata: int
    n_dropped: int

    @property
    def p_value(self) -> FloatArray:
        """Probability of a larger statistic were all incidences of the cause equal."""
        return np.asarray(chi2.sf(self.statistic, self.df), np.float64)

    def tidy(self) -> pd.DataFrame:
        """One row per cause: its test; ``n_events`` counts its events."""
        values = {
            "cause": self.causes,
            "estimand": "gray_chi2",
            "statistic": self.statistic,
            "df": self.df,
            "p_value": self.p_value,
            "n": int(self.group_n.sum()),
            "n_events": self.observed.sum(axis=1).astype(np.int64),
            "note": np.where(self.df > 0, "", "no two groups at risk together"),
        }
        return pd.DataFrame(values)[in_order(values)]

    def by_group(self) -> pd.DataFrame:
        """One row per cause and group: expected events as estimate."""
        n_causes, n_groups = self.observed.shape
        values = {
            "cause": np.repeat(self.causes, n_groups),
            "group": np.tile(self.groups, n_causes),
            "estimand": "expected_events",
            "estimate": self.expected.ravel(),
            "n": np.tile(self.group_n, n_causes),
            "n_events": self.observed.ravel().astype(np.int64),
        }
        return pd.DataFrame(values)[in_order(values)]

    def glance(self) -> pd.DataFrame:
        """One row: rows, events of any cause and rows left out."""
        values = {
            "n": int(self.group_n.sum()),
            "n_events": int(self.observed.sum()),
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def summary(self) -> str:
        """Describe the tests as text: observed and expected events of each group."""
        strata = f" within {self.n_strata} strata" if self.n_strata > 1 else ""
        lines = [
            f"Gray's test: {self.formula}{strata}, causes in `{self.cause}`; "
            f"{self.n_dropped} rows left out"
        ]
        width = max(map(len, self.groups))
        groups = self.by_group()
        for test in self.tidy().to_dict("records"):
            result = test["note"] or (
                f"chi-squared {test['statistic']:.4g} on {test['df']} df, "
                f"{phrase_p(test['p_value'])}"
            )
            lines.append(f"{test['cause']}: {result}")
            for row in groups[groups["cause"] == test["cause"]].itertuples():
                lines.append(
                    f"  {row.group:<{width}}  {row.n} rows, {row.n_events} events, "
                    f"{row.estimate:.2f} expected"
                )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()
