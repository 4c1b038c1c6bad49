"""Restricted cubic splines as a transform of a formula: ``rcs(age, 4)``.

Columns are those of :mod:`fahrstats.kernels.natural_spline`. Knots are learned once,
from the rows of the fit, and kept with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic.materializers.types import FactorValues
from formulaic.transforms import stateful_transform
from numpy.typing import NDArray

from fahrstats.cohort.follow_up import is_number
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.natural_spline import natural_spline

FloatArray = NDArray[np.float64]

FEWEST_KNOTS, MOST_KNOTS = 3, 7
"""Numbers of knots that have default quantiles."""

_TIED = 0.05
"""Share of rows on the lowest or highest value from which that value is set apart."""

_FEW_ROWS = 100
"""Rows below which the outer knots are the fifth values from the ends."""


@stateful_transform  # type: ignore[untyped-decorator]  # formulaic is not typed
def rcs(
    x: pd.Series, knots: int | Sequence[float] = 4, _state: dict[str, Any] | None = None
) -> FactorValues[dict[int, FloatArray]]:
    """Restricted cubic spline of a number, with k - 1 columns.

    Parameters
    ----------
    x
        Column of numbers, or a transform of one.
    knots
        Their number, 3 to 7, placed at Harrell's quantiles; or the knots themselves.

    Raises
    ------
    FormulaError
        The number of knots, or the knots, make no spline.
    DataError
        ``x`` holds no numbers, or too few distinct ones to place the knots.
    """
    assert _state is not None
    name = str(getattr(x, "name", None) or "x")
    values = pd.Series(x)
    if not is_number(values):
        raise DataError(
            f"`rcs` bends a number, and `{name}` holds {values.dtype} values; use "
            f"`C({name})` for a factor."
        )
    numbers = values.to_numpy(np.float64)
    if "rcs_knots" not in _state:
        found = _checked(knots, name)
        _state["rcs_knots"] = (
            place_knots(numbers, found, name) if isinstance(found, int) else found
        )
        _state["rcs_variable"] = name
    basis = natural_spline(numbers, _state["rcs_knots"])
    return FactorValues(
        {j + 1: basis[:, j] for j in range(basis.shape[1])},
        kind="numerical",
        spans_intercept=False,
        format="{name}[{field}]",
        encoded=False,
    )


def place_knots(x: FloatArray, n_knots: int, name: str) -> tuple[float, ...]:
    """Place knots at Harrell's quantiles of the values of a column.

    Equally spaced between the 10th and 90th percentile for 3 knots, the 5th and 95th
    for 4 to 6, the 2.5th and 97.5th for 7. Below 100 rows the outer knots are the fifth
    values from the ends. Where a twentieth of the rows is on the lowest (highest)
    value, as at a limit of detection, one knot is the next value and the others divide
    the rest.

    Raises
    ------
    DataError
        The values are too few or too heavily tied.
    """
    levels, counts = np.unique(x, return_counts=True)
    refusal = (
        f"`{name}` has {levels.size} distinct values in {x.size} rows, too few or too "
        f"heavily tied to place {n_knots} knots; give the knots themselves, such as "
        f"`rcs({name}, [30, 50, 70])`, use fewer, or enter it as it is."
    )
    if levels.size - 2 <= n_knots:
        raise DataError(refusal)
    outer = 0.1 if n_knots == 3 else 0.05 if n_knots < MOST_KNOTS else 0.025
    rest, ends = x, []
    is_low, is_high = counts[[0, -1]] >= _TIED * x.size
    if counts[1:-1].max() >= _TIED * x.size:
        is_low = is_high = np.False_
    if is_low:
        ends.append(levels[1])
        rest = rest[rest > levels[1]]
    if is_high:
        ends.append(levels[-2])
        rest = rest[rest < levels[-2]]
    inner = n_knots - len(ends)
    if np.unique(rest).size < max(inner, 2) or rest.size < 5:
        raise DataError(refusal)
    first = outer if inner > 2 else 0.5  # Harrell's rule where two or one are left
    shares = np.linspace(first, 1 - outer, inner) if inner > 1 else np.array([0.5])
    placed = np.quantile(rest, shares)
    if rest.size < _FEW_ROWS and inner > 1:
        ordered = np.sort(rest)
        if not is_low:
            placed[0] = ordered[4]
        if not is_high:
            placed[-1] = ordered[-5]
    knots = np.unique([*ends, *placed])
    if knots.size < n_knots:
        raise DataError(refusal)
    return tuple(float(knot) for knot in knots)


def _checked(knots: object, name: str) -> int | tuple[float, ...]:
    """Return the number of knots, or the knots, if they make a spline."""
    if isinstance(knots, int | np.integer) and not isinstance(knots, bool):
        if FEWEST_KNOTS <= knots <= MOST_KNOTS:
            return int(knots)
        raise FormulaError(
            f"`rcs({name}, {knots})` asks for {knots} knots; give {FEWEST_KNOTS} to "
            f"{MOST_KNOTS}, or a list of the knots themselves."
        )
    is_list = isinstance(knots, list | tuple | np.ndarray)
    values = list(knots) if is_list else []  # type: ignore[call-overload]
    is_real = all(
        isinstance(v, int | float | np.number) and np.isfinite(v) for v in values
    )
    if len(values) < FEWEST_KNOTS or not is_real or (np.diff(values) <= 0).any():
        raise FormulaError(
            f"`rcs({name}, {knots})` needs a number of knots, or at least "
            f"{FEWEST_KNOTS} finite knots in rising order."
        )
    return tuple(float(value) for value in values)
