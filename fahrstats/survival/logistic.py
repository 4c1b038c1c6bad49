"""Logistic regression, with columns that have no estimate told apart."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from fahrstats.cohort.encoding import DesignColumn
from fahrstats.errors import ConvergenceError

FloatArray = NDArray[np.float64]

_COLLINEAR = 1e-7
"""Share of a column's norm, given earlier columns, that counts as none."""

_FAR_OUT = 12.0
"""Linear predictor that only separation or a very steep model reaches."""

_SEPARATED = 1e-6
"""Gain of the linear program that its tolerance cannot produce."""


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """A logistic model with p columns; missing estimates have a note.

    Attributes
    ----------
    log_or : ndarray of shape (p,)
        Log odds ratio per unit of each column.
    cov : ndarray of shape (p, p)
        Its covariance: inverse information, or robust.
    notes : tuple of str
        Why a column has no estimate, or what to know about it.
    residuals : ndarray of shape (n, q + 1)
        Derivative of each row's log-likelihood, per unit weight, with respect to the
        intercept and the q columns that are estimated, standardised.
    bread : ndarray of shape (q + 1, q + 1)
        Inverse of their information.
    spread : ndarray of shape (q,)
        Standard deviations by which the columns were divided.
    """

    log_or: FloatArray
    cov: FloatArray
    notes: tuple[str, ...]
    residuals: FloatArray
    bread: FloatArray
    spread: FloatArray

    def with_influence(
        self, influence: Callable[[FloatArray], FloatArray]
    ) -> LogisticFit:
        """Return the fit with a robust covariance.

        ``influence`` turns the residuals of the rows into the influence of every row of
        the sample on their weighted sum.
        """
        if not self.spread.size:
            return self
        moved = influence(self.residuals) @ self.bread
        return replace(self, cov=_embed(moved.T @ moved, self.spread, self.log_or))

    def with_note(self, note: str) -> LogisticFit:
        """Return the fit with a note on every column that has none."""
        return replace(self, notes=tuple(own or note for own in self.notes))


def fit_logistic(
    X: FloatArray,
    outcome: NDArray[np.bool_],
    columns: Sequence[DesignColumn],
    weights: FloatArray | None = None,
) -> LogisticFit:
    """Fit a logistic model with an intercept to columns X (n, p).

    A column that repeats earlier ones has no estimate. Neither has any where the
    outcome does not vary or where columns separate its values, so that the likelihood
    has no maximum.

    Raises
    ------
    ConvergenceError
        The iteration ended without a solution.
    """
    p = X.shape[1]
    if outcome.all() or not outcome.any():
        what = "every known row has the event" if outcome.all() else "no events"
        return _without_estimates(p, (what,) * p)
    Z, spread, keep = _independent(X)
    notes = ["" if kept else "aliased: repeats other columns" for kept in keep]
    for j in np.flatnonzero(np.ptp(X, axis=0) == 0):
        notes[j] = f"aliased: `{columns[int(j)].term}` is {X[0, j]:g} in every row"
    weight = np.ones(len(Z)) if weights is None else weights
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # separation is found below, and named
        fit = GLM(outcome * 1.0, Z, family=Binomial(), freq_weights=weight).fit(
            maxiter=100, tol=1e-12, tol_criterion="params"
        )
    linear_predictor = Z @ fit.params
    if not fit.converged or np.abs(linear_predictor).max() > _FAR_OUT:
        separating = _separating(Z, outcome)
        if separating.any():
            names = [columns[j].term for j in np.flatnonzero(keep)[separating]]
            listed = ", ".join(f"`{name}`" for name in names)
            note = f"no finite estimate: {listed} separates those with and without"
            return _without_estimates(p, tuple(own or note for own in notes))
        if not fit.converged:
            raise ConvergenceError(
                f"The logistic model of {len(Z)} rows reached no maximum; look for "
                "extreme values among its covariates."
            )
    risk = np.asarray(fit.fittedvalues, np.float64)
    information = (Z * (weight * risk * (1 - risk))[:, None]).T @ Z
    bread = np.asarray(np.linalg.inv(information), np.float64)
    log_or = np.full(p, np.nan)
    log_or[keep] = fit.params[1:] / spread
    return LogisticFit(
        log_or=log_or,
        cov=_embed(bread, spread, log_or),
        notes=tuple(notes),
        residuals=Z * (outcome - risk)[:, None],
        bread=bread,
        spread=spread,
    )


def _without_estimates(p: int, notes: tuple[str, ...]) -> LogisticFit:
    empty = np.empty((0, 0))
    missing = np.full((p, p), np.nan)
    return LogisticFit(missing[0], missing, notes, empty, empty, np.empty(0))


def _embed(cov: FloatArray, spread: FloatArray, log_or: FloatArray) -> FloatArray:
    """Place a covariance, intercept left out, among all columns in their units."""
    full = np.full((log_or.size, log_or.size), np.nan)
    estimated = np.isfinite(log_or)
    full[np.ix_(estimated, estimated)] = cov[1:, 1:] / np.outer(spread, spread)
    return full


def _independent(
    X: FloatArray,
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return an intercept and standardised columns that repeat no earlier ones."""
    centred = X - X.mean(axis=0)
    spread = centred.std(axis=0)
    keep = spread > 0
    for j in np.flatnonzero(keep):
        earlier = centred[:, :j][:, keep[:j]] / spread[:j][keep[:j]]
        if earlier.shape[1]:
            slopes = np.linalg.lstsq(earlier, centred[:, j], rcond=None)[0]
            left = np.linalg.norm(centred[:, j] - earlier @ slopes)
            keep[j] = left > _COLLINEAR * np.linalg.norm(centred[:, j])
    Z = np.column_stack([np.ones(len(X)), centred[:, keep] / spread[keep]])
    return Z, spread[keep], keep


def _separating(Z: FloatArray, outcome: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the columns of a direction that separates the outcome, if there is one.

    The largest sum of margins s_i z_i'd over directions d of the unit cube along which
    no row is on the wrong side; it is 0 without separation (Konis 2007).
    """
    margins = np.unique(np.where(outcome, 1.0, -1.0)[:, None] * Z, axis=0)
    program = linprog(
        -margins.sum(axis=0),
        A_ub=-margins,
        b_ub=np.zeros(len(margins)),
        bounds=[(-1.0, 1.0)] * Z.shape[1],
    )
    if program.status != 0 or program.x is None or program.fun is None:
        raise ConvergenceError(
            f"No linear program tells whether the outcome is separated: "
            f"{program.message}"
        )
    if -program.fun < _SEPARATED:
        return np.zeros(Z.shape[1] - 1, np.bool_)
    return np.abs(program.x[1:]) > _SEPARATED
