"""The styles of journals: how each prints numbers, P values and figures, with sources.

A style is data. :mod:`fahrstats.display.journals` writes numbers by it, and
:mod:`fahrstats.display.theme` gives figures its colours and width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from fahrstats.display.journal_colours import (
    JAMA_COLOURS,
    LANCET_COLOURS,
    NEJM_COLOURS,
    OKABE_ITO_COLOURS,
    Palettes,
)
from fahrstats.display.journal_sources import (
    AMA_FIGURES,
    AMA_MANUAL,
    AMA_P_VALUES,
    ANNALS_GUIDE,
    JAMA_TABLES,
    LANCET_ARTWORK,
    LANCET_ELECTRONIC,
    LANCET_OBSERVATIONAL,
    NEJM_STATISTICS,
    OKABE_ITO,
    OURS,
    PALETTES,
    PRINTED,
    Rule,
)
from fahrstats.errors import DataError
from fahrstats.section import did_you_mean

NO_INTERACTION_P: Final = (
    "P values of interaction are left out, as the journal asks where no plan for "
    "multiple tests was fixed beforehand."
)
"""The note where a style does not show them."""

_NARROW_SPACE: Final = "\N{NARROW NO-BREAK SPACE}"
_BELOW_HUNDREDTH: Final = math.nextafter(0.01, 0)  # for rules that say "below 0.01"


@dataclass(frozen=True, slots=True)
class JournalStyle:
    """The rules by which one journal prints numbers and draws figures.

    Attributes
    ----------
    name, journal : str
        What the style is called, and whose it is.
    rules : tuple of Rule
        The source of every field but ``name``, ``journal``, ``infinite``, ``missing``.
    decimal_mark, thousands_mark : str
        Between units and tenths, and between groups of three digits.
    thousands_from : int
        The smallest number that is grouped.
    estimate_decimals : int
        Decimals of a ratio; more only where they are needed to tell it from none.
    range_mark : str
        Between confidence limits; limits that are negative or words take " to ".
    interval_label : str
        What stands before the limits in running text, after the level.
    p_symbol, p_space : str
        The letter in running text, and what stands on either side of its ``=``.
    p_leading_zero : bool
        Whether a p value keeps the zero before its decimal mark.
    p_floor, p_ceiling : float
        Smaller and larger p values are printed as a bound.
    p_bands : tuple of (float, int)
        Decimals of p values up to and including each bound, in rising order. A bound
        is compared with the unrounded p value.
    p_significant : int or None
        Significant digits of a p value, with the decimals of ``p_bands`` at most.
    p_kept_below : float or None
        A smaller p value that would be printed as this one takes a decimal more.
    interaction_p : bool
        Whether P values of interaction are shown without a prespecified plan for
        multiple tests.
    percent_decimals_from : int
        Group size from which a percentage has a decimal.
    palettes : tuple of tuple of str
        The colours of one group, of two groups and so on, cold to warm.
    column_mm, page_mm : int
        Width of a figure over one column, and over all.
    infinite, missing : str
        Words for an estimate without a finite value and for one that was not made.
    """

    name: str
    journal: str
    rules: tuple[Rule, ...]
    decimal_mark: str = "."
    thousands_mark: str = ","
    thousands_from: int = 1000
    estimate_decimals: int = 2
    range_mark: str = "\N{EN DASH}"
    interval_label: str = "% CI "
    p_symbol: str = "P"
    p_space: str = ""
    p_leading_zero: bool = True
    p_floor: float = 0.001
    p_ceiling: float = 0.99
    p_bands: tuple[tuple[float, int], ...] = ((0.20, 3), (1.0, 2))
    p_significant: int | None = None
    p_kept_below: float | None = None
    interaction_p: bool = True
    percent_decimals_from: int = 200
    palettes: Palettes = OKABE_ITO_COLOURS
    column_mm: int = 86
    page_mm: int = 183
    infinite: str = "infinite"
    missing: str = "not estimated"

    @property
    def main(self) -> str:
        """The colour of what a figure is about."""
        return self.palettes[1][0]

    @property
    def accent(self) -> str:
        """The colour of what stands against it, such as a threshold."""
        return self.palettes[1][1]


_ANNALS_P: Final = Rule(
    ("p_floor", "p_bands", "p_leading_zero"),
    ANNALS_GUIDE,
    "From 0.001 to 0.20 to the nearest thousandth, above to the nearest hundredth; "
    "smaller ones as P<0.001, with their zero.",
)
_ANNALS_PERCENT: Final = Rule(
    ("percent_decimals_from",),
    ANNALS_GUIDE,
    "One decimal in groups of 200 or more, none in smaller ones.",
)
_PERCENT_AS_ANNALS: Final = replace(
    _ANNALS_PERCENT,
    guide=OURS,
    says="As Annals: one decimal in groups of 200 or more, none in smaller ones.",
)
_TWO_DECIMALS: Final = Rule(
    ("estimate_decimals",), OURS, "Two decimals, as NEJM asks for ratios."
)
_CEILING: Final = Rule(
    ("p_ceiling",), OURS, "Above 0.99 the bound is printed: a P value is never 1."
)
_NO_MORE_DIGITS: Final = Rule(
    ("p_significant", "p_kept_below"), OURS, "Decimals by the size of P alone."
)
_POINT: Final = Rule(("decimal_mark",), OURS, "A point on the line.")
_INTERACTION: Final = Rule(
    ("interaction_p",),
    OURS,
    "Shown, one for each factor; nothing found forbids it.",
)
_WIDTHS: Final = Rule(
    ("column_mm", "page_mm"), OURS, "One column, and two, of a common page."
)

DEFAULT: Final = JournalStyle(
    name="default",
    journal="no journal",
    rules=(
        _ANNALS_P,
        _ANNALS_PERCENT,
        _CEILING,
        _NO_MORE_DIGITS,
        _TWO_DECIMALS,
        _POINT,
        _INTERACTION,
        _WIDTHS,
        Rule(
            ("p_symbol", "p_space", "range_mark", "interval_label"),
            OURS,
            "As in HR 0.72 (95% CI 0.56\N{EN DASH}0.92), P=0.034.",
        ),
        Rule(("thousands_mark", "thousands_from"), OURS, "A comma from a thousand on."),
        Rule(("palettes",), OKABE_ITO, "Eight colours told apart by all readers."),
    ),
)

ANNALS: Final = replace(
    DEFAULT,
    name="annals",
    journal="Annals of Internal Medicine",
    rules=(
        _ANNALS_P,
        _ANNALS_PERCENT,
        _CEILING,
        _NO_MORE_DIGITS,
        _TWO_DECIMALS,
        _POINT,
        _INTERACTION,
        _WIDTHS,
        Rule(
            ("p_symbol", "p_space", "range_mark", "interval_label"),
            PRINTED,
            "As in HR, 0.72 (95% CI, 0.56 to 0.92), P = 0.034.",
        ),
        Rule(
            ("thousands_mark", "thousands_from"),
            PRINTED,
            "A narrow space from ten thousand on.",
        ),
        Rule(("palettes",), OKABE_ITO, "Eight colours told apart by all readers."),
    ),
    thousands_mark=_NARROW_SPACE,
    thousands_from=10_000,
    range_mark=" to ",
    interval_label="% CI, ",
    p_space=" ",
)

JAMA: Final = replace(
    DEFAULT,
    name="jama",
    journal="JAMA",
    rules=(
        Rule(
            ("p_floor", "p_bands", "p_ceiling", "p_significant"),
            JAMA_TABLES,
            "Two decimals, three below .01, and P<.001 for smaller ones; P is never "
            "0 or 1.",
        ),
        Rule(
            ("p_leading_zero", "p_symbol", "p_space"),
            AMA_P_VALUES,
            "No zero before the decimal mark of P, which cannot exceed 1; capital P, "
            "as in P = .04. Italics are left to the copy editor.",
        ),
        Rule(
            ("p_kept_below",),
            AMA_P_VALUES,
            "Three decimals where two would turn a P value below .05 into .05.",
        ),
        Rule(
            ("range_mark", "interval_label"),
            AMA_MANUAL,
            "As in 2.01 (95% CI, 1.80-2.24): a comma after CI, and a hyphen.",
        ),
        Rule(
            ("decimal_mark", "thousands_mark", "thousands_from"),
            AMA_MANUAL,
            "A point, and a thin space between groups of three from five digits on.",
        ),
        _TWO_DECIMALS,
        _PERCENT_AS_ANNALS,
        _INTERACTION,
        Rule(("palettes",), PALETTES, "Slate, blue, green, orange and red."),
        Rule(("column_mm",), OURS, "One column of a common page."),
        Rule(("page_mm",), AMA_FIGURES, "At least 5 inches wide, that is 127 mm."),
    ),
    thousands_mark=_NARROW_SPACE,
    thousands_from=10_000,
    range_mark="-",
    interval_label="% CI, ",
    p_space=" ",
    p_leading_zero=False,
    p_bands=((_BELOW_HUNDREDTH, 3), (1.0, 2)),
    p_kept_below=0.05,
    palettes=JAMA_COLOURS,
    page_mm=178,
)

LANCET: Final = replace(
    DEFAULT,
    name="lancet",
    journal="The Lancet",
    rules=(
        Rule(
            ("decimal_mark",),
            LANCET_ELECTRONIC,
            "Decimal points stand at mid-height, as in 23\N{MIDDLE DOT}4.",
        ),
        Rule(
            ("p_significant", "p_bands", "p_floor", "p_symbol", "p_leading_zero"),
            LANCET_OBSERVATIONAL,
            "Two significant figures, four decimals at most, and "
            "p<0\N{MIDDLE DOT}0001 for smaller ones; small p, with its zero.",
        ),
        Rule(
            ("range_mark", "interval_label", "p_space"),
            LANCET_OBSERVATIONAL,
            "No rule, but the model tables print HR 0\N{MIDDLE DOT}78 "
            "(95% CI 0\N{MIDDLE DOT}60\N{EN DASH}1\N{MIDDLE DOT}00), "
            "p=0\N{MIDDLE DOT}18.",
        ),
        Rule(
            ("thousands_mark", "thousands_from"),
            PRINTED,
            "A narrow space from ten thousand on.",
        ),
        Rule(
            ("column_mm", "page_mm"),
            LANCET_ARTWORK,
            "75 mm over one column, 154 mm over two.",
        ),
        Rule(("palettes",), PALETTES, "Navy, teal, grey, red and black."),
        Rule(("p_kept_below",), OURS, "Two significant figures keep them apart."),
        _CEILING,
        _TWO_DECIMALS,
        _PERCENT_AS_ANNALS,
        _INTERACTION,
    ),
    decimal_mark="\N{MIDDLE DOT}",
    thousands_mark=_NARROW_SPACE,
    thousands_from=10_000,
    p_symbol="p",
    p_floor=0.0001,
    p_bands=((1.0, 4),),
    p_significant=2,
    palettes=LANCET_COLOURS,
    column_mm=75,
    page_mm=154,
)

NEJM: Final = replace(
    DEFAULT,
    name="nejm",
    journal="The New England Journal of Medicine",
    rules=(
        Rule(
            ("p_floor", "p_bands", "p_leading_zero", "p_symbol", "p_space"),
            NEJM_STATISTICS,
            "Two decimals above 0.01, three from 0.001 to 0.01, and P<0.001 for "
            "smaller ones, with their zero.",
        ),
        Rule(
            ("estimate_decimals",),
            NEJM_STATISTICS,
            "Ratios such as odds ratios have two decimals.",
        ),
        Rule(
            ("interaction_p",),
            NEJM_STATISTICS,
            "Without a prespecified plan for multiple tests, forest plots carry no "
            "P values of interaction.",
        ),
        Rule(
            ("range_mark", "interval_label"),
            PRINTED,
            "As in hazard ratio, 0.74 (95% CI, 0.65 to 0.85).",
        ),
        Rule(
            ("thousands_mark", "thousands_from"),
            PRINTED,
            "A comma from ten thousand on.",
        ),
        Rule(("palettes",), PALETTES, "Blue, grey-blue, green, orange and red."),
        _CEILING,
        _NO_MORE_DIGITS,
        _POINT,
        _PERCENT_AS_ANNALS,
        _WIDTHS,
    ),
    thousands_from=10_000,
    range_mark=" to ",
    interval_label="% CI, ",
    p_bands=((0.01, 3), (1.0, 2)),
    interaction_p=False,
    palettes=NEJM_COLOURS,
)

STYLES: Final[dict[str, JournalStyle]] = {
    style.name: style for style in (DEFAULT, ANNALS, JAMA, LANCET, NEJM)
}


def journal_style(name: str) -> JournalStyle:
    """Return the style of a journal: ``annals``, ``jama``, ``lancet``, ``nejm``.

    Its rules and their sources are in ``rules``; ``default`` is no journal's.

    Raises
    ------
    DataError
        No style has that name; those that are known are listed.
    """
    if name not in STYLES:
        known = ", ".join(f"`{style}`" for style in STYLES)
        raise DataError(
            f"There is no journal style `{name}`; the known ones are {known}."
            + did_you_mean(name, STYLES)
        )
    return STYLES[name]
