"""Do an estimate, its interval and its p value in print agree with each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pandas as pd
from scipy.stats import norm

from fahrstats.columns import in_order
from fahrstats.display.journals import format_count
from fahrstats.display.result_table import records
from fahrstats.errors import DataError
from fahrstats.survival.options import check_conf_level, refuse_unknown
from fahrstats.survival.study_planning.printed_numbers import (
    Printed,
    PrintedRow,
    read_record,
    read_sentence,
)

if TYPE_CHECKING:
    from plotnine import ggplot

Scale = Literal["ratio", "difference"]
Range = tuple[float, float]

SCALES: tuple[Scale, ...] = ("ratio", "difference")
"""Whether intervals are symmetric for the logarithm or for the number itself."""

_OFF_CENTRE = 0.05
"""Share of half an interval by which an estimate may miss its middle unmentioned."""

_ANOTHER_TEST = 0.15
"""Difference between z values that another test of the same effect can make."""


def check_published(
    printed: pd.DataFrame | Sequence[str] | str,
    *,
    scale: Scale = "ratio",
    conf_level: float = 0.95,
) -> PublishedCheck:
    """Check printed estimates, intervals and p values against each other.

    The two-sided p value is recomputed from estimate and interval, and the interval
    from estimate and p value, taking the interval to be a Wald interval on the log
    scale (or, for differences, on the scale of the number). Every printed number stands
    for all that round to it, so p has a range; a printed p value outside it is flagged,
    with the likely reason: a misplaced decimal, a one-sided test, or another test where
    the difference is small. Flagged too are swapped or equal limits, an estimate
    outside its interval or away from its middle, and a ratio that is not positive.

    Parameters
    ----------
    printed
        A table with columns ``estimate``, ``conf_low``, ``conf_high``, ``p_value`` and,
        if wanted, ``term``, as text or numbers; or sentences such as
        ``"HR 1.15 (95% CI 1.06-1.25), p<0.001"``, with dashes, raised decimal points
        and signs of any journal. Text keeps trailing zeros, which numbers lose: 1.10 as
        a number is taken to have the decimals of its row.
    scale
        ``"ratio"`` for hazard and odds ratios, ``"difference"`` for coefficients,
        differences and C-indices against 0.
    conf_level
        Level of the intervals; one that a sentence prints comes first.

    Raises
    ------
    DataError
        Nothing is given, a cell or sentence cannot be read, or an option is unknown.

    References
    ----------
    Altman and Bland (2011), BMJ 343:d2304. Bland and Altman (2011), BMJ 343:d2090.

    Examples
    --------
    >>> print(fs.check_published("HR 1.151 (1.056-1.254), P=0.013"))
    """
    refuse_unknown("scale", scale, SCALES)
    check_conf_level(conf_level)
    rows = _read(printed)
    return PublishedCheck(
        scale=scale,
        conf_level=conf_level,
        rows=tuple(_check(row, scale, row.conf_level or conf_level) for row in rows),
    )


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One row in print, and what follows from it.

    Attributes
    ----------
    printed : PrintedRow
        The numbers in print.
    statistic, p_value : float
        z and p from estimate and interval.
    p_range : tuple of float
        Smallest and largest p that rounding allows.
    limits : tuple of float
        Interval from estimate and p value.
    notes : tuple of str
        What disagrees.
    """

    printed: PrintedRow
    statistic: float
    p_value: float
    p_range: Range
    limits: Range
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishedCheck:
    """Printed numbers checked against each other.

    Attributes
    ----------
    scale : str
        ``ratio`` or ``difference``.
    conf_level : float
        Level of the intervals that print none.
    rows : tuple of CheckedRow
        One per row in print.
    """

    scale: Scale
    conf_level: float
    rows: tuple[CheckedRow, ...]

    @property
    def n_flagged(self) -> int:
        """Rows that disagree with themselves."""
        return sum(bool(row.notes) for row in self.rows)

    def tidy(self) -> pd.DataFrame:
        """One row per row in print.

        ``p_value`` (between ``p_low`` and ``p_high``) follows from the printed estimate
        and interval, ``conf_low`` and ``conf_high`` from the printed estimate and p
        value. ``note`` says what disagrees; it is empty where nothing does.
        """
        values = [
            {
                "term": row.printed.term,
                "estimand": self.scale,
                "statistic": row.statistic,
                "p_value": row.p_value,
                "p_low": row.p_range[0],
                "p_high": row.p_range[1],
                "conf_low": row.limits[0],
                "conf_high": row.limits[1],
                "published": row.printed.estimate.value,
                "published_low": _value(row.printed.conf_low),
                "published_high": _value(row.printed.conf_high),
                "published_p": _text(row.printed.p_value),
                "note": "; ".join(row.notes),
            }
            for row in self.rows
        ]
        return pd.DataFrame(values)[in_order(values[0])]

    def glance(self) -> pd.DataFrame:
        """One row: rows checked, and rows that disagree with themselves."""
        values = {"n": len(self.rows), "n_flagged": self.n_flagged}
        return pd.DataFrame([values])[in_order(values)]

    def plot(self) -> ggplot:
        """P values that the intervals imply, rows with a note standing out."""
        from fahrstats.display.figures import printed_p_values

        return printed_p_values(self.tidy())

    def summary(self) -> str:
        """Describe the check as text."""
        lines = [
            f"{format_count(len(self.rows))} rows in print, "
            f"{format_count(self.n_flagged)} flagged"
        ]
        for row in self.rows:
            name = row.printed.term or row.printed.estimate.text
            lines.append(f"  {name}: {'; '.join(row.notes) or 'no disagreement'}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _read(printed: pd.DataFrame | Sequence[str] | str) -> list[PrintedRow]:
    """Read a table or sentences."""
    if isinstance(printed, pd.DataFrame):
        absent = {"estimate", "conf_low", "conf_high"} - set(printed.columns)
        if "estimate" in absent or (absent and "p_value" not in printed.columns):
            names = ", ".join(f"`{name}`" for name in sorted(absent))
            raise DataError(f"`printed` has no column {names}.")
        rows = [read_record(row, k) for k, row in enumerate(records(printed), 1)]
    else:
        is_one = isinstance(printed, str) or not isinstance(printed, Iterable)
        rows = []
        for text in [printed] if is_one else printed:
            if not isinstance(text, str):
                raise DataError(f"`printed` holds {text!r}; give text, or a table.")
            rows.append(read_sentence(text))
    if not rows:
        raise DataError("`printed` holds nothing to check.")
    return rows


def _check(row: PrintedRow, scale: Scale, level: float) -> CheckedRow:
    """Compare the numbers of one row."""
    z = float(norm.isf((1 - level) / 2))
    limits = _implied_limits(row, scale, z)
    blank = CheckedRow(row, math.nan, math.nan, (math.nan, math.nan), limits, ())
    numbers = [
        part for part in (row.estimate, row.conf_low, row.conf_high) if part is not None
    ]
    if scale == "ratio" and min(part.high for part in numbers) <= 0:
        return _with_notes(blank, ["a ratio must be positive"])
    if row.p_value is not None and not _may_be_p(row.p_value):
        return _with_notes(blank, [f"P {row.p_value.text} is no probability"])
    if row.conf_low is None or row.conf_high is None:
        return blank
    low, high, notes = row.conf_low, row.conf_high, []
    if low.value > high.value:
        low, high, notes = high, low, ["the limits are swapped"]
    to = _log if scale == "ratio" else float
    at_low, at_high, at = (_range(part, to) for part in (low, high, row.estimate))
    widest, narrowest = at_high[1] - at_low[0], at_high[0] - at_low[1]
    if low.value == high.value:
        return _with_notes(blank, [*notes, "the limits are equal"])
    place, remark = _place(row.estimate, at, at_low, at_high, to)
    notes += remark
    statistic = 2 * z * to(row.estimate.value) / (to(high.value) - to(low.value))
    p_range = (
        _p(2 * z * max(map(abs, place)) / narrowest if narrowest > 0 else math.inf),
        _p(0.0 if place[0] <= 0 <= place[1] else 2 * z * min(map(abs, place)) / widest),
    )
    p_value = _p(statistic)
    if row.p_value is not None:
        notes += _compare(row.p_value, p_value, p_range)
        notes += _contradiction(row.p_value, at_low, at_high, 1 - level, scale)
    return CheckedRow(row, statistic, p_value, p_range, limits, tuple(notes))


def _with_notes(row: CheckedRow, notes: list[str]) -> CheckedRow:
    return CheckedRow(
        row.printed, row.statistic, row.p_value, row.p_range, row.limits, tuple(notes)
    )


def _may_be_p(printed: Printed) -> bool:
    return printed.high >= 0 and printed.low <= 1 and 0 <= printed.value <= 1


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _range(printed: Printed, to: Callable[[float], float]) -> Range:
    return to(printed.low), to(printed.high)


def _p(statistic: float) -> float:
    return float(2 * norm.sf(abs(statistic)))


def _place(
    estimate: Printed,
    at: Range,
    at_low: Range,
    at_high: Range,
    to: Callable[[float], float],
) -> tuple[Range, list[str]]:
    """Where the estimate can be: within its rounding, and in the middle of its limits.

    And a remark where it is outside the interval or away from its middle.
    """
    if at[1] < at_low[0] or at[0] > at_high[1]:
        return at, ["the estimate lies outside its interval"]
    middle = (at_low[0] + at_high[0]) / 2, (at_low[1] + at_high[1]) / 2
    common = max(at[0], middle[0]), min(at[1], middle[1])
    if common[0] <= common[1]:
        return common, []
    half = (at_high[1] - at_low[0]) / 2
    off = max(middle[0] - at[1], at[0] - middle[1]) / half
    if off <= _OFF_CENTRE:
        return at, []
    back = math.exp if to is _log else float
    centre = back(sum(middle) / 2)
    kind = "geometric middle" if to is _log else "middle"
    return at, [
        f"the estimate {estimate.text} is away from the {kind} of its interval, "
        f"{centre:.4g}: a misprint, or no Wald interval"
    ]


def _compare(printed: Printed, p_value: float, p_range: Range) -> list[str]:
    """Say how a printed p value disagrees with that of the interval."""
    if _meets(printed, p_range, 1.0):
        return []
    text = (
        f"P {printed.text} in print, but the interval implies {p_value:.2g} "
        f"({p_range[0]:.2g} to {p_range[1]:.2g})"
    )
    # A rounded p near 0 or a bound has no z of its own to be compared.
    z_print = float(norm.isf(min(max(printed.value, 1e-300), 1.0) / 2))
    z_range = [float(norm.isf(p / 2)) for p in p_range[::-1]]
    distance = max(z_range[0] - z_print, z_print - z_range[1])
    if distance < _ANOTHER_TEST:
        return [f"{text}: slightly apart, another test?"]
    if _meets(printed, p_range, 0.5):
        return [f"{text}: a one-sided test?"]
    if _meets(printed, p_range, 10.0) or _meets(printed, p_range, 0.1):
        return [f"{text}: a misplaced decimal?"]
    return [text]


def _meets(printed: Printed, p_range: Range, factor: float) -> bool:
    """Whether a printed p value may be one of a range times a factor."""
    return printed.low <= factor * p_range[1] and printed.high >= factor * p_range[0]


def _contradiction(
    printed: Printed, at_low: Range, at_high: Range, alpha: float, scale: Scale
) -> list[str]:
    """Say where p and interval tell different stories about no effect."""
    none = "1" if scale == "ratio" else "0"
    excludes = at_low[0] > 0 or at_high[1] < 0
    includes = at_low[1] < 0 < at_high[0]
    if excludes and printed.low > alpha:
        return [f"the interval excludes {none}, yet P is above {alpha:.2g}"]
    if includes and printed.high < alpha:
        return [f"the interval includes {none}, yet P is below {alpha:.2g}"]
    return []


def _implied_limits(row: PrintedRow, scale: Scale, z: float) -> Range:
    """Interval from estimate and p value, where p is a number of its own."""
    missing = (math.nan, math.nan)
    p, value = row.p_value, row.estimate.value
    if p is None or p.is_bound or not 0 < p.value < 1:
        return missing
    if scale == "ratio" and (value <= 0 or value == 1):
        return missing
    at = math.log(value) if scale == "ratio" else value
    half = abs(at) * z / float(norm.isf(p.value / 2))
    ends = at - half, at + half
    return (math.exp(ends[0]), math.exp(ends[1])) if scale == "ratio" else ends


def _value(printed: Printed | None) -> float:
    return math.nan if printed is None else printed.value


def _text(printed: Printed | None) -> str:
    return "" if printed is None else printed.text
