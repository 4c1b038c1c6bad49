"""The result of judging predicted ages, and the tables made from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, t

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_difference,
    phrase_p,
)
from fahrstats.errors import DataError
from fahrstats.kernels.simultaneous import (
    joint_critical_value,
    largest_statistic,
    single_step_p,
)
from fahrstats.measurement.accuracy_blocks import BY_LIKELIHOOD
from fahrstats.measurement.age_groups import OVERALL

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

_FEWEST_DRAWS = 20
"""Draws that must have an estimate for limits to be percentiles of them."""

_ROUNDING = 1e-12
"""A standard error below this is what summing in float64 leaves of zero."""

_SHOWN = ("mae", "mae_to_interval", "macro_mae", "mean_error", "r")
"""Statistics that the summary tells of everyone."""


@dataclass(frozen=True, slots=True, eq=False)
class AgeAccuracy:
    """Accuracy of the ages that k models predict.

    Attributes
    ----------
    models : tuple of str
        Columns of predicted age.
    age : str
        Column of true age.
    table : DataFrame
        Estimates by group, model and statistic, without intervals.
    draws : ndarray of shape (n_boot, rows)
        The same estimates in each draw of the people.
    bands : tuple of str
        Bands of age.
    n, n_subjects : int
        Photos that every model predicted, and people on them.
    n_missing, n_dropped : int
        Photos that some model did not predict, and photos of unknown age.
    seed : int
        Decided the draws.
    """

    models: tuple[str, ...]
    age: str
    table: pd.DataFrame
    draws: FloatArray
    bands: tuple[str, ...]
    n: int
    n_subjects: int
    n_missing: int
    n_dropped: int
    seed: int

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per group, model and statistic: everyone, bands of age, ``by``.

        ``std_error`` is that of the bootstrap, and limits are its percentiles, both
        widened for the number of people as a t interval would be.
        """
        _check_conf_level(conf_level)
        table = self.table.copy()
        people = table["n_subjects"].to_numpy()
        low, high, n_usable = _percentiles(self.draws, people, conf_level)
        table["conf_low"], table["conf_high"] = low, high
        table["std_error"] = _spread(self.draws, people)
        fewer = (n_usable < len(self.draws)) & np.isfinite(low)
        table["note"] = [
            "; ".join(filter(None, [note, f"limits from {usable} draws" * bool(short)]))
            for note, usable, short in zip(table["note"], n_usable, fewer, strict=True)
        ]
        return table[in_order(table.columns)]

    def contrasts(
        self,
        *,
        estimand: str = "mae",
        subgroup: str = OVERALL,
        conf_level: float = 0.95,
    ) -> pd.DataFrame:
        """Differences of all pairs of models, on the same photos.

        One row for each pair ``a - b`` in each level. Standard errors are those of the
        shared bootstrap, tests and limits normal. ``p_adjusted`` and the joint limits
        hold for all rows together: single-step max-T.

        Parameters
        ----------
        estimand
            Statistic, such as ``"mae"`` or ``"macro_mae"``.
        subgroup
            ``"overall"``, the column of age, or a grouping of ``by``.
        conf_level
            Of each interval alone, and of the joint limits together.

        Raises
        ------
        DataError
            There is one model, or no such statistic in such a grouping.

        References
        ----------
        Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363.
        """
        _check_conf_level(conf_level)
        if len(self.models) < 2:
            raise DataError(
                f"`{self.models[0]}` is the only model; a difference needs two."
            )
        rows = self._rows(estimand, subgroup)
        pairs, parts = [], []
        for level, part in rows.groupby("level", sort=False):
            at = dict(zip(part["model"], part.index, strict=True))
            for a, b in combinations(self.models, 2):
                pairs.append((at[a], at[b]))
                parts.append((level, f"{a} - {b}"))
        first, second = np.array(pairs).T
        estimate = self.table["estimate"].to_numpy()
        notes = self.table["note"].tolist()
        table = self.table.loc[first, ["subgroup", "n", "n_subjects"]]
        table = table.reset_index(drop=True).assign(
            note=["; ".join(dict.fromkeys([notes[a], notes[b]])) for a, b in pairs],
            level=[level for level, _ in parts],
            term=[term for _, term in parts],
            estimand=f"delta_{estimand}",
            estimate=estimate[first] - estimate[second],
        )
        differences = self.draws[:, first] - self.draws[:, second]
        return _with_tests(table, differences, conf_level)

    def glance(self) -> pd.DataFrame:
        """One row: photos, people, photos that a model failed, photos without age."""
        values = {
            "n": self.n,
            "n_subjects": self.n_subjects,
            "n_missing": self.n_missing,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """MAE by band of age, a line with its pointwise band for each model."""
        from fahrstats.display.figures import errors_by_age

        table = self.tidy()
        is_shown = (table["subgroup"] == self.age) & (table["estimand"] == "mae")
        return errors_by_age(table[is_shown])

    def summary(self) -> str:
        """Describe the accuracy of each model in everyone, and differences in MAE."""
        table = self.tidy()
        lines = [
            f"Accuracy of predicted age against {self.age}, years",
            f"{format_count(self.n)} photos of {format_count(self.n_subjects)} people; "
            f"{format_count(self.n_missing)} photos without a prediction and "
            f"{format_count(self.n_dropped)} without an age left out",
        ]
        if (table["estimand"] == "mae_to_interval").any():
            lines.append(
                "true ages are known to intervals: all but the distance to them is "
                "found by likelihood"
            )
        overall = table[table["subgroup"] == OVERALL]
        for model, rows in overall.groupby("model", sort=False):
            lines.append(str(model))
            for row in rows[rows["estimand"].isin(_SHOWN)].to_dict("records"):
                name = str(row["estimand"]).replace("_", " ")
                notes = [n for n in row["note"].split("; ") if n != BY_LIKELIHOOD]
                lines.append(
                    "; ".join([f"  {name} {_in_words(row)}", *filter(None, notes)])
                )
        for estimand in ("mae", "macro_mae") if len(self.models) > 1 else ():
            lines.append(f"Differences in {estimand.replace('_', ' ')}")
            found = self.contrasts(estimand=estimand).to_dict("records")
            lines += [f"  {row['term']} {_in_words(row)}" for row in found]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _rows(self, estimand: str, subgroup: str) -> pd.DataFrame:
        """Find the rows of a statistic in a grouping, or refuse an unknown one."""
        table = self.table
        for column, wanted in (("subgroup", subgroup), ("estimand", estimand)):
            known = table[column].unique()
            if wanted not in known:
                options = ", ".join(f"`{value}`" for value in known)
                raise DataError(f"`{column}` is `{wanted}`; choose one of {options}.")
            table = table[table[column] == wanted]
        return table


def _in_words(row: Mapping[Hashable, Any]) -> str:
    """Write an estimate with its interval, and its adjusted test if it has one."""
    if not np.isfinite(row["estimate"]):
        return "not estimated"
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    text = format_difference(*limits, decimals=2)
    if np.isfinite(row.get("p_adjusted", np.nan)):
        text += f", adjusted {phrase_p(row['p_adjusted'])}"
    return text


def _check_conf_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise DataError(f"`conf_level` is {conf_level}; give a number between 0 and 1.")


def _percentiles(
    draws: FloatArray, people: NDArray[np.int64], conf_level: float
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Return limits of every column, and how many draws they come from.

    The tail is that of a t interval on the normal scale: with n people, the standard
    deviation of draws is short by sqrt((n - 1) / n), and the normal by t's tails.
    """
    ascending = np.sort(draws, axis=0)  # missing ones last
    n_usable = np.isfinite(draws).sum(axis=0)
    n = np.maximum(people, 2)
    reach = t.isf((1 - conf_level) / 2, n - 1) * np.sqrt(n / (n - 1))
    tail = norm.sf(reach)
    column = np.arange(draws.shape[1])

    def quantile(share: FloatArray) -> FloatArray:
        place = share * np.maximum(n_usable - 1, 0)
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(n_usable - 1, 0))
        low, high = ascending[below, column], ascending[above, column]
        return np.asarray(low + (place - below) * (high - low))

    enough = (n_usable >= _FEWEST_DRAWS) & (people > 1)
    low, high = quantile(tail), quantile(1 - tail)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan), n_usable


def _spread(draws: FloatArray, people: NDArray[np.int64]) -> FloatArray:
    """Return the standard error of every column."""
    is_usable = np.isfinite(draws)
    n_usable = is_usable.sum(axis=0)
    known = np.where(is_usable, draws, 0.0)
    mean = known.sum(axis=0) / np.maximum(n_usable, 1)
    squares = (np.where(is_usable, draws - mean, 0.0) ** 2).sum(axis=0)
    n = np.maximum(people, 2)
    found = np.sqrt(squares / np.maximum(n_usable - 1, 1) * n / (n - 1))
    return np.where((n_usable >= _FEWEST_DRAWS) & (people > 1), found, np.nan)


def _with_tests(
    table: pd.DataFrame, differences: FloatArray, conf_level: float
) -> pd.DataFrame:
    """Add tests against 0, intervals, and what holds for all rows together."""
    estimate = table["estimate"].to_numpy()
    std_error = _spread(differences, table["n_subjects"].to_numpy())
    tested = np.isfinite(estimate) & (std_error > _ROUNDING)
    usable = differences[:, tested]
    usable = usable[np.isfinite(usable).all(axis=1)]
    if len(usable) < _FEWEST_DRAWS:
        tested[:] = False
    statistic, p_adjusted, critical = np.full((3, len(table)), np.nan)
    statistic[tested] = estimate[tested] / std_error[tested]
    if tested.any():
        largest = largest_statistic(
            np.cov(usable, rowvar=False).reshape((tested.sum(), tested.sum()))
        )
        p_adjusted[tested] = single_step_p(largest, statistic[tested])
        critical[tested] = joint_critical_value(largest, conf_level)
    alone = norm.isf((1 - conf_level) / 2) * std_error
    joint = critical * std_error
    table = table.assign(
        std_error=std_error,
        statistic=statistic,
        p_value=2 * norm.sf(np.abs(statistic)),
        p_adjusted=p_adjusted,
        conf_low=estimate - alone,
        conf_high=estimate + alone,
        joint_low=estimate - joint,
        joint_high=estimate + joint,
    )
    return table[in_order(table.columns)]
