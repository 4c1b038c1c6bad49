r"""FaceSurvival on frozen embeddings: a ridge Cox model, its penalty cross-validated.

The log hazard is linear in the standardised columns of the embedding. A ridge penalty
does not see a rotation, so the columns are turned to their principal axes, of which n
subjects have at most min(n, d), and the coefficients turned back: the same fit. On
those axes the information is nearly diagonal, about the share of events times the sum
of squares. With every axis scaled by it, quasi-Newton steps that need gradients only
reach the maximum in a few dozen passes over the subjects, whatever the penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from fahrstats.errors import ConvergenceError, DataError
from fahrstats.face.training.frozen.embedded_faces import (
    EmbeddedFaces,
    as_embeddings,
    check_dealing,
    check_faces,
)
from fahrstats.kernels.newton import PartialLikelihood, standardize
from fahrstats.kernels.partial_likelihood import block_sums, find_tie_blocks
from fahrstats.kernels.ridge import RidgeLikelihood
from fahrstats.kernels.risk_sets import RiskSets, sort_risk_sets
from fahrstats.resampling import deal_units

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

PENALTIES_PER_COLUMN = tuple(np.geomspace(1e-2, 1e4, 13))
"""Default penalties, over the number of columns: 1 over the variance of the log hazard
that the penalty, read as a normal prior, expects of independent columns."""

_MAX_STEPS = 500
_FLAT = 1e-9
"""Gain per event that the last gradient may still promise."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenHead:
    """A log hazard linear in a frozen embedding.

    Attributes
    ----------
    weights : ndarray of float64, shape (d,)
        Log hazard ratio per standard deviation of each column; 0 where a column did
        not vary.
    centre, spread : ndarray of float64, shape (d,)
        Mean and standard deviation (divisor n) of the columns fitted to.
    penalty : float
        Ridge penalty on columns of unit variance, as ``ridge`` of
        :func:`fahrstats.cox`.
    n, n_events : int
        Subjects fitted to, and those with the event.
    penalties : ndarray of float64, shape (m,)
        Penalties tried, rising.
    log_likelihood : ndarray of float64, shape (m,)
        Cross-validated log partial likelihood of each; NaN where one was given.
    """

    weights: FloatArray
    centre: FloatArray
    spread: FloatArray
    penalty: float
    n: int
    n_events: int
    penalties: FloatArray
    log_likelihood: FloatArray

    @property
    def per_unit(self) -> FloatArray:
        """Log hazard ratio per unit of each column, shape (d,)."""
        return _divide(self.weights, self.spread)

    def predict(self, embeddings: ArrayLike) -> FloatArray:
        """Return the log hazard of embeddings (m, d), relative to the mean face: (m,).

        Raises
        ------
        DataError
            Another number of columns, or a value that is not finite.
        """
        columns = as_embeddings(embeddings)
        if columns.shape[1] != self.weights.size:
            raise DataError(
                f"`embeddings` has {columns.shape[1]} columns, and this head was "
                f"fitted to {self.weights.size}; use one checkpoint for both."
            )
        return np.asarray((columns - self.centre) @ self.per_unit, np.float64)


def fit_frozen_head(
    embeddings: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    *,
    stratum: ArrayLike | None = None,
    penalties: Sequence[float] | None = None,
    n_folds: int = 5,
    subject: ArrayLike | None = None,
    seed: int = 0,
) -> FrozenHead:
    """Fit a ridge Cox model to frozen embeddings, Efron's ties.

    A subject counts once, however many its photos: it enters with the mean of its
    embeddings. The penalty is the one with the largest cross-validated log partial
    likelihood: what the subjects of a fold add to the likelihood of those learned from,
    summed over the folds. Columns are standardised on the subjects learned from.

    Parameters
    ----------
    embeddings
        Shape (n, d), finite.
    time, event
        Follow-up from 0 on in any unit, and 0/1 or boolean, shape (n,); the same in
        all photos of a subject.
    stratum
        Groups with baseline hazards of their own, shape (n,).
    penalties
        Positive; by default 13 from d / 100 to 10,000 d. One is taken as it is.
    n_folds
        At least 2; at most as many are made as there are subjects with an event.
    subject
        Whose photo it is, shape (n,). By default every photo is a subject.
    seed
        Of the folds.

    Raises
    ------
    DataError
        Arrays of unequal length, values that are not finite, a negative time, an event
        other than 0 and 1, photos of a subject that differ in follow-up or stratum, no
        event, fewer than two where there is a penalty to choose, only constant columns,
        or an argument out of range.
    ConvergenceError
        A maximum was not reached.

    References
    ----------
    Verweij and van Houwelingen (1993), Statistics in Medicine 12:2305-2314; (1994),
    13:2427-2436.
    """
    faces = check_faces(embeddings, time, event, subject=subject, stratum=stratum)
    check_dealing(n_folds, seed, name="n_folds")
    return fit_head(faces.by_subject(), penalties, n_folds, seed)


def fit_head(
    people: EmbeddedFaces, penalties: Sequence[float] | None, n_folds: int, seed: int
) -> FrozenHead:
    """Fit a head to checked rows, one a subject; see :func:`fit_frozen_head`."""
    d = people.embeddings.shape[1]
    tried = (
        _as_penalties(PENALTIES_PER_COLUMN, d)
        if penalties is None
        else (_as_penalties(penalties, 1))
    )
    if not people.event.any():
        raise DataError(
            f"`event` marks no event in {people.time.size} subjects; a hazard cannot "
            "be learned from censored follow-up alone."
        )
    log_likelihood = np.full(tried.size, np.nan)
    penalty = tried[0]
    # Products this small wait for threads longer than they run; sums keep their order.
    with threadpool_limits(1):
        if tried.size > 1:
            log_likelihood = _cross_validate(people, tried, n_folds, seed)
            penalty = tried[np.argmax(log_likelihood)]
        weights, centre, spread = _path(people, np.array([penalty]))
    return FrozenHead(
        weights=weights[:, 0],
        centre=centre,
        spread=spread,
        penalty=float(penalty),
        n=people.time.size,
        n_events=int(people.event.sum()),
        penalties=tried,
        log_likelihood=log_likelihood,
    )


def _as_penalties(penalties: Sequence[float], times: float) -> FloatArray:
    tried = np.unique(np.asarray(penalties, np.float64)) * times
    if (
        tried.ndim != 1
        or not tried.size
        or not (np.isfinite(tried) & (tried > 0)).all()
    ):
        raise DataError(f"`penalties` is {penalties}; give positive numbers.")
    return tried


def _cross_validate(
    people: EmbeddedFaces, penalties: FloatArray, n_folds: int, seed: int
) -> FloatArray:
    """Cross-validated log partial likelihood of each penalty, shape (m,)."""
    n_events = int(people.event.sum())
    if n_events < 2:
        raise DataError(
            f"`event` marks the event of {n_events} subject, and a penalty is chosen "
            "by events held out; it takes two, or one penalty in `penalties`."
        )
    fold = deal_units(people.subject, people.event, min(n_folds, n_events), seed)
    gained = np.zeros(penalties.size)
    for held_out in range(int(fold.max()) + 1):
        seen = people.take(fold != held_out)
        weights, centre, spread = _path(seen, penalties)
        per_unit = _divide(weights, spread[:, None])
        gained += _log_likelihoods(people, (people.embeddings - centre) @ per_unit)
        gained -= _log_likelihoods(seen, (seen.embeddings - centre) @ per_unit)
    return gained


def _log_likelihoods(people: EmbeddedFaces, log_hazard: FloatArray) -> FloatArray:
    """Log partial likelihood of each of m log hazards (n, m): shape (m,)."""
    sets = _sort(people)
    blocks = find_tie_blocks(sets)
    ordered = np.ascontiguousarray(log_hazard[sets.order].T)
    return np.array(
        [block_sums(sets, blocks, one, efron=True).log_likelihood for one in ordered]
    )


def _path(
    people: EmbeddedFaces, penalties: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights (d, m) at each of m rising penalties, centre and spread (d,)."""
    sets = _sort(people)
    n = sets.time.size
    Z, centre, spread = standardize(people.embeddings, sets.order)
    axes, squares = _principal_axes(Z)
    partial = PartialLikelihood(sets, find_tie_blocks(sets), Z @ axes, efron=True)
    information = squares * sets.event.mean()
    beta = np.zeros(squares.size)
    found = np.empty((squares.size, penalties.size))
    for at in range(penalties.size - 1, -1, -1):  # the largest penalty is the easiest
        # On columns of unit variance with divisor n - 1, as in R.
        theta = penalties[at] * n / (n - 1)
        ridge = RidgeLikelihood(partial, np.full(beta.size, theta))
        beta = _maximize(ridge, beta, 1 / np.sqrt(information + theta))
        found[:, at] = beta
    weights = axes @ found
    weights[spread == 0] = 0.0
    return weights, centre, spread


def _principal_axes(Z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal axes (d, min(n, d)) that span the rows, and sums of squares."""
    n, d = Z.shape
    if n < d:
        _, size, axes = np.linalg.svd(Z, full_matrices=False)
        return axes.T, size**2
    squares, axes = np.linalg.eigh(Z.T @ Z)
    return axes, np.maximum(squares, 0.0)


def _maximize(
    ridge: RidgeLikelihood, start: FloatArray, scale: FloatArray
) -> FloatArray:
    """Climb to the maximum by gradients, in coordinates beta / scale."""

    def descend(scaled: FloatArray) -> tuple[float, FloatArray]:
        point = ridge.at(scaled * scale)
        return -point.log_likelihood, -ridge.gradient(point) * scale

    found = minimize(
        descend,
        start / scale,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MAX_STEPS, "ftol": 1e-15, "gtol": 1e-6},
    )
    promised = float(found.jac @ found.jac)
    if not promised <= _FLAT * ridge.partial.sets.event.sum():
        raise ConvergenceError(
            f"The penalised likelihood reached no maximum in {found.nit} steps "
            f"(penalty {ridge.penalty[0]:.3g}); look for extreme values in "
            "`embeddings`, or leave out the smallest `penalties`."
        )
    return np.asarray(found.x * scale, np.float64)


def _sort(people: EmbeddedFaces) -> RiskSets:
    return sort_risk_sets(people.time, people.event, strata=people.stratum)


def _divide(values: FloatArray, spread: FloatArray) -> FloatArray:
    """Divide by spreads, with 0 for a column that did not vary."""
    varies = np.broadcast_to(spread > 0, values.shape)
    return np.divide(values, spread, out=np.zeros_like(values), where=varies)
