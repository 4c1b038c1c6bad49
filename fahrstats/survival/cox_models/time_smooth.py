"""A log hazard ratio as a smooth function of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fahrstats.cohort.design import Design
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.kernels.newton import solve_scaled
from fahrstats.survival.cox_models.maximum import Maximum

FloatArray = NDArray[np.float64]
Transform = Literal["km", "identity", "rank", "log"]

TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
"""Functions of time."""

_N_POINTS = 40
_DEGREES = 4
"""Points and degrees of freedom of the curve, as in R."""

_LOST_RANK = 1e-10
"""Diagonal of a triangular factor, relative to the largest, that counts as zero."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeScale:
    """A function g of time at m distinct times and at every tie block.

    Attributes
    ----------
    time, value : ndarray of shape (m,)
        Times at which follow-up ends, ascending, and g there.
    centred : ndarray of shape (n_blocks,)
        g at each tie block, less its mean over the events.
    centre : float
        That mean.
    deaths : ndarray of int64, shape (n_blocks,)
        Events of each block.
    """

    time: FloatArray
    value: FloatArray
    centred: FloatArray
    centre: float
    deaths: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TimeResiduals:
    """Schoenfeld residuals of q columns, summed within times, and their scale.

    Attributes
    ----------
    terms : tuple of str
        Design columns with a finite estimate.
    scale : TimeScale
        The function of time.
    residuals : ndarray of shape (n_blocks, q)
        Sums over the events of each tie block that has any, per SD of the column.
    cov : ndarray of shape (q, q)
        Inverse information, per SD of each column.
    spread, constant : ndarray of shape (q,)
        SD and log hazard ratio of each column.
    """

    terms: tuple[str, ...]
    scale: TimeScale
    residuals: FloatArray
    cov: FloatArray
    spread: FloatArray
    constant: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class TimeSmooth:
    """Curves of q design columns at the points of a grid.

    Attributes
    ----------
    terms : tuple of str
        Design columns with a finite estimate.
    time : ndarray of shape (n_points,)
        Times, evenly spaced on the scale of the function of time.
    log_hr, std_error : ndarray of shape (n_points, q)
        The curves; missing where events are at fewer than four distinct times.
    constant : ndarray of shape (q,)
        Estimates that do not change with time.
    """

    terms: tuple[str, ...]
    time: FloatArray
    log_hr: FloatArray
    std_error: FloatArray
    constant: FloatArray


def time_scale(design: Design, transform: Transform) -> TimeScale:
    """Evaluate a function of time: of all rows, whatever their strata and weights."""
    sets = design.risk_sets
    starts = sets.tie_start[:-1]
    deaths = np.add.reduceat(sets.event.astype(np.int64), starts)
    if design.strata is None:  # blocks run down in time, each time once
        time, at = sets.time[starts][::-1], np.arange(starts.size)[::-1]
    else:
        time, at = np.unique(sets.time[starts], return_inverse=True)
    ending = np.bincount(at, np.diff(sets.tie_start))
    before = np.cumsum(ending) - ending
    if transform == "identity":
        value = time
    elif transform == "log":
        value = np.log(time)
    elif transform == "rank":
        value = before + (ending + 1) / 2
    else:
        at_risk = design.n - before
        if design.entry is not None:
            at_risk -= design.n - np.searchsorted(np.sort(design.entry), time)
        survival = np.cumprod(1 - np.bincount(at, deaths) / at_risk)
        value = 1 - np.concatenate([[1.0], survival[:-1]])
    at_events = value[at][deaths > 0]
    if np.ptp(at_events) > 0:
        centre = float(np.average(value[at], weights=deaths))
    else:
        centre = float(at_events[0])
    return TimeScale(time, value, value[at] - centre, centre, deaths)


def residuals_over_time(
    design: Design, maximum: Maximum, scale: TimeScale, residuals: FloatArray
) -> TimeResiduals:
    """Keep what a smooth needs; events of one block share g, so their sums do."""
    has_events = scale.deaths > 0
    return TimeResiduals(
        terms=tuple(np.array(design.terms, object)[maximum.is_finite]),
        scale=scale,
        residuals=residuals[has_events],
        cov=solve_scaled(maximum.information, np.eye(len(maximum.information))),
        spread=maximum.spread[maximum.is_finite],
        constant=maximum.log_hr[maximum.is_finite],
    )


def smooth_over_time(found: TimeResiduals) -> TimeSmooth:
    """Smooth the scaled Schoenfeld residuals of each column over g(t).

    Least squares on a natural cubic spline.
    """
    scale, cov, spread = found.scale, found.cov, found.spread
    has_events = scale.deaths > 0
    deaths = scale.deaths[has_events].astype(np.float64)
    n_events = int(scale.deaths.sum())
    g = scale.centred[has_events] + scale.centre
    grid = np.linspace(g.min(), g.max(), _N_POINTS)
    at_grid, at_blocks = _orthonormal_spline(g, deaths, grid)
    along = at_grid @ (at_blocks.T @ found.residuals)
    leverage = (at_grid**2).sum(axis=1)[:, None]
    return TimeSmooth(
        terms=found.terms,
        time=np.interp(grid, scale.value, scale.time),
        log_hr=n_events * (along @ cov) / spread + found.constant,
        std_error=np.sqrt(n_events * leverage * np.diag(cov)) / spread,
        constant=found.constant,
    )


def _orthonormal_spline(
    g: FloatArray, deaths: FloatArray, grid: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Spline basis, orthonormal over the events, at the grid and at each block.

    Knots are quantiles of the events and the grid together, as in R. Missing where the
    spline is not determined.
    """
    nowhere = np.full((grid.size, _DEGREES), np.nan)
    undetermined = nowhere, np.full((g.size, _DEGREES), np.nan)
    pooled = np.concatenate([grid, np.repeat(g, deaths.astype(np.int64))])
    knots = np.quantile(pooled, np.linspace(0, 1, _DEGREES))
    if g.size < _DEGREES or not (np.diff(knots) > 0).all():
        return undetermined
    root = np.sqrt(deaths)[:, None]
    q, r = np.linalg.qr(root * _with_constant(g, knots))
    diagonal = np.abs(np.diag(r))
    if diagonal.min() < _LOST_RANK * diagonal.max():
        return undetermined
    at_grid = np.linalg.solve(r.T, _with_constant(grid, knots).T).T
    return np.asarray(at_grid, np.float64), np.asarray(q / root, np.float64)


def _with_constant(g: FloatArray, knots: FloatArray) -> FloatArray:
    """Return a constant and the columns of the spline, of size one, (n, k)."""
    unit = np.ptp(knots)
    columns = natural_spline((g - knots[0]) / unit, (knots - knots[0]) / unit)
    return np.column_stack([np.ones(g.size), columns])
