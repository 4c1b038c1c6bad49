"""The maximum of a Cox likelihood, with columns that have none told apart.

Two kinds of column have no finite estimate, and neither may look like a number. An
aliased column repeats what others say; it is left out and what it equals is named. A
monotone column separates subjects with the event from those at risk with them; its
likelihood rises for ever, the estimate is infinite, and Firth's penalised estimate and
the likelihood-ratio test say what can be said.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpstrf
from scipy.stats import chi2

from fahrstats.cohort.design import Design
from fahrstats.errors import ConvergenceError
from fahrstats.kernels.firth import maximize_penalized
from fahrstats.kernels.newton import Peak, maximize, solve_scaled, standardize
from fahrstats.kernels.partial_likelihood import (
    TieBlocks,
    block_sums,
    find_tie_blocks,
    information,
    linear_predictor,
)
from fahrstats.survival.separation import monotone_directions

FloatArray = NDArray[np.float64]

_COLLINEAR = 1e-10
"""Share of a column's information, given the others, that counts as none."""

_NO_INFORMATION = 1e-12
"""Information per event, for a column of unit spread, that counts as none."""

_EPSILON = float(np.finfo(np.float64).eps)

_LOST = 1e5 * _EPSILON
"""Information, as a share of the terms it is the difference of, that rounding hides."""

_COLLAPSED = 1e-3
"""Share left of a column's information at zero that makes its estimate suspect."""


@dataclass(frozen=True, slots=True)
class Aliased:
    """A column without information of its own; ``equals`` says what it repeats."""

    term: str
    equals: str


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
    firth_log_hr, firth_std_error : float
        Estimate by Firth's penalised likelihood, per unit of the column; missing where
        that iteration found no maximum.
    """

    term: str
    log_hr: float
    lr_statistic: float
    p_value: float
    firth_log_hr: float
    firth_std_error: float


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
        Where Newton's method ended; over the columns that are not aliased.
    is_finite, is_estimated : ndarray of bool, shape (p,)
        Columns with a finite estimate, and columns that are not aliased.
    centre, spread : ndarray of shape (p,)
        Mean and standard deviation of each column.
    log_hr : ndarray of shape (p,)
        Per unit of each column; missing where aliased, infinite where monotone.
    linear_predictor : ndarray of shape (n,)
        Sorted, centred on the column means; finite, with monotone columns as far out
        as the iteration went.
    information : ndarray of shape (q, q)
        Information of the finite estimates, per standard deviation of each column.
    """

    Z: FloatArray
    blocks: TieBlocks
    peak: Peak
    is_finite: NDArray[np.bool_]
    is_estimated: NDArray[np.bool_]
    centre: FloatArray
    spread: FloatArray
    log_hr: FloatArray
    linear_predictor: FloatArray
    information: FloatArray
    aliased: tuple[Aliased, ...]
    monotone: tuple[Monotone, ...]


def find_maximum(design: Design, *, efron: bool) -> Maximum:
    """Maximise the partial likelihood of a design.

    Raises
    ------
    ConvergenceError
        Newton's method did not reach a maximum, or values of one column are so far
        apart that rounding hides what the others say.
    """
    sets = design.risk_sets
    blocks = find_tie_blocks(sets)
    Z, centre, spread = standardize(design.X, sets.order)
    start = block_sums(sets, blocks, np.zeros(len(Z)), efron=efron)
    null = information(sets, blocks, start, Z)
    per_event = null / sets.weights[sets.event].sum()
    is_estimated = _informative(per_event)
    aliased = tuple(
        Aliased(
            design.terms[j], _equals(design, Z, spread, per_event, is_estimated, int(j))
        )
        for j in np.flatnonzero(~is_estimated)
    )
    if aliased:
        Z = np.ascontiguousarray(Z[:, is_estimated])
    null = null[np.ix_(is_estimated, is_estimated)]
    peak = maximize(sets, blocks, Z, efron=efron, null=(start, null))
    can_grow = can_fall = np.zeros(peak.beta.size, np.bool_)
    if not peak.has_converged or _has_collapsed(peak.information, null):
        can_grow, can_fall = monotone_directions(sets, blocks, Z)
        _refuse_lost(design, Z, peak, np.flatnonzero(is_estimated), can_grow | can_fall)
    is_monotone = can_grow | can_fall
    is_finite = is_estimated.copy()
    is_finite[is_estimated] = ~is_monotone
    log_hr = np.full(spread.size, np.nan)
    log_hr[is_estimated] = peak.beta / spread[is_estimated]
    monotone = _describe_monotone(
        design, blocks, Z, peak, can_grow, can_fall, is_estimated, spread, efron
    )
    log_hr[is_estimated & ~is_finite] = [m.log_hr for m in monotone]
    Z_all = Z
    if monotone:
        Z = np.ascontiguousarray(Z[:, ~is_monotone])
    return Maximum(
        Z=Z,
        blocks=blocks,
        peak=peak,
        is_finite=is_finite,
        is_estimated=is_estimated,
        centre=centre,
        spread=spread,
        log_hr=log_hr,
        linear_predictor=linear_predictor(Z_all, peak.beta),
        information=peak.information[np.ix_(~is_monotone, ~is_monotone)],
        aliased=aliased,
        monotone=monotone,
    )


def _refuse_lost(
    design: Design,
    Z: FloatArray,
    peak: Peak,
    estimated: NDArray[np.int64],
    is_monotone: NDArray[np.bool_],
) -> None:
    """Raise where the iteration ended without a maximum that its digits support."""
    is_lost = np.diag(peak.information) < _LOST * (peak.sums.expected @ Z**2)
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


def _informative(info: FloatArray) -> NDArray[np.bool_]:
    """Mark the columns to keep so that the information has full rank.

    A pivoted Cholesky factor of the information, scaled to unit diagonal, gives the
    rank; where it is short, earlier columns are kept and later ones left out, as in R.
    """
    diagonal = np.diag(info)
    keep = diagonal > _NO_INFORMATION
    scale = 1 / np.sqrt(np.where(keep, diagonal, 1.0))
    scaled = (info * np.outer(scale, scale))[np.ix_(keep, keep)]
    if not keep.any() or dpstrf(scaled, tol=_COLLINEAR)[2] == len(scaled):
        return keep
    chosen: list[int] = []
    for j in range(len(scaled)):
        known = scaled[np.ix_(chosen, chosen)]
        shared = scaled[chosen, j]
        left = 1.0 - shared @ np.linalg.solve(known, shared)
        if left > _COLLINEAR:
            chosen.append(j)
    kept = np.flatnonzero(keep)[chosen]
    return np.isin(np.arange(keep.size), kept)


def _equals(
    design: Design,
    Z: FloatArray,
    spread: FloatArray,
    per_event: FloatArray,
    is_estimated: NDArray[np.bool_],
    j: int,
) -> str:
    """Say in words what an aliased column repeats."""
    term, column = design.terms[j], design.columns[j]
    if column.level and not column.reference:
        return f"`{term}` has one level, {column.level}"
    if spread[j] == 0:
        return f"`{term}` is {design.X[0, j]:g} in every row"
    centred = _centred_within_strata(design, Z)
    size = np.abs(centred[:, j]).max()
    if size < 1e-8:
        return f"`{term}` is constant within every stratum"
    others = np.flatnonzero(is_estimated)
    slopes = np.linalg.lstsq(centred[:, others], centred[:, j], rcond=None)[0]
    if np.abs(centred[:, others] @ slopes - centred[:, j]).max() > 1e-6 * size:
        varies = per_event[j, j] > _NO_INFORMATION
        what = "repeats others" if varies else "does not vary"
        return f"`{term}` {what} among those at risk at the events"
    slopes *= spread[j] / spread[others]
    parts = [
        f"{'+' if slope > 0 else '-'} {abs(slope):.6g} x `{design.terms[k]}`"
        for k, slope in zip(others, slopes, strict=True)
        if abs(slope) * spread[k] > 1e-6 * spread[j]
    ]
    right = " ".join(parts).removeprefix("+ ")
    if design.strata is not None:
        return f"`{term}` = {right}, up to a constant in each stratum"
    constant = design.X[:, j].mean() - design.X[:, others].mean(axis=0) @ slopes
    if abs(constant) > 1e-6 * spread[j]:
        right += f" {'+' if constant > 0 else '-'} {abs(constant):.6g}"
    return f"`{term}` = {right}"


def _centred_within_strata(design: Design, Z: FloatArray) -> FloatArray:
    """Subtract from every sorted row the mean of its stratum."""
    centred = Z.copy()
    start = design.risk_sets.stratum_start
    for first, last in pairwise(start):
        centred[first:last] -= centred[first:last].mean(axis=0)
    return centred


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


def _describe_monotone(
    design: Design,
    blocks: TieBlocks,
    Z: FloatArray,
    peak: Peak,
    can_grow: NDArray[np.bool_],
    can_fall: NDArray[np.bool_],
    is_estimated: NDArray[np.bool_],
    spread: FloatArray,
    efron: bool,
) -> tuple[Monotone, ...]:
    """Test every monotone column by its likelihood ratio, and estimate it by Firth."""
    if not (can_grow | can_fall).any():
        return ()
    sets = design.risk_sets
    estimated = np.flatnonzero(is_estimated)
    penalized = maximize_penalized(sets, blocks, Z, efron=efron)
    missing = 1.0 if penalized.has_converged else np.nan
    described = []
    for j in np.flatnonzero(can_grow | can_fall):
        sign = peak.beta[j] if can_grow[j] == can_fall[j] else float(can_grow[j]) - 0.5
        others = np.arange(peak.beta.size) != j
        without = maximize(
            sets, blocks, np.ascontiguousarray(Z[:, others]), efron=efron
        )
        gain = max(0.0, peak.sums.log_likelihood - without.sums.log_likelihood)
        described.append(
            Monotone(
                term=design.terms[estimated[j]],
                log_hr=float(np.copysign(np.inf, sign)),
                lr_statistic=2 * gain,
                p_value=float(chi2.sf(2 * gain, 1)),
                firth_log_hr=missing * float(penalized.beta[j] / spread[estimated[j]]),
                firth_std_error=missing
                * float(np.sqrt(penalized.cov[j, j]) / spread[estimated[j]]),
            )
        )
    return tuple(described)


def model_covariance(maximum: Maximum) -> FloatArray:
    """Inverse information per unit of each column, shape (q, q)."""
    scale = 1 / maximum.spread[maximum.is_finite]
    identity = np.eye(scale.size)
    inverse = solve_scaled(maximum.information, identity)
    return (inverse + inverse.T) / 2 * np.outer(scale, scale)
