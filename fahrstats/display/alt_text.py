"""What a plot shows, in words, for readers who cannot see it.

The option ``fig-alt`` of a cell says what kind of figure it draws. A plot says what it
is of and its main numbers, so that several figures of one cell are told apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from plotnine import ggplot

Named: TypeAlias = Iterable[tuple[str, float]]
Write: TypeAlias = Callable[[float], str]

_ATTRIBUTE: Final = "alt_text"


def with_alt_text(plot: ggplot, subject: str, facts: Iterable[str]) -> ggplot:
    """Return a plot that says what it is of, and what it shows of that.

    A subject that the first fact names is not said twice.
    """
    texts = [*facts]
    if not re.search(rf"\b{re.escape(subject)}\b", "".join(texts[:1])):
        texts.insert(0, subject)
    sentences = [" ".join(text.split()) for text in texts]
    text = " ".join(f"{sentence}." for sentence in sentences if sentence)
    setattr(plot, _ATTRIBUTE, text)
    return plot


def alt_text(figure: object) -> str:
    """Return what a figure says of itself; nothing where it does not."""
    return str(getattr(figure, _ATTRIBUTE, ""))


def one_by_one(named: Named, write: Write) -> str:
    """Write numbers with their names: ``0.92 (Q1), 0.41 (Q4)``."""
    return ", ".join(_named(name, value, write) for name, value in _known(named))


def from_to(named: Named, write: Write) -> str:
    """Write the smallest and the largest number: ``1.05 (Women) to 1.40 (Men)``."""
    found = _known(named)
    ends = [choose(found, key=lambda one: one[1]) for choose in (min, max) if found]
    return " to ".join(_named(*end, write) for end in dict.fromkeys(ends))


def _known(named: Named) -> list[tuple[str, float]]:
    return [(name, value) for name, value in named if not math.isnan(value)]


def _named(name: str, value: float, write: Write) -> str:
    return f"{write(value)} ({name})" if name else write(value)
