"""How numbers are written: one rounding rule, and each journal's style as data.

A style is a record of a journal's printed rules, with their source. Everything that is
written in a table, a figure or a sentence of a report passes through this module, and
nothing is rounded before it arrives here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final, TypeGuard

import pandas as pd

from fahrstats.errors import DataError

MINUS: Final = "\N{MINUS SIGN}"
"""The minus sign; a hyphen would read as a range."""

_NO_COUNT: Final = "\N{EN DASH}"
_MOST_DIGITS: Final = 400  # a double has at most 309 digits before its decimal mark
_RATIO_DECIMALS: Final = (2, 3, 4)
_SCIENTIFIC_FROM: Final = 10_000
_SUPERSCRIPT: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The rules by which one journal prints numbers.

    Attributes
    ----------
    name, source : str
        The journal, and where the rules are printed.
    decimal_mark, thousands_mark : str
        Between units and tenths, and between groups of three digits.
    range_mark : str
        Between confidence limits; limits that are negative or words take " to ".
    p_symbol : str
        The letter in running text.
    p_leading_zero : bool
        Whether a p value keeps the zero before its decimal mark.
    p_floor, p_ceiling : float
        Smaller and larger p values are printed as a bound.
    p_bands : tuple of (float, int)
        Decimals of p values up to and including each bound, in rising order. A bound
        is compared with the unrounded p value.
    percent_decimals_from : int
        Group size from which a percentage has a decimal.
    infinite, missing : str
        Words for an estimate without a finite value and for one that was not made.
    """

    name: str
    source: str
    decimal_mark: str = "."
    thousands_mark: str = ","
    range_mark: str = "\N{EN DASH}"
    p_symbol: str = "P"
    p_leading_zero: bool = True
    p_floor: float = 0.001
    p_ceiling: float = 0.99
    p_bands: tuple[tuple[float, int], ...] = ((0.20, 3), (1.0, 2))
    percent_decimals_from: int = 200
    infinite: str = "infinite"
    missing: str = "not estimated"


DEFAULT: Final = NumberStyle(
    name="default",
    source="Annals of Internal Medicine, general statistical guidance for authors: "
    "three decimals for P from 0.001 to 0.20, two above, percentages with a decimal "
    "in groups of 200 or more; bounds on P capped at 0.99 by this package",
)

STYLES: Final[dict[str, NumberStyle]] = {DEFAULT.name: DEFAULT}


def round_half_up(value: float, decimals: int) -> Decimal:
    """Round the shortest decimal that names ``value``; a half goes away from zero.

    The float 2.675 lies just below two and a half hundredths, but a reader sees
    2.675 in the table and expects 2.68.
    """
    with localcontext() as context:
        context.prec = _MOST_DIGITS
        rounded = Decimal(str(float(value))).quantize(
            Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP
        )
        return abs(rounded) if rounded == 0 else rounded


def format_number(
    value: float | None, decimals: int = 2, *, style: NumberStyle = DEFAULT
) -> str:
    """Return ``value`` with exactly ``decimals`` decimals, or a word without one."""
    if _is_missing(value):
        return style.missing
    assert value is not None
    if math.isinf(value):
        return style.infinite if value > 0 else f"{MINUS}{style.infinite}"
    digits = f"{abs(round_half_up(value, decimals)):,f}"
    sign = MINUS if round_half_up(value, decimals) < 0 else ""
    return sign + _with_marks(digits, style)


def format_count(value: float | None, *, style: NumberStyle = DEFAULT) -> str:
    """Return a count with a mark between thousands; a dash for one that is missing."""
    return _NO_COUNT if _is_missing(value) else format_number(value, 0, style=style)


def format_percent(
    percent: float | None, n: float, *, style: NumberStyle = DEFAULT
) -> str:
    """Return a percentage of a group of ``n``, with a decimal if the group is large."""
    if _is_missing(percent):
        return style.missing
    decimals = 1 if n >= style.percent_decimals_from else 0
    return f"{format_number(percent, decimals, style=style)}%"


def format_p(p_value: float | None, *, style: NumberStyle = DEFAULT) -> str:
    """Return a p value for a table: ``0.034``, ``<0.001``, ``>0.99``; never ``0.000``.

    Raises
    ------
    DataError
        The value is not between 0 and 1.
    """
    if _is_missing(p_value):
        return style.missing
    assert p_value is not None
    if not 0 <= p_value <= 1:
        raise DataError(
            f"`p_value` is {p_value}, but a p value lies between 0 and 1; "
            "pass the p value, not the test statistic."
        )
    if p_value < style.p_floor:
        return f"<{_drop_zero(_shortest(style.p_floor, style), style)}"
    if p_value > style.p_ceiling:
        return f">{_drop_zero(_shortest(style.p_ceiling, style), style)}"
    decimals = next(places for bound, places in style.p_bands if p_value <= bound)
    return _drop_zero(format_number(p_value, decimals, style=style), style)


def phrase_p(p_value: float | None, *, style: NumberStyle = DEFAULT) -> str:
    """Return a p value for a sentence: ``P=0.034``, ``P<0.001``."""
    text = format_p(p_value, style=style)
    if _is_missing(p_value):
        return f"{style.p_symbol} {text}"
    return style.p_symbol + (text if text[0] in "<>" else f"={text}")


def format_interval(
    estimate: float | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    decimals: int = 2,
    style: NumberStyle = DEFAULT,
) -> str:
    """Return an estimate and its limits: ``0.04 (-0.01 to 0.09)``.

    A missing estimate is a word; an estimate without limits stands alone.
    """
    if _is_missing(estimate):
        return style.missing
    parts = [
        format_number(part, decimals, style=style)
        for part in (estimate, conf_low, conf_high)
    ]
    return _estimate_and_limits(parts, conf_low, conf_high, style)


def format_difference(
    estimate: float | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    decimals: int = 3,
    style: NumberStyle = DEFAULT,
) -> str:
    """Return a difference and its limits, with a decimal more where it is needed.

    A difference that is not zero must not read as zero.
    """
    values = (estimate, conf_low, conf_high)
    reads_as_zero = _is_finite(estimate) and not round_half_up(estimate, decimals)
    places = decimals + 1 if reads_as_zero and estimate != 0 else decimals
    return format_interval(*values, decimals=places, style=style)


def format_ratio(
    estimate: float | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    style: NumberStyle = DEFAULT,
) -> str:
    """Return a ratio and its limits: ``1.21 (1.10-1.34)``.

    Two decimals, and up to four where two would mislead: a hazard ratio per unit of a
    wide scale must not read 1.00 (1.00-1.00). A ratio of zero without limits is the
    end of a likelihood that has no maximum, and is called an infinite effect.
    """
    if _is_missing(estimate):
        return style.missing
    if estimate == 0 and _is_missing(conf_low) and _is_missing(conf_high):
        return f"0 ({style.infinite} effect)"
    values = (estimate, conf_low, conf_high)
    for decimals in _RATIO_DECIMALS:
        parts = [_ratio_text(value, decimals, style) for value in values]
        if not _misleads(values, parts, decimals, style):
            break
    return _estimate_and_limits(parts, conf_low, conf_high, style)


def phrase_interval(
    text: str, conf_level: float = 0.95, *, style: NumberStyle = DEFAULT
) -> str:
    """Name the level of an interval: ``1.21 (95% CI 1.10-1.34)``."""
    level = _shortest(100 * conf_level, style)
    return text.replace("(", f"({level}% CI ", 1)


def _estimate_and_limits(
    parts: list[str],
    conf_low: float | None,
    conf_high: float | None,
    style: NumberStyle,
) -> str:
    estimate, low, high = parts
    if _is_missing(conf_low) and _is_missing(conf_high):
        return estimate
    plain = low[0].isdigit() and high[0].isdigit()
    return f"{estimate} ({low}{style.range_mark if plain else ' to '}{high})"


def _ratio_text(value: float | None, decimals: int, style: NumberStyle) -> str:
    if not _is_finite(value):
        return format_number(value, decimals, style=style)
    if value == 0:
        return "0"
    if value >= _SCIENTIFIC_FROM:
        return _scientific(value, style)
    if round_half_up(value, decimals) == 0:
        return f"<{format_number(10.0**-decimals, decimals, style=style)}"
    return format_number(value, decimals, style=style)


def _misleads(
    values: tuple[float | None, ...],
    parts: list[str],
    decimals: int,
    style: NumberStyle,
) -> bool:
    """Whether different limits read alike, a ratio as zero, or an effect as none."""
    _, low, high = values
    alike = low != high and parts[1] == parts[2] and _is_finite(low)
    excludes_one = (_is_finite(low) and low > 1) or (_is_finite(high) and high < 1)
    reads_as_none = parts[0] == format_number(1, decimals, style=style)
    return parts[0].startswith("<") or alike or (excludes_one and reads_as_none)


def _scientific(value: float, style: NumberStyle) -> str:
    with localcontext() as context:
        context.rounding = ROUND_HALF_UP
        mantissa, exponent = f"{Decimal(str(float(value))):.1e}".split("e")
    power = exponent.removeprefix("+").translate(_SUPERSCRIPT)
    return f"{_with_marks(mantissa, style)}\N{MULTIPLICATION SIGN}10{power}"


def _with_marks(digits: str, style: NumberStyle) -> str:
    """Replace the marks of ``1,234.5`` by the journal's."""
    whole, _, decimals = digits.partition(".")
    whole = whole.replace(",", style.thousands_mark)
    return f"{whole}{style.decimal_mark}{decimals}" if decimals else whole


def _shortest(value: float, style: NumberStyle) -> str:
    return f"{value:g}".replace(".", style.decimal_mark)


def _drop_zero(text: str, style: NumberStyle) -> str:
    return text if style.p_leading_zero else text.removeprefix("0")


def _is_missing(value: float | None) -> TypeGuard[None]:
    return value is None or bool(pd.isna(value))


def _is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and not pd.isna(value) and math.isfinite(value)
