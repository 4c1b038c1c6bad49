"""Several Cox models on identical rows: what one says beyond another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.concordance import rank_agreement
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.hazards import fit_maximum, sum_clusters
from fahrstats.survival.model_comparison.accuracy import Accuracy, measure_accuracy
from fahrstats.survival.model_comparison.accuracy_rows import (
    APPARENT,
    CORRECTED,
    accuracy_of_models,
    accuracy_of_pairs,
    net_benefit_rows,
)
from fahrstats.survival.model_comparison.comparison_rows import (
    likelihood_ratio,
    lr_problem,
    model_rows,
    pair_rows,
    with_limits,
)
from fahrstats.survival.model_comparison.measures import check_horizons, plan_measures
from fahrstats.survival.model_comparison.model_set import (
    NewInformation,
    compare_likelihoods,
    fit_models,
)
from fahrstats.survival.model_comparison.non_nested import LikelihoodDifference
from fahrstats.survival.model_comparison.optimism import check_counts
from fahrstats.survival.options import TIES, Ties, check_conf_level, refuse_unknown
from fahrstats.survival.predictions.horizons import as_horizon, weigh_at

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ModelComparison:
    """k Cox models fitted to the same rows.

    Attributes
    ----------
    labels : tuple of str
        Labels of the models, in the caller's order.
    fits : tuple of CoxFit
        The fitted models.
    c_index : ndarray of shape (k,)
        Harrell's concordance of each linear predictor.
    c_cov : ndarray of shape (k, k)
        Their joint infinitesimal-jackknife covariance.
    is_nested : ndarray of bool, shape (k, k)
        Whether the columns of model i lie in the span of the columns of model j.
    differences : mapping of (int, int) to LikelihoodDifference
        Later model minus earlier, for every two models that are not nested.
    new_information : mapping of (int, int) to NewInformation
        By positions (smaller, larger), for every two models that are nested.
    accuracy : Accuracy
        Measures at horizons and, with bootstrap draws, their optimism.
    """

    labels: tuple[str, ...]
    fits: tuple[CoxFit, ...]
    c_index: FloatArray
    c_cov: FloatArray
    is_nested: NDArray[np.bool_]
    differences: Mapping[tuple[int, int], LikelihoodDifference]
    new_information: Mapping[tuple[int, int], NewInformation]
    accuracy: Accuracy

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """C-index, log-likelihood and AIC of each model, then every pair.

        A pair ``b - a`` has the difference in C-index, later model minus earlier, and
        the likelihood-ratio test, larger model minus smaller. The test is missing, with
        a note, where neither model is nested in the other or where clusters or
        fractional weights leave it without a chi-squared distribution. Nested models
        have ``new_information``, the share of the larger one's likelihood ratio that
        the smaller one lacks (1 minus Harrell's adequacy index); others have the
        difference of their log-likelihoods with Fine's test, and the test whether the
        data tell them apart at all.
        """
        check_conf_level(conf_level)
        rows = [
            *model_rows(self),
            *accuracy_of_models(self, conf_level),
            *pair_rows(self),
            *accuracy_of_pairs(self, conf_level),
        ]
        table = with_limits(pd.DataFrame(rows), conf_level)
        table = table.assign(n=self.fits[0].n, n_events=self.fits[0].n_events)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: sizes shared by all models."""
        return self.fits[0].glance()[["n", "n_events", "n_dropped"]]

    def lr_test(self, smaller: str, larger: str) -> pd.DataFrame:
        """Likelihood-ratio test of two nested models, one row.

        Raises
        ------
        DataError
            A label is unknown, the models are not nested, they have the same columns,
            or clusters or fractional weights leave the test without a chi-squared
            distribution.
        """
        i, j = self._position(smaller), self._position(larger)
        problem = lr_problem(self, i, j)
        if problem:
            raise DataError(f"No likelihood-ratio test: {problem}.")
        table = pd.DataFrame([likelihood_ratio(self, i, j)])
        table = table.assign(n=self.fits[0].n, n_events=self.fits[0].n_events)
        return table[in_order(table.columns)].drop(columns=["std_error", "note"])

    def decision_curve(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Net benefit of every model by horizon and threshold, and of all and none.

        Apparent and, with bootstrap draws, corrected for optimism with limits.
        :func:`fahrstats.display.figures.decision_curves` draws one horizon of either.

        Raises
        ------
        DataError
            The models were compared without horizons.

        References
        ----------
        Vickers et al. (2008), BMC Medical Informatics and Decision Making 8:53.
        """
        check_conf_level(conf_level)
        if not self.accuracy.plan.horizons:
            raise DataError("There is no net benefit without `horizons`; give some.")
        table = pd.DataFrame(list(net_benefit_rows(self, conf_level)))
        for limit in {"conf_low", "conf_high"} - set(table.columns):
            table[limit] = np.nan
        table = table.assign(n=self.fits[0].n, n_events=self.fits[0].n_events)
        return table[in_order(table.columns)]

    def predicted_risks(self, data: pd.DataFrame, horizon: float) -> pd.DataFrame:
        """Risk of the event by ``horizon`` for each row of ``data``, a column a model.

        ``data`` are those of the fits. Joined to them, the columns can be judged by
        :func:`fahrstats.calibration` and the other verbs for predictions.
        """
        at = as_horizon(horizon)
        return pd.DataFrame(
            {
                label: fit.baseline(data).risk(data, at)["estimate"].to_numpy()
                for label, fit in zip(self.labels, self.fits, strict=True)
            },
            index=data.index,
        )

    def plot(self) -> ggplot:
        """Draw what every model adds to the first: differences in C and in the IPA.

        Corrected for optimism where there are draws. The C-indices themselves are
        drawn by :func:`fahrstats.display.figures.estimates`, from rows of the table.
        """
        from fahrstats.display.figures import estimates

        table = self.tidy()
        shown = CORRECTED if self.accuracy.resampled is not None else APPARENT
        first = [f"{label} - {self.labels[0]}" for label in self.labels[1:]]
        is_told = table["estimand"].isin(["delta_c_index", "delta_ipa"])
        is_told &= (table["validation"] == shown) & table["term"].isin(first)
        title = "Corrected for optimism" if shown == CORRECTED else ""
        return estimates(table[is_told], title=title)

    def summary(self) -> str:
        """Describe the comparison as text."""
        from fahrstats.survival.model_comparison.comparison_summary import (
            summarize_comparison,
        )

        return summarize_comparison(self)

    def __str__(self) -> str:
        return self.summary()

    def _position(self, label: str) -> int:
        """Return the position of a model, or refuse an unknown label."""
        if label not in self.labels:
            known = ", ".join(f"`{name}`" for name in self.labels)
            raise DataError(f"No model is called `{label}`; the models are {known}.")
        return self.labels.index(label)


def compare(
    models: Mapping[str, str],
    data: pd.DataFrame,
    *,
    horizons: float | Sequence[float] = (),
    risk_categories: Sequence[float] = (),
    n_boot: int = 0,
    seed: int = 0,
    n_workers: int = 1,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    ties: Ties = "efron",
) -> ModelComparison:
    """Fit several Cox models to the rows complete for all of them: what each one adds.

    Every accuracy is given as it appears on the rows of the fits and, with ``n_boot``,
    corrected for optimism: each draw repeats the whole model building, and what its
    models lose from the draw to all rows is taken off (Harrell, Lee and Mark 1996).
    All measures come from one set of draws, so differences are paired. Limits of
    corrected measures are percentiles over the draws, shifted by the optimism (Noma et
    al. 2021); limits of apparent ones use the influence of every row, C-indices and
    their differences with the joint covariance.

    Parameters
    ----------
    models
        Formula by label; all with the same outcome.
    horizons
        Times at which risks are predicted and judged: AUC, Brier score, index of
        prediction accuracy, calibration, net benefit, reclassification.
    risk_categories
        Borders of categories of predicted risk, for the categorical net
        reclassification improvement.
    n_boot
        Bootstrap draws; 0 for none. Clusters are drawn whole, strata separately.
    seed
        Of the draws; a result depends on it and not on ``n_workers``.
    n_workers
        Threads that fit draws.
    data, strata, cluster, weights, id, ties
        As in :func:`fahrstats.cox`.

    Raises
    ------
    FormulaError
        Horizons are given and the outcome has delayed entry.
    DataError
        Fewer than two models, different outcomes, a horizon that nobody is followed
        beyond or before the first event, categories that are no risks, or data that
        cannot support a fit.

    Warns
    -----
    ResultWarning
        A horizon as in :func:`fahrstats.time_dependent_auc`, or few events for the
        coefficients of a model.

    References
    ----------
    Therneau and Atkinson, "Concordance", vignette of the R package survival. Harrell
    (2015), Regression Modeling Strategies, section 9.8.4, for new information. Fine
    (2002), Biometrika 89:635-647, for models that are not nested. Harrell, Lee and Mark
    (1996), Statistics in Medicine 15:361-387. Noma et al. (2021), Statistics in
    Medicine 40:5691-5701.

    Examples
    --------
    >>> fs.compare({"age": "Surv(time, event) ~ age",
    ...             "age + face": "Surv(time, event) ~ age + faceage"}, cohort,
    ...            horizons=[1, 5], n_boot=500, seed=20240607).tidy()
    """
    refuse_unknown("ties", ties, TIES)
    plan = plan_measures(horizons, risk_categories)
    check_counts(n_boot=n_boot, n_workers=n_workers)
    fitted = fit_models(
        models,
        data,
        efron=ties == "efron",
        strata=strata,
        cluster=cluster,
        weights=weights,
        id=id,
    )
    design = fitted.designs[0]
    check_horizons(design, plan)
    weigh_at(design, plan.horizons)  # announces horizons that few are seen until
    predictors = np.stack([m.linear_predictor for m in fitted.maxima], axis=1)
    agreement = rank_agreement(design.risk_sets, predictors)
    influence = agreement.influence
    if cluster is not None:
        influence = sum_clusters(design, influence)
    differences, new_information = compare_likelihoods(fitted)
    return ModelComparison(
        labels=fitted.labels,
        fits=tuple(
            fit_maximum(design, maximum, ties=ties)
            for design, maximum in zip(fitted.designs, fitted.maxima, strict=True)
        ),
        c_index=agreement.c_index,
        c_cov=influence.T @ influence,
        is_nested=fitted.is_nested,
        differences=differences,
        new_information=new_information,
        accuracy=measure_accuracy(
            fitted, plan, data, n_boot=n_boot, seed=seed, n_workers=n_workers
        ),
    )
