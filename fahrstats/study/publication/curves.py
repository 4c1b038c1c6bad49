"""Curves over time for publication: at round times, while enough people are at risk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fahrstats.study.people_tables import round_times
from fahrstats.study.publication.counts import COUNTS, Rounding

FloatArray = NDArray[np.float64]

_AT_START = {"survival": 1.0, "cumulative_incidence": 0.0}
_NO_KEYS = ("time", "n", "n_at_risk", "n_censored", "n_events")
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
_COUNTED_OR_PLACED = frozenset((*COUNTS, "predicted", "subgroup"))
_EFFECTS = ("biomarker", "model", "term")
_POINTS_PER_STEP = 10
_DIGITS = 2


def is_curve(table: pd.DataFrame, horizons: Sequence[float]) -> bool:
    """Tell whether a table follows people along times other than a study's horizons."""
    needed = {"time", "n_at_risk", "n_events", "n", "estimand", "estimate"}
    if not needed <= {*table} or not table["estimand"].isin(_AT_START).all():
        return False
    return not table["time"].isin(horizons).all()


def at_round_times(table: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return curves at round times, so that nobody's own time can be read from them.

    A curve ends where fewer than the floor are at risk, and is flat until that many
    have had the event. It then moves by steps of as many people as counts are rounded
    to, out of those at risk. It has neither counts, but for those at its start, nor
    marks of censoring.

    Parameters
    ----------
    table
        Curves, one row per group and time.
    rounding
        How counts are printed.
    """
    is_followed = table["n_at_risk"] >= rounding.floor
    last = float(table.loc[is_followed, "time"].max())
    keys = [k for k in table if k not in (*_NO_KEYS, *_NUMBERS)]
    if not last > 0:
        return table.iloc[:0].drop(columns=["n_at_risk", "n_censored"])
    step = round_times(last)[1] / _POINTS_PER_STEP
    times = step * np.arange(int(last / step + 1e-9) + 1, dtype=np.float64)
    blocks = table.groupby(keys, sort=False, dropna=False)
    parts = [_one_curve(block, times, rounding) for _, block in blocks]
    kept = [c for c in table if c not in ("n_at_risk", "n_censored", "n_events")]
    return pd.concat(parts, ignore_index=True)[kept]


def without_ends(table: pd.DataFrame, horizons: Sequence[float]) -> pd.DataFrame:
    """Return effects over time without the times of the first and the last event.

    They are times of single people. Effects at times of the study's choice stay.

    Parameters
    ----------
    table
        A result table, of effects over time or another.
    horizons
        Times that the study asks for.
    """
    if not {"time", "term"} <= {*table} or not _COUNTED_OR_PLACED.isdisjoint(table):
        return table
    times = table.groupby([k for k in _EFFECTS if k in table], dropna=False)["time"]
    first, last = times.transform("min"), times.transform("max")
    is_end = (table["time"] == first) | (table["time"] == last)
    return table[~is_end | table["time"].isin(horizons)].reset_index(drop=True)


def rounded_time(time: pd.Series, horizons: Sequence[float]) -> pd.Series:
    """Return times to two digits, but for those that a study asks for."""
    exact = time.to_numpy(dtype=np.float64)
    coarse = [t if t in horizons else significant(t, _DIGITS) for t in exact]
    return pd.Series(coarse, time.index, dtype=float)


def significant(number: float, digits: int) -> float:
    """Return a number to so many significant digits."""
    return float(f"{number:.{digits}g}")


def _one_curve(
    block: pd.DataFrame, times: FloatArray, rounding: Rounding
) -> pd.DataFrame:
    """Look one curve up at times, and make it as coarse as its number at risk asks."""
    block = block.sort_values("time")
    at = np.searchsorted(block["time"], times + 1e-9, side="right") - 1
    n_left = np.append(block["n_at_risk"].to_numpy(float)[1:], 0.0)
    n_events = _events_so_far(block)
    start = block["estimand"].map(_AT_START).iloc[0]
    found = block.iloc[np.maximum(at, 0)].assign(time=np.round(times, 9))
    before = at < 0
    n_left = np.where(before, block["n_at_risk"].iloc[0], n_left[at])
    is_flat = before | (n_events[at] < rounding.floor)
    step = rounding.base / np.array([rounding.printed(n or np.nan) for n in n_left])
    exact = found["estimate"].to_numpy(dtype=np.float64)
    level = _in_steps(np.where(is_flat, start, exact), step, start)
    for name in ("conf_low", "conf_high"):
        width = found[name].to_numpy(dtype=np.float64) - exact
        limit = np.clip(level + np.round(width / step) * step, 0.0, 1.0)
        found[name] = np.where(is_flat, np.nan, limit)
    found = found.assign(estimate=level, std_error=np.nan)
    followed: pd.DataFrame = found[np.isfinite(step)]
    return followed


def _in_steps(exact: FloatArray, step: FloatArray, start: float) -> FloatArray:
    """Follow a curve from its start, away from it by whole steps only."""
    direction = 1.0 - 2.0 * start
    level, found = start, []
    for value, size in zip(exact, step, strict=True):
        if np.isfinite(size):
            level += (
                direction * size * max(round(direction * (value - level) / size), 0)
            )
        found.append(min(max(level, 0.0), 1.0))
    return np.array(found)


def _events_so_far(block: pd.DataFrame) -> FloatArray:
    """Return the events up to each time, whether a table counts them so or one by one.

    Counted one by one, those at risk go down by the events and the censored.
    """
    n_events = block["n_events"].to_numpy(dtype=np.float64)
    gone = n_events + block["n_censored"].to_numpy(dtype=np.float64)
    at_risk = block["n_at_risk"].to_numpy(dtype=np.float64)
    if np.array_equal(at_risk[1:], (at_risk - gone)[:-1]):
        return np.cumsum(n_events)
    return n_events
