"""Where the rules of the journal styles are printed, and how well each is known.

A rule of a journal is a fact about a document. A guide says which document, which
edition, and whether it was read itself or is known from somebody who quotes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Strength: TypeAlias = Literal["first-hand", "quoted", "printed practice", "own choice"]
"""How a rule is known, from best to least.

The guide's own text; a survey that quotes it; what articles of the journal print,
without a rule in a guide; and what this package chose where nothing was found.
"""


@dataclass(frozen=True, slots=True)
class Guide:
    """A document with rules, or the absence of one.

    Attributes
    ----------
    title, edition : str
        What it is, and the year or date of the text that the rules were taken from.
    strength : Strength
        How its rules are known.
    where : str
        Address of the document, and of the survey that quotes it.
    """

    title: str
    edition: str
    strength: Strength
    where: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a guide says, in our words, about some of the fields of a style.

    Attributes
    ----------
    fields : tuple of str
        The fields of the style that follow from it.
    guide : Guide
        Where it is printed.
    says : str
        The rule in one sentence.
    """

    fields: tuple[str, ...]
    guide: Guide
    says: str


_SPICY: Final = "as quoted on 14 August 2026 by the R package spicy"

ANNALS_GUIDE: Final = Guide(
    title="Annals of Internal Medicine, General Statistical Guidance for authors",
    edition="undated page; same words in the edition of 4 August 2026",
    strength="first-hand",
    where="annals.org/aim/pages/AuthorInformationStatisticsOnly; the later edition "
    + _SPICY,
)
JAMA_TABLES: Final = Guide(
    title="JAMA Network, Instructions for Table Creation",
    edition="23 February 2016",
    strength="quoted",
    where="jamanetwork.com/DocumentLibrary/InstructionsForAuthors; " + _SPICY,
)
AMA_MANUAL: Final = Guide(
    title="AMA Manual of Style, 11th edition, chapters 17 to 19",
    edition="2020",
    strength="first-hand",
    where="sections on number spacing (17.4.3) and on digit spans (18.4)",
)
AMA_P_VALUES: Final = Guide(
    title="AMA Manual of Style, section on P values",
    edition="2020",
    strength="quoted",
    where="as told by JMIR (Guidelines for Reporting Statistics) and "
    "nascentmc.com (P-Value Pointers, 2019)",
)
AMA_INTERVALS: Final = Guide(
    title="AMA Manual of Style, 11th edition, chapter 19",
    edition="2020",
    strength="quoted",
    where="as told by Dragonfly Editorial (Statistics for Medical Editors and Writers)",
)
AMA_FIGURES: Final = Guide(
    title="AMA Manual of Style, 10th edition, preparing and submitting figures",
    edition="2009",
    strength="first-hand",
    where="amamanualofstyle.com, section on JAMA and the Archives journals",
)
LANCET_ELECTRONIC: Final = Guide(
    title="The Lancet, Formatting guidelines for electronic submission of manuscripts",
    edition="copy of December 2012; same words in the edition of 2026",
    strength="first-hand",
    where="thelancet.com, artwork-guidelines.pdf; the later edition " + _SPICY,
)
LANCET_OBSERVATIONAL: Final = Guide(
    title="Observational studies in The Lancet: formatting guidelines",
    edition="July 2025",
    strength="quoted",
    where="thelancet.com, ObservationalGuidelines; " + _SPICY,
)
LANCET_ARTWORK: Final = Guide(
    title="The Lancet, artwork guidelines",
    edition="August 2015",
    strength="quoted",
    where="as told by the figure guides of SciAgent-Skills (2026)",
)
NEJM_STATISTICS: Final = Guide(
    title="NEJM Author Center, Statistical Reporting Guidelines",
    edition="living page, read 14 August 2026",
    strength="quoted",
    where="nejm.org/author-center/new-manuscripts; P values also quoted by Aguinis, "
    "Vassar and Wayant (doi 10.1136/bmjebm-2019-111264); the rest " + _SPICY,
)
PALETTES: Final = Guide(
    title="Colours of published figures, as collected by the R package ggsci",
    edition="undated",
    strength="printed practice",
    where="pal_jama, pal_lancet and pal_nejm; here those that colour-blind readers "
    "tell apart, cold to warm",
)
OKABE_ITO: Final = Guide(
    title="Okabe and Ito, Color Universal Design",
    edition="2008",
    strength="own choice",
    where="jfly.uni-koeln.de/color; ordered cold to warm",
)
PRINTED: Final = Guide(
    title="Articles of the journal",
    edition="no edition; usual practice",
    strength="printed practice",
)
OURS: Final = Guide(
    title="No rule of the journal was found",
    edition="2026",
    strength="own choice",
)

COMMON_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        (),
        OURS,
        "A half is rounded away from zero, starting from the shortest decimal that "
        "names the number; a number that rounds to zero has no sign.",
    ),
    Rule(
        (),
        OURS,
        "A ratio or a difference has up to two more decimals where it would mislead "
        "with the usual ones: its limits read alike, or exclude no effect while the "
        "estimate reads as none, or a ratio reads as 0. Any other difference that "
        "rounds to zero is printed as zero.",
    ),
    Rule(
        (),
        JAMA_TABLES,
        "A P value is never 0 or 1: below the smallest printed value and above 0.99 "
        "a bound is printed. Bounds are compared with the unrounded value.",
    ),
    Rule(
        (),
        AMA_INTERVALS,
        "Limits of which one is negative, or is no plain number, are joined by `to`.",
    ),
    Rule(
        (),
        OURS,
        "The minus sign is U+2212 in text and on axes; a hyphen reads as a range.",
    ),
    Rule(
        (),
        ANNALS_GUIDE,
        "A spread is written mean (SD), never with a plus-minus sign, which may mean "
        "a standard error.",
    ),
    Rule(
        (),
        OURS,
        "Type in figures is 8 to 10 points in every style; no guide that was seen asks "
        "for another size inside a graph.",
    ),
)
"""What all styles keep to."""
