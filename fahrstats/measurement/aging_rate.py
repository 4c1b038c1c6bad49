"""How fast a face ages between two photos of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from fahrstats.cohort.characteristics import table_one
from fahrstats.cohort.measurement_error import (
    ErrorLike,
    MeasurementError,
    read_error,
)
from fahrstats.columns import in_order
from fahrstats.display.journals import format_count, format_interval, format_number
from fahrstats.errors import DataError
from fahrstats.measurement.photo_pairs import read_photos, widest_pairs
from fahrstats.measurement.rate_error import NoisyRates, margin

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
    measurement_sd: ErrorLike | None = None,
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
        origin that is one subject's own, of which the whole number counts; give one of
        them.
    photo
        Column that numbers the photos of a subject in the order they were taken, if
        known; dates that run against it are refused.
    classes
        Pairs of days, both included, in ascending order; pairs of photos in no class
        form a group of their own.
    measurement_sd
        Error of one photo, in years: its standard deviation, a tuple of it and its
        degrees of freedom, or the result of :func:`fahrstats.repeatability`. The photos
        of a rate are of two days, so what differs from day to day is part of the error:
        the root of the variances of days and of photos of one day together, which is
        what a result of ``repeatability`` that knows days gives. From photos of one day
        alone, intervals are too narrow. With it every rate has a standard error, the
        root of 2 times that over the interval in years, and limits; the tables tell how
        much of the variance of the rates is error.

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
    four. The limits of a rate are Student's, on the degrees of freedom of the error.

    The standard deviation of the true rates has errors taken out: it is where the
    weighted squares of the rates equal their expectation, with the limits of the Q
    profile.

    References
    ----------
    Bland and Altman (1996), BMJ 313:744. Paule and Mandel (1982), Journal of Research
    of the National Bureau of Standards 87:377-385. Viechtbauer (2007), Statistics in
    Medicine 26:37-52. Zou and Donner (2008), Statistics in Medicine 27:1693-1702.

    Examples
    --------
    >>> error = fs.repeatability(repeated, subject="patient", date="taken")
    >>> rates = fs.face_aging_rate(photos, subject="patient", date="taken",
    ...                            measurement_sd=error)
    >>> rates.subjects()
    """
    _check_classes(classes)
    error = MeasurementError(np.nan)
    if measurement_sd is not None:
        error = read_error("measurement_sd", measurement_sd)
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
    pairs = _with_rates(pairs, classes, error.sd)
    return FaceAgingRate(
        pairs=pairs.rename(columns={"subject": subject}),
        labels=tuple(_labels(classes)),
        measurement_sd=error.sd,
        measurement_df=error.df,
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
    measurement_sd, measurement_df : float
        Standard deviation of the error of one photo, missing where not given, and its
        degrees of freedom, infinite where it is known.
    n_single, n_same_day : int
        Subjects with one usable photo, and with several of one day.
    n_dropped : int
        Photos left out because a value is missing.
    """

    pairs: pd.DataFrame
    labels: tuple[str, ...]
    measurement_sd: float
    measurement_df: float
    n_single: int
    n_same_day: int
    n_dropped: int

    @property
    def n(self) -> int:
        """Subjects with a rate."""
        return len(self.pairs)

    def subjects(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """One row per subject: the pair, its interval, and the rate.

        Columns are the subject, ``first_day`` and ``last_day`` (dates where dates were
        given), ``first_predicted``, ``last_predicted``, ``interval_days``,
        ``interval_class`` (an ordered factor, missing outside the classes), ``change``
        in years, ``rate`` per year, ``rate_std_error``, ``rate_conf_low`` and
        ``rate_conf_high``, missing without ``measurement_sd``. Follow-up for a survival
        model starts at ``last_day``.
        """
        _check_conf_level(conf_level)
        half = margin(
            self.pairs["rate_std_error"].to_numpy(), self.measurement_df, conf_level
        )
        return self.pairs.assign(
            rate_conf_low=self.pairs["rate"] - half,
            rate_conf_high=self.pairs["rate"] + half,
        )

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Summaries of rate and interval, overall and by interval class.

        The mean has Student's interval. With ``measurement_sd`` there are three more
        rows. ``error_sd`` is the standard deviation of the rates that measurement error
        alone would give, and a note marks the classes in which it makes up more than
        half of the variance. ``true_sd`` is that of the rates without error, 0 where
        error explains all, and ``reliability`` the share of the variance of the rates
        that is not error.
        """
        _check_conf_level(conf_level)
        table = self._summaries(conf_level)
        is_mean = (table["estimand"] == "mean") & (table["n"] > 1)
        quantile = t.isf((1 - conf_level) / 2, table["n"].clip(lower=2) - 1)
        half = quantile * table["std_error"]
        table.loc[is_mean, "conf_low"] = table["estimate"] - half
        table.loc[is_mean, "conf_high"] = table["estimate"] + half
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
            if "true_sd" in rows.index:
                true = rows.loc["true_sd"]
                limits = true["estimate"], true["conf_low"], true["conf_high"]
                share = 100 * rows.loc["reliability", "estimate"]
                lines.append(
                    f"    SD of true rates {format_interval(*limits)}; "
                    f"{format_number(share, 0)}% of the variance is not error"
                )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()

    def _summaries(self, conf_level: float) -> pd.DataFrame:
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
            parts.append(_with_error_of_mean(rows))
            inside = frame["group"] == name if name != "overall" else slice(None)
            pairs = self.pairs.loc[inside]
            if variable == "rate" and len(pairs) and np.isfinite(self.measurement_sd):
                noisy = NoisyRates(
                    pairs["rate"].to_numpy(),
                    pairs["rate_std_error"].to_numpy(),
                    self.measurement_df,
                )
                parts[-1] = _with_error(parts[-1], noisy, conf_level)
        return pd.concat(parts, ignore_index=True)


def _with_error_of_mean(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the standard error of the mean, and room for limits and a note."""
    values = rows.set_index("estimand")["estimate"]
    of_mean = values["sd"] / np.sqrt(rows["n"].clip(lower=1))
    is_mean = rows["estimand"] == "mean"
    return rows.assign(
        std_error=of_mean.where(is_mean), conf_low=np.nan, conf_high=np.nan, note=""
    )


def _with_error(
    rows: pd.DataFrame, noisy: NoisyRates, conf_level: float
) -> pd.DataFrame:
    """Add what measurement error makes of the rates, and what it leaves of them."""
    values = rows.set_index("estimand")["estimate"]
    error_sd = float(np.sqrt(noisy.error_variance))
    share = (error_sd / max(values["sd"], error_sd)) ** 2  # at most 1, with no spread
    if share > _MOSTLY_NOISE:
        rows["note"] = (
            f"measurement error alone gives an SD of {format_number(error_sd)}, "
            f"{format_number(100 * share, 0)}% of the variance"
        )
    found = {"error_sd": (error_sd, *np.sqrt(noisy.error_limits(conf_level)))}
    if noisy.rate.size > 1:
        variance = noisy.true_variance(), *noisy.true_variance_limits(conf_level)
        found["true_sd"] = tuple(np.sqrt(variance))
        limits = noisy.reliability_limits(conf_level)
        found["reliability"] = noisy.reliability(), *limits
    added = [
        rows.iloc[[0]].assign(
            estimand=estimand,
            estimate=estimate,
            std_error=np.nan,
            conf_low=low,
            conf_high=high,
        )
        for estimand, (estimate, low, high) in found.items()
    ]
    return pd.concat([rows, *added], ignore_index=True)


def _check_conf_level(conf_level: float) -> None:
    if not 0 < conf_level < 1:
        raise DataError(f"`conf_level` is {conf_level}; give a number between 0 and 1.")


def _check_classes(classes: Sequence[tuple[float, float]]) -> None:
    """Refuse classes that overlap or descend."""
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


def _with_rates(
    pairs: pd.DataFrame,
    classes: Sequence[tuple[float, float]],
    measurement_sd: float,
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
    return pairs.assign(
        interval_days=days,
        interval_class=groups,
        change=change,
        rate=change / years,
        rate_std_error=np.sqrt(2) * measurement_sd / years,
    )


def _labels(classes: Sequence[tuple[float, float]]) -> list[str]:
    return [f"{low:g} to {high:g} days" for low, high in classes]
