"""Photos whose predicted ages are judged, and sums over them in draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fahrstats.errors import ConvergenceError
from fahrstats.measurement.age_groups import Grouping
from fahrstats.measurement.age_rows import AgeRows
from fahrstats.measurement.error_statistics import (
    N_FEATURES,
    bound_features,
    exact_features,
    expected_features,
)
from fahrstats.measurement.interval_ages import (
    N_COEFFICIENTS,
    STEP,
    AgeModel,
    fit_age_model,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of the photos.

    Attributes
    ----------
    counts : ndarray of shape (b, n)
        How often each photo is counted.
    shift : ndarray of shape (b, k, c)
        What that adds to the coefficients of each model of true age given the
        prediction; c is 0 where all ages are exact.
    """

    counts: FloatArray
    shift: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPhotos:
    """Photos whose age every model predicted, and those that some model failed.

    Attributes
    ----------
    rows : AgeRows
        All photos of known age.
    complete : ndarray of shape (n,)
        Those of them that every model predicted; draws are of these.
    features : ndarray of shape (n, k, q)
        What is summed over them.
    slopes : ndarray of shape (n, k, c, q)
        Derivatives of the features by the coefficients of the model of true age.
    influence : ndarray of shape (n, k, c)
        What counting a photo once more adds to these coefficients.
    age_models : tuple of AgeModel or None
        Distribution of true age given each model's prediction; None where ages are
        exact, or where intervals do not tell it.
    """

    rows: AgeRows
    complete: IntArray
    features: FloatArray
    slopes: FloatArray
    influence: FloatArray
    age_models: tuple[AgeModel | None, ...]

    @property
    def has_errors(self) -> tuple[bool, ...]:
        """Whether errors of each model are known, exactly or by likelihood."""
        return tuple(m is not None or self.rows.is_exact for m in self.age_models)

    def draw(self, counts: FloatArray) -> Draws:
        """Count photos as a draw does, and find the coefficients it would have.

        They are one Newton step from those of all photos, which is the whole way to
        first order.
        """
        n, k, c = self.influence.shape
        shift = (counts - 1) @ self.influence.reshape(n, k * c)
        return Draws(counts, shift.reshape(len(counts), k, c))

    def part(self, grouping: Grouping, level: int) -> IntArray:
        """Return which of the complete photos are in a group."""
        return np.flatnonzero(grouping.code[self.complete] == level)

    def sums(
        self, draws: Draws, part: IntArray, columns: slice = slice(None)
    ) -> FloatArray:
        """Sum features over a group in each draw, shape (b, k, q)."""
        counts = draws.counts[:, part]
        chosen = self.features[part, :, columns]
        total = (counts @ chosen.reshape(part.size, -1)).reshape(
            len(counts), *chosen.shape[1:]
        )
        if not draws.shift.shape[2] or not draws.shift.any():
            return np.asarray(total)
        slopes = self.slopes[part, :, :, columns]
        moved = (counts @ slopes.reshape(part.size, -1)).reshape(
            len(counts), *slopes.shape[1:]
        )
        return np.asarray(total + np.einsum("bkc,bkcq->bkq", draws.shift, moved))

    def sizes(self, part: IntArray) -> dict[str, int]:
        """Count photos and people."""
        people = self.rows.subject[self.complete[part]]
        return {"n": part.size, "n_subjects": np.unique(people).size}

    def failed(self, grouping: Grouping, levels: list[int]) -> IntArray:
        """Count photos of some groups that each model did not predict, shape (k,)."""
        is_in = np.isin(grouping.code, levels)
        return np.asarray(np.isnan(self.rows.predicted[is_in]).sum(axis=0))


def judge(rows: AgeRows) -> JudgedPhotos:
    """Keep the photos that every model predicted, so that models are comparable."""
    complete = np.flatnonzero(rows.is_complete)
    predicted, low, high = (
        values[complete] for values in (rows.predicted, rows.low, rows.high)
    )
    n, k = predicted.shape
    if (low == high).all():
        features = exact_features(predicted, low)
        q = features.shape[2]
        nothing = np.empty((n, k, 0))
        still = np.empty((n, k, 0, q))
        return JudgedPhotos(rows, complete, features, still, nothing, (None,) * k)
    models = tuple(_fit(predicted[:, j], low, high) for j in range(k))
    parts = [_expect(predicted[:, j], model) for j, model in enumerate(models)]
    expected, slopes, influence = (
        np.stack(arrays, axis=1) for arrays in zip(*parts, strict=True)
    )
    bounds = bound_features(predicted, low, high)
    features = np.concatenate([expected, bounds], axis=2)
    n_bounds = bounds.shape[2]
    still = np.zeros((*slopes.shape[:3], n_bounds))
    slopes = np.concatenate([slopes, still], axis=3)
    return JudgedPhotos(rows, complete, features, slopes, influence, models)


def _fit(predicted: FloatArray, low: FloatArray, high: FloatArray) -> AgeModel | None:
    """Fit true age given one model's prediction; None if intervals do not tell it."""
    try:
        return fit_age_model(predicted, low, high)
    except ConvergenceError:
        return None


def _expect(
    predicted: FloatArray, model: AgeModel | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return expected features of one model, their slopes, and the influence.

    Features are missing if intervals do not tell how age depends on the prediction.
    Coefficients that a model does not have, since its predictions hardly vary, are
    left at 0.
    """
    n = predicted.size
    if model is None:
        unknown = np.full((n, N_FEATURES), np.nan)
        unknown[:, 0] = 1
        slopes = np.zeros((n, N_COEFFICIENTS, N_FEATURES))
        return unknown, slopes, np.zeros((n, N_COEFFICIENTS))
    absent = N_COEFFICIENTS - model.coefficients.size
    differences = [
        (
            expected_features(predicted, model, step)
            - expected_features(predicted, model, -step)
        )
        / (2 * STEP)
        for step in STEP * np.eye(model.coefficients.size)
    ]
    slopes = np.pad(np.stack(differences, axis=1), ((0, 0), (0, absent), (0, 0)))
    influence = np.pad(model.influence, ((0, 0), (0, absent)))
    return expected_features(predicted, model), slopes, influence
