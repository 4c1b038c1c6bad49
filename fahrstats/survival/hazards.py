"""Cox proportional hazards models."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.errors import ResultWarning
from fahrstats.kernels.concordance import rank_agreement
from fahrstats.kernels.score_residuals import score_residuals
from fahrstats.survival.cox_fit import (
    COVARIANCES,
    TIES,
    Covariance,
    CoxFit,
    Ties,
    refuse_unknown,
)
from fahrstats.survival.maximum import Maximum, find_maximum, model_covariance

FloatArray = NDArray[np.float64]
_FEW_EVENTS = 5
"""Events per coefficient below which a fit is announced as fragile."""


def cox(
    formula: str,
    data: pd.DataFrame,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    weights: str | None = None,
    id: str | None = None,
    ties: Ties = "efron",
    covariance: Covariance = "auto",
) -> CoxFit:
    """Fit a Cox proportional hazards model.

    Rows with a missing value in any column the model uses are left out and counted in
    ``CoxFit.n_dropped``. A column that repeats others gets no estimate, and a column
    whose likelihood is monotone an infinite one; both are named in the summary.
    ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and covariates: ``"Surv(time, event) ~ faceage + age + C(sex)"``.
        ``Surv(entry, exit, event)`` allows delayed entry.
    data
        One row per subject, or per interval a subject is at risk.
    strata
        Column whose levels each have their own baseline hazard.
    cluster
        Column of subjects or sites; asks for the grouped sandwich covariance.
    weights
        Column of case weights. Whole weights stand for replicated rows; with fractional
        weights the covariance is the sandwich unless ``covariance="model"``.
    id
        Column of subjects, checked for repeats.
    ties
        ``"efron"`` or ``"breslow"``.
    covariance
        ``"model"`` for the inverse information, ``"robust"`` for the sandwich, and
        ``"auto"`` for the sandwich where ``cluster`` or fractional weights ask for it.

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        The data or an argument cannot support the fit.
    ConvergenceError
        The iteration ended without a maximum.

    References
    ----------
    Cox (1972), JRSS B 34:187-220. Efron (1977), JASA 72:557-565. Lin and Wei (1989),
    JASA 84:1074-1078. Heinze and Schemper (2001), Biometrics 57:114-119.

    Examples
    --------
    >>> fit = fs.cox("Surv(time, event) ~ faceage + age + C(sex)", cohort)
    >>> fit.tidy(exponentiate=True, per={"faceage": 10})
    """
    refuse_unknown("ties", ties, TIES)
    refuse_unknown("covariance", covariance, COVARIANCES)
    design = build_design(
        formula, data, strata=strata, cluster=cluster, weights=weights, id=id
    )
    return fit_design(design, ties=ties, covariance=covariance)


def fit_design(
    design: Design, *, ties: Ties = "efron", covariance: Covariance = "auto"
) -> CoxFit:
    """Fit a Cox model to a design that passed the gate, as :func:`cox` does."""
    maximum = find_maximum(design, efron=ties == "efron")
    return fit_maximum(design, maximum, ties=ties, covariance=covariance)


def fit_maximum(
    design: Design,
    maximum: Maximum,
    *,
    ties: Ties = "efron",
    covariance: Covariance = "auto",
) -> CoxFit:
    """Turn the maximum of a design's likelihood into a result."""
    _warn_if_few_events(design, maximum)
    model_cov = model_covariance(maximum)
    is_robust = covariance == "robust" or (
        covariance == "auto" and _asks_for_robust(design)
    )
    cov = sandwich(design, maximum, model_cov) if is_robust else model_cov
    c_index, c_index_std_error = _concordance(design, maximum)
    return CoxFit(
        formula=design.formula.text,
        roles=design.roles,
        columns=design.columns,
        log_hr=maximum.log_hr,
        cov=_embed(cov, maximum.is_finite),
        model_cov=_embed(model_cov, maximum.is_finite),
        is_robust=is_robust,
        ties=ties,
        n=design.n,
        n_events=design.n_events,
        n_clusters=0 if design.cluster is None else int(design.cluster.max()) + 1,
        n_strata=max(1, len(design.strata_levels)),
        dropped=design.dropped,
        log_likelihood=maximum.peak.sums.log_likelihood,
        log_likelihood_null=maximum.peak.log_likelihood_start,
        score_statistic=maximum.peak.score_statistic,
        c_index=c_index,
        c_index_std_error=c_index_std_error,
        aliased=maximum.aliased,
        monotone=maximum.monotone,
        encoder=design.encoder,
        means=maximum.centre,
    )


def sandwich(design: Design, maximum: Maximum, model_cov: FloatArray) -> FloatArray:
    """Return the robust covariance, grouped where clusters were given, shape (q, q).

    Uses score residuals that are right for tied event times (Therneau and Grambsch
    2000, section 7.1).
    """
    q = maximum.Z.shape[1]
    meat = np.zeros((q, q))
    grouped = np.zeros((0 if design.cluster is None else design.cluster.max() + 1, q))
    for rows, residuals in score_residuals(
        design.risk_sets, maximum.blocks, maximum.peak.sums, maximum.Z
    ):
        if design.cluster is None:
            meat += residuals.T @ residuals
        else:
            codes = design.cluster[design.risk_sets.order[rows]]
            np.add.at(grouped, codes, residuals)
    meat += grouped.T @ grouped
    bread = model_cov * maximum.spread[maximum.is_finite]
    return bread @ meat @ bread.T


def sum_clusters(design: Design, rows: FloatArray) -> FloatArray:
    """Add up sorted rows (n, k) within clusters, shape (n_clusters, k)."""
    assert design.cluster is not None
    codes = design.cluster[design.risk_sets.order]
    sums = [np.bincount(codes, column) for column in rows.T]
    return np.stack(sums, axis=1) if sums else np.zeros((codes.max() + 1, 0))


def _embed(cov: FloatArray, is_finite: NDArray[np.bool_]) -> FloatArray:
    """Place a covariance among all p columns, missing where there is none."""
    full = np.full((is_finite.size, is_finite.size), np.nan)
    full[np.ix_(is_finite, is_finite)] = cov
    return full


def _concordance(design: Design, maximum: Maximum) -> tuple[float, float]:
    """C-index of the linear predictor and its standard error."""
    agreement = rank_agreement(design.risk_sets, maximum.linear_predictor)
    influence = agreement.influence[:, 0]
    if design.cluster is not None:
        influence = sum_clusters(design, influence[:, None])[:, 0]
    return float(agreement.c_index[0]), float(np.sqrt(influence @ influence))


def _asks_for_robust(design: Design) -> bool:
    """Whether clusters or fractional weights make the model covariance wrong."""
    if design.cluster is not None:
        return True
    weights = design.weights
    return weights is not None and bool((weights != np.rint(weights)).any())


def _warn_if_few_events(design: Design, maximum: Maximum) -> None:
    """Announce a fit with few events for its number of coefficients."""
    p = int(maximum.is_estimated.sum())
    if p and design.n_events < _FEW_EVENTS * p:
        warnings.warn(
            f"{design.n_events} events for {p} coefficient{'s' * (p > 1)} "
            f"(`{design.formula.text}`): estimates and intervals are fragile below "
            f"{_FEW_EVENTS} events a coefficient; use fewer terms.",
            ResultWarning,
            stacklevel=5,
        )
