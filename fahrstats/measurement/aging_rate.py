"""How fast a face ages between two photos of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.cohort.groups import table_one
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_interval, format_number
from fahrstats.errors import DataError
from fahrstats.measurement.photo_pairs import read_photos, widest_pairs

if TYPE_CHECKING:
    from plotnine import ggplot

FloatArray = NDArray[np.float64]

DAYS_PER_YEAR = 365.25
"""Days of the year that a rate is per."""

CLASSES: tuple[tuple[float, float], ...] = ((10, 365), (366, 730), (731, 1460))
"""Days between two photos, first and last included."""

OUTSIDE = "outside the classes"
"""Group of pairs whose interval is in no class."""

_MOSTLY_NOISE = 0.5
"""Share of the variance of rates, due to measurement error, that a note mentions."""


def face_aging_rate(
    data: pd.DataFrame,
    *,
    subject: str,
    predicted: str = "faceage",
    date: str | None = None,
    day: str | None = None,
    photo: str | None = None,
    classes: Sequence[tuple[float, float]] = CLASSES,
    measurement_sd: float | None = None,
) -> FaceAgingRate:
    """Measure the face aging rate: years of predicted age gained per year.

    For each subject the earliest and the latest photo, the widest pair, give the rate
    (last - first) / (days between / 365.25). A subject with one photo, or with all
    photos on one day, has no rate and is counted.

    The rate is known only at the second photo. An analysis of survival must start
    there (a landmark), and leave out whoever died or was censored before: time from
    the first photo to the second is immortal, and counting it makes every rate look
    protective.

    Parameters
    ----------
    data
        One row per photo. Rows with a missing predicted age, date or day are left out
        and counted. Never modified.
    subject
        Column of subjects.
    predicted
        Column of predicted age, in years.
    date, day
        Column of dates (dates, or text such as 2021-03-30), or column of days since any
        origin that is one subject's own; give one of them.
    photo
        Column that numbers the photos of a subject in the order they were taken, if
        known; dates that run against it are refused.
    classes
        Pairs of days, both included, in ascending order; pairs of photos in no class
        form a group of their own.
    measurement_sd
        Standard deviation of predicted age between photos of one face on one day, in
        years. With it every rate has a standard error, sqrt(2) times that over the
        interval in years, and classes in which such errors make up most of the variance
        of the rates say so.

    Raises
    ------
    DataError
        A column is absent, a subject is missing, dates cannot be read, run against the
        photos' numbers or repeat where a pair begins or ends, no subject has two days,
        or an argument is out of range.

    Notes
    -----
    The error of a rate is that of a difference of two measurements, so it falls with
    the interval: 2 years of error make 2.8 years per year over one year, and 0.7 over
    four.

    Examples
    --------
    >>> rates = fs.face_aging_rate(photos, subject="patient", date="taken",
    ...                            measurement_sd=2.0)
    >>> rates.subjects()
    """
    _check_arguments(classes, measurement_sd)
    photos = read_photos(data, subject, predicted, date, day, photo)
    if not len(photos):
        raise DataError(
            f"None of the {len(data)} rows of `data` has a predicted age and a day."
        )
    ordered = photos.sort_values(["subject", "day"], kind="stable")
    pairs, n_single, n_same_day = widest_pairs(ordered)
    if not len(pairs):
        raise DataError(
            f"No `{subject}` of {ordered['subject'].nunique()} has photos on two days; "
            "a rate needs an interval."
        )
    pairs = _with_rates(pairs, classes, measurement_sd)
    return FaceAgingRate(
        pairs=pairs.rename(columns={"subject": subject}),
        labels=tuple(_labels(classes)),
        measurement_sd=np.nan if measurement_sd is None else float(measurement_sd),
        n_single=n_single,
        n_same_day=n_same_day,
        n_dropped=len(data) - len(photos),
    )


@dataclass(frozen=True, slots=True, eq=False)
class FaceAgingRate:
    """Face aging rates, one per subject with photos on two days.

    Attributes
    ----------
    pairs : DataFrame
        One row per subject; see :meth:`subjects`.
    labels : tuple of str
        Interval classes.
    measurement_sd : float
        Standard deviation of predicted age between photos of one face on one day;
        missing where not given.
    n_single, n_same_day : int
        Subjects with one usable photo, and with several of one day.
    n_dropped : int
        Photos left out because a value is missing.
    """

    pairs: pd.DataFrame
    labels: tuple[str, ...]
    measurement_sd: float
    n_single: int
    n_same_day: int
    n_dropped: int

    @property
    def n(self) -> int:
        """Subjects with a rate."""
        return len(self.pairs)

    def subjects(self) -> pd.DataFrame:
        """One row per subject: the pair, its interval, and the rate.

        Columns are the subject, ``first_day`` and ``last_day`` (dates where dates were
        given), ``first_predicted``, ``last_predicted``, ``interval_days``,
        ``interval_class`` (an ordered factor, missing outside the classes), ``change``
        in years, ``rate`` per year and ``rate_std_error``. Follow-up for a survival
        model starts at ``last_day``.
        """
        return self.pairs.copy()

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Summaries of rate and interval, overall and by interval class.

        The mean has Student's interval. With ``measurement_sd``, ``error_sd`` is the
        standard deviation of the rates that measurement error alone would give, and a
        note marks the classes in which it makes up more than half of the variance.
        """
        if not 0 < conf_level < 1:
            raise DataError(
                f"`conf_level` is {conf_level}; give a number between 0 and 1."
            )
        table = self._summaries()
        is_mean = (table["estimand"] == "mean") & (table["n"] > 1)
        quantile = t.isf((1 - conf_level) / 2, table["n"].clip(lower=2) - 1)
        margin = quantile * table["std_error"]
        table["conf_low"] = (table["estimate"] - margin).where(is_mean)
        table["conf_high"] = (table["estimate"] + margin).where(is_mean)
        return table[in_order(table.columns)]

    def glance(self) -> pd.DataFrame:
        """One row: subjects with a rate, and photos left out."""
        return pd.DataFrame({"n": [self.n], "n_dropped": [self.n_dropped]})

    def plot(self) -> ggplot:
        """Spread of the rate as boxes, everyone and each interval class."""
        from fahrstats.display.figures import distribution

        table = self.tidy()
        label = {"label": "Face aging rate", "unit": "years per year"}
        return distribution(
            table[(table["variable"] == "rate") & (table["n"] > 0)],
            pd.DataFrame({"estimate": [1.0]}),
            labels={"rate": label},
        )

    def summary(self) -> str:
        """Describe the rates as text."""
        lines = [
            f"Face aging rate of {format_count(self.n)} subjects, years per year",
            f"without a rate: {format_count(self.n_single)} with one photo, "
            f"{format_count(self.n_same_day)} with photos of one day only; "
            f"{format_count(self.n_dropped)} photos left out",
        ]
        table = self.tidy()
        rates = table[table["variable"] == "rate"]
        for group in rates["group"].unique():
            rows = rates[rates["group"] == group].set_index("estimand")
            mean = rows.loc["mean"]
            limits = mean["estimate"], mean["conf_low"], mean["conf_high"]
            note = f"  ({mean['note']})" if mean["note"] else ""
            lines.append(
                f"  {group}: n = {format_count(mean['n'])}, mean "
                f"{format_interval(*limits)}, SD "
                f"{format_number(rows.loc['sd', 'estimate'])}{note}"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _summaries(self) -> pd.DataFrame:
        """Rows of Table 1 by interval class, with the part of measurement error."""
        classes = [*self.labels, OUTSIDE]
        text = self.pairs["interval_class"].astype(object)
        group = pd.Categorical(text.where(text.notna(), OUTSIDE), classes)
        if not (group == OUTSIDE).any():
            group = group.remove_categories([OUTSIDE])
        frame = self.pairs[["rate", "interval_days"]].assign(group=group)
        table = table_one(frame, ["rate", "interval_days"], by="group").tidy()
        parts = []
        for (variable, name), rows in table.groupby(["variable", "group"], sort=False):
            inside = frame["group"] == name if name != "overall" else slice(None)
            error = self.pairs.loc[inside, "rate_std_error"]
            is_known = variable == "rate" and len(error) and np.isfinite(error).all()
            error_sd = float(np.sqrt((error**2).mean())) if is_known else np.nan
            parts.append(_with_error(rows, error_sd))
        return pd.concat(parts, ignore_index=True)


def _with_error(rows: pd.DataFrame, error_sd: float) -> pd.DataFrame:
    """Add the mean's standard error, and what measurement error makes of the rates."""
    values = rows.set_index("estimand")["estimate"]
    is_mean = rows["estimand"] == "mean"
    of_mean = values["sd"] / np.sqrt(rows["n"].clip(lower=1))
    rows = rows.assign(std_error=of_mean.where(is_mean), note="")
    if np.isnan(error_sd):
        return rows
    share = (error_sd / values["sd"]) ** 2
    if share > _MOSTLY_NOISE:
        rows["note"] = (
            f"measurement error alone gives an SD of {format_number(error_sd)}, "
            f"{format_number(100 * min(share, 1.0), 0)}% of the variance"
        )
    error = rows.iloc[[0]].assign(
        estimand="error_sd", estimate=error_sd, std_error=np.nan
    )
    return pd.concat([rows, error], ignore_index=True)


def _check_arguments(
    classes: Sequence[tuple[float, float]], measurement_sd: float | None
) -> None:
    """Refuse classes that overlap or descend, and impossible errors."""
    bounds = np.array([])
    with suppress(TypeError, ValueError):
        bounds = np.asarray(classes, np.float64)
    if not (
        bounds.ndim == 2
        and bounds.shape[1] == 2
        and np.isfinite(bounds).all()
        and bounds[0, 0] > 0
        and (bounds[:, 0] <= bounds[:, 1]).all()
        and (bounds[:-1, 1] < bounds[1:, 0]).all()
    ):
        raise DataError(
            f"`classes` is {classes!r}; give pairs of positive days, each from low "
            "to high, that ascend without overlap."
        )
    if measurement_sd is not None and not (
        isinstance(measurement_sd, Real) and 0 < measurement_sd < np.inf
    ):
        raise DataError(
            f"`measurement_sd` is {measurement_sd}; give a positive number of years."
        )


def _with_rates(
    pairs: pd.DataFrame,
    classes: Sequence[tuple[float, float]],
    measurement_sd: float | None,
) -> pd.DataFrame:
    """Add interval, class, change, rate and its standard error."""
    span = pairs["last_day"] - pairs["first_day"]
    is_date = pd.api.types.is_timedelta64_dtype(span)
    days = (span.dt.days if is_date else span).astype(np.float64)
    years = days / DAYS_PER_YEAR
    change = pairs["last_predicted"] - pairs["first_predicted"]
    codes = np.full(len(pairs), -1)
    for k, (low, high) in enumerate(classes):
        codes[(days >= low) & (days <= high)] = k
    groups = pd.Categorical.from_codes(codes, pd.Index(_labels(classes)), ordered=True)
    sd = np.nan if measurement_sd is None else measurement_sd
    return pairs.assign(
        interval_days=days,
        interval_class=groups,
        change=change,
        rate=change / years,
        rate_std_error=np.sqrt(2) * sd / years,
    )


def _labels(classes: Sequence[tuple[float, float]]) -> list[str]:
    return [f"{low:g} to {high:g} days" for low, high in classes]
