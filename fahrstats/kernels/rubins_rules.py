r"""Rubin's rules: one inference from the analyses of m completed tables.

Notation follows van Buuren (2018), sections 2.3 and 5.3: :math:`\bar U` is the
variance within tables, B the variance between them and
:math:`T = \bar U + (1 + 1/m) B` the total.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LEAST_SHARE = 1e-4
"""Share of the variance due to missing values that df take for granted, as in R."""


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """q pooled estimates, all arrays of shape (q,).

    Attributes
    ----------
    estimate : ndarray
        Mean over the tables.
    within, between, total : ndarray
        Variances within and between tables, and of the pooled estimate.
    relative_increase : ndarray
        (1 + 1/m) B / U: increase in variance due to missing values; infinite where the
        estimates vary between tables only.
    df : ndarray
        Degrees of freedom of t (Barnard and Rubin 1999).
    missing_information : ndarray
        Fraction of the information on the estimate that is missing; 2 / (df + 3) where
        nothing is, since the fraction is an estimate too.
    """

    estimate: FloatArray
    within: FloatArray
    between: FloatArray
    total: FloatArray
    relative_increase: FloatArray
    df: FloatArray
    missing_information: FloatArray


@dataclass(frozen=True, slots=True)
class PooledStatistic:
    """A statistic with an F distribution on ``df`` and ``df_residual``.

    ``relative_increase`` is the average relative increase in variance.
    """

    statistic: float
    df: int
    df_residual: float
    relative_increase: float


def combine(
    estimates: FloatArray, variances: FloatArray, complete_df: FloatArray
) -> Combined:
    """Pool estimates and their variances, both of shape (m, q).

    ``complete_df``, shape (q,), are the degrees of freedom that the analysis would have
    without missing values; infinite where a normal distribution would do. Where the
    total variance is zero there is nothing to infer, and df and information are
    missing.
    """
    m = len(estimates)
    within = variances.mean(axis=0)
    between = estimates.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    with np.errstate(divide="ignore", invalid="ignore"):
        relative_increase = (1 + 1 / m) * between / within
        share = np.maximum((1 + 1 / m) * between / total, _LEAST_SHARE)
        large_sample = (m - 1) / share**2
        observed = (complete_df + 1) / (complete_df + 3) * complete_df * (1 - share)
        df = large_sample * observed / (large_sample + observed)
        df = np.where(np.isinf(complete_df), large_sample, df)
        missing_information = (relative_increase + 2 / (df + 3)) / (
            relative_increase + 1
        )
    missing_information[np.isinf(relative_increase)] = 1.0
    undefined = ~(total > 0)
    df[undefined] = missing_information[undefined] = np.nan
    return Combined(
        estimate=estimates.mean(axis=0),
        within=within,
        between=between,
        total=total,
        relative_increase=relative_increase,
        df=df,
        missing_information=missing_information,
    )


def wald_test(estimates: FloatArray, covs: FloatArray) -> PooledStatistic:
    """Test that k coefficients are zero, D1 of Li, Raghunathan and Rubin (1991).

    ``estimates`` have shape (m, k) and ``covs`` (m, k, k). The increase in variance is
    taken to be the same in all directions, so few tables suffice for many coefficients.
    """
    m, k = estimates.shape
    mean, within = estimates.mean(axis=0), covs.mean(axis=0)
    deviations = estimates - mean
    between = deviations.T @ deviations / (m - 1)
    increase = (1 + 1 / m) * float(np.trace(np.linalg.solve(within, between))) / k
    statistic = float(mean @ np.linalg.solve(within, mean)) / (k * (1 + increase))
    return PooledStatistic(statistic, k, _df_residual(m, k, increase), increase)


def chi_squared_test(statistics: FloatArray, k: int) -> PooledStatistic:
    """Pool m chi-squared statistics on k df, D2 of Li, Meng et al. (1991).

    It needs nothing but the statistics, and has the least power of the three.
    """
    m = statistics.size
    increase = (1 + 1 / m) * float(np.sqrt(statistics).var(ddof=1))
    shift = (m + 1) / (m - 1) * increase
    statistic = (float(statistics.mean()) / k - shift) / (1 + increase)
    df_residual = np.inf
    if increase > 0:
        df_residual = k ** (-3 / m) * (m - 1) * (1 + 1 / increase) ** 2
    return PooledStatistic(statistic, k, df_residual, increase)


def likelihood_ratio_test(
    at_estimates: FloatArray, at_pooled: FloatArray, k: int
) -> PooledStatistic:
    """Pool likelihood ratios on k df, D3 of Meng and Rubin (1992).

    ``at_estimates``, shape (m,), are the statistics of the tables, each with its own
    estimates; ``at_pooled`` the same with both likelihoods at the pooled estimates. An
    increase below zero, which chance can give, counts as none.
    """
    m = at_estimates.size
    difference = float(at_estimates.mean() - at_pooled.mean())
    increase = max(0.0, (m + 1) / (k * (m - 1)) * difference)
    statistic = float(at_pooled.mean()) / (k * (1 + increase))
    return PooledStatistic(statistic, k, _df_residual(m, k, increase), increase)


def _df_residual(m: int, k: int, increase: float) -> float:
    """Residual degrees of freedom of D1 and D3."""
    if increase == 0:
        return np.inf
    v = k * (m - 1)
    if v > 4:
        return 4 + (v - 4) * (1 + (1 - 2 / v) / increase) ** 2
    return v * (1 + 1 / k) * (1 + 1 / increase) ** 2 / 2
