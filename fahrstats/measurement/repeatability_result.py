"""The result of repeated photos, and the tables made from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_interval
from fahrstats.errors import DataError
from fahrstats.measurement.photo_variances import (
    Limits,
    PhotoVariances,
    chi_squared_limits,
)

if TYPE_CHECKING:
    from plotnine import ggplot

OVERALL = "overall"

_WITHIN_95 = float(norm.isf(0.025) * np.sqrt(2))
"""Standard deviations below which 95% of differences of two photos lie."""

_LONG = 365
"""Days between photos from which ageing is more than a rounding of their error."""

_ESTIMANDS = (
    "variance_between",
    "variance_days",
    "variance_error",
    "measurement_sd",
    "error_sd",
    "repeatability",
    "reproducibility",
    "icc_same_day",
    "icc",
)
_OF_DAYS = ("variance_days", "error_sd", "reproducibility", "icc_same_day")
Entry = tuple[float, float, Limits, str]
"""An estimate, its degrees of freedom, its limits and a note."""

_UNKNOWN: Limits = (np.nan, np.nan)
_ONE_DAY: Entry = (
    *(np.nan, np.nan, _UNKNOWN),
    "not estimated: no subject has photos of two days",
)
_ONE_PHOTO: Entry = (
    *(np.nan, np.nan, _UNKNOWN),
    "not estimated: no subject has two photos of one day",
)
_AT_ZERO = "0: days differ no more than the photos of a day"
_TEXTS = {
    "measurement_sd": "SD of photos of one day",
    "error_sd": "SD of photos of different days",
    "repeatability": "two photos of one day lie within",
    "reproducibility": "two photos of different days lie within",
    "icc_same_day": "ICC, one day",
    "icc": "ICC",
}
_DRAWN = ("measurement_sd", "error_sd", "icc_same_day", "icc")


@dataclass(frozen=True, slots=True, eq=False)
class Repeats:
    """Repeated photos of one group.

    Attributes
    ----------
    subgroup, level : str
        The group; ``overall`` for everyone.
    n, n_subjects : int
        Photos and subjects.
    variances : PhotoVariances or None
        The mixed model, if there is one.
    note : str
        Why there is none.
    """

    subgroup: str
    level: str
    n: int
    n_subjects: int
    variances: PhotoVariances | None
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Repeatability:
    """How far one photo errs.

    Attributes
    ----------
    predicted : str
        Column of the score.
    knows_days : bool
        Whether dates or days were given.
    groups : tuple of Repeats
        Everyone first, then the levels asked for.
    n_dropped : int
        Photos left out because a value is missing.
    """

    predicted: str
    knows_days: bool
    groups: tuple[Repeats, ...]
    n_dropped: int

    @property
    def variances(self) -> PhotoVariances:
        """The mixed model of everyone."""
        found = self.groups[0].variances
        assert found is not None
        return found

    @property
    def error_sd(self) -> float:
        """Standard deviation of the error of one photo, whatever its day.

        Of the day and the photo together where days are told apart; otherwise that of
        photos of one day, which leaves out what differs from day to day.
        """
        return float(np.sqrt(self.variances.of_one_photo[0]))

    @property
    def error_df(self) -> float:
        """Degrees of freedom of ``error_sd``."""
        return self.variances.of_one_photo[1]

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Variances, standard deviations and correlations of everyone and each level.

        ``variance_between``, ``variance_days`` and ``variance_error`` are the
        components. ``measurement_sd`` is the standard deviation of photos of one face
        on one day and ``error_sd`` that of one face on different days; 95% of the
        differences of two photos lie within ``repeatability`` and ``reproducibility``,
        of one day and of two. ``icc_same_day`` and ``icc`` are the correlations of two
        photos of a subject, of one day and of two. Without days, ``icc`` is that of
        the photos as they are, and rows about days are left out.
        """
        if not 0 < conf_level < 1:
            raise DataError(
                f"`conf_level` is {conf_level}; give a number between 0 and 1."
            )
        rows = [row for group in self.groups for row in self._rows(group, conf_level)]
        table = pd.DataFrame(rows)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: photos, subjects, and photos left out."""
        everyone = self.groups[0]
        values = {
            "n": everyone.n,
            "n_subjects": everyone.n_subjects,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """Errors and correlations with their intervals, of everyone and each level."""
        from fahrstats.display.figures import estimates

        table = self.tidy()
        return estimates(table[table["estimand"].isin(_DRAWN)], decimals=2)

    def summary(self) -> str:
        """Describe the error of a photo as text."""
        everyone = self.groups[0]
        lines = [
            f"Repeated photos, `{self.predicted}`: {format_count(everyone.n)} photos "
            f"of {format_count(everyone.n_subjects)} subjects; "
            f"{format_count(self.n_dropped)} photos left out"
        ]
        if not self.knows_days:
            lines.append(
                "without dates: photos are taken to be of one day, and errors leave "
                "out what differs from day to day"
            )
        table = self.tidy()
        for _, rows in table.groupby(["subgroup", "level"], sort=False):
            first = rows.iloc[0]
            if len(self.groups) > 1:
                lines.append(f"{first['subgroup']}, {first['level']}:")
            lines += list(_lines(rows))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _rows(self, group: Repeats, conf_level: float) -> Iterator[dict[str, object]]:
        """Yield the estimands of a group, those without an estimate included."""
        found = {}
        if group.variances is not None:
            found = _estimates(group.variances, conf_level)
        for estimand in _ESTIMANDS:
            if estimand in _OF_DAYS and not self.knows_days:
                continue
            estimate, df, limits, note = found.get(
                estimand, (np.nan, np.nan, _UNKNOWN, group.note)
            )
            yield {
                "subgroup": group.subgroup,
                "level": group.level,
                "estimand": estimand,
                "estimate": estimate,
                "df": df,
                "conf_low": limits[0],
                "conf_high": limits[1],
                "n": group.n,
                "n_subjects": group.n_subjects,
                "note": note,
            }


def _estimates(found: PhotoVariances, conf_level: float) -> dict[str, Entry]:
    """Return what a model tells, by estimand."""
    if found.layout == "nested":
        return _nested_estimates(found, conf_level)
    within, df = found.within
    limits = found.within_limits(conf_level)
    between = found.between_limits(conf_level)
    icc = found.icc(), np.nan, found.icc_limits(conf_level), ""
    of_subjects: Entry = (float(found.theta[0]), np.nan, between, "")
    if found.layout == "days":
        note = _ageing(found)
        return {
            **dict.fromkeys(_ESTIMANDS, _ONE_PHOTO),
            "variance_between": of_subjects,
            **_spreads("error_sd", "reproducibility", within, df, limits, note),
            "icc": icc,
        }
    estimates: dict[str, Entry] = {
        "variance_between": of_subjects,
        "variance_error": (float(found.theta[2]), np.nan, limits, ""),
        **_spreads("measurement_sd", "repeatability", within, df, limits, ""),
        "icc": icc,
    }
    if not np.isnan(found.span):
        untold = ("variance_between", "variance_days", "icc")
        estimates |= dict.fromkeys([*untold, "error_sd", "reproducibility"], _ONE_DAY)
        estimates["icc_same_day"] = icc
    return estimates


def _nested_estimates(found: PhotoVariances, conf_level: float) -> dict[str, Entry]:
    """Return what a model of days within subjects tells, by estimand."""
    between, days, error = (float(variance) for variance in found.theta)
    limits = found.within_limits(conf_level)
    total, total_df = found.of_one_photo
    of_total = chi_squared_limits(total, total_df, conf_level)
    note = _ageing(found)
    of_days = _AT_ZERO if days == 0 else note
    same_day = found.icc_same_day_limits(conf_level)
    return {
        "variance_between": (between, np.nan, found.between_limits(conf_level), ""),
        "variance_days": (days, np.nan, found.days_limits(conf_level), of_days),
        "variance_error": (error, np.nan, limits, ""),
        **_spreads("measurement_sd", "repeatability", *found.within, limits, ""),
        **_spreads("error_sd", "reproducibility", total, total_df, of_total, note),
        "icc_same_day": (found.icc_same_day(), np.nan, same_day, ""),
        "icc": (found.icc(), np.nan, found.icc_limits(conf_level), ""),
    }


def _spreads(
    sd: str, difference: str, variance: float, df: float, limits: Limits, note: str
) -> dict[str, Entry]:
    """Return a standard deviation and the bound of the differences of two photos."""
    root = float(np.sqrt(variance))
    low, high = np.sqrt(limits)
    bound = _WITHIN_95 * low, _WITHIN_95 * high
    return {
        sd: (root, df, (low, high), note),
        difference: (_WITHIN_95 * root, df, bound, note),
    }


def _ageing(found: PhotoVariances) -> str:
    """Say that days lie so far apart that faces have aged, or nothing."""
    if not found.span > _LONG:
        return ""
    return (
        f"photos of a subject are up to {found.span:.0f} days apart, so ageing is part "
        "of it"
    )


def _lines(rows: pd.DataFrame) -> Iterator[str]:
    """Yield a line for every number of a group that a reader asks for."""
    found = {row["estimand"]: row for row in rows.to_dict("records")}
    for estimand, text in _TEXTS.items():
        row = found.get(estimand)
        if row is not None and np.isfinite(row["estimate"]):
            decimals = 3 if estimand.startswith("icc") else 2
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            yield f"  {text}: {format_interval(*limits, decimals=decimals)}"
    yield from (f"  {note}" for note in dict.fromkeys(rows["note"]) if note)
