"""Columns that repeat others, and what they repeat, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpstrf

from fahrstats.cohort.design import Design

FloatArray = NDArray[np.float64]

_COLLINEAR = 1e-10
"""Share of a column's information, given the others, that counts as none."""

_NO_INFORMATION = 1e-12
"""Information per event, for a column of unit spread, that counts as none."""


@dataclass(frozen=True, slots=True)
class Aliased:
    """A column without information of its own; ``equals`` says what it repeats."""

    term: str
    equals: str


def informative_columns(per_event: FloatArray) -> NDArray[np.bool_]:
    """Mark the columns to keep so that the information has full rank.

    A pivoted Cholesky factor of the information, scaled to unit diagonal, gives the
    rank; where it is short, earlier columns are kept and later ones left out, as in R.
    """
    diagonal = np.diag(per_event)
    keep = diagonal > _NO_INFORMATION
    scale = 1 / np.sqrt(np.where(keep, diagonal, 1.0))
    scaled = (per_event * np.outer(scale, scale))[np.ix_(keep, keep)]
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


def find_aliases(
    design: Design,
    Z: FloatArray,
    spread: FloatArray,
    per_event: FloatArray,
    is_estimated: NDArray[np.bool_],
) -> tuple[Aliased, ...]:
    """Name the columns that are not estimated, and say what each equals.

    ``Z`` holds the sorted, standardised columns, and ``per_event`` their information.
    """
    return tuple(
        Aliased(
            design.terms[j], _equals(design, Z, spread, per_event, is_estimated, int(j))
        )
        for j in np.flatnonzero(~is_estimated)
    )


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
