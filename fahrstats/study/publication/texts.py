"""Notes of result tables without the numbers of people that they hold."""

from __future__ import annotations

import re

_IN_WORDS = (
    (re.compile(r"\b\d+ events? for \d+ coefficients?"), "few events a coefficient"),
    (re.compile(r"\bends at [\d.]+\d"), "ends before"),
    # A draw of people lacks a group of k of them with probability exp(-k).
    (re.compile(r"\blimits from \d+ draws"), "limits from fewer draws"),
    (re.compile(r"\bin \d+ of \d+ draws"), "in some draws"),
)
# What a number may be without telling how many people there are.
_HARMLESS = re.compile(
    r"`[^`]*`"  # a formula or the name of a column or level
    r"|[A-Za-z_]+\d+"  # a name such as Q1
    r"|\b(?:one|mean over|\d+) of \d+(?= (?:tests|levels|cells)\b)"
    r"|\d+(?= (?:of \d+ )?(?:tests|levels|cells|donors|cohorts|df|degree)\b)"
    r"|\bfewer than \d+|\bneeds \d+|\bbelow \d+"
    r"|\b(?:by|horizon) \d+(?:\.\d+)?(?: years)?"
    r"|\b\d+(?:-\d+|\+)|\b\d+ to <\d+"  # a band of ages
    r"|\bQ \d+\.\d+"  # a statistic
    r"|\bTable \d+|\brounded to \d+"
    r"|[a-z.] (?:19|20)\d\d\b(?=[;):.]|$)"  # a reference
)
_BREAK = re.compile(r"[:,(]")


def without_counts(note: str) -> str:
    """Return a note without the parts that hold a number of people.

    A number is taken for one unless it is known to be something else. What stands
    before it, up to the last colon, comma or bracket, stays.
    """
    for pattern, words in _IN_WORDS:
        note = pattern.sub(words, note)
    clauses = (_told(clause) for clause in note.split("; "))
    return "; ".join(dict.fromkeys(clause for clause in clauses if clause))


def _told(clause: str) -> str:
    """Return a clause up to its first number of people."""
    # What is harmless is blotted out at its length, so that positions stay.
    rest = _HARMLESS.sub(lambda found: "x" * len(found[0]), clause)
    number = re.search(r"\d", rest)
    if number is None:
        return clause
    breaks = [found.start() for found in _BREAK.finditer(rest, 0, number.start())]
    return clause[: breaks[-1]].strip() if breaks else ""
