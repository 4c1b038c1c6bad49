"""The result of a Cox model, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Dropped
from fahrstats.cohort.encoding import DesignColumn, Encoder
from fahrstats.cohort.roles import Roles
from fahrstats.survival.cox_models.aliasing import Aliased
from fahrstats.survival.cox_models.maximum import Monotone
from fahrstats.survival.cox_models.penalization import Firth, FirthEstimate, Ridge
from fahrstats.survival.options import CoxTies
from fahrstats.survival.wald import joint_statistic

if TYPE_CHECKING:
    from plotnine import ggplot

    from fahrstats.survival.cox_models.baseline import BaselineHazard
    from fahrstats.survival.cox_models.hazard_curves import HazardCurve
    from fahrstats.survival.cox_models.influential_rows import Influence
    from fahrstats.survival.cox_models.residuals import Residual

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A fitted Cox model with p design columns.

    Attributes
    ----------
    formula : str
        The formula as given.
    roles : Roles
        Columns of strata, clusters, weights, subjects and offset, as named at fitting.
    columns : tuple of DesignColumn
        Names, variables, levels and reference levels of the design columns.
    log_hr : ndarray of shape (p,)
        Log hazard ratio per unit of each column; missing where aliased, infinite where
        the likelihood is monotone.
    cov : ndarray of shape (p, p)
        Covariance of ``log_hr``: the sandwich where ``is_robust``. Missing for columns
        without a finite estimate.
    model_cov : ndarray of shape (p, p)
        Inverse information.
    n, n_events, n_clusters, n_strata : int
        Rows used, events among them, clusters (0 without), strata.
    dropped : tuple of Dropped
        Rows left out, by reason.
    log_likelihood, log_likelihood_null : float
        Log partial likelihood at the estimate and at zero, without any penalty.
    score_statistic : float
        Rao's statistic, chi-squared with ``df`` degrees of freedom; missing with a
        penalty.
    c_index, c_index_std_error : float
        Harrell's concordance of the linear predictor, within strata, and its
        infinitesimal-jackknife standard error (clustered where clusters were given).
    aliased : tuple of Aliased
        Columns without an estimate and what they equal.
    monotone : tuple of Monotone
        Columns with an infinite estimate, and their test.
    firth : tuple of FirthEstimate
        Firth's estimates with their profiles: of every column where the fit is
        Firth's, else of the monotone ones.
    penalty : Firth, Ridge or None
        What was added to the likelihood.
    encoder : Encoder
        Encodes new data as the fitted data were.
    means : ndarray of shape (p,)
        Column means, where the linear predictor is zero.
    offset_mean : float
        Mean of the offset, which the linear predictor is relative to; 0 without one.
    """

    formula: str
    roles: Roles
    columns: tuple[DesignColumn, ...]
    log_hr: FloatArray
    cov: FloatArray
    model_cov: FloatArray
    is_robust: bool
    ties: CoxTies
    n: int
    n_events: int
    n_clusters: int
    n_strata: int
    dropped: tuple[Dropped, ...]
    log_likelihood: float
    log_likelihood_null: float
    score_statistic: float
    c_index: float
    c_index_std_error: float
    aliased: tuple[Aliased, ...]
    monotone: tuple[Monotone, ...]
    firth: tuple[FirthEstimate, ...]
    penalty: Firth | Ridge | None
    encoder: Encoder
    means: FloatArray
    offset_mean: float

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
        """Coefficients estimated, infinite ones included."""
        return int((~np.isnan(self.log_hr)).sum())

    @property
    def effective_df(self) -> float:
        """Degrees of freedom of ``lr_statistic``: ``df``, or fewer with a ridge."""
        return self.penalty.df if isinstance(self.penalty, Ridge) else self.df

    @property
    def lr_statistic(self) -> float:
        """Likelihood-ratio statistic against no covariates.

        Chi-squared on ``effective_df``; of the penalised likelihood in a Firth fit.
        """
        at = self.penalty if isinstance(self.penalty, Firth) else self
        return 2 * (at.log_likelihood - at.log_likelihood_null)

    @property
    def aic(self) -> float:
        """Akaike's criterion; missing for Firth's estimate, no maximum likelihood."""
        if isinstance(self.penalty, Firth):
            return np.nan
        return 2 * self.effective_df - 2 * self.log_likelihood

    @property
    def wald_df(self) -> int:
        """Coefficients with a finite estimate."""
        return int(np.isfinite(self.log_hr).sum())

    @property
    def wald_statistic(self) -> float:
        """Wald statistic of the finite coefficients, from ``cov``.

        Missing where there are no more clusters than coefficients, because the
        sandwich covariance then has no inverse.
        """
        return joint_statistic(self.log_hr, self.cov, n_clusters=self.n_clusters)

    def tidy(
        self,
        *,
        exponentiate: bool = False,
        per: Mapping[str, float] | None = None,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row per design column, and one more for each Firth estimate.

        Parameters
        ----------
        exponentiate
            Hazard ratios, which have no standard error, instead of log hazard ratios.
        per
            Size of the step to report by column of the design or variable:
            ``{"faceage": 10}`` gives the effect of ten units.
        conf_level
            Confidence level of the Wald interval.

        Notes
        -----
        A monotone term has an infinite estimate, the likelihood-ratio statistic and
        its p value, and a second row, ``log_hr_firth``, with Firth's estimate, profile
        interval and penalised likelihood ratio. Where the whole fit is Firth's, so are
        all rows. Profile limits exist at 0.9, 0.95 and 0.99, and are missing at other
        levels. An aliased term has missing estimates and a note.
        """
        from fahrstats.survival.cox_models.coefficient_rows import coefficient_table

        return coefficient_table(
            self, exponentiate=exponentiate, per=per, conf_level=conf_level
        )

    def glance(self) -> pd.DataFrame:
        """One row: sizes, likelihoods, the test of all coefficients and the C-index.

        The test is the likelihood ratio; where the covariance is robust, it is the Wald
        test, because the other has no chi-squared distribution. With a ridge penalty
        the degrees of freedom are effective ones; Firth's fit has no AIC.
        """
        from fahrstats.survival.cox_models.coefficient_rows import glance_table

        return glance_table(self)

    def augment(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return ``data`` with a column ``linear_predictor``, row for row.

        It is zero at the column means of the fitted data, and at the mean of their
        offset if there is one, and missing for rows with a missing covariate. Aliased
        columns contribute nothing.

        Raises
        ------
        DataError
            A column is absent, a factor has a level unseen at fitting, or a coefficient
            is infinite.
        """
        from fahrstats.survival.cox_models.fitted_rows import add_linear_predictor

        return add_linear_predictor(self, data)

    def residuals(
        self, data: pd.DataFrame, kind: Residual, *, collapse: str | None = None
    ) -> pd.DataFrame:
        """Residuals of the rows of the fit, row for row of ``data``.

        Rows that the fit left out are missing. Schoenfeld residuals have one row per
        event instead, by stratum and time, with a column ``time``.

        Parameters
        ----------
        data
            The data frame that the model was fitted to.
        kind
            ``"martingale"`` (events less those expected) and ``"deviance"``: one
            column. ``"score"`` (contribution to the gradient), ``"dfbeta"`` (change of
            the estimates that the row makes) and ``"dfbetas"`` (the same in standard
            errors of the model): one column per term. ``"schoenfeld"`` (covariates
            less their mean over those at risk) and ``"scaled_schoenfeld"``.
        collapse
            Column within which to sum, such as that of subjects on several rows.

        Raises
        ------
        DataError
            ``data`` are not those of the fit, or a coefficient is infinite.

        Notes
        -----
        As R's ``residuals.coxph``: ``dfbeta`` and ``dfbetas`` include case weights, the
        others do not.

        References
        ----------
        Therneau and Grambsch (2000), chapters 4 and 7.
        """
        from fahrstats.survival.cox_models.residuals import residual_table

        return residual_table(self, data, kind, collapse)

    def influence(self, data: pd.DataFrame) -> Influence:
        """Find how far single rows, or clusters, move each coefficient.

        By ``dfbetas`` residuals; ``data`` is the data frame that the model was fitted
        to. Rows beyond 2 / sqrt(n) standard errors are counted.

        Raises
        ------
        DataError
            ``data`` are not those of the fit, a coefficient is infinite, ties are
            exact, or the model has no term.

        References
        ----------
        Belsley, Kuh and Welsch (1980), Regression Diagnostics, chapter 2, for the
        threshold.
        """
        from fahrstats.survival.cox_models.influential_rows import find_influence

        return find_influence(self, data)

    def baseline(self, data: pd.DataFrame) -> BaselineHazard:
        """Estimate the baseline hazard, and with it the survival of new rows.

        ``data`` is the data frame that the model was fitted to; ties are handled as in
        the fit.

        Raises
        ------
        DataError
            ``data`` are not those of the fit, or a coefficient is infinite.

        Examples
        --------
        >>> fit.baseline(cohort).survival(new_patients, times=[1, 5])
        """
        from fahrstats.survival.cox_models.baseline import estimate_baseline

        return estimate_baseline(self, data)

    def contrast(
        self,
        first: Mapping[str, object],
        second: Mapping[str, object] | None = None,
        *,
        exponentiate: bool = False,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """One row: a linear combination of coefficients with its Wald test.

        ``contrast({"faceage": 10, "age": -10})`` weighs design columns;
        ``contrast({"age": 70, "sex": "m"}, {"age": 60, "sex": "f"})`` compares the
        hazards of two profiles, each with a value of every covariate, within a stratum
        and with the same offset. Missing, with a note, where a coefficient that it
        needs has no finite estimate.
        """
        from fahrstats.survival.cox_models.contrasts import contrast_table

        return contrast_table(
            self, first, second, exponentiate=exponentiate, conf_level=conf_level
        )

    def joint_test(self, terms: Sequence[str]) -> pd.DataFrame:
        """One row: joint Wald test that all columns of terms or variables are zero.

        A variable stands for its factor or its ``rcs`` splines. From ``cov``, so robust
        where the fit is. Aliased columns are left out.
        """
        from fahrstats.survival.cox_models.contrasts import wald_table

        return wald_table(self, terms)

    def drop1(self, data: pd.DataFrame) -> pd.DataFrame:
        """One row per term of the formula: the likelihood-ratio test of leaving it out.

        A factor or spline leaves as a whole, and every fit is to the same rows. A term
        that is part of a product is not tested, as in R. Where the covariance is robust
        the likelihood ratio has no chi-squared distribution, and the row holds the
        robust Wald test, with a note.

        Parameters
        ----------
        data
            The data frame that the model was fitted to.

        Raises
        ------
        DataError
            ``data`` are not those of the fit, or the model has no term.
        """
        from fahrstats.survival.cox_models.term_tests import drop_table

        return drop_table(self, data)

    def nonlinearity(self, data: pd.DataFrame | None = None) -> pd.DataFrame:
        """Test whether the splines of the model bend.

        Two rows per ``rcs`` term: the joint Wald test of all its columns, and that of
        the non-linear ones. With ``data``, the data frame that the model was fitted
        to, a third has the likelihood-ratio test of the non-linear columns.

        Raises
        ------
        DataError
            The model has no spline, or ``data`` are not those of the fit.
        """
        from fahrstats.survival.cox_models.nonlinearity import nonlinearity_table

        return nonlinearity_table(self, data)

    def curve(
        self,
        variable: str,
        *,
        reference: float | None = None,
        at: Iterable[float] | None = None,
    ) -> HazardCurve:
        """Estimate the hazard ratio of every value of a variable to a reference value.

        Only this variable moves; a spline or any other transform of it is followed.

        Parameters
        ----------
        variable
            Column of the data that enters as a number.
        reference
            Value that the others are compared with; the median of the rows fitted if
            not given.
        at
            Values at which to estimate; by default 101 from the 2.5th to the 97.5th
            percentile. Both are known for transformed variables only.

        Raises
        ------
        DataError
            No term holds the variable, it is a factor, or it takes part in a product
            with others.

        Examples
        --------
        >>> fit = fs.cox("Surv(time, event) ~ rcs(faceage, 4) + age", cohort)
        >>> fit.curve("faceage", reference=60).plot()
        """
        from fahrstats.survival.cox_models.hazard_curves import estimate_curve

        return estimate_curve(self, variable, reference, at)

    def plot(self, *, per: Mapping[str, float] | None = None) -> ggplot:
        """Forest plot of the hazard ratios."""
        from fahrstats.display.figures import forest

        return forest(self.tidy(exponentiate=True, per=per))

    def summary(self) -> str:
        """Describe the fit as text: sizes, hazard ratios, tests, what was left out."""
        from fahrstats.survival.summaries import summarize_cox

        return summarize_cox(self)

    def __str__(self) -> str:
        return self.summary()
