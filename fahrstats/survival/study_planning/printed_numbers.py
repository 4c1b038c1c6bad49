"""Numbers as printed in journals: what they say, and what rounding may have hidden."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pandas as pd

from fahrstats.errors import DataError

_PLAIN = str.maketrans(
    {
        "\N{MIDDLE DOT}": ".",
        "\N{BULLET OPERATOR}": ".",
        "\N{MINUS SIGN}": "-",
        "\N{HYPHEN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{NO-BREAK SPACE}": " ",
        "\N{THIN SPACE}": " ",
        "\N{NARROW NO-BREAK SPACE}": " ",
        "\N{LESS-THAN OR EQUAL TO}": "<",
        "\N{GREATER-THAN OR EQUAL TO}": ">",
        "\N{MULTIPLICATION SIGN}": "x",
        **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)),
    }
)
# Whole numbers only: no search may cut one in two, or one out of a longer one.
_NUMBER = r"(?<![\d.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?![\d]|\.\d)"
_POWER = r"(?:\s*x\s*10\s*\^?\s*(?P<power>-?\d+)|[eE](?P<exponent>[-+]?\d+))?"
_ONE = re.compile(rf"(?P<bound>[<>])?=?\s*(?P<number>{_NUMBER}){_POWER}")
_LEVEL = re.compile(r"(\d{2}(?:\.\d+)?)\s*%")
_INTERVAL = (
    r"(?:-?\s*(?:CI|IC|KI|CrI|confidence intervals?|confidence limits)\b"
    r"\s*(?:[(\[](?:CI|IC)[)\]])?\s*[,;:=]?\s*)?"
)
_TRIPLE = re.compile(
    rf"(?P<estimate>{_NUMBER})\s*[,;:]?\s*[(\[]?\s*"
    rf"{_INTERVAL}(?:(?P<level>\d{{2}}(?:\.\d+)?)\s*%\s*[,;:=]?\s*)?{_INTERVAL}"
    rf"[(\[]?\s*(?P<low>{_NUMBER})\s*(?:-|to|,|;)\s*(?P<high>{_NUMBER})",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?=\.\d)")
_P = re.compile(
    rf"\bp\s*(?:-?\s*value)?\s*(?P<text>(?:=|<|>)\s*{_NUMBER}"
    r"(?:\s*x\s*10\s*\^?\s*-?\d+|e-?\d+)?)",
    re.IGNORECASE,
)


_ROUNDING = 1e-9
"""Share of a number printed in full that computing with it may change."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A number in print.

    Attributes
    ----------
    text : str
        As printed.
    value : float
        What it reads as; the bound where only a bound is printed.
    low, high : float
        Values that are printed this way: half a unit of the last decimal on either
        side, or all on one side of a bound.
    is_bound : bool
        Whether only a bound is printed, as in ``<0.001``.
    """

    text: str
    value: float
    low: float
    high: float
    is_bound: bool


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """An estimate in print with its interval and p value, each where printed.

    Attributes
    ----------
    term : str
        What the row is about.
    estimate, conf_low, conf_high, p_value : Printed or None
        The numbers.
    conf_level : float or None
        Level of the interval, where printed.
    """

    term: str
    estimate: Printed
    conf_low: Printed | None
    conf_high: Printed | None
    p_value: Printed | None
    conf_level: float | None = None


def read_number(printed: object, *, decimals: int | None = None) -> Printed:
    """Read one number, such as ``1.15``, ``<0.001`` or ``2 x 10^-5``.

    A number that is no text is taken to have ``decimals`` decimals, or those that its
    shortest form has.

    Raises
    ------
    DataError
        It is no number.
    """
    text = " ".join(str(printed).split())
    found = _ONE.fullmatch(text.translate(_PLAIN).strip())
    if found is None:
        raise DataError(f"`{text}` is no printed number; give one such as 1.15.")
    try:
        number = Decimal(found["number"])
    except InvalidOperation as error:  # pragma: no cover  # the pattern excludes it
        raise DataError(f"`{text}` is no printed number.") from error
    shift = int(found["power"] or found["exponent"] or 0)
    exponent = number.as_tuple().exponent
    places = -int(exponent)
    if decimals is not None and not isinstance(printed, str):
        places = max(places, decimals)
    value = float(number.scaleb(shift))
    half = max(0.5 * 10.0 ** (shift - places), _ROUNDING * abs(value))
    if found["bound"] == "<":
        return Printed(text, value, -math.inf, value, True)
    if found["bound"] == ">":
        return Printed(text, value, value, math.inf, True)
    return Printed(text, value, value - half, value + half, False)


def read_sentence(text: str) -> PrintedRow:
    """Read ``HR 1.15 (95% CI 1.06-1.25; P=0.001)``, in the style of any journal.

    Raises
    ------
    DataError
        It holds no estimate with an interval, or several of them.
    """
    plain = _with_points(" ".join(text.translate(_PLAIN).split()))
    p_value = _P.search(plain)
    without = plain.replace(p_value[0], " ") if p_value else plain
    found = _TRIPLE.search(without)
    if found is None:
        raise DataError(
            f"`{text}` holds no estimate with its interval; write it as "
            "`1.15 (1.06-1.25), P=0.001`, or give a table."
        )
    if _TRIPLE.search(without, found.end()):
        raise DataError(
            f"`{text}` holds several estimates with intervals; give each in a text of "
            "its own, so that each has its own P."
        )
    level = found["level"]
    if level is None:
        elsewhere = _LEVEL.search(without)
        level = elsewhere[1] if elsewhere else None
    return PrintedRow(
        term=text,
        estimate=read_number(found["estimate"]),
        conf_low=read_number(found["low"]),
        conf_high=read_number(found["high"]),
        p_value=read_number(p_value["text"].lstrip("= ")) if p_value else None,
        conf_level=None if level is None else float(level) / 100,
    )


def _with_points(text: str) -> str:
    """Write decimal commas as points, and leave out commas between thousands.

    A text with a decimal point has no decimal commas; in one without, a comma between
    two digits is one.
    """
    if re.search(r"\d?\.\d", text):
        return _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def read_record(record: Mapping[str, object], number: int) -> PrintedRow:
    """Read one row of a table; numbers in it share the most decimals of the three.

    Raises
    ------
    DataError
        The estimate is missing or a cell is no number; the row is named.
    """
    names = ("estimate", "conf_low", "conf_high")
    cells = {name: _cell(record.get(name)) for name in (*names, "p_value")}
    if cells["estimate"] is None:
        raise DataError(f"Row {number} has no `estimate`.")
    decimals = max(
        (_decimals(cells[name]) for name in names if cells[name] is not None),
        default=0,
    )
    read: dict[str, Printed | None] = {}
    for name, cell in cells.items():
        try:
            read[name] = (
                None
                if cell is None
                else read_number(cell, decimals=decimals if name in names else None)
            )
        except DataError as error:
            raise DataError(f"Row {number}, `{name}`: {error}") from error
    estimate = read["estimate"]
    assert estimate is not None
    term = _cell(record.get("term"))
    return PrintedRow(
        term="" if term is None else str(term),
        estimate=estimate,
        conf_low=read["conf_low"],
        conf_high=read["conf_high"],
        p_value=read["p_value"],
    )


def _cell(value: object) -> object:
    """Return a cell, or None where it is empty."""
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None or bool(pd.isna(value)) else value  # type: ignore[call-overload]


def _decimals(cell: object) -> int:
    """Decimals of a number that is no text; a text keeps its own."""
    if isinstance(cell, str):
        return 0
    exponent = Decimal(str(cell)).as_tuple().exponent
    return max(0, -int(exponent))
