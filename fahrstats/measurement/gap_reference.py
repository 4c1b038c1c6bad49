"""What gaps between predicted and actual age are measured against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.cohort.encoding import level_text
from fahrstats.cohort.follow_up import as_float, is_number
from fahrstats.cohort.splines import place_knots
from fahrstats.columns import in_order
from fahrstats.errors import DataError
from fahrstats.kernels.natural_spline import natural_spline

FloatArray = NDArray[np.float64]
Curve = Literal["linear", "rcs"]

CURVES: tuple[Curve, ...] = ("linear", "rcs")
"""How predicted age follows age in the reference group."""

EVERYONE = "everyone"
"""The one level where no column asks for several."""

_KNOTS = 4
_LEAST_ROWS = 10


@dataclass(frozen=True, slots=True, eq=False)
class GapReference:
    """What gaps are measured against; serves another cohort as it is.

    Attributes
    ----------
    predicted, age : str
        Columns of predicted and actual age.
    curve : str
        ``linear`` or ``rcs``.
    knots : tuple of float
        Knots of the spline; empty for a line.
    coefficients : ndarray
        Intercept and slopes of predicted age on age and the spline's further columns;
        empty without a reference group.
    residual_sd : float
        Standard deviation around the regression.
    age_range : tuple of float
        Youngest and oldest age of the reference group.
    sd_by : str or None
        Column whose levels have means and standard deviations of their own.
    levels : tuple of str
        These levels, or ``everyone``.
    mean, sd : ndarray
        Mean and standard deviation of the raw gap in each level.
    n : int
        Rows of the reference group with both ages.
    origin : str
        Which rows these were.
    """

    predicted: str
    age: str
    curve: Curve
    knots: tuple[float, ...]
    coefficients: FloatArray
    residual_sd: float
    age_range: tuple[float, float]
    sd_by: str | None
    levels: tuple[str, ...]
    mean: FloatArray
    sd: FloatArray
    n: int
    origin: str

    def expected(self, age: FloatArray) -> FloatArray:
        """Predicted age to expect at an age; missing without a reference group."""
        if not self.coefficients.size:
            return np.full(age.size, np.nan)
        return _basis(age, self.knots) @ self.coefficients

    def tidy(self) -> pd.DataFrame:
        """Coefficients of the regression, and means and SDs of the raw gap."""
        names = ["intercept", self.age]
        names += [f"{self.age} bend {j + 1}" for j in range(len(self.knots) - 2)]
        parts = {
            "coefficient": (names[: self.coefficients.size], self.coefficients),
            "residual_sd": (["residual"], np.array([self.residual_sd])),
            "mean_gap": (self.levels, self.mean),
            "sd_gap": (self.levels, self.sd),
        }
        rows = [
            {"term": term, "estimand": estimand, "estimate": value}
            for estimand, (terms, values) in parts.items()
            for term, value in zip(terms, values, strict=True)
        ]
        table = pd.DataFrame(rows).assign(origin=self.origin, n=self.n)
        return table[in_order(table.columns)]


def fit_reference(
    data: pd.DataFrame,
    predicted: str,
    age: str,
    reference: str | None,
    curve: Curve,
    sd_by: str | None,
) -> GapReference:
    """Learn the regression, means and standard deviations from the reference group.

    Raises
    ------
    DataError
        A column is absent or holds no ages, the reference group is not marked or too
        small, or ages or gaps do not vary in it.
    """
    face, years, known = read_ages(data, predicted, age)
    is_in = known if reference is None else known & _marked(data, reference)
    n, of = int(is_in.sum()), f"`{reference}`" if reference else "all rows"
    if n < _LEAST_ROWS:
        raise DataError(
            f"{n} rows of {of} have both ages; a reference group needs at least "
            f"{_LEAST_ROWS}."
        )
    knots: tuple[float, ...] = ()
    coefficients, residual_sd = np.empty(0), np.nan
    if reference is not None:
        knots, coefficients, residual_sd = _regress(
            years[is_in], face[is_in], curve, age, of
        )
    levels, codes = level_codes(data, sd_by)
    mean, sd = _moments(face - years, codes, is_in, levels, of)
    return GapReference(
        predicted=predicted,
        age=age,
        curve=curve,
        knots=knots,
        coefficients=coefficients,
        residual_sd=residual_sd,
        age_range=(float(years[is_in].min()), float(years[is_in].max())),
        sd_by=sd_by,
        levels=levels,
        mean=mean,
        sd=sd,
        n=n,
        origin=f"{of}, n = {n}",
    )


def read_ages(
    data: pd.DataFrame, predicted: str, age: str
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return predicted age, age, and where both are known.

    Raises
    ------
    DataError
        A column is absent, holds no numbers, or negative or infinite ones.
    """
    if predicted == age:
        raise DataError(f"`predicted` and `age` are both `{age}`; name two columns.")
    columns = []
    for name in (predicted, age):
        numbers = read_numbers(data, name)
        n_bad = int((np.isinf(numbers) | (numbers < 0)).sum())
        if n_bad:
            raise DataError(
                f"`{name}` is negative or infinite in {n_bad} of {len(data)} rows; "
                "correct them, or leave them empty."
            )
        columns.append(numbers)
    return columns[0], columns[1], ~np.isnan(columns[0] + columns[1])


def read_numbers(data: pd.DataFrame, name: str) -> FloatArray:
    """Return a column of years; missing where it is.

    Raises
    ------
    DataError
        The column is absent or holds no numbers.
    """
    _need(data, name)
    if not is_number(data[name].infer_objects()):
        raise DataError(
            f"`{name}` must hold ages in years, but its type is {data[name].dtype}."
        )
    return as_float(data[name])


def _need(data: pd.DataFrame, name: str) -> None:
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"`data` is a {type(data).__name__}; give a pandas data frame.")
    if (data.columns == name).sum() != 1:
        held = "several columns" if name in data.columns else "no column"
        raise DataError(f"`data` has {held} `{name}`.")


def _marked(data: pd.DataFrame, reference: str) -> NDArray[np.bool_]:
    """Return the reference group, marked by true and false or 1 and 0."""
    _need(data, reference)
    values = data[reference]
    n_missing = int(values.isna().sum())
    if n_missing:
        raise DataError(
            f"`{reference}` is missing in {n_missing} of {len(data)} rows; say of "
            "every row whether it is in the reference group."
        )
    if not values.isin([0, 1]).all():
        raise DataError(
            f"`{reference}` must be boolean or 0/1 to mark the reference group, but it "
            f"holds {values.nunique()} other values of type {values.dtype}."
        )
    return values.astype(bool).to_numpy()


def _basis(age: FloatArray, knots: tuple[float, ...]) -> FloatArray:
    """Return an intercept, age, and the spline's further columns."""
    columns = natural_spline(age, knots) if knots else age[:, None]
    return np.column_stack([np.ones(age.size), columns])


def _regress(
    years: FloatArray, face: FloatArray, curve: Curve, age: str, of: str
) -> tuple[tuple[float, ...], FloatArray, float]:
    """Least squares of predicted age on age: knots, coefficients, residual SD."""
    if np.ptp(years) == 0:
        raise DataError(
            f"`{age}` is {years[0]:g} in all {years.size} rows of {of}; a regression "
            "on age needs ages that vary."
        )
    knots = place_knots(years, _KNOTS, age) if curve == "rcs" else ()
    # About its mean, so that the columns are far from parallel.
    X = _basis(years, knots)
    centre = X[:, 1:].mean(axis=0)
    slopes = np.linalg.lstsq(X[:, 1:] - centre, face - face.mean(), rcond=None)[0]
    coefficients = np.append(face.mean() - centre @ slopes, slopes)
    left = face - X @ coefficients
    residual_sd = float(np.sqrt(left @ left / (years.size - X.shape[1])))
    return knots, coefficients, residual_sd


def level_codes(
    data: pd.DataFrame, sd_by: str | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return levels, and the position of each row among them; -1 where missing."""
    if sd_by is None:
        return (EVERYONE,), np.zeros(len(data), np.int64)
    _need(data, sd_by)
    codes, found = pd.factorize(data[sd_by], sort=True)
    return tuple(level_text(level) for level in found), codes.astype(np.int64)


def _moments(
    raw: FloatArray,
    codes: NDArray[np.int64],
    is_in: NDArray[np.bool_],
    levels: tuple[str, ...],
    of: str,
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of the raw gap in each level of the reference."""
    mean, sd = np.full((2, len(levels)), np.nan)
    for k, level in enumerate(levels):
        inside = raw[is_in & (codes == k)]
        if inside.size < 2 or np.ptp(inside) == 0:
            raise DataError(
                f"The gap does not vary among the {inside.size} rows of {of} in "
                f"`{level}`, so it has no standard deviation to be measured in."
            )
        mean[k], sd[k] = inside.mean(), inside.std(ddof=1)
    return mean, sd
