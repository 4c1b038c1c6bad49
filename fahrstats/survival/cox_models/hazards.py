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
from fahrstats.survival.cox_models.cox_fit import CoxFit
from fahrstats.survival.cox_models.fit_options import (
    asks_for_robust,
    check_options,
    refuse_for_data,
)
from fahrstats.survival.cox_models.maximum import (
    Maximum,
    find_exact_maximum,
    find_maximum,
    model_covariance,
)
from fahrstats.survival.cox_models.penalization import (
    Firth,
    FirthEstimate,
    Ridge,
    describe_firth,
    describe_ridge,
    find_firth_maximum,
    find_ridge_maximum,
    firth_estimates,
)
from fahrstats.survival.options import Covariance, CoxTies, Penalty

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
    offset: str | None = None,
    ties: CoxTies = "efron",
    covariance: Covariance = "auto",
    penalty: Penalty = "none",
    ridge: float = 0.0,
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
    offset
        Column added to the linear predictor with coefficient one, such as the log
        hazard ratio of a published score. Centred on its mean, as in R.
    ties
        ``"efron"`` or ``"breslow"`` for tied times that are really distinct, and
        ``"exact"`` for times that are discrete: the conditional likelihood of which
        rows have the event, given how many. Its cost grows with the number of events
        at one time; it knows no weights and no robust covariance.
    covariance
        ``"model"`` for the inverse information, ``"robust"`` for the sandwich, and
        ``"auto"`` for the sandwich where ``cluster`` or fractional weights ask for it.
    penalty
        ``"firth"`` to estimate every coefficient by Firth's penalised likelihood, with
        profile intervals and penalised likelihood-ratio tests. By ``"none"`` only
        columns whose likelihood is monotone get such an estimate, beside the infinite
        one.
    ridge
        Penalty on the squared coefficients per standard deviation of their columns;
        ``theta`` of R's ``ridge``. The degrees of freedom are effective ones.

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
    JASA 84:1074-1078. Gail, Lubin and Rubinstein (1981), Biometrika 68:703-707. Heinze
    and Schemper (2001), Biometrics 57:114-119. Gray (1992), JASA 87:942-951.

    Examples
    --------
    >>> fit = fs.cox("Surv(time, event) ~ faceage + age + C(sex)", cohort)
    >>> fit.tidy(exponentiate=True, per={"faceage": 10})
    """
    check_options(ties, covariance, penalty, ridge)
    design = build_design(
        formula,
        data,
        strata=strata,
        cluster=cluster,
        weights=weights,
        id=id,
        offset=offset,
    )
    return fit_design(
        design, ties=ties, covariance=covariance, penalty=penalty, ridge=ridge
    )


def fit_design(
    design: Design,
    *,
    ties: CoxTies = "efron",
    covariance: Covariance = "auto",
    penalty: Penalty = "none",
    ridge: float = 0.0,
) -> CoxFit:
    """Fit a Cox model to a design that passed the gate, as :func:`cox` does."""
    refuse_for_data(design, ties, covariance, penalty)
    maximum = maximize_design(design, ties=ties, penalty=penalty, ridge=ridge)
    return fit_maximum(
        design,
        maximum,
        ties=ties,
        covariance=covariance,
        penalty=penalty,
        ridge=ridge,
    )


def maximize_design(
    design: Design,
    *,
    ties: CoxTies = "efron",
    penalty: Penalty = "none",
    ridge: float = 0.0,
) -> Maximum:
    """Maximise the likelihood that the options of :func:`cox` ask for."""
    if ties == "exact":
        return find_exact_maximum(design)
    efron = ties == "efron"
    if penalty == "firth":
        return find_firth_maximum(design, efron=efron)
    if ridge:
        return find_ridge_maximum(design, efron=efron, theta=ridge)
    return find_maximum(design, efron=efron)


def fit_maximum(
    design: Design,
    maximum: Maximum,
    *,
    ties: CoxTies = "efron",
    covariance: Covariance = "auto",
    penalty: Penalty = "none",
    ridge: float = 0.0,
) -> CoxFit:
    """Turn the maximum of a design's likelihood into a result."""
    _warn_if_few_events(design, maximum)
    cov, model_cov = covariances(design, maximum, covariance)
    c_index, c_index_std_error = _concordance(design, maximum)
    return CoxFit(
        formula=design.formula.text,
        roles=design.roles,
        columns=design.columns,
        log_hr=maximum.log_hr,
        cov=cov,
        model_cov=model_cov,
        is_robust=asks_for_robust(design, covariance),
        ties=ties,
        n=design.n,
        n_events=design.n_events,
        n_clusters=0 if design.cluster is None else int(design.cluster.max()) + 1,
        n_strata=max(1, len(design.strata_levels)),
        dropped=design.dropped,
        log_likelihood=maximum.log_likelihood,
        log_likelihood_null=maximum.peak.log_likelihood_start,
        score_statistic=maximum.peak.score_statistic,
        c_index=c_index,
        c_index_std_error=c_index_std_error,
        aliased=maximum.aliased,
        monotone=maximum.monotone,
        firth=_firth_estimates(design, maximum, ties, penalty),
        penalty=_describe_penalty(design, maximum, ties, penalty, ridge),
        encoder=design.encoder,
        means=maximum.centre,
        offset_mean=0.0 if design.offset is None else float(design.offset.mean()),
    )


def _firth_estimates(
    design: Design, maximum: Maximum, ties: CoxTies, penalty: Penalty
) -> tuple[FirthEstimate, ...]:
    """Firth's estimates of all columns where asked for, else of the monotone ones.

    There are none of the exact likelihood.
    """
    if ties == "exact":
        return ()
    terms = [monotone.term for monotone in maximum.monotone]
    if penalty == "firth":
        aliased = [aliased.term for aliased in maximum.aliased]
        terms = [term for term in design.terms if term not in aliased]
    return firth_estimates(design, terms, efron=ties == "efron")


def _describe_penalty(
    design: Design, maximum: Maximum, ties: CoxTies, penalty: Penalty, ridge: float
) -> Firth | Ridge | None:
    """Say what was added to the likelihood, if anything."""
    if penalty == "firth":
        return describe_firth(maximum, design, efron=ties == "efron")
    return describe_ridge(design, maximum, ridge) if ridge else None


def covariances(
    design: Design, maximum: Maximum, covariance: Covariance = "auto"
) -> tuple[FloatArray, FloatArray]:
    """Return the covariance of all p coefficients that is asked for, and the model's.

    Missing for columns without a finite estimate.
    """
    model_cov = model_covariance(maximum)
    cov = model_cov
    if asks_for_robust(design, covariance):
        cov = sandwich(design, maximum, model_cov)
    return _embed(cov, maximum.is_finite), _embed(model_cov, maximum.is_finite)


def is_fragile(design: Design, maximum: Maximum) -> bool:
    """Tell whether a fit has few events for its number of coefficients."""
    return design.n_events < _FEW_EVENTS * int(maximum.is_estimated.sum())


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


def _warn_if_few_events(design: Design, maximum: Maximum) -> None:
    """Announce a fit with few events for its number of coefficients."""
    p = int(maximum.is_estimated.sum())
    if is_fragile(design, maximum):
        warnings.warn(
            f"{design.n_events} events for {p} coefficient{'s' * (p > 1)} "
            f"(`{design.formula.text}`): estimates and intervals are fragile below "
            f"{_FEW_EVENTS} events a coefficient; use fewer terms.",
            ResultWarning,
            stacklevel=5,
        )
