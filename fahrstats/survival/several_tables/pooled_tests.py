"""Tests of nested Cox models on completed tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, f

from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.partial_likelihood import block_sums
from fahrstats.kernels.rubins_rules import (
    PooledStatistic,
    chi_squared_test,
    likelihood_ratio_test,
    wald_test,
)
from fahrstats.survival.cox_models.maximum import model_covariance
from fahrstats.survival.model_comparison.model_set import ModelSet, fit_models
from fahrstats.survival.options import TIES, Ties, refuse_unknown
from fahrstats.survival.several_tables.completed import check_tables

FloatArray = NDArray[np.float64]
PooledMethod = Literal["D1", "D2", "D3"]

METHODS: tuple[PooledMethod, ...] = ("D1", "D2", "D3")
"""Ways to pool the tests of nested models."""

_SMALLER, _LARGER = "smaller", "larger"


def pool_lr_test(
    smaller: str,
    larger: str,
    tables: Iterable[pd.DataFrame],
    *,
    method: PooledMethod = "D3",
    strata: str | None = None,
    ties: Ties = "efron",
) -> PooledTest:
    """Test what a larger Cox model adds to a smaller one, on completed tables.

    Likelihood ratios of completed tables may not be averaged: each says how well its
    own imputed values fit. D3 compares them with the likelihoods of the same tables at
    the pooled coefficients. D2 needs the ratios only, and D1 is a Wald test of the
    pooled coefficients that the smaller model lacks.

    Parameters
    ----------
    smaller, larger
        Formulas with the same outcome; the columns of the first are spanned by those of
        the second.
    tables
        Two or more completed tables, such as :func:`fahrstats.impute` gives.
    method
        ``"D3"``, ``"D2"`` or ``"D1"``.
    strata, ties
        As in :func:`fahrstats.cox`.

    Raises
    ------
    DataError
        The models are not nested or have the same columns, a coefficient is not finite
        in some table, or the tables are not completed ones of one data set.

    Notes
    -----
    As ``mice::D3``, ``mitml::testModels`` with "D2" and likelihoods, and with "D1".
    An increase in variance that D3 estimates below zero counts as none here.

    References
    ----------
    Li, Raghunathan and Rubin (1991), JASA 86:1065-1073, for D1. Li, Meng, Raghunathan
    and Rubin (1991), Statistica Sinica 1:65-92, for D2. Meng and Rubin (1992),
    Biometrika 79:103-111, for D3.

    Examples
    --------
    >>> fs.pool_lr_test("Surv(time, event) ~ age + bmi",
    ...                 "Surv(time, event) ~ age + bmi + faceage", tables)
    """
    refuse_unknown("method", method, METHODS)
    refuse_unknown("ties", ties, TIES)
    formulas = {_SMALLER: smaller, _LARGER: larger}
    completed = check_tables(formulas, tables, {"strata": strata})
    sets = [
        fit_models(
            formulas,
            table,
            efron=ties == "efron",
            strata=strata,
            cluster=None,
            weights=None,
            id=None,
        )
        for table in completed
    ]
    df = _added_columns(sets)
    pooled = {"D1": _wald, "D2": _chi_squared, "D3": _likelihood_ratio}[method](
        sets, df
    )
    design = sets[0].designs[1]
    return PooledTest(
        smaller=smaller,
        larger=larger,
        method=method,
        test=pooled,
        n_tables=len(completed),
        n=design.n,
        n_events=design.n_events,
        n_dropped=design.n_dropped,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PooledTest:
    """Test of two nested models on completed tables.

    Attributes
    ----------
    smaller, larger : str
        The formulas.
    method : str
        ``D1``, ``D2`` or ``D3``.
    test : PooledStatistic
        The statistic, which has an F distribution, and its degrees of freedom.
    n_tables, n, n_events, n_dropped : int
        Completed tables; rows and events of each, and rows left out.
    """

    smaller: str
    larger: str
    method: PooledMethod
    test: PooledStatistic
    n_tables: int
    n: int
    n_events: int
    n_dropped: int

    @property
    def p_value(self) -> float:
        """Probability of a larger statistic where the models fit equally well."""
        return tail_probability(self.test)

    def tidy(self) -> pd.DataFrame:
        """One row: the statistic, its degrees of freedom and p value."""
        values = {
            "term": f"{_LARGER} - {_SMALLER}",
            "estimand": f"lr_{self.method.lower()}",
            "statistic": self.test.statistic,
            "df": self.test.df,
            "df_residual": self.test.df_residual,
            "p_value": self.p_value,
            "relative_increase": self.test.relative_increase,
            "n_tables": self.n_tables,
            "n": self.n,
            "n_events": self.n_events,
        }
        return pd.DataFrame([values])[in_order(values)]

    def glance(self) -> pd.DataFrame:
        """One row: tables, rows, events and rows left out."""
        names = ("n_tables", "n", "n_events", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def summary(self) -> str:
        """Describe the test as text."""
        test = self.test
        return "\n".join(
            [
                f"{self.larger}",
                f"against {self.smaller}",
                f"{self.n_tables} completed tables of {self.n} rows, {self.n_events} "
                f"events; {self.n_dropped} left out",
                f"{self.method}: F {test.statistic:.4g} on {test.df} and "
                f"{test.df_residual:.1f} df, p = {self.p_value:.3g}; relative increase "
                f"in variance {test.relative_increase:.3g}",
            ]
        )

    def __str__(self) -> str:
        return self.summary()


def tail_probability(test: PooledStatistic) -> float:
    """P value of a pooled statistic, whose residual df may be infinite."""
    if np.isinf(test.df_residual):
        return float(chi2.sf(test.df * test.statistic, test.df))
    return float(f.sf(test.statistic, test.df, test.df_residual))


def _added_columns(sets: list[ModelSet]) -> int:
    """Coefficients that the larger model adds, the same in every table.

    Raises
    ------
    DataError
        The models are not nested, add nothing, or lack a finite estimate.
    """
    first = sets[0].designs
    for number, models in enumerate(sets, start=1):
        low, high = models.maxima
        for label, design, maximum, known in zip(
            models.labels, models.designs, models.maxima, first, strict=True
        ):
            if design.terms != known.terms:
                raise DataError(
                    f"The {label} model has other columns in table {number} than in "
                    "the first; give factors the same levels in all tables."
                )
            bad = [
                f"`{term}`"
                for term, is_finite in zip(design.terms, maximum.is_finite, strict=True)
                if not is_finite
            ]
            if bad:
                raise DataError(
                    f"{', '.join(bad)} has no finite estimate in table {number}, so "
                    f"the {label} model cannot be pooled; leave it out of both."
                )
        if not models.is_nested[0, 1]:
            raise DataError(
                f"The smaller model is not nested in the larger one in table {number}; "
                "its columns must be spanned by those of the larger."
            )
    df = high.log_hr.size - low.log_hr.size
    if df <= 0:
        raise DataError("The two models have the same columns; nothing is tested.")
    return df


def _statistics(sets: list[ModelSet]) -> FloatArray:
    """Likelihood ratio of every table, each with its own estimates."""
    peaks = [[m.peak.sums.log_likelihood for m in models.maxima] for models in sets]
    return np.array([2 * (high - low) for low, high in peaks])


def _chi_squared(sets: list[ModelSet], df: int) -> PooledStatistic:
    """D2."""
    return chi_squared_test(_statistics(sets), df)


def _likelihood_ratio(sets: list[ModelSet], df: int) -> PooledStatistic:
    """D3."""
    at_pooled = [_at_pooled(sets, k) for k in (0, 1)]
    ratios = 2 * (at_pooled[1] - at_pooled[0])
    return likelihood_ratio_test(_statistics(sets), ratios, df)


def _at_pooled(sets: list[ModelSet], k: int) -> FloatArray:
    """Log-likelihood of model k in every table, at its pooled coefficients."""
    log_hr = np.mean([models.maxima[k].log_hr for models in sets], axis=0)
    values = []
    for models in sets:
        design, maximum = models.designs[k], models.maxima[k]
        centred = (design.X - maximum.centre)[design.risk_sets.order]
        sums = block_sums(
            design.risk_sets, maximum.blocks, centred @ log_hr, efron=models.efron
        )
        values.append(sums.log_likelihood)
    return np.array(values)


def _wald(sets: list[ModelSet], df: int) -> PooledStatistic:
    """D1 of the terms that the smaller model lacks."""
    low, high = (design.terms for design in sets[0].designs)
    added = [j for j, term in enumerate(high) if term not in low]
    if len(added) != df:
        raise DataError(
            f"{len(added)} terms of the larger model are not in the smaller one, but "
            f"it has {df} more; D1 tests terms, so use D3 or write the smaller model "
            "with terms of the larger."
        )
    larger = [models.maxima[1] for models in sets]
    covs = [model_covariance(maximum)[np.ix_(added, added)] for maximum in larger]
    return wald_test(np.stack([m.log_hr[added] for m in larger]), np.stack(covs))
