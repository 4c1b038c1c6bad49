"""How numbers are written: one rounding rule, in the style of a journal.

Everything that is written in a table, a figure or a sentence of a report passes through
this module, and nothing is rounded before it arrives here. The styles themselves are
data, in :mod:`fahrstats.display.journal_styles`.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final, TypeGuard

import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.errors import DataError

MINUS: Final = "\N{MINUS SIGN}"
"""The minus sign; a hyphen would read as a range."""

_NO_COUNT: Final = "\N{EN DASH}"
_MOST_DIGITS: Final = 400  # a double has at most 309 digits before its decimal mark
_MORE_DECIMALS: Final = 2  # of what would read as something else
_SCIENTIFIC_FROM: Final = 10_000
_ONE_OF: Final = {"people": "person"}
_SUPERSCRIPT: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


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
    value: float | None, decimals: int = 2, *, style: JournalStyle = DEFAULT
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


def format_short(
    value: float, *, digits: int = 6, style: JournalStyle = DEFAULT
) -> str:
    """Return a number as short as it is: a tick, a step, a bound of a group."""
    if _is_missing(value) or math.isinf(value):
        return format_number(value, style=style)
    text = f"{abs(value):,.{digits}g}"
    sign = MINUS if value < 0 else ""
    is_long = "e" in text
    return sign + (
        _scientific(abs(value), style) if is_long else _with_marks(text, style)
    )


def format_count(value: float | None, *, style: JournalStyle = DEFAULT) -> str:
    """Return a count with a mark between thousands; a dash for one that is missing."""
    return _NO_COUNT if _is_missing(value) else format_number(value, 0, style=style)


def format_counted(
    n: float | None, things: str, *, style: JournalStyle = DEFAULT
) -> str:
    """Return a count with what is counted: ``1 pair``, ``2,311 people``."""
    one = _ONE_OF.get(things) or things.removesuffix("s")
    is_one = not _is_missing(n) and n == 1
    return f"{format_count(n, style=style)} {one if is_one else things}"


def format_percent(
    percent: float | None, n: float, *, style: JournalStyle = DEFAULT
) -> str:
    """Return a percentage of a group of ``n``, with a decimal if the group is large."""
    if _is_missing(percent):
        return style.missing
    decimals = 1 if n >= style.percent_decimals_from else 0
    return f"{format_number(percent, decimals, style=style)}%"


def format_p(p_value: float | None, *, style: JournalStyle = DEFAULT) -> str:
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
        return f"<{_drop_zero(format_short(style.p_floor, style=style), style)}"
    if p_value > style.p_ceiling:
        return f">{_drop_zero(format_short(style.p_ceiling, style=style), style)}"
    decimals = _p_decimals(p_value, style)
    return _drop_zero(format_number(p_value, decimals, style=style), style)


def phrase_p(p_value: float | None, *, style: JournalStyle = DEFAULT) -> str:
    """Return a p value for a sentence: ``P=0.034``, ``P<0.001``."""
    text = format_p(p_value, style=style)
    if _is_missing(p_value):
        return f"{style.p_symbol} {text}"
    sign, number = (text[0], text[1:]) if text[0] in "<>" else ("=", text)
    return style.p_space.join((style.p_symbol, sign, number))


def format_interval(
    estimate: float | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    decimals: int = 2,
    style: JournalStyle = DEFAULT,
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
    style: JournalStyle = DEFAULT,
) -> str:
    """Return a difference and its limits: ``0.004 (-0.001 to 0.009)``.

    One that rounds to zero reads as zero. It has up to two more decimals only where
    that would mislead: where its limits exclude zero, or read alike.
    """
    if _is_missing(estimate):
        return style.missing
    values = (estimate, conf_low, conf_high)
    for places in range(decimals, decimals + _MORE_DECIMALS + 1):
        parts = [format_number(value, places, style=style) for value in values]
        if not _misleads(values, parts, 0, places, style):
            break
    return _estimate_and_limits(parts, conf_low, conf_high, style)


def format_ratio(
    estimate: float | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    style: JournalStyle = DEFAULT,
) -> str:
    """Return a ratio and its limits: ``1.21 (1.10-1.34)``.

    The style's decimals, and up to two more where they would mislead: a hazard ratio
    per unit of a wide scale must not read 1.00 (1.00-1.00). A ratio of zero without
    limits is the end of a likelihood that has no maximum, and is called an infinite
    effect.
    """
    if _is_missing(estimate):
        return style.missing
    if estimate == 0 and _is_missing(conf_low) and _is_missing(conf_high):
        return f"0 ({style.infinite} effect)"
    values = (estimate, conf_low, conf_high)
    fewest = style.estimate_decimals
    for decimals in range(fewest, fewest + _MORE_DECIMALS + 1):
        parts = [_ratio_text(value, decimals, style) for value in values]
        if not _misleads(values, parts, 1, decimals, style):
            break
    return _estimate_and_limits(parts, conf_low, conf_high, style)


def phrase_interval(
    text: str, conf_level: float = 0.95, *, style: JournalStyle = DEFAULT
) -> str:
    """Name the level of an interval: ``1.21 (95% CI 1.10-1.34)``."""
    level = format_short(100 * conf_level, style=style)
    return text.replace("(", f"({level}{style.interval_label}", 1)


def in_style(text: str, *, style: JournalStyle = DEFAULT) -> str:
    """Return a text of a result table with the decimal mark and minus of a journal."""
    text = re.sub(r"(?<=\d)\.(?=\d)", style.decimal_mark, text)
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, text)


def _estimate_and_limits(
    parts: list[str],
    conf_low: float | None,
    conf_high: float | None,
    style: JournalStyle,
) -> str:
    estimate, low, high = parts
    if _is_missing(conf_low) and _is_missing(conf_high):
        return estimate
    plain = low[0].isdigit() and high[0].isdigit()
    return f"{estimate} ({low}{style.range_mark if plain else ' to '}{high})"


def _ratio_text(value: float | None, decimals: int, style: JournalStyle) -> str:
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
    none: int,
    decimals: int,
    style: JournalStyle,
) -> bool:
    """Whether different limits read alike, a ratio as zero, or an effect as none."""
    _, low, high = values
    alike = low != high and parts[1] == parts[2] and _is_finite(low)
    excludes = (_is_finite(low) and low > none) or (_is_finite(high) and high < none)
    reads_as_none = parts[0] == format_number(none, decimals, style=style)
    return parts[0].startswith("<") or alike or (excludes and reads_as_none)


def _scientific(value: float, style: JournalStyle) -> str:
    with localcontext() as context:
        context.rounding = ROUND_HALF_UP
        mantissa, exponent = f"{Decimal(str(float(value))):.1e}".split("e")
    power = exponent.removeprefix("+").translate(_SUPERSCRIPT)
    return f"{_with_marks(mantissa, style)}\N{MULTIPLICATION SIGN}10{power}"


def _with_marks(digits: str, style: JournalStyle) -> str:
    """Replace the marks of ``1,234.5`` by the journal's."""
    whole, _, decimals = digits.partition(".")
    is_grouped = int(whole.replace(",", "")) >= style.thousands_from
    whole = whole.replace(",", style.thousands_mark if is_grouped else "")
    return f"{whole}{style.decimal_mark}{decimals}" if decimals else whole


def _p_decimals(p_value: float, style: JournalStyle) -> int:
    """Return the decimals of a p value, which its unrounded size decides."""
    decimals = next(places for bound, places in style.p_bands if p_value <= bound)
    if style.p_significant is not None:
        for places in range(style.p_significant, decimals + 1):
            rounded = round_half_up(p_value, places)
            if rounded and places + rounded.adjusted() + 1 >= style.p_significant:
                return places
    border = style.p_kept_below
    if border is not None and p_value < border:
        reads_as_border = round_half_up(p_value, decimals) >= Decimal(str(border))
        return decimals + 1 if reads_as_border else decimals
    return decimals


def _drop_zero(text: str, style: JournalStyle) -> str:
    return text if style.p_leading_zero else text.removeprefix("0")


def _is_missing(value: float | None) -> TypeGuard[None]:
    return value is None or bool(pd.isna(value))


def _is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and not pd.isna(value) and math.isfinite(value)
