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

FloatArray = NDArray[np.float64]

_COLLINEAR = 1e-10
"""Share of a column's information, given the others, that counts as none."""

_NO_INFORMATION = 1e-12
"""Information per event, for a column of unit spread, that counts as none."""

_STEP_LEFT = 1e-2
"""Change of the linear predictor in the last step that makes a column suspect."""

_FURTHER = 5.0
"""How far out, in the linear predictor, a suspect column's profile is evaluated."""


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
        Estimate by Firth's penalised likelihood, per unit of the column.
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
        Newton's method did not reach a maximum and no column is monotone.
    """
    sets = design.risk_sets
    blocks = find_tie_blocks(sets)
    Z, centre, spread = standardize(design.X, sets.order)
    null = information(
        sets, blocks, block_sums(sets, blocks, np.zeros(len(Z)), efron=efron), Z
    )
    per_event = null / sets.weights[sets.event].sum()
    is_estimated = _informative(per_event)
    aliased = tuple(
        Aliased(design.terms[j], _equals(design, Z, spread, is_estimated, int(j)))
        for j in np.flatnonzero(~is_estimated)
    )
    if aliased:
        Z = np.ascontiguousarray(Z[:, is_estimated])
    with np.errstate(invalid="ignore", over="ignore"):
        peak = maximize(sets, blocks, Z, efron=efron)
    is_monotone = _monotone_columns(design, blocks, Z, peak, efron)
    if not (peak.has_converged and np.isfinite(peak.beta).all()):
        raise ConvergenceError(
            f"`{design.formula.text}` reached no maximum of the likelihood in "
            f"{design.n} rows; look for extreme values among "
            f"{', '.join(f'`{term}`' for term in design.terms)}."
        )
    is_finite = is_estimated.copy()
    is_finite[is_estimated] = ~is_monotone
    log_hr = np.full(spread.size, np.nan)
    log_hr[is_estimated] = peak.beta / spread[is_estimated]
    monotone = _describe_monotone(
        design, blocks, Z, peak, is_monotone, is_estimated, spread, efron
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
        return f"`{term}` does not vary among those at risk at any event"
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


def _monotone_columns(
    design: Design, blocks: TieBlocks, Z: FloatArray, peak: Peak, efron: bool
) -> NDArray[np.bool_]:
    """Mark the columns whose profile likelihood still rises far out.

    Where the maximum is finite, Newton's last step is tiny; where it is not, every step
    moves the linear predictor by about one for ever. Such a column is pushed further
    out and the others are maximised again: if the likelihood does not fall, it is
    monotone.
    """
    is_monotone = np.zeros(peak.beta.size, np.bool_)
    for j in np.flatnonzero(np.abs(peak.last_step) > 1e-8):
        reach = np.abs(Z[:, j]).max()
        if abs(peak.last_step[j]) * reach < _STEP_LEFT:
            continue
        further = peak.beta[j] + np.sign(peak.last_step[j]) * _FURTHER / reach
        others = np.arange(peak.beta.size) != j
        profile = maximize(
            design.risk_sets,
            blocks,
            np.ascontiguousarray(Z[:, others]),
            efron=efron,
            offset=further * Z[:, j],
            start=peak.beta[others],
        )
        reached = peak.sums.log_likelihood
        slack = 1e-12 * abs(reached) + 1e-9
        is_monotone[j] = profile.sums.log_likelihood >= reached - slack
    return is_monotone


def _describe_monotone(
    design: Design,
    blocks: TieBlocks,
    Z: FloatArray,
    peak: Peak,
    is_monotone: NDArray[np.bool_],
    is_estimated: NDArray[np.bool_],
    spread: FloatArray,
    efron: bool,
) -> tuple[Monotone, ...]:
    """Test every monotone column by its likelihood ratio, and estimate it by Firth."""
    if not is_monotone.any():
        return ()
    sets = design.risk_sets
    estimated = np.flatnonzero(is_estimated)
    penalized = maximize_penalized(sets, blocks, Z, efron=efron)
    if not penalized.has_converged:
        raise ConvergenceError(
            f"Firth's penalised likelihood of `{design.formula.text}` reached no "
            f"maximum in {design.n} rows; use fewer terms."
        )
    described = []
    for j in np.flatnonzero(is_monotone):
        others = np.arange(peak.beta.size) != j
        without = maximize(
            sets, blocks, np.ascontiguousarray(Z[:, others]), efron=efron
        )
        gain = peak.sums.log_likelihood - without.sums.log_likelihood
        described.append(
            Monotone(
                term=design.terms[estimated[j]],
                log_hr=float(np.copysign(np.inf, peak.beta[j])),
                lr_statistic=2 * gain,
                p_value=float(chi2.sf(2 * gain, 1)),
                firth_log_hr=float(penalized.beta[j] / spread[estimated[j]]),
                firth_std_error=float(
                    np.sqrt(penalized.cov[j, j]) / spread[estimated[j]]
                ),
            )
        )
    return tuple(described)


def model_covariance(maximum: Maximum) -> FloatArray:
    """Inverse information per unit of each column, shape (q, q)."""
    scale = 1 / maximum.spread[maximum.is_finite]
    identity = np.eye(scale.size)
    inverse = solve_scaled(maximum.information, identity)
    return (inverse + inverse.T) / 2 * np.outer(scale, scale)
