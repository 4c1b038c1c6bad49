"""The result of Fine and Gray's model, and the tables made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Dropped
from fahrstats.cohort.encoding import DesignColumn, Encoder, design_matrix
from fahrstats.cohort.follow_up import tie_with
from fahrstats.columns import in_order
from fahrstats.survival.cox_models.aliasing import Aliased
from fahrstats.survival.over_time.survival_curves import check_times
from fahrstats.survival.wald import as_ratio, find_steps, joint_statistic, with_wald

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FineGrayFit:
    """A fitted model of the subdistribution hazard of one cause; p design columns.

    Attributes
    ----------
    formula : str
        The formula as given.
    cause, of : str
        Column of the causes, and the cause modelled.
    columns : tuple of DesignColumn
        Names, variables, levels and reference levels of the design columns.
    log_shr : ndarray of shape (p,)
        Log subdistribution hazard ratio per unit of each column; missing where aliased.
    cov : ndarray of shape (p, p)
        Covariance of ``log_shr`` that allows for estimated weights, summed in clusters
        where these were given.
    n, n_events, n_competing, n_clusters : int
        Rows used, events of the cause and of others among them, clusters (0 without).
    censoring_strata : tuple of str
        Groups with curves of censoring of their own; empty where all share one.
    dropped : tuple of Dropped
        Rows left out, by reason.
    log_likelihood, log_likelihood_null : float
        Weighted log partial likelihood at the estimate and at zero. With estimated
        weights twice their difference is not chi-squared.
    aliased : tuple of Aliased
        Columns without an estimate and what they equal.
    encoder : Encoder
        Encodes new data as the fitted data were.
    means : ndarray of shape (p,)
        Column means, at which ``hazard`` is given.
    time, hazard : ndarray of shape (k,)
        Times with an event of the cause, and the cumulative subdistribution hazard.
    last_time : float
        Last follow-up.
    """

    formula: str
    cause: str
    of: str
    columns: tuple[DesignColumn, ...]
    log_shr: FloatArray
    cov: FloatArray
    n: int
    n_events: int
    n_competing: int
    n_clusters: int
    censoring_strata: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    log_likelihood: float
    log_likelihood_null: float
    aliased: tuple[Aliased, ...]
    encoder: Encoder
    means: FloatArray
    time: FloatArray
    hazard: FloatArray
    last_time: float

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the design columns."""
        return tuple(column.term for column in self.columns)

    @property
    def n_dropped(self) -> int:
        """Rows left out, for any reason."""
        return sum(dropped.n for dropped in self.dropped)

    @property
    def df(self) -> int:
        """Coefficients estimated."""
        return int(np.isfinite(self.log_shr).sum())

    @property
    def wald_statistic(self) -> float:
        """Wald statistic of all coefficients, chi-squared on ``df``.

        Missing where there are no more clusters than coefficients, because the
        covariance then has no inverse.
        """
        return joint_statistic(self.log_shr, self.cov, n_clusters=self.n_clusters)

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per design column, with its Wald test and interval.

        Parameters
        ----------
        exponentiate
            Ratios (``shr``), which have no standard error, instead of their logs
            (``log_shr``).
        per
            Size of the step to report by column of the design or variable:
            ``{"faceage": 10}`` gives the effect of ten units.
        conf_level
            Confidence level of the Wald interval.
        """
        step = find_steps(self.columns, per)
        aliased = {alias.term: f"aliased: {alias.equals}" for alias in self.aliased}
        table = pd.DataFrame(
            {
                "cause": self.of,
                "variable": [column.variable for column in self.columns],
                "level": [column.level for column in self.columns],
                "term": self.terms,
                "reference": [column.reference for column in self.columns],
                "per": step,
                "estimand": "log_shr",
                "n": self.n,
                "n_events": self.n_events,
                "n_competing": self.n_competing,
                "note": [aliased.get(term, "") for term in self.terms],
            }
        )
        std_error = np.sqrt(np.diag(self.cov)) * np.abs(step)
        table = with_wald(table, self.log_shr * step, std_error, conf_level)
        table = table[in_order(table.columns)]
        return as_ratio(table).assign(estimand="shr") if exponentiate else table

    def glance(self) -> pd.DataFrame:
        """One row: sizes, likelihoods and the Wald test of all coefficients."""
        statistic = self.wald_statistic
        values = {
            "cause": self.of,
            "n": self.n,
            "n_events": self.n_events,
            "n_competing": self.n_competing,
            "n_dropped": self.n_dropped,
            "statistic": statistic,
            "df": self.df,
            "p_value": chi2.sf(statistic, self.df),
            "log_likelihood": self.log_likelihood,
            "log_likelihood_null": self.log_likelihood_null,
        }
        return pd.DataFrame([values])[in_order(values)]

    def incidence(
        self, new_data: pd.DataFrame, times: float | Sequence[float] | FloatArray
    ) -> pd.DataFrame:
        """Predict the cumulative incidence of the cause, one row per row and time.

        ``group`` is the label of the row in ``new_data``. Beyond the last follow-up
        incidence is not known: missing, with a note, as for a row with a missing
        covariate. No standard error is given.

        Raises
        ------
        DataError
            A column is absent, or a factor has a level unseen at fitting.

        Notes
        -----
        1 - exp(-H exp(x'b)) with Breslow's estimate of the cumulative subdistribution
        hazard H, as ``predict`` for ``crr`` in R's package cmprsk.
        """
        wanted = check_times(times)
        X = design_matrix(self.encoder, new_data)
        beta = np.where(np.isnan(self.log_shr), 0.0, self.log_shr)
        ratio = np.exp((X - self.means) @ beta)
        looked_up = tie_with(wanted, np.append(self.time, self.last_time))
        at = np.searchsorted(self.time, looked_up, "right")
        hazard = np.append(0.0, self.hazard)[at]
        is_known = looked_up <= self.last_time
        estimate = -np.expm1(-ratio[:, None] * np.where(is_known, hazard, np.nan))
        note = np.where(is_known, "", "beyond the last follow-up")
        is_complete = ~np.isnan(ratio)
        table = pd.DataFrame(
            {
                "cause": self.of,
                "group": np.repeat([str(label) for label in new_data.index], len(at)),
                "estimand": "cumulative_incidence",
                "time": np.tile(wanted, len(ratio)),
                "estimate": estimate.ravel(),
                "note": np.where(
                    is_complete[:, None], note, "a covariate is missing"
                ).ravel(),
            }
        )
        return table[in_order(table.columns)]

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the subdistribution hazard ratios."""
        from fahrstats.display.figures import forest

        return forest(
            self.tidy(exponentiate=True, per=per),
            x_label=f"Subdistribution hazard ratio (95% CI), {self.of}",
        )

    def summary(self) -> str:
        """Describe the fit as text: sizes, ratios, test, what was left out."""
        from fahrstats.survival.competing_risks.incidence_summaries import (
            summarize_fine_gray,
        )

        return summarize_fine_gray(self)

    def __str__(self) -> str:
        return self.summary()
