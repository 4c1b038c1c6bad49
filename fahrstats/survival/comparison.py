"""Several Cox models on identical rows: what one says beyond another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from fahrstats.cohort.design import Design, build_design
from fahrstats.cohort.formula import parse_formula, used_columns
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.concordance import rank_agreement
from fahrstats.survival.cox_fit import TIES, CoxFit, Ties, refuse_unknown
from fahrstats.survival.hazards import fit_maximum, sum_clusters
from fahrstats.survival.maximum import find_maximum

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_SPANNED = 1e-7
"""Largest part of a standardised column that a larger model may leave unexplained."""


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
    """

    labels: tuple[str, ...]
    fits: tuple[CoxFit, ...]
    c_index: FloatArray
    c_cov: FloatArray
    is_nested: NDArray[np.bool_]

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """C-index, log-likelihood and AIC of each model, then every pair.

        A pair ``b - a`` has the difference in C-index, later model minus earlier, and
        the likelihood-ratio test, larger model minus smaller. The test is missing, with
        a note, where neither model is nested in the other or where clusters or
        fractional weights leave it without a chi-squared distribution.
        """
        rows = [row for k in range(len(self.labels)) for row in self._of_model(k)]
        for a, b in combinations(self.labels, 2):
            rows += [self._c_difference(b, a), self._lr_row(a, b)]
        table = pd.DataFrame(rows)
        margin = norm.isf((1 - conf_level) / 2) * table["std_error"]
        table["conf_low"] = table["estimate"] - margin
        table["conf_high"] = table["estimate"] + margin
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
        problem = self._lr_problem(smaller, larger)
        if problem:
            raise DataError(f"No likelihood-ratio test: {problem}.")
        table = pd.DataFrame([self._lr_row(smaller, larger)])
        table = table.assign(n=self.fits[0].n, n_events=self.fits[0].n_events)
        return table[in_order(table.columns)].drop(columns=["std_error", "note"])

    def plot(self) -> ggplot:
        """C-index of every model with its interval."""
        from fahrstats.display.figures import estimates

        table = self.tidy()
        return estimates(table[table["estimand"] == "c_index"])

    def summary(self) -> str:
        """Describe the comparison as text."""
        from fahrstats.survival.summaries import summarize_comparison

        return summarize_comparison(self)

    def __str__(self) -> str:
        return self.summary()

    def _position(self, label: str) -> int:
        """Return the position of a model, or refuse an unknown label."""
        if label not in self.labels:
            known = ", ".join(f"`{name}`" for name in self.labels)
            raise DataError(f"No model is called `{label}`; the models are {known}.")
        return self.labels.index(label)

    def _of_model(self, k: int) -> Iterator[dict[str, object]]:
        """Yield the rows that describe one model."""
        fit = self.fits[k]
        values = {
            "c_index": (self.c_index[k], np.sqrt(self.c_cov[k, k])),
            "log_likelihood": (fit.log_likelihood, np.nan),
            "aic": (2 * fit.df - 2 * fit.log_likelihood, np.nan),
        }
        for estimand, (estimate, std_error) in values.items():
            yield {
                "model": self.labels[k],
                "term": "",
                "estimand": estimand,
                "estimate": estimate,
                "std_error": std_error,
                "note": "",
            }

    def _c_difference(self, b: str, a: str) -> dict[str, object]:
        """Difference in C-index, model b minus model a, with its z test."""
        i, j = self._position(b), self._position(a)
        variance = self.c_cov[i, i] + self.c_cov[j, j] - 2 * self.c_cov[i, j]
        estimate = self.c_index[i] - self.c_index[j]
        is_same = variance <= 1e-15 * (self.c_cov[i, i] + self.c_cov[j, j])
        std_error = 0.0 if is_same else float(np.sqrt(variance))
        statistic = np.nan if is_same else estimate / std_error
        return {
            "model": "",
            "term": f"{b} - {a}",
            "estimand": "delta_c_index",
            "estimate": estimate,
            "std_error": std_error,
            "statistic": statistic,
            "p_value": 2 * norm.sf(abs(statistic)),
            "note": "the models rank everyone alike: no test" if is_same else "",
        }

    def _lr_problem(self, smaller: str, larger: str) -> str:
        """Say why two models have no likelihood-ratio test; empty if they have one."""
        i, j = self._position(smaller), self._position(larger)
        if self.fits[i].is_robust:
            return "clusters or fractional weights; use the robust Wald test of a term"
        if not self.is_nested[i, j]:
            return f"`{smaller}` is not nested in `{larger}`"
        if self.fits[i].df == self.fits[j].df:
            return f"`{smaller}` and `{larger}` have the same columns"
        return ""

    def _lr_row(self, a: str, b: str) -> dict[str, object]:
        """Likelihood-ratio test of a pair, whichever of the two is the larger."""
        pair = (
            (b, a) if self._lr_problem(a, b) and not self._lr_problem(b, a) else (a, b)
        )
        smaller, larger = pair
        row: dict[str, object] = {
            "model": "",
            "term": f"{larger} - {smaller}",
            "estimand": "lr_chi2",
            "std_error": np.nan,
            "note": self._lr_problem(smaller, larger),
        }
        if row["note"]:
            return row
        low, high = (
            self.fits[self._position(smaller)],
            self.fits[self._position(larger)],
        )
        statistic = 2 * (high.log_likelihood - low.log_likelihood)
        df = high.df - low.df
        p_value = float(chi2.sf(statistic, df))
        return {**row, "statistic": statistic, "df": df, "p_value": p_value}


def compare(
    models: Mapping[str, str],
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    ties: Ties = "efron",
) -> ModelComparison:
    """Fit several Cox models to the rows complete for all of them, and compare.

    The C-indices come with their joint covariance, so that a difference is tested as
    the paired quantity it is. They are apparent: computed on the rows that the models
    were fitted to.

    Parameters
    ----------
    models
        Formula by label; all with the same outcome.
    data, strata, cluster, weights, id, ties
        As in :func:`fahrstats.cox`.

    Raises
    ------
    DataError
        Fewer than two models, different outcomes, or data that cannot support a fit.

    References
    ----------
    Therneau and Atkinson, "Concordance", vignette of the R package survival.

    Examples
    --------
    >>> fs.compare({"age": "Surv(time, event) ~ age",
    ...             "age + face": "Surv(time, event) ~ age + faceage"}, cohort).tidy()
    """
    refuse_unknown("ties", ties, TIES)
    if len(models) < 2:
        raise DataError(f"`models` holds {len(models)}; give at least two.")
    parsed = [parse_formula(formula) for formula in models.values()]
    outcomes = {(p.entry, p.time, p.event) for p in parsed}
    if len(outcomes) > 1:
        raise DataError(
            f"`models` has {len(outcomes)} different outcomes; likelihoods and "
            "concordances compare only for the same outcome on the same rows."
        )
    needed = [name for p in parsed for name in used_columns(p.right, data.columns)]
    designs: list[Design] = []
    for formula in models.values():
        designs.append(
            build_design(
                formula,
                data,
                strata=strata,
                cluster=cluster,
                weights=weights,
                id=id,
                also_complete=needed,
                risk_sets=designs[0].risk_sets if designs else None,
            )
        )
    maxima = [find_maximum(design, efron=ties == "efron") for design in designs]
    predictors = np.stack([m.linear_predictor for m in maxima], axis=1)
    agreement = rank_agreement(designs[0].risk_sets, predictors)
    influence = agreement.influence
    if cluster is not None:
        influence = sum_clusters(designs[0], influence)
    return ModelComparison(
        labels=tuple(models),
        fits=tuple(
            fit_maximum(design, maximum, ties=ties)
            for design, maximum in zip(designs, maxima, strict=True)
        ),
        c_index=agreement.c_index,
        c_cov=influence.T @ influence,
        is_nested=np.array([[_is_nested(a, b) for b in designs] for a in designs]),
    )


def _is_nested(smaller: Design, larger: Design) -> bool:
    """Whether every column of one design is a linear combination of the other's."""
    if smaller is larger or not smaller.columns:
        return True
    if set(smaller.terms) <= set(larger.terms):
        return True
    if not larger.columns:
        return False
    small, large = (_standardized(design.X) for design in (smaller, larger))
    slopes = np.linalg.lstsq(large, small, rcond=None)[0]
    return bool(np.abs(large @ slopes - small).max() < _SPANNED)


def _standardized(X: FloatArray) -> FloatArray:
    """Centre and scale columns; constant ones become zero."""
    centred = X - X.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))
