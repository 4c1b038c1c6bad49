"""Covariates that are known because the event happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

KNOWN_AMONG_EVENTS = 0.5
"""A leaking column is known for at least this share of the rows with the event."""

ODDS_RATIO = 20.0
"""Odds of being known with the event over odds without it, at the lower 99.9% limit."""

_Z_999 = 3.2905


def leak_problems(
    missing: Mapping[str, NDArray[np.bool_]], event: NDArray[np.float64]
) -> Iterator[str]:
    """Yield the columns that are recorded for hardly anyone but those with the event.

    A death certificate, an autopsy or a chart review of the dead fills a column after
    the fact. Adjusting for it, or analysing its complete rows, conditions on the
    future. The rule compares being known between rows with and without the event: the
    lower 99.9% limit of the odds ratio (with half a row added to each cell) exceeds
    ``ODDS_RATIO`` and most rows with the event are known.

    Parameters
    ----------
    missing
        By column of the model, shape (n,): rows without a value, before any row is left
        out.
    event
        Shape (n,); 1, 0 or NaN.
    """
    n_events, n_others = int((event == 1).sum()), int((event == 0).sum())
    for column, unknown in missing.items():
        if not unknown.any() or not n_events or not n_others:
            continue
        known = ~unknown
        with_event = int((known & (event == 1)).sum())
        without = int((known & (event == 0)).sum())
        cells = 0.5 + np.array(
            [with_event, n_events - with_event, without, n_others - without]
        )
        log_odds_ratio = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
        lower = log_odds_ratio - _Z_999 * np.sqrt((1 / cells).sum())
        if with_event >= KNOWN_AMONG_EVENTS * n_events and lower > np.log(ODDS_RATIO):
            yield (
                f"`{column}` is known for {with_event} of {n_events} rows with the "
                f"event but for only {without} of {n_others} without it, so it was "
                "recorded because of the outcome and would leak it; leave it out (or, "
                "if rows were sampled by outcome, give `weights`)."
            )
