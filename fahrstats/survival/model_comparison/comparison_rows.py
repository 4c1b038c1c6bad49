"""Rows of the table that compares models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from fahrstats.survival.model_comparison.accuracy_rows import APPARENT

if TYPE_CHECKING:
    from fahrstats.survival.model_comparison.comparison import ModelComparison

Row = dict[str, object]

_ALIKE = 1e-15
"""Variance of a difference, as a share of the two, that rounding leaves of zero."""

_DOUBTFUL = 0.05
"""P value above which the data do not tell two models apart."""


def model_rows(comparison: ModelComparison) -> Iterator[Row]:
    """Yield C-index, log-likelihood and AIC of every model."""
    for k, (label, fit) in enumerate(
        zip(comparison.labels, comparison.fits, strict=True)
    ):
        values = {
            "c_index": (comparison.c_index[k], np.sqrt(comparison.c_cov[k, k])),
            "log_likelihood": (fit.log_likelihood, np.nan),
            "aic": (2 * fit.df - 2 * fit.log_likelihood, np.nan),
        }
        for estimand, (estimate, std_error) in values.items():
            validation = APPARENT if estimand == "c_index" else ""
            yield _row(
                estimand, estimate, std_error, model=label, validation=validation
            )


def pair_rows(comparison: ModelComparison) -> Iterator[Row]:
    """Yield what is said of every two models, later minus earlier."""
    for i, j in combinations(range(len(comparison.labels)), 2):
        yield _c_difference(comparison, j, i)
        yield likelihood_ratio(comparison, i, j)
        yield from _new_information(comparison, i, j)
        yield from _likelihood_difference(comparison, j, i)


def likelihood_ratio(comparison: ModelComparison, i: int, j: int) -> Row:
    """Likelihood-ratio test of two models, whichever of them is the larger."""
    if lr_problem(comparison, i, j) and not lr_problem(comparison, j, i):
        i, j = j, i
    row = _row("lr_chi2", term=_contrast(comparison, j, i))
    problem = lr_problem(comparison, i, j)
    if problem:
        return row | {"note": problem}
    low, high = comparison.fits[i], comparison.fits[j]
    statistic = 2 * (high.log_likelihood - low.log_likelihood)
    df = high.df - low.df
    return row | {
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2.sf(statistic, df)),
    }


def lr_problem(comparison: ModelComparison, smaller: int, larger: int) -> str:
    """Say why two models have no likelihood-ratio test; empty if they have one."""
    low, high = comparison.labels[smaller], comparison.labels[larger]
    if comparison.fits[smaller].is_robust:
        return "clusters or fractional weights; use the robust Wald test of a term"
    if not comparison.is_nested[smaller, larger]:
        return f"`{low}` is not nested in `{high}`"
    if comparison.fits[smaller].df == comparison.fits[larger].df:
        return f"`{low}` and `{high}` have the same columns"
    return ""


def with_limits(table: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    """Add normal limits to rows without any.

    A share of information lies between 0 and 1, often near one of them, so its limits
    are made on the logit scale.
    """
    z = norm.isf((1 - conf_level) / 2)
    estimate = table["estimate"].to_numpy()
    margin = z * table["std_error"].to_numpy()
    low, high = estimate - margin, estimate + margin
    share = (table["estimand"] == "new_information").to_numpy()
    share &= (estimate > 0) & (estimate < 1)
    middle, spread = logit(estimate[share]), estimate[share] * (1 - estimate[share])
    low[share] = expit(middle - margin[share] / spread)
    high[share] = expit(middle + margin[share] / spread)
    known = table.reindex(columns=["conf_low", "conf_high"])
    return table.assign(
        conf_low=known["conf_low"].fillna(pd.Series(low)),
        conf_high=known["conf_high"].fillna(pd.Series(high)),
    )


def _c_difference(comparison: ModelComparison, j: int, i: int) -> Row:
    """Difference in C-index, model j minus model i, with its z test."""
    cov = comparison.c_cov
    variance = cov[i, i] + cov[j, j] - 2 * cov[i, j]
    estimate = comparison.c_index[j] - comparison.c_index[i]
    term = _contrast(comparison, j, i)
    if variance <= _ALIKE * (cov[i, i] + cov[j, j]):
        note = "the models rank everyone alike: no test"
        return _row(
            "delta_c_index", estimate, 0.0, term=term, validation=APPARENT, note=note
        )
    row = _row(
        "delta_c_index",
        estimate,
        float(np.sqrt(variance)),
        term=term,
        validation=APPARENT,
    )
    return row | _z_test(estimate, np.sqrt(variance))


def _new_information(comparison: ModelComparison, i: int, j: int) -> Iterator[Row]:
    """Yield the share of the larger model's information that the smaller lacks."""
    for small, large in ((i, j), (j, i)):
        gain = comparison.new_information.get((small, large))
        if gain is not None:
            yield _row(
                "new_information",
                gain.estimate,
                gain.std_error,
                term=_contrast(comparison, large, small),
                validation=APPARENT,
            )


def _likelihood_difference(
    comparison: ModelComparison, j: int, i: int
) -> Iterator[Row]:
    """Yield the tests of two models that are not nested."""
    found = comparison.differences.get((i, j))
    if found is None:
        return
    term = _contrast(comparison, j, i)
    row = _row("delta_log_likelihood", found.estimate, found.std_error, term=term)
    if found.variance == 0:
        yield row | {"note": "every row contributes alike to both: no test"}
        return
    note = ""
    if found.variance_p_value > _DOUBTFUL:
        note = "the data do not tell the models apart, so the test means little"
    yield row | _z_test(found.estimate, found.std_error) | {"note": note}
    yield _row("variance_of_delta_log_likelihood", term=term) | {
        "statistic": found.variance,
        "p_value": found.variance_p_value,
        "note": "whether the models differ at all; a weighted sum of chi-squared",
    }


def _contrast(comparison: ModelComparison, j: int, i: int) -> str:
    return f"{comparison.labels[j]} - {comparison.labels[i]}"


def _z_test(estimate: float, std_error: float) -> Row:
    statistic = estimate / std_error
    return {"statistic": statistic, "p_value": float(2 * norm.sf(abs(statistic)))}


def _row(
    estimand: str,
    estimate: float = np.nan,
    std_error: float = np.nan,
    *,
    model: str = "",
    term: str = "",
    validation: str = "",
    note: str = "",
) -> Row:
    return {
        "model": model,
        "term": term,
        "estimand": estimand,
        "validation": validation,
        "estimate": estimate,
        "std_error": std_error,
        "statistic": np.nan,
        "df": np.nan,
        "p_value": np.nan,
        "note": note,
    }
