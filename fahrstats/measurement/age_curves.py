r"""Predicted age as a smooth function of true age, and true age of predicted age.

A curve is the least-squares natural spline of one on the other. With B its basis and a
draw's count w of every photo, its coefficients are

.. math:: \Big(\sum_i w_i\,E B_i B_i'\Big)^{-1} \sum_i w_i\,E B_i y_i,

a function of sums over photos, as all of accuracy is. Where the true age is known to an
interval, expectations are over the ages that the interval and the predicted age make
likely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.kernels.simultaneous import joint_critical_value, largest_of_draws
from fahrstats.measurement.accuracy_blocks import (
    BY_LIKELIHOOD,
    FEWEST_PEOPLE,
    NOT_TOLD,
    Block,
)
from fahrstats.measurement.interval_ages import NODE_WEIGHTS, STEP, AgeModel
from fahrstats.measurement.judged_photos import Draws, JudgedPhotos
from fahrstats.measurement.shared_draws import (
    FEWEST_DRAWS,
    ROUNDING,
    percentiles,
    spread,
)

FloatArray = NDArray[np.float64]

PREDICTED_BY_AGE, AGE_BY_PREDICTED = "mean_predicted", "mean_age"
"""What the two curves of a model are means of."""

_KNOTS = {
    100: (0.05, 0.275, 0.5, 0.725, 0.95),
    30: (0.05, 0.35, 0.65, 0.95),
    0: (0.1, 0.5, 0.9),
}
"""Quantiles at which curves bend, by the least number of people for them."""

_SHOWN = (0.01, 0.99)
"""Quantiles between which a curve is drawn."""

_CONFOUNDED = 1e-9
"""Eigenvalue, of columns of unit length, that tells nothing of a direction."""

_UNKNOWN = 1e-6
"""Eigenvalue in a draw, of columns that are orthonormal in all photos, of the same."""


@dataclass(frozen=True, slots=True, eq=False)
class AgeCurves:
    """Curves of all models.

    Attributes
    ----------
    table : DataFrame
        One row per model, curve and place on it, without limits.
    draws : ndarray of shape (n_boot, rows)
        The same in each draw of the people.
    """

    table: pd.DataFrame
    draws: FloatArray

    def tidy(self, conf_level: float) -> pd.DataFrame:
        """Add pointwise limits, and those that hold for a whole curve together."""
        table = self.table.copy()
        people = table["n_subjects"].to_numpy()
        table["conf_low"], table["conf_high"], _ = percentiles(
            self.draws, people, conf_level
        )
        table["std_error"] = spread(self.draws, people)
        margin = np.full(len(table), np.nan)
        for rows in table.groupby(["model", "estimand"], sort=False).indices.values():
            critical = _joint_critical(self.draws[:, rows], conf_level)
            margin[rows] = critical * table["std_error"].to_numpy()[rows]
        table["joint_low"] = table["estimate"] - margin
        table["joint_high"] = table["estimate"] + margin
        return table[in_order(table.columns)]


def curve_blocks(judged: JudgedPhotos, age: str) -> Iterator[Block]:
    """Yield both curves of each model."""
    for j, model in enumerate(judged.rows.models):
        for estimand in (PREDICTED_BY_AGE, AGE_BY_PREDICTED):
            labels, measure = _curve(judged, j, estimand)
            named = {
                "model": model,
                "variable": age if estimand == PREDICTED_BY_AGE else model,
                "estimand": estimand,
            }
            yield Block(labels.assign(**named), measure)


def _curve(
    judged: JudgedPhotos, j: int, estimand: str
) -> tuple[pd.DataFrame, Callable[[Draws], FloatArray]]:
    """Return the places on one curve, and what measures it in draws."""
    everyone = np.arange(judged.complete.size)
    sizes = judged.sizes(everyone)
    if not judged.has_errors[j]:
        labels = pd.DataFrame({"value": [np.nan], "note": NOT_TOLD, **sizes})
        return labels, lambda draws: np.full((len(draws.counts), 1), np.nan)
    pairs = _pairs(judged, j, estimand)
    x, _ = pairs(0.0)
    middle = x @ _weights(x)
    spline = _fit_spline(middle, x, sizes["n_subjects"])
    places = _places(middle)
    features = _features(spline, *pairs(0.0))
    slopes = _slopes(spline, pairs, judged.age_models[j])
    along = spline(places)

    def measure(draws: Draws) -> FloatArray:
        sums = draws.counts @ features
        if slopes.size and draws.shift.any():
            moved = draws.counts @ slopes.reshape(len(slopes), -1)
            moved = moved.reshape(len(sums), *slopes.shape[1:])
            shift = draws.shift[:, j, : slopes.shape[1]]
            sums = sums + np.einsum("bc,bcf->bf", shift, moved)
        return _coefficients(sums, along.shape[1]) @ along.T

    few = sizes["n_subjects"] < FEWEST_PEOPLE
    notes = [
        f"fewer than {FEWEST_PEOPLE} people" * few,
        BY_LIKELIHOOD * (not judged.rows.is_exact),
    ]
    note = "; ".join(filter(None, notes))
    return pd.DataFrame({"value": places, "note": note, **sizes}), measure


Pairs = Callable[[FloatArray | float], tuple[FloatArray, FloatArray]]


def _pairs(judged: JudgedPhotos, j: int, estimand: str) -> Pairs:
    """Return what makes x and y of every photo, each of shape (n, 1) or (n, 24).

    It takes what is added to the coefficients of true age given the prediction.
    """
    predicted = judged.rows.predicted[judged.complete, j][:, None]
    known = judged.rows.low[judged.complete][:, None]
    model = judged.age_models[j]

    def pairs(shift: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        ages = known if model is None else model.ages(shift)
        if estimand == PREDICTED_BY_AGE:
            return ages, predicted
        return predicted, (ages @ _weights(ages))[:, None]

    return pairs


def _weights(values: FloatArray) -> FloatArray:
    """Return the weights of the values of each photo, whose sum is 1."""
    return np.ones(1) if values.shape[1] == 1 else NODE_WEIGHTS


def _fit_spline(
    middle: FloatArray, x: FloatArray, n_people: int
) -> Callable[[FloatArray], FloatArray]:
    """Return a basis that is orthonormal in all photos, as rich as they allow."""
    most = next(knots for least, knots in _KNOTS.items() if n_people >= least)
    place, scale = float(middle.mean()), float(middle.std()) or 1.0
    for quantiles in (most, _KNOTS[0]):
        knots = (np.quantile(middle, quantiles) - place) / scale
        if (np.diff(knots) > 0).all():
            curve = partial(natural_spline, knots=knots)
            found = _orthonormal(curve, place, scale, x)
            if found is not None:
                return found
    line = _orthonormal(lambda z: z[:, None], place, scale, x)
    return line or (lambda values: np.ones((values.size, 1)))


def _orthonormal(
    columns: Callable[[FloatArray], FloatArray],
    place: float,
    scale: float,
    x: FloatArray,
) -> Callable[[FloatArray], FloatArray] | None:
    """Make the columns and a constant orthonormal; None where they are confounded."""

    def raw(values: FloatArray) -> FloatArray:
        z = (values.ravel() - place) / scale
        return np.column_stack([np.ones(z.size), columns(z)])

    gram = _mean_products(raw, x)
    unit = np.sqrt(np.diag(gram))
    if (unit == 0).any():
        return None
    if np.linalg.eigvalsh(gram / np.outer(unit, unit)).min() < _CONFOUNDED:
        return None
    to_orthonormal = np.linalg.inv(np.linalg.cholesky(gram)).T
    return lambda values: raw(values) @ to_orthonormal


def _mean_products(
    basis: Callable[[FloatArray], FloatArray], x: FloatArray
) -> FloatArray:
    at = basis(x).reshape(*x.shape, -1)
    weighed = at * _weights(x)[:, None]
    return np.asarray(np.einsum("ngi,ngj->ij", weighed, at) / len(x))


def _features(
    spline: Callable[[FloatArray], FloatArray], x: FloatArray, y: FloatArray
) -> FloatArray:
    """Return E B B' and E B y of every photo, shape (n, q q + q)."""
    at = spline(x).reshape(*x.shape, -1)  # (n, 1 or 24, q)
    weighed = at * _weights(x)[:, None]
    products = np.einsum("ngi,ngj->nij", weighed, at).reshape(len(x), -1)
    return np.hstack([products, weighed.sum(axis=1) * y])


def _slopes(
    spline: Callable[[FloatArray], FloatArray], pairs: Pairs, model: AgeModel | None
) -> FloatArray:
    """Return derivatives of the features by the coefficients of true age, (n, c, f)."""
    if model is None:
        return np.empty((0, 0, 0))
    return np.stack(
        [
            (_features(spline, *pairs(step)) - _features(spline, *pairs(-step)))
            / (2 * STEP)
            for step in STEP * np.eye(model.coefficients.size)
        ],
        axis=1,
    )


def _coefficients(sums: FloatArray, q: int) -> FloatArray:
    """Solve the normal equations of each draw; missing where a draw does not tell."""
    products = sums[:, : q * q].reshape(-1, q, q)
    n = np.trace(products, axis1=1, axis2=2)[:, None] / q
    products = products / n[:, :, None]
    is_told = np.linalg.eigvalsh(products)[:, 0] > _UNKNOWN
    products = np.where(is_told[:, None, None], products, np.eye(q))
    found = np.linalg.solve(products, (sums[:, q * q :] / n)[:, :, None])[:, :, 0]
    return np.where(is_told[:, None], found, np.nan)


def _places(values: FloatArray) -> FloatArray:
    """Return whole years between outer quantiles, or these where none lie between."""
    low, high = np.quantile(values, _SHOWN)
    whole = np.arange(np.ceil(low), np.floor(high) + 1)
    return whole if whole.size > 1 else np.unique([low, high])


def _joint_critical(draws: FloatArray, conf_level: float) -> float:
    """Return how many standard errors hold a whole curve; missing if it is none."""
    usable = draws[np.isfinite(draws).all(axis=1)]
    if len(usable) < FEWEST_DRAWS:
        return np.nan
    varies = usable.std(axis=0) > ROUNDING
    if not varies.any():
        return np.nan
    return joint_critical_value(largest_of_draws(usable[:, varies]), conf_level)
