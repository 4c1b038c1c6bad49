"""Numbers along the axes of figures, as a journal prints them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from fahrstats.display.journal_styles import JournalStyle
from fahrstats.display.journals import format_number, format_short

TickLabels: TypeAlias = Callable[[Iterable[float]], list[str]]

_MOST_DECIMALS: Final = 6


def tick_numbers(style: JournalStyle) -> TickLabels:
    """Return a writer of ticks, with the decimals that the finest needs; 0 has none."""

    def written(ticks: Iterable[float]) -> list[str]:
        values = [float(tick) for tick in ticks]
        decimals = max(map(_decimals, values), default=0)
        return [
            ""
            if math.isnan(value)
            else format_number(value, decimals if value else 0, style=style)
            for value in values
        ]

    return written


def tick_ratios(style: JournalStyle) -> TickLabels:
    """Return a writer of the ticks of a log axis, each as short as it can be."""
    return lambda ticks: [
        "" if math.isnan(tick) else format_short(tick, style=style) for tick in ticks
    ]


def tick_percents(style: JournalStyle) -> TickLabels:
    """Return a writer of shares as percentages."""
    numbers = tick_numbers(style)
    return lambda shares: [
        text and f"{text}%" for text in numbers(100 * float(share) for share in shares)
    ]


def _decimals(value: float) -> int:
    """Return how many decimals a round number has."""
    if math.isnan(value):
        return 0
    text = f"{value:.{_MOST_DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])
