"""Table 1: the characteristics of a cohort, as a whole and by group."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.columns import in_order
from fahrstats.errors import DataError

_SUMMARIES = ("median", "q1", "q3", "mean", "sd", "p5", "p95")


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
