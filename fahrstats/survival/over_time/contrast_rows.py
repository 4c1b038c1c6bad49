"""Rows of result tables that set a group against the reference group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.display.journals import phrase_p


def each_against(
    rows: pd.DataFrame, reference: str
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield the rows of each other group beside those of the reference group.

    ``rows`` holds the same times in the same order for every group.
    """
    base = rows[rows["group"] == reference].reset_index(drop=True)
    for group in rows["group"].unique():
        if group != reference:
            yield rows[rows["group"] == group].reset_index(drop=True), base


def contrast_rows(
    rows: pd.DataFrame, base: pd.DataFrame, estimand: str
) -> pd.DataFrame:
    """Name a contrast of two groups, with their sizes added and all their notes."""
    counts = [name for name in ("n_at_risk", "n", "n_events") if name in rows]
    sides = [
        list(zip(side["group"], side["note"], strict=True)) for side in (rows, base)
    ]
    notes = [
        "; ".join(f"`{group}`: {note}" for group, note in pair if note)
        for pair in zip(*sides, strict=True)
    ]
    return pd.DataFrame(
        {
            "group": rows["group"],
            "reference": base["group"],
            "estimand": estimand,
            "time": rows["time"],
            **{name: rows[name] + base[name] for name in counts},
            "note": notes,
        }
    )


def joint_std_error(
    rows: NDArray[np.float64], base: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the standard error of a difference between two independent estimates.

    Missing where either is missing or 0: a group that has had no event yet shows no
    variation, which is not the same as having none.
    """
    known = (rows > 0) & (base > 0)
    return np.where(known, np.hypot(rows, base), np.nan)


def interval_text(row: Mapping[str, Any], digits: int) -> str:
    """Write an estimate with its limits and, where it is tested, its p value."""
    text, low, high = (
        f"{row[name]:.{digits}g}" for name in ("estimate", "conf_low", "conf_high")
    )
    text = "missing" if np.isnan(row["estimate"]) else text
    text += " (no interval)" if np.isnan(row["conf_low"]) else f" ({low} to {high})"
    return text if np.isnan(row["p_value"]) else f"{text}, {phrase_p(row['p_value'])}"
