"""The maximum of a Cox likelihood, with columns that have none told apart.

Two kinds of column have no finite estimate, and neither may look like a number. An
aliased column repeats what others say; it is left out and what it equals is named. A
monotone column separates subjects with the event from those at risk with them; its
likelihood rises for ever, the estimate is infinite, and Firth's penalised estimate and
the likelihood-ratio test say what can be said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from fahrstats.cohort.design import Design
from fahrstats.errors import ConvergenceError
from fahrstats.kernels.exact_ties import ExactLikelihood
from fahrstats.kernels.newton import (
    Likelihood,
    PartialLikelihood,
    Peak,
    PointT,
    climb,
    solve_scaled,
    standardize,
)
from fahrstats.kernels.partial_likelihood import (
    BlockSums,
    TieBlocks,
    add_offset,
    find_tie_blocks,
    linear_predictor,
)
from fahrstats.survival.cox_models.aliasing import (
    Aliased,
    find_aliases,
    informative_columns,
)
from fahrstats.survival.cox_models.separation import monotone_directions

FloatArray = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)

_LOST = 1e5 * _EPSILON
"""Information, as a share of the terms it is the difference of, that rounding hides."""

_COLLAPSED = 1e-3
"""Share left of a column's information at zero that makes its estimate suspect."""


@dataclass(frozen=True, slots=True)
class Monotone:
    """A column whose likelihood has no finite maximum.

    Attributes
    ----------
    term : str
        The design column.
    log_hr : float
        Infinite, with the sign of the effect.
    lr_statistic, p_value : float
        Likelihood-ratio test of the column, chi-squared with one degree of freedom.
    """

    term: str
    log_hr: float
    lr_statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """A maximised partial likelihood; p columns in all, q with a finite estimate.

    Attributes
    ----------
    Z : ndarray of shape (n, q)
        Sorted, standardised columns with a finite estimate.
    blocks : TieBlocks
        Tie blocks of the rows.
    peak : Peak
        Where the iteration ended, over the columns that are not aliased. Its block sums
        are Breslow's where ties are exact, as residuals of such a fit have to be.
    log_likelihood : float
        The maximum; of the penalised likelihood where that is Firth's.
    is_finite, is_estimated : ndarray of bool, shape (p,)
        Columns with a finite estimate, and columns that are not aliased.
    centre, spread : ndarray of shape (p,)
        Mean and standard deviation of each column.
    log_hr : ndarray of shape (p,)
        Per unit of each column; missing where aliased, infinite where monotone.
    linear_predictor : ndarray of shape (n,)
        Sorted, centred on the column means and the mean offset; finite, with monotone
        columns as far out as the iteration went.
    information : ndarray of shape (q, q)
        Information of the finite estimates, per standard deviation of each column;
        with that of the penalty where the fit is a ridge regression.
    """

    Z: FloatArray
    blocks: TieBlocks
    peak: Peak[BlockSums]
    log_likelihood: float
    is_finite: NDArray[np.bool_]
    is_estimated: NDArray[np.bool_]
    centre: FloatArray
    spread: FloatArray
    log_hr: FloatArray
    linear_predictor: FloatArray
    information: FloatArray
    aliased: tuple[Aliased, ...]
    monotone: tuple[Monotone, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EstimableColumns:
    """The columns of a design that do not repeat others, q of p, and what all share.

    Attributes
    ----------
    Z : ndarray of shape (n, q)
        Sorted, standardised columns.
    blocks : TieBlocks
        Tie blocks of the rows.
    offset : ndarray of shape (n,) or None
        Sorted offset, less its mean as in R.
    centre, spread : ndarray of shape (p,)
        Mean and standard deviation of each column.
    is_estimated : ndarray of bool, shape (p,)
        Which columns these are.
    aliased : tuple of Aliased
        The others.
    """

    Z: FloatArray
    blocks: TieBlocks
    offset: FloatArray | None
    centre: FloatArray
    spread: FloatArray
    is_estimated: NDArray[np.bool_]
    aliased: tuple[Aliased, ...]


LikelihoodOf = Callable[[EstimableColumns], Likelihood[PointT]]
"""The likelihood to maximise, given the columns."""


def find_maximum(design: Design, *, efron: bool) -> Maximum:
    """Maximise the partial likelihood of a design, with ties approximated.

    Raises
    ------
    ConvergenceError
        Newton's method did not reach a maximum, or values of one column are so far
        apart that rounding hides what the others say.
    """

    def likelihood(columns: EstimableColumns) -> PartialLikelihood:
        return partial_likelihood(design, columns, efron=efron)

    columns, known = find_estimable(design, likelihood)
    peak = _climb(design, likelihood(columns), known)
    return _with_infinite(
        design, likelihood, columns, peak, known[1], peak, is_exact=False
    )


def find_exact_maximum(design: Design) -> Maximum:
    """Maximise the exact likelihood of tied events, as :func:`find_maximum` does."""

    def likelihood(columns: EstimableColumns) -> ExactLikelihood:
        return ExactLikelihood(
            design.risk_sets, columns.blocks, columns.Z, columns.offset
        )

    columns, known = find_estimable(design, likelihood)
    peak = _climb(design, likelihood(columns), known)
    breslow = partial_likelihood(design, columns, efron=False).at(peak.beta)
    return _with_infinite(
        design,
        likelihood,
        columns,
        peak,
        known[1],
        replace_sums(peak, breslow),
        is_exact=True,
    )


def partial_likelihood(
    design: Design, columns: EstimableColumns, *, efron: bool
) -> PartialLikelihood:
    """Return Cox's likelihood of the columns."""
    return PartialLikelihood(
        design.risk_sets, columns.blocks, columns.Z, efron=efron, offset=columns.offset
    )


def find_estimable(
    design: Design, likelihood: LikelihoodOf[PointT]
) -> tuple[EstimableColumns, tuple[PointT, FloatArray]]:
    """Standardise a design and leave out what repeats; return the start as well.

    The start is the likelihood at zero, with its information.
    """
    sets = design.risk_sets
    Z, centre, spread = standardize(design.X, sets.order)
    offset = None
    if design.offset is not None:
        offset = (design.offset - design.offset.mean())[sets.order]
    every = np.ones(spread.size, np.bool_)
    columns = EstimableColumns(
        Z, find_tie_blocks(sets), offset, centre, spread, every, ()
    )
    at_zero = likelihood(columns)
    start = at_zero.at(np.zeros(spread.size))
    null = at_zero.information(start)
    per_event = null / sets.weights[sets.event].sum()
    kept = informative_columns(per_event)
    if kept.all():
        return columns, (start, null)
    columns = replace(
        columns,
        Z=np.ascontiguousarray(Z[:, kept]),
        is_estimated=kept,
        aliased=find_aliases(design, Z, spread, per_event, kept),
    )
    start = likelihood(columns).at(np.zeros(columns.Z.shape[1]))
    return columns, (start, null[np.ix_(kept, kept)])


def to_maximum(
    columns: EstimableColumns, peak: Peak[BlockSums], log_likelihood: float
) -> Maximum:
    """Describe a peak at which every coefficient is finite."""
    log_hr = np.full(columns.spread.size, np.nan)
    log_hr[columns.is_estimated] = peak.beta / columns.spread[columns.is_estimated]
    return Maximum(
        Z=columns.Z,
        blocks=columns.blocks,
        peak=peak,
        log_likelihood=log_likelihood,
        is_finite=columns.is_estimated,
        is_estimated=columns.is_estimated,
        centre=columns.centre,
        spread=columns.spread,
        log_hr=log_hr,
        linear_predictor=add_offset(
            linear_predictor(columns.Z, peak.beta), columns.offset
        ),
        information=peak.information,
        aliased=columns.aliased,
        monotone=(),
    )


def replace_sums(peak: Peak[PointT], sums: BlockSums) -> Peak[BlockSums]:
    """Return a peak of another likelihood with block sums of its coefficients."""
    return Peak(
        beta=peak.beta,
        sums=sums,
        information=peak.information,
        log_likelihood_start=peak.log_likelihood_start,
        score_statistic=peak.score_statistic,
        has_converged=peak.has_converged,
    )


def _climb(
    design: Design,
    likelihood: Likelihood[PointT],
    known: tuple[PointT, FloatArray] | None = None,
    n_columns: int = 0,
) -> Peak[PointT]:
    """Climb from zero."""
    sets = design.risk_sets
    beta = np.zeros(len(known[1]) if known else n_columns)
    events = float(sets.weights[sets.event].sum())
    return climb(likelihood, beta, events, design.n_events, known=known)


def _with_infinite(
    design: Design,
    likelihood: LikelihoodOf[PointT],
    columns: EstimableColumns,
    peak: Peak[PointT],
    null: FloatArray,
    with_sums: Peak[BlockSums],
    *,
    is_exact: bool,
) -> Maximum:
    """Describe a peak, columns whose likelihood is monotone as infinite."""
    found = to_maximum(columns, with_sums, peak.sums.log_likelihood)
    if peak.has_converged and not _has_collapsed(peak.information, null):
        return found
    can_grow, can_fall = monotone_directions(
        design.risk_sets, columns.blocks, columns.Z, is_exact=is_exact
    )
    is_monotone = can_grow | can_fall
    _refuse_lost(design, columns, with_sums, is_monotone)
    if not is_monotone.any():
        return found
    is_finite = columns.is_estimated.copy()
    is_finite[columns.is_estimated] = ~is_monotone
    log_hr, monotone = found.log_hr.copy(), []
    estimated = np.flatnonzero(columns.is_estimated)
    for j in np.flatnonzero(is_monotone):
        sign = peak.beta[j] if can_grow[j] == can_fall[j] else float(can_grow[j]) - 0.5
        log_hr[estimated[j]] = np.copysign(np.inf, sign)
        others = np.delete(columns.Z, j, axis=1)
        without = likelihood(replace(columns, Z=np.ascontiguousarray(others)))
        below = _climb(design, without, n_columns=others.shape[1]).sums.log_likelihood
        gain = 2 * max(0.0, found.log_likelihood - below)
        monotone.append(
            Monotone(
                term=design.terms[estimated[j]],
                log_hr=float(log_hr[estimated[j]]),
                lr_statistic=gain,
                p_value=float(chi2.sf(gain, 1)),
            )
        )
    return replace(
        found,
        Z=np.ascontiguousarray(columns.Z[:, ~is_monotone]),
        is_finite=is_finite,
        log_hr=log_hr,
        information=peak.information[np.ix_(~is_monotone, ~is_monotone)],
        monotone=tuple(monotone),
    )


def _refuse_lost(
    design: Design,
    columns: EstimableColumns,
    peak: Peak[BlockSums],
    is_monotone: NDArray[np.bool_],
) -> None:
    """Raise where the iteration ended without a maximum that its digits support."""
    estimated = np.flatnonzero(columns.is_estimated)
    is_lost = np.diag(peak.information) < _LOST * (peak.sums.expected @ columns.Z**2)
    if peak.has_converged and not (is_lost & ~is_monotone).any():
        return
    message = (
        f"`{design.formula.text}` reached no maximum of the likelihood in {design.n} "
        "rows; "
    )
    separating = [f"`{design.terms[j]}`" for j in estimated[is_monotone]]
    if separating:
        raise ConvergenceError(
            f"{message}along {', '.join(separating)} those with the event are "
            "separated from those at risk with them: leave columns out, or merge "
            "levels."
        )
    lost = [f"`{design.terms[j]}`" for j in estimated[is_lost]]
    raise ConvergenceError(
        f"{message}look for extreme values among "
        f"{', '.join(lost or [f'`{term}`' for term in design.terms])}."
    )


def _has_collapsed(info: FloatArray, null: FloatArray) -> bool:
    """Whether some column lost nearly all the information it had at zero.

    Information vanishes on the way out where the likelihood is monotone, and seldom
    anywhere else.
    """
    before, after = _inverse(null, null), _inverse(info, null)
    return bool((np.diag(before) < _COLLAPSED * np.diag(after)).any())


def _inverse(info: FloatArray, null: FloatArray) -> FloatArray:
    """Invert an information that may have lost rank, in the scale of another one."""
    scale = 1 / np.sqrt(np.diag(null))
    values, vectors = np.linalg.eigh(info * np.outer(scale, scale))
    floor = _EPSILON * values.max(initial=_EPSILON)
    inverse = (vectors / np.maximum(values, floor)) @ vectors.T
    return np.asarray(inverse * np.outer(scale, scale), np.float64)


def model_covariance(maximum: Maximum) -> FloatArray:
    """Inverse information per unit of each column, shape (q, q)."""
    scale = 1 / maximum.spread[maximum.is_finite]
    identity = np.eye(scale.size)
    inverse = solve_scaled(maximum.information, identity)
    return (inverse + inverse.T) / 2 * np.outer(scale, scale)
