"""What a reader sees instead of a column, a design term or a unit.

``labels`` is the mapping of a study's manifest: a column of the data to its ``label``
and ``unit``. A column without an entry is shown by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_short

Labels: TypeAlias = Mapping[str, Mapping[str, str]]

CROSS: Final = " \N{MULTIPLICATION SIGN} "
"""Between the parts of a product, and between subgroups that are crossed."""

_NAME: Final = re.compile(
    "African|Alzheimer|American|Ann|Apgar|Asian|Barthel|Bethesda|Binet|Breslow|"
    "Caucasian|Charlson|Clark|Dukes|Elixhauser|Epstein|European|Fazekas|Fitzpatrick|"
    "Framingham|Fuhrman|Glasgow|Gleason|Hispanic|Hodgkin|Hoehn|Karnofsky|Ki-67|Lansky|"
    "Latino|Montreal|Nottingham|Parkinson|Rai|Rankin"
)
_LEVEL: Final = re.compile(r"^(?P<variable>.*)\[(?:T\.)?(?P<level>.*)\]$")
_QUOTED: Final = re.compile(r"`([^`]+)`")
_FORMULA: Final = "~"
_SPLINE: Final = re.compile(
    r"^rcs\(\s*`?(?P<column>[^,()`]+)`?\s*[,)].*\[(?P<part>\d+)\]$"
)
_TRANSFORM: Final = re.compile(r"^C\((?P<column>[^,()]+).*\)$")


def column_label(column: str, labels: Labels | None = None) -> str:
    """Return the name of a column for a reader; ``C(sex)`` is the column ``sex``."""
    factor = _TRANSFORM.match(column)
    name = factor["column"].strip() if factor else column
    return _on_one_line((labels or {}).get(name, {}).get("label")) or name


def column_unit(column: str, labels: Labels | None = None) -> str:
    """Return the unit of a column, or an empty text."""
    return _on_one_line((labels or {}).get(column, {}).get("unit"))


def label_with_unit(column: str, labels: Labels | None = None) -> str:
    """Return ``Creatinine, mg/dL``."""
    unit = column_unit(column, labels)
    name = column_label(column, labels)
    return f"{name}, {unit}" if unit else name


def level_of(term: str) -> str:
    """Return the level that a design column stands for: ``M`` of ``sex[M]``."""
    found = _LEVEL.match(term)
    return found["level"] if found else ""


def term_label(term: str, labels: Labels | None = None) -> str:
    """Return a design column for a reader: ``Sex: M``; parts of products by a cross."""
    return CROSS.join(_part_label(part, labels) for part in term.split(":"))


def group_label(subgroup: str, labels: Labels | None = None) -> str:
    """Return the name of a subgroup; of a crossing, those of its columns by a cross."""
    return CROSS.join(column_label(part, labels) for part in subgroup.split(CROSS))


def per_label(
    per: str | float | None, unit: str = "", *, style: JournalStyle = DEFAULT
) -> str:
    """Return the step of a hazard ratio: ``per 10 years``, ``per SD``, ``per mg/dL``.

    Empty where there is no step, as for a level of a factor.
    """
    if per is None or pd.isna(per) or per == "":
        return ""
    try:
        size = float(str(per))
    except ValueError:
        return f"per {per}"
    if size == 1:
        return f"per {_singular(unit or 'unit')}"
    return f"per {format_short(size, style=style)} {unit or 'units'}"


def amount(number: float, unit: str, *, style: JournalStyle = DEFAULT) -> str:
    """Return a number with its unit: ``1 year``, ``10 years``."""
    named = _singular(unit) if number == 1 else unit
    return f"{format_short(number, style=style)} {named}"


def in_sentence(label: str) -> str:
    """Return a label as it stands inside a sentence: only names keep their capital.

    A name is a word with a capital after its first letter, such as ECOG, a single
    letter, or one of the names that clinical scales and peoples have.
    """
    first, *_ = label.split(" ")
    word = first.rstrip(",;:").removesuffix("'s")
    has_capital = any(letter.isupper() for letter in first[1:])
    is_name = has_capital or len(first) < 2 or _NAME.fullmatch(word)
    return label if is_name else label[:1].lower() + label[1:]


def opening(text: str) -> str:
    """Return a text as it opens a line or a sentence."""
    return text[:1].upper() + text[1:]


def listed(texts: Sequence[str]) -> str:
    """Return texts as a list inside a sentence: ``a, b and c``."""
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def note_in_words(note: str, labels: Labels | None = None) -> str:
    """Return a note of a result table with labels where it names columns.

    A name stands between backticks, and so does a formula, which is kept as it is; a
    coefficient of one is not written.
    """
    text = re.sub(r"(?<![\d.])1 x (?=`)", "", note).replace(
        " x `", " \N{MULTIPLICATION SIGN} `"
    )
    text = text.replace("aliased: ", "no estimate of its own: ")
    named = _QUOTED.sub(
        lambda found: (
            found[1] if _FORMULA in found[1] else term_label(found[1], labels)
        ),
        text,
    )
    return named.replace("`", "")  # of a name that is quoted within a formula


def _on_one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _part_label(part: str, labels: Labels | None) -> str:
    spline = _SPLINE.match(part)
    if spline:
        name = column_label(spline["column"].strip(), labels)
        return f"{name}, spline column {spline['part']}"
    found = _LEVEL.match(part)
    if not found:
        return column_label(part, labels)
    return f"{column_label(found['variable'], labels)}: {found['level']}"


def _singular(unit: str) -> str:
    return unit[:-1] if unit in {"years", "months", "days", "units", "points"} else unit
