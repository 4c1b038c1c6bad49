"""Groups made from a score by quantile, and Table 1."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError

_SUMMARIES = ("median", "q1", "q3", "mean", "sd", "p5", "p95")


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


def table_one(
    data: pd.DataFrame,
    variables: Sequence[str],
    *,
    by: str | None = None,
    categorical: Collection[str] = (),
) -> TableOne:
    """Describe a cohort: Table 1 of a paper, without p values.

    Text, boolean and categorical columns are counted by level, other numbers are
    summarised by median, quartiles, mean, standard deviation and the 5th and 95th
    percentile; the range would be the values of two people. Missing values are left
    out of both and counted; a percentage is of the rows with a value.
    Rows whose ``by`` is missing are part of ``overall`` and of no group.

    Parameters
    ----------
    data
        One row per subject.
    variables
        Columns to describe, in the order of the table.
    by
        Column of groups, such as quartiles of a biomarker. A categorical column keeps
        the order of its levels.
    categorical
        Columns of numbers that are codes, to be counted by level.

    Raises
    ------
    DataError
        A column is absent, or ``categorical`` names a column that is not described.

    Notes
    -----
    Quartiles are those of R's ``quantile`` of type 7. There are no p values: whether
    groups differ by chance is no question where they were not formed by it.

    References
    ----------
    Vandenbroucke et al. (2007), Epidemiology 18:805-835, items 13 and 14.

    Examples
    --------
    >>> print(fs.table_one(cohort, ["age", "sex", "faceage"], by="sex"))
    """
    _check_columns(data, variables, by, categorical)
    groups = [("overall", np.ones(len(data), np.bool_))]
    if by is not None:
        groups += [
            (str(level), (data[by] == level).to_numpy(dtype=bool, na_value=False))
            for level in _levels(data[by])
        ]
    rows = [
        {"group": group, "variable": name, **row}
        for name in variables
        for group, is_in in groups
        for row in _describe(data[name], is_in, is_factor=name in categorical)
    ]
    table = pd.DataFrame(rows)
    return TableOne(table=table[in_order(table.columns)], n=len(data), by=by)


@dataclass(frozen=True, slots=True, eq=False)
class TableOne:
    """Table 1 of a cohort.

    Attributes
    ----------
    table : DataFrame
        One row per variable, group, level and estimand.
    n : int
        Rows described.
    by : str or None
        Column of the groups.
    """

    table: pd.DataFrame
    n: int
    by: str | None

    def tidy(self) -> pd.DataFrame:
        """One row per variable, group, level and estimand.

        ``n`` counts the group's rows with a value, ``n_missing`` those without.
        """
        return self.table.copy()

    def glance(self) -> pd.DataFrame:
        """One row: the number of rows described."""
        return pd.DataFrame({"n": [self.n]})

    def summary(self) -> str:
        """Return median (quartiles) or count (percent) per variable as text."""
        keys = ["variable", "level", "group"]
        wide = self.table.pivot(index=keys, columns="estimand", values="estimate")
        shown = wide.apply(_as_printed, axis=1)
        order = self.table[keys].drop_duplicates()
        groups = list(dict.fromkeys(order["group"]))
        lines = order[["variable", "level"]].drop_duplicates()
        printed = shown.unstack("group").loc[pd.MultiIndex.from_frame(lines), groups]
        text = [line.rstrip() for line in printed.to_string().splitlines()]
        return "\n".join([f"Table 1, n = {self.n}", *text])

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


def _check_columns(
    data: pd.DataFrame,
    variables: Sequence[str],
    by: str | None,
    categorical: Collection[str],
) -> None:
    """Refuse names that the table or the request does not hold."""
    wanted = [*variables, *([] if by is None else [by])]
    absent = [f"`{name}`" for name in wanted if name not in data.columns]
    if absent:
        raise DataError(f"`data` has no column {', '.join(absent)}.")
    stray = [f"`{name}`" for name in categorical if name not in variables]
    if stray:
        raise DataError(
            f"`categorical` names {', '.join(stray)}, not among the variables."
        )
    if not variables:
        raise DataError("`variables` is empty; name the columns to describe.")


def _as_printed(estimates: pd.Series) -> str:
    """Return one cell of the printed table: median (quartiles) or count (percent)."""
    if np.isnan(estimates.get("count", np.nan)):
        return "{median:.4g} ({q1:.4g}-{q3:.4g})".format_map(estimates)
    return "{count:.0f} ({percent:.1f}%)".format_map(estimates)


def _levels(values: pd.Series) -> list[object]:
    """Return the levels of a factor: declared order, or sorted."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    return sorted(values.dropna().unique())


def _describe(
    values: pd.Series, is_in: NDArray[np.bool_], *, is_factor: bool
) -> Iterator[dict[str, object]]:
    """Yield the rows of one variable in one group."""
    inside = values[is_in]
    present = inside.dropna()
    counts = {"n": len(present), "n_missing": len(inside) - len(present)}
    is_number = pd.api.types.is_numeric_dtype(values.infer_objects())
    is_logical = pd.api.types.is_bool_dtype(values.infer_objects())
    if is_number and not is_logical and not is_factor:
        summary = _summarise(present.to_numpy(dtype=np.float64))
        for estimand, estimate in zip(_SUMMARIES, summary, strict=True):
            yield {"level": "", "estimand": estimand, "estimate": estimate, **counts}
        return
    for level in _levels(values):
        count = int((present == level).sum())
        percent = 100 * count / len(present) if len(present) else np.nan
        name = f"{level:g}" if isinstance(level, float) else str(level)
        for estimand, estimate in (("count", float(count)), ("percent", percent)):
            yield {"level": name, "estimand": estimand, "estimate": estimate, **counts}


def _summarise(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the summaries of a number, missing where not defined."""
    if not numbers.size:
        return (np.nan,) * len(_SUMMARIES)
    p5, q1, median, q3, p95 = np.quantile(numbers, [0.05, 0.25, 0.5, 0.75, 0.95])
    sd = numbers.std(ddof=1) if numbers.size > 1 else np.nan
    return median, q1, q3, numbers.mean(), sd, p5, p95
