"""Fine and Gray's regression of a cumulative incidence on covariates."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.design import Design, build_design
from fahrstats.errors import ConvergenceError, DataError, ResultWarning
from fahrstats.kernels.newton import Peak, climb, solve_scaled
from fahrstats.kernels.partial_likelihood import find_tie_blocks
from fahrstats.kernels.risk_sets import sort_risk_sets
from fahrstats.kernels.subdistribution import (
    WeightedLikelihood,
    WeightedRows,
    WeightedSums,
    weigh_rows,
    weighted_influence,
)
from fahrstats.survival.competing_risks.causes import Causes, read_causes
from fahrstats.survival.competing_risks.subdistribution_fit import FineGrayFit
from fahrstats.survival.cox_models.hazards import sum_clusters
from fahrstats.survival.cox_models.maximum import EstimableColumns, find_estimable
from fahrstats.survival.cox_models.separation import monotone_directions

FloatArray = NDArray[np.float64]

_COLLAPSED = 1e-3
"""Share left of the least information at zero that makes an estimate suspect."""

_FEW_EVENTS = 5
"""Events per coefficient below which a fit is announced as fragile."""


def fine_gray(
    formula: str,
    data: pd.DataFrame,
    *,
    cause: str,
    of: str | float,
    censoring_strata: str | None = None,
    cluster: str | None = None,
    id: str | None = None,
) -> FineGrayFit:
    """Fit Fine and Gray's model of the subdistribution hazard of one cause.

    The exponentiated coefficients are ratios of subdistribution hazards: above 1, the
    cumulative incidence of the cause rises with the covariate, whether because the
    cause itself or because the others depend on it. They are no rates; for etiology
    see :func:`fahrstats.cause_specific_cox`. Rows with another event stay at risk with
    the probability to be uncensored still. Rows with a missing value in any column the
    model uses are left out and counted in ``FineGrayFit.n_dropped``. A column that
    repeats others gets no estimate. ``data`` is never modified.

    Parameters
    ----------
    formula
        Outcome and covariates: ``"Surv(time, event) ~ faceage + age + C(sex)"``. The
        event is 0/1: an event of any cause.
    data
        One row per subject.
    cause
        Column that names the cause of each event, as in
        :func:`fahrstats.cumulative_incidence`.
    of
        The cause whose incidence is modelled.
    censoring_strata
        Column of groups that are censored at different rates; each gets a curve of
        censoring of its own. By default censoring depends on nothing.
    cluster
        Column of subjects or sites; rows of one cluster may depend on each other.
    id
        Column of subjects, checked for repeats.

    Raises
    ------
    FormulaError
        The formula cannot be read, or holds the causes.
    DataError
        No event has the cause, entry is delayed, the formula names no covariate, or the
        data cannot support the fit.
    ConvergenceError
        The likelihood has no finite maximum, usually because a covariate separates
        those with the event from those at risk with them.

    Warns
    -----
    ResultWarning
        There are few events of the cause for the number of coefficients.

    Notes
    -----
    Standard errors allow for the estimation of the weights, as those of ``crr`` in R's
    package cmprsk do; ``survival::finegray`` with ``coxph`` leaves that out. Events
    that tie share a denominator (Breslow), and a row with an event counts as at risk of
    censoring at the same time, both as in ``crr``. The paper has one curve of
    censoring. With several, what the curve of a group adds to the variance sums over
    events of all groups here and over events of that group in ``crr`` (2.2-11), so
    standard errors differ a little.

    References
    ----------
    Fine and Gray (1999), JASA 94:496-509. Zhou et al. (2012), Biostatistics 13:371-383,
    for clusters.

    Examples
    --------
    >>> fit = fs.fine_gray("Surv(time, event) ~ faceage + age", cohort,
    ...                    cause="cause_of_death", of="cancer")
    >>> fit.tidy(exponentiate=True, per={"faceage": 10})
    >>> fit.incidence(new_patients, times=[1, 5])
    """
    stratified = build_design(
        formula, data, strata=censoring_strata, cluster=cluster, id=id
    )
    causes = read_causes(stratified, data, cause, formula=formula)
    code = causes.position(of)
    _refuse_unsuited(stratified)
    design, rows = _weigh(stratified, causes, code)
    columns, known = find_estimable(
        design, lambda columns: WeightedLikelihood(rows, columns.Z)
    )
    likelihood = WeightedLikelihood(rows, columns.Z)
    n_events = int(rows.of_cause.sum())
    peak = climb(likelihood, np.zeros(len(known[1])), n_events, n_events, known=known)
    _refuse_monotone(design, rows, columns, peak, known[1], causes.labels[code])
    _warn_if_few_events(formula, n_events, peak.beta.size, causes.labels[code])
    return _describe(design, rows, columns, peak, causes, code)


def _refuse_unsuited(design: Design) -> None:
    """Raise for what the model is not made for."""
    if design.entry is not None:
        raise DataError(
            f"`{design.formula.text}` has delayed entry, which needs weights for entry "
            "too; use `cause_specific_cox`, or rows that enter at 0."
        )
    if not design.columns:
        raise DataError(
            f"`{design.formula.text}` names no covariate; add one, or use "
            "`cumulative_incidence`."
        )


def _weigh(
    stratified: Design, causes: Causes, code: int
) -> tuple[Design, WeightedRows]:
    """Put the rows of all censoring strata into one order, and weigh them."""
    sets = sort_risk_sets(stratified.time, stratified.event)
    group = stratified.strata
    if group is None:
        group = np.zeros(stratified.n, np.int64)
    rows = weigh_rows(
        sets,
        (causes.codes == code)[sets.order],
        group[sets.order],
        max(1, len(stratified.strata_levels)),
    )
    return replace(stratified, strata=None, risk_sets=sets), rows


def _refuse_monotone(
    design: Design,
    rows: WeightedRows,
    columns: EstimableColumns,
    peak: Peak[WeightedSums],
    null: FloatArray,
    label: str,
) -> None:
    """Raise if the likelihood has no finite maximum, and name the columns.

    Rows with a competing event are at risk for ever, and so stand last.
    """
    size = np.sqrt(np.diag(null))
    before, after = (
        np.linalg.eigvalsh(information / np.outer(size, size)).min(initial=1.0)
        for information in (null, peak.information)
    )
    if peak.has_converged and after > _COLLAPSED * before:
        return
    sorted_time = design.risk_sets.time
    time = np.where(rows.carried > 0, sorted_time[0] + 1, sorted_time)
    sets = sort_risk_sets(time, rows.of_cause)
    can_grow, can_fall = monotone_directions(
        sets, find_tie_blocks(sets), np.ascontiguousarray(columns.Z[sets.order])
    )
    estimated = np.flatnonzero(columns.is_estimated)
    separating = [f"`{design.terms[j]}`" for j in estimated[can_grow | can_fall]]
    if separating:
        raise ConvergenceError(
            f"The likelihood of `{design.formula.text}` has no finite maximum: along "
            f"{', '.join(separating)} those with `{label}` are separated from those at "
            "risk with them; leave columns out, or merge levels."
        )
    if not peak.has_converged:
        terms = ", ".join(f"`{term}`" for term in design.terms)
        raise ConvergenceError(
            f"`{design.formula.text}` reached no maximum of the likelihood in "
            f"{design.n} rows; look for extreme values among {terms}."
        )


def _warn_if_few_events(formula: str, n_events: int, p: int, label: str) -> None:
    """Announce a fit with few events of the cause for its number of coefficients."""
    if n_events < _FEW_EVENTS * p:
        warnings.warn(
            f"{n_events} events of `{label}` for {p} coefficient{'s' * (p > 1)} "
            f"(`{formula}`): estimates and intervals are fragile below {_FEW_EVENTS} "
            "events a coefficient; use fewer terms.",
            ResultWarning,
            stacklevel=3,
        )


def _describe(
    design: Design,
    rows: WeightedRows,
    columns: EstimableColumns,
    peak: Peak[WeightedSums],
    causes: Causes,
    code: int,
) -> FineGrayFit:
    """Turn the maximum into a result, with its covariance and baseline."""
    kept = columns.is_estimated
    influence = weighted_influence(rows, peak.sums, columns.Z)
    if design.cluster is not None:
        influence = sum_clusters(design, influence)
    spread = columns.spread[kept]
    bread = solve_scaled(peak.information, influence.T) / spread[:, None]
    log_shr = np.full(kept.size, np.nan)
    log_shr[kept] = peak.beta / spread
    cov = np.full((kept.size, kept.size), np.nan)
    cov[np.ix_(kept, kept)] = bread @ bread.T
    has_event = np.flatnonzero(rows.events)[::-1]
    step = peak.sums.hazard[has_event] * np.exp(-peak.sums.middle)
    return FineGrayFit(
        formula=design.formula.text,
        cause=causes.column,
        of=causes.labels[code],
        columns=design.columns,
        log_shr=log_shr,
        cov=cov,
        n=design.n,
        n_events=int(causes.n_events[code]),
        n_competing=int(causes.n_events.sum() - causes.n_events[code]),
        n_clusters=0 if design.cluster is None else int(design.cluster.max()) + 1,
        censoring_strata=design.strata_levels,
        dropped=design.dropped,
        log_likelihood=peak.sums.log_likelihood,
        log_likelihood_null=peak.log_likelihood_start,
        aliased=columns.aliased,
        encoder=design.encoder,
        means=columns.centre,
        time=design.risk_sets.time[rows.tie_start[has_event]],
        hazard=np.cumsum(step),
        last_time=float(design.time.max()),
    )
