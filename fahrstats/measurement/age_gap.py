"""Predicted age minus age: raw, given age, in standard deviations, and in groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.cohort.characteristics import table_one
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_interval, format_number
from fahrstats.errors import DataError
from fahrstats.measurement.gap_reference import (
    CURVES,
    EVERYONE,
    Curve,
    GapReference,
    fit_reference,
    level_codes,
    read_ages,
)

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]
_ROUNDING = 1e-9
"""Years by which a gap may miss a border and still be on it: 65.1 - 55.1 is not 10."""

_GAPS = ("gap", "residual_gap", "sd_gap")


def gap(
    data: pd.DataFrame,
    *,
    predicted: str = "faceage",
    age: str = "age",
    reference: str | GapReference | None = None,
    curve: Curve = "linear",
    sd_by: str | None = None,
    older: float = 10.0,
    younger: float = 5.0,
) -> AgeGap:
    """Measure how much older people look than they are.

    The **raw gap** is predicted age minus age, in years. The **residual gap** is what
    predicted age exceeds its expectation at that age by, from a regression of predicted
    age on age in a declared reference group. The **SD gap** is the raw gap less its
    mean, in standard deviations, both of the reference group (of all rows without one),
    within the levels of ``sd_by`` where given. **Gap groups** are at least ``older``
    years older, at least ``younger`` years younger, and between; a gap on a border
    belongs to the outer group.

    Rows with a missing age or predicted age have no gap and are counted. In a model
    with linear age, the raw gap and predicted age have the same coefficient, standard
    error, likelihood and concordance; only the coefficient of age differs.

    Parameters
    ----------
    data
        One row per photo or subject. Never modified.
    predicted, age
        Columns of predicted and actual age, in years.
    reference
        Column that is true (or 1) for the reference group; or ``AgeGap.reference`` of
        another cohort, whose regression, means and standard deviations are then used.
        Without it there is no residual gap.
    curve
        ``"linear"``, or ``"rcs"`` for a restricted cubic spline with 4 knots.
    sd_by
        Column whose levels, such as the sexes, have means and SDs of their own.
    older, younger
        Years at which the outer groups begin, both positive.

    Raises
    ------
    DataError
        A column is absent or holds no ages, the reference group is not marked by true
        and false or too small, predicted age does not vary, or a level of ``sd_by`` is
        unknown to a given reference.

    Notes
    -----
    A residual gap is no prediction of age: it knows the age. Accuracy, such as a mean
    absolute error or R squared, is that of predicted age and never of a corrected one.

    References
    ----------
    Butler et al. (2021), Human Brain Mapping 42:4092-4101.

    Examples
    --------
    >>> found = fs.gap(cohort, reference="healthy", sd_by="sex")
    >>> cohort = found.augment(cohort)
    >>> fs.gap(validation, reference=found.reference).tidy()
    """
    for name, years in (("older", older), ("younger", younger)):
        if not isinstance(years, Real) or not 0 < years < np.inf:
            raise DataError(f"`{name}` is {years}; give a positive number of years.")
    if curve not in CURVES:
        options = ", ".join(f'"{option}"' for option in CURVES)
        raise DataError(f"`curve` is {curve!r}; choose one of {options}.")
    if isinstance(reference, GapReference):
        if sd_by not in (None, reference.sd_by):
            raise DataError(
                f"`sd_by` is `{sd_by}`, but the reference given has the standard "
                f"deviations of `{reference.sd_by or EVERYONE}`; leave it out."
            )
        if curve not in ("linear", reference.curve):
            raise DataError(
                f'`curve` is "{curve}", but the reference given is '
                f"{reference.curve}; leave it out."
            )
        fitted = replace(reference, predicted=predicted, age=age)
    else:
        fitted = fit_reference(data, predicted, age, reference, curve, sd_by)
    borders = (-float(younger), float(older))
    columns = _gaps(data, fitted, borders)
    n = int(np.isfinite(columns["gap"]).sum())
    return AgeGap(
        reference=fitted,
        borders=borders,
        table=_describe(columns, has_residuals=bool(fitted.coefficients.size)),
        n=n,
        n_dropped=len(data) - n,
    )


@dataclass(frozen=True, slots=True, eq=False)
class AgeGap:
    """Gaps between predicted and actual age.

    Attributes
    ----------
    reference : GapReference
        What residual and SD gaps are measured against.
    borders : tuple of float
        Raw gaps at which the outer groups begin, the younger one negative.
    table : DataFrame
        Summaries of the gaps by group.
    n, n_dropped : int
        Rows with both ages, and rows without.
    """

    reference: GapReference
    borders: tuple[float, float]
    table: pd.DataFrame
    n: int
    n_dropped: int

    def augment(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return ``data`` with ``gap``, ``residual_gap``, ``sd_gap``, ``gap_group``.

        The group is an ordered factor, from younger to older. The data may be those of
        another cohort; they are measured against the same reference.
        """
        return data.assign(**_gaps(data, self.reference, self.borders))

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Summaries of each gap, overall and by gap group; the mean has an interval."""
        if not 0 < conf_level < 1:
            raise DataError(
                f"`conf_level` is {conf_level}; give a number between 0 and 1."
            )
        table = self.table.copy()
        is_mean = (table["estimand"] == "mean") & (table["n"] > 1)
        df = table["n"].clip(lower=2) - 1
        margin = t.isf((1 - conf_level) / 2, df) * table["std_error"]
        table["conf_low"] = (table["estimate"] - margin).where(is_mean)
        table["conf_high"] = (table["estimate"] + margin).where(is_mean)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: rows with both ages and rows without, and the reference."""
        values = {
            "origin": self.reference.origin,
            "n": self.n,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Spread of the raw gap as boxes, everyone and each group, with the borders."""
        from fahrstats.display.figures import distribution

        name = f"{self.reference.predicted} minus {self.reference.age}"
        return distribution(
            self.table[(self.table["variable"] == "gap") & (self.table["n"] > 0)],
            pd.DataFrame({"estimate": self.borders}),
            labels={"gap": {"label": name, "unit": "years"}},
        )

    def summary(self) -> str:
        """Describe the gaps as text: reference, then mean and SD of every group."""
        ref = self.reference
        lines = [
            f"Gap: {ref.predicted} minus {ref.age}, years",
            f"{format_count(self.n)} rows, {format_count(self.n_dropped)} left out; "
            f"reference: {ref.origin}",
        ]
        if ref.coefficients.size:
            lines.append(
                f"{ref.curve} regression on {ref.age}, residual SD "
                f"{format_number(ref.residual_sd)}"
            )
        table = self.tidy()
        for row in table[table["estimand"] == "mean"].to_dict("records"):
            same = (table["variable"] == row["variable"]) & (
                table["group"] == row["group"]
            )
            sd = table.loc[same & (table["estimand"] == "sd"), "estimate"].item()
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            text = f"mean {format_interval(*limits)}, SD {format_number(sd)}"
            lines.append(
                f"  {row['variable'].replace('_', ' ')}, {row['group']}: "
                f"n = {format_count(row['n'])}, {row['note'] or text}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _gaps(
    data: pd.DataFrame, reference: GapReference, borders: tuple[float, float]
) -> dict[str, Any]:
    """Return the columns of gaps, row for row."""
    face, years, known = read_ages(data, reference.predicted, reference.age)
    raw = face - years
    found, codes = level_codes(data, reference.sd_by)
    unseen = [level for level in found if level not in reference.levels]
    if unseen:
        raise DataError(
            f"`{reference.sd_by}` has levels without a standard deviation in the "
            f"reference ({', '.join(f'`{level}`' for level in unseen)}); it has "
            f"{', '.join(f'`{level}`' for level in reference.levels)}."
        )
    place = np.array([*(reference.levels.index(level) for level in found), -1])[codes]
    low, high = borders
    outer = (raw >= high - _ROUNDING).astype(int) - (raw <= low + _ROUNDING)
    labels = pd.Index(
        [
            f"at least {-low:g} years younger",
            "between",
            f"at least {high:g} years older",
        ]
    )
    return {
        "gap": raw,
        "residual_gap": face - reference.expected(years),
        "sd_gap": np.where(
            place < 0, np.nan, (raw - reference.mean[place]) / reference.sd[place]
        ),
        "gap_group": pd.Categorical.from_codes(
            np.where(known, outer + 1, -1), labels, ordered=True
        ),
    }


def _describe(gaps: dict[str, Any], *, has_residuals: bool) -> pd.DataFrame:
    """Return the summaries of each gap by group, with the standard error of means."""
    table = table_one(pd.DataFrame(gaps), _GAPS, by="gap_group").tidy()
    keys = ["variable", "group"]
    wide = table.pivot(index=keys, columns="estimand", values="estimate")
    sd = wide["sd"].reindex(pd.MultiIndex.from_frame(table[keys])).to_numpy()
    is_mean = table["estimand"] == "mean"
    of_mean = sd / np.sqrt(table["n"].clip(lower=1))
    table["std_error"] = of_mean.where(is_mean)
    table["note"] = ""
    if not has_residuals:
        is_without = table["variable"] == "residual_gap"
        table.loc[is_without, "note"] = "no reference group was named"
    return table
