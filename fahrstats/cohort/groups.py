"""Groups made from a score by quantile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fahrstats.errors import DataError


def quantile_groups(
    values: pd.Series | ArrayLike,
    *,
    n_groups: int = 4,
    origin: str | None = None,
    cut_points: Sequence[float] | None = None,
) -> QuantileGroups:
    """Cut a score into groups of about equal size, or at cut points found elsewhere.

    The cut points are the sample quantiles at 1/g, 2/g, ... (Hyndman and Fan's type 7,
    the default of R and numpy). A value equal to a cut point belongs to the lower
    group, so equal values are never parted; with many ties the groups differ in size.

    Parameters
    ----------
    values
        The score, in its own units. Missing values are left out and counted.
    n_groups
        Number of groups. With ``cut_points`` it is their number plus one.
    origin
        Where the cut points come from, in words, kept with them: the people whose
        ``values`` these are or, with ``cut_points``, their source.
    cut_points
        Upper bounds of all groups but the last, ascending, from another cohort or a
        publication.

    Raises
    ------
    DataError
        ``values`` are infinite or all missing, the cut points do not ascend, or a
        group would be empty because too many values are equal.

    References
    ----------
    Hyndman and Fan (1996), The American Statistician 50:361-365.

    Examples
    --------
    >>> groups = fs.quantile_groups(cohort["faceage"], origin="derivation cohort")
    >>> groups.assign(validation["faceage"])
    >>> groups.apply(validation["faceage"]).tidy()
    """
    numbers = _as_numbers(values)
    present = numbers[~np.isnan(numbers)]
    if not present.size:
        raise DataError("Every value of the score is missing; groups need values.")
    if cut_points is None:
        if n_groups < 2:
            raise DataError(f"`n_groups` is {n_groups}; give at least 2 groups.")
        probabilities = np.arange(1, n_groups) / n_groups
        cuts = np.quantile(present, probabilities)
        source = f"{origin or 'the values given'}, n = {present.size}"
    else:
        source = origin or "given cut points"
        cuts = np.asarray(cut_points, dtype=np.float64)
        probabilities = np.full(cuts.size, np.nan)
        if not cuts.size or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
            raise DataError(
                f"`cut_points` must be finite and ascend, but they are {cuts.tolist()}."
            )
    sizes = np.bincount(_group_of(present, cuts), minlength=cuts.size + 1)
    n_filled = int((sizes > 0).sum())
    if n_filled < sizes.size:
        raise DataError(
            f"Only {n_filled} of {sizes.size} groups hold a value: "
            + _why_empty(present, cuts, are_given=cut_points is not None)
        )
    return QuantileGroups(
        cut_points=cuts,
        quantiles=np.append(probabilities, 1.0),
        sizes=sizes.astype(np.int64),
        origin=source,
        n_missing=int(numbers.size - present.size),
    )


@dataclass(frozen=True, slots=True, eq=False)
class QuantileGroups:
    """Groups of a score, from low to high, and the cut points between them.

    Attributes
    ----------
    cut_points : ndarray of shape (g - 1,)
        Upper bounds of all groups but the last; a bound belongs to the lower group.
    quantiles : ndarray of shape (g,)
        Probability of each group's upper bound; missing where cut points were given.
    sizes : ndarray of int64, shape (g,)
        Values in each group.
    origin : str
        Where the cut points come from, and the number of values if they are quantiles.
    n_missing : int
        Values left out because they are missing.
    """

    cut_points: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    sizes: NDArray[np.int64]
    origin: str
    n_missing: int

    @property
    def labels(self) -> tuple[str, ...]:
        """``Q1`` for the lowest group, and so on."""
        return tuple(f"Q{number}" for number in range(1, self.sizes.size + 1))

    def assign(self, values: pd.Series | ArrayLike) -> pd.Series:
        """Return the group of each value, in order; missing values have none."""
        numbers = _as_numbers(values)
        codes = _group_of(numbers, self.cut_points)
        codes[np.isnan(numbers)] = -1
        levels = pd.Index(self.labels)
        groups = pd.Categorical.from_codes(codes, levels, ordered=True)
        index = values.index if isinstance(values, pd.Series) else None
        return pd.Series(groups, index=index, name="group")

    def apply(self, values: pd.Series | ArrayLike) -> QuantileGroups:
        """Return the same cut points with the sizes of another cohort, 0 allowed.

        ``origin`` goes on saying where the cut points come from, and ``quantiles`` at
        which probabilities there; values beyond those of that cohort belong to the
        lowest and the highest group.

        Raises
        ------
        DataError
            ``values`` are infinite, all missing, or not numbers.
        """
        numbers = _as_numbers(values)
        present = numbers[~np.isnan(numbers)]
        if not present.size:
            raise DataError("Every value of the score is missing; groups need values.")
        sizes = np.bincount(
            _group_of(present, self.cut_points), minlength=self.sizes.size
        )
        return replace(
            self,
            sizes=sizes.astype(np.int64),
            n_missing=int(numbers.size - present.size),
        )

    def tidy(self) -> pd.DataFrame:
        """One row per group: ``estimate`` is its upper bound, infinite for the last."""
        return pd.DataFrame(
            {
                "group": self.labels,
                "quantile": self.quantiles,
                "origin": self.origin,
                "estimand": "upper_bound",
                "estimate": np.append(self.cut_points, np.inf),
                "n": self.sizes,
            }
        )

    def glance(self) -> pd.DataFrame:
        """One row: where the cut points come from, values used and values missing."""
        return pd.DataFrame(
            {
                "origin": [self.origin],
                "n": [int(self.sizes.sum())],
                "n_missing": [self.n_missing],
            }
        )

    def summary(self) -> str:
        """Return the bounds and sizes as text."""
        cuts = _apart(self.cut_points)
        lower, upper = ([f"{sign} {cut}" for cut in cuts] for sign in (">", "<="))
        bounds = [
            " and ".join(part for part in pair if part)
            for pair in zip(["", *lower], [*upper, ""], strict=True)
        ]
        lines = [
            f"{label}: {bound} (n = {size})"
            for label, bound, size in zip(self.labels, bounds, self.sizes, strict=True)
        ]
        return "\n".join([f"Cut points from {self.origin}", *lines])

    def __str__(self) -> str:
        """Return :meth:`summary`."""
        return self.summary()


def _as_numbers(values: pd.Series | ArrayLike) -> NDArray[np.float64]:
    """Return the score as float64, refusing text and infinities."""
    if np.ndim(values) != 1:
        raise DataError(
            f"A score has one dimension, but {np.ndim(values)} were given; give one "
            "column."
        )
    column = pd.Series(values).infer_objects()
    if not len(column):
        return np.empty(0)
    if not pd.api.types.is_numeric_dtype(column):
        raise DataError(f"A score must hold numbers, but its type is {column.dtype}.")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    n_infinite = int(np.isinf(numbers).sum())
    if n_infinite:
        raise DataError(
            f"The score is infinite in {n_infinite} of {numbers.size} rows; give "
            "finite values, or leave them empty."
        )
    return numbers


def _group_of(
    numbers: NDArray[np.float64], cuts: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return group positions from 0, a value equal to a cut going to the lower one."""
    return np.searchsorted(cuts, numbers, side="left").astype(np.int64)


def _apart(cuts: NDArray[np.float64]) -> list[str]:
    """Write cut points with as many digits as tell them apart, at least six."""
    for n_digits in range(6, 18):
        texts = [f"{cut:.{n_digits}g}" for cut in cuts]
        if len(set(texts)) == len(texts):
            break
    return texts


def _why_empty(
    present: NDArray[np.float64], cuts: NDArray[np.float64], *, are_given: bool
) -> str:
    """Say why a group is empty, and what to do."""
    if are_given:
        return (
            f"the values go from {present.min():g} to {present.max():g}, the cut "
            f"points are {cuts.tolist()}; leave some out, or carry groups from the "
            "other cohort with `apply`, which allows empty ones."
        )
    value, count = _commonest(present)
    return (
        f"{count} of {present.size} values equal {value:g}; ask for fewer groups, or "
        "give `cut_points`."
    )


def _commonest(present: NDArray[np.float64]) -> tuple[float, int]:
    """Return the value that occurs most often, and how often."""
    distinct, counts = np.unique(present, return_counts=True)
    return float(distinct[counts.argmax()]), int(counts.max())
