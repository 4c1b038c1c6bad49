"""Penalised Cox models: Firth's, finite where the likelihood is monotone, and ridge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from fahrstats.cohort.design import Design
from fahrstats.errors import ConvergenceError
from fahrstats.kernels.firth import PenalizedPeak, maximize_penalized
from fahrstats.kernels.firth_profile import profile_coefficient
from fahrstats.kernels.newton import (
    PartialLikelihood,
    Peak,
    climb,
    solve_scaled,
)
from fahrstats.kernels.ridge import RidgeLikelihood
from fahrstats.survival.cox_models.maximum import (
    EstimableColumns,
    Maximum,
    find_estimable,
    partial_likelihood,
    replace_sums,
    to_maximum,
)

FloatArray = NDArray[np.float64]

PROFILE_LEVELS = (0.9, 0.95, 0.99)
"""Confidence levels at which profile limits are found, since no formula gives them."""


@dataclass(frozen=True, slots=True)
class FirthEstimate:
    """Firth's estimate of one column, with its profile.

    Attributes
    ----------
    term : str
        The design column.
    log_hr, std_error : float
        Estimate per unit of the column, and its standard error from the inverse
        information; missing where the iteration found no maximum.
    lr_statistic, p_value : float
        Penalised likelihood-ratio test, chi-squared with one degree of freedom.
    conf_low, conf_high : tuple of float
        Profile limits at each of :data:`PROFILE_LEVELS`.
    """

    term: str
    log_hr: float
    std_error: float
    lr_statistic: float
    p_value: float
    conf_low: tuple[float, ...]
    conf_high: tuple[float, ...]

    def limits(self, conf_level: float) -> tuple[float, float]:
        """Profile limits at a level; missing at one that was not computed."""
        if conf_level not in PROFILE_LEVELS:
            return np.nan, np.nan
        at = PROFILE_LEVELS.index(conf_level)
        return self.conf_low[at], self.conf_high[at]


@dataclass(frozen=True, slots=True)
class Firth:
    """Firth's penalised log-likelihood at the estimate and at zero.

    Half the log determinant of the information, per unit of the columns, is part of
    both. Their difference, and no other, is free of these units.
    """

    log_likelihood: float
    log_likelihood_null: float


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """What a ridge penalty did to a fit.

    Attributes
    ----------
    theta : float
        The penalty is half of ``theta`` times the sum of squared coefficients per
        standard deviation of their columns.
    df : float
        Effective degrees of freedom, the trace of the covariance without the penalty's
        part times the information with it.
    sampling_cov : ndarray of shape (p, p)
        Covariance of the estimates around their own, shrunken, expectation: the
        inverse penalised information times the information times that inverse again.
        ``CoxFit.cov``, the inverse penalised information itself, is larger and allows
        for the shrinkage.
    """

    theta: float
    df: float
    sampling_cov: FloatArray


def find_firth_maximum(design: Design, *, efron: bool) -> Maximum:
    """Maximise Firth's penalised likelihood of all columns.

    The log-likelihood of the result is without the penalty.

    Raises
    ------
    ConvergenceError
        The iteration found no maximum.
    """
    columns, likelihood = _partial_likelihood(design, efron=efron)
    peak = maximize_penalized(likelihood)
    if not peak.has_converged:
        raise ConvergenceError(
            f"`{design.formula.text}` reached no maximum of Firth's penalised "
            f"likelihood in {design.n} rows; use fewer terms, or merge levels."
        )
    sums = likelihood.at(peak.beta)
    return to_maximum(
        columns,
        Peak(
            beta=peak.beta,
            sums=sums,
            information=likelihood.information(sums),
            log_likelihood_start=likelihood.at(0 * peak.beta).log_likelihood,
            score_statistic=np.nan,
            has_converged=True,
        ),
        sums.log_likelihood,
    )


def describe_firth(maximum: Maximum, design: Design, *, efron: bool) -> Firth:
    """Penalised log-likelihoods of a fit found by :func:`find_firth_maximum`."""
    columns, likelihood = _partial_likelihood(design, efron=efron)
    units = 2 * float(np.log(columns.spread[columns.is_estimated]).sum())
    null = likelihood.information(likelihood.at(0 * maximum.peak.beta))
    halves = [
        (float(np.linalg.slogdet(info)[1]) + units) / 2
        for info in (maximum.information, null)
    ]
    return Firth(
        maximum.log_likelihood + halves[0],
        maximum.peak.log_likelihood_start + halves[1],
    )


def firth_estimates(
    design: Design, terms: Collection[str], *, efron: bool
) -> tuple[FirthEstimate, ...]:
    """Estimate and profile the named terms by Firth's penalised likelihood.

    All columns that can be estimated are in the model, those with an infinite estimate
    too.
    """
    if not terms:
        return ()
    columns, likelihood = _partial_likelihood(design, efron=efron)
    peak = maximize_penalized(likelihood)
    estimated = np.flatnonzero(columns.is_estimated)
    return tuple(
        _profiled(design.terms[column], likelihood, peak, j, columns.spread[column])
        for j, column in enumerate(estimated)
        if design.terms[column] in terms
    )


def _profiled(
    term: str, likelihood: PartialLikelihood, peak: PenalizedPeak, j: int, unit: float
) -> FirthEstimate:
    """Describe one coefficient; missing where there is no maximum."""
    if not peak.has_converged:
        nothing = (np.nan,) * len(PROFILE_LEVELS)
        return FirthEstimate(term, np.nan, np.nan, np.nan, np.nan, nothing, nothing)
    roots = np.asarray(norm.isf((1 - np.array(PROFILE_LEVELS)) / 2))
    profile = profile_coefficient(likelihood, peak, j, roots)
    return FirthEstimate(
        term=term,
        log_hr=float(peak.beta[j] / unit),
        std_error=float(np.sqrt(peak.cov[j, j]) / unit),
        lr_statistic=profile.lr_statistic,
        p_value=float(chi2.sf(profile.lr_statistic, 1)),
        conf_low=tuple((profile.low / unit).tolist()),
        conf_high=tuple((profile.high / unit).tolist()),
    )


def _partial_likelihood(
    design: Design, *, efron: bool
) -> tuple[EstimableColumns, PartialLikelihood]:
    """Return the columns that can be estimated, and their likelihood."""
    columns, _ = find_estimable(
        design, lambda columns: partial_likelihood(design, columns, efron=efron)
    )
    return columns, partial_likelihood(design, columns, efron=efron)


def find_ridge_maximum(design: Design, *, efron: bool, theta: float) -> Maximum:
    """Maximise the likelihood less a ridge penalty on columns of unit variance.

    The log-likelihoods are without the penalty, as in R.

    Raises
    ------
    ConvergenceError
        Newton's method did not reach a maximum.
    """
    n = design.n

    def likelihood(columns: EstimableColumns) -> RidgeLikelihood:
        varies = columns.spread[columns.is_estimated] > 0
        penalty = np.where(varies, theta * n / (n - 1), 0.0)
        partial = partial_likelihood(design, columns, efron=efron)
        return RidgeLikelihood(partial, penalty)

    columns, known = find_estimable(design, likelihood)
    events = float(design.risk_sets.weights[design.risk_sets.event].sum())
    peak = climb(
        likelihood(columns),
        np.zeros(columns.Z.shape[1]),
        events,
        design.n_events,
        known=known,
    )
    if not peak.has_converged:
        raise ConvergenceError(
            f"`{design.formula.text}` reached no maximum of the likelihood less the "
            f"ridge penalty in {design.n} rows; look for extreme values among "
            f"{', '.join(f'`{term}`' for term in design.terms)}."
        )
    found = replace(replace_sums(peak, peak.sums.sums), score_statistic=np.nan)
    return to_maximum(columns, found, peak.sums.sums.log_likelihood)


def describe_ridge(design: Design, maximum: Maximum, theta: float) -> Ridge:
    """Effective degrees of freedom and sampling covariance of a ridge fit."""
    n, kept = design.n, maximum.is_estimated
    plain = maximum.information - theta * n / (n - 1) * np.eye(int(kept.sum()))
    inverse = solve_scaled(maximum.information, np.eye(len(plain)))
    sampling = inverse @ plain @ inverse.T
    full = np.full((kept.size, kept.size), np.nan)
    unit = maximum.spread[kept]
    full[np.ix_(kept, kept)] = sampling / np.outer(unit, unit)
    return Ridge(theta, float(np.trace(plain @ inverse)), full)
