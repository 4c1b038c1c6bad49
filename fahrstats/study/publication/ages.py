"""Ages of 90 and over, which are not told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fahrstats.display.labels import CROSS

OLDEST = 90.0
"""Years from which ages are not told apart; the oldest are few and easily known."""

_OLDEST_EVER = 125.0  # a larger number of years is no age: a year of birth, say
_YEARS = "years"
_BAND = "_band"
_SUMMARIES = ("median", "q1", "q3", "mean", "p5", "p95", "upper_bound", "marker_mean")
_CURVES = ("mean_predicted", "mean_age")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPEN = re.compile(r"^(?:over )?\d+(?:\.\d+)?(?:\+| or more)?$")
_LOWEST = re.compile(r"^under |or less$")


def top_coded(table: pd.DataFrame, labels: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table in which no age above 90 can be read.

    Everything measured in years by its label is taken for an age, predicted or not.
    Summaries above 90 become 90. Places on a curve, cells and bands of age that begin
    at 90 or later are left out, but for a last band that begins there.

    Parameters
    ----------
    table
        A result table.
    labels
        Label and ``unit`` of columns, as in the manifest of a study.
    """
    table = table[~_is_too_old(table, labels)].copy()
    about = _about_years(table, labels)
    if "estimand" in table and about.any():
        is_age = about & table["estimand"].isin((*_SUMMARIES, *_CURVES))
        for name in ("estimate", "conf_low", "conf_high", "joint_low", "joint_high"):
            if name in table:
                numbers = table[name].astype(float)
                is_above = is_age & (numbers > OLDEST) & (numbers <= _OLDEST_EVER)
                table[name] = numbers.mask(is_above, OLDEST)
    return table.reset_index(drop=True)


def _about_years(table: pd.DataFrame, labels: Mapping[str, Any]) -> pd.Series:
    """Return which rows are about a column that is measured in years."""
    found = pd.Series(False, table.index)
    for name in ("variable", "biomarker", "model"):
        if name in table:
            found |= table[name].astype(str).map(lambda key: _in_years(key, labels))
    if "estimand" in table:
        found |= table["estimand"].isin(_CURVES)
    return found


def _in_years(key: str, labels: Mapping[str, Any]) -> bool:
    return bool(labels.get(key, {}).get("unit") == _YEARS)


def _is_too_old(table: pd.DataFrame, labels: Mapping[str, Any]) -> pd.Series:
    """Return which rows are of ages that lie within 90 and over."""
    found = pd.Series(False, table.index)
    about = _about_years(table, labels)
    if "value" in table:
        found |= about & table["value"].astype(float).between(
            OLDEST, _OLDEST_EVER, inclusive="both"
        )
    owner = next((of for of in ("subgroup", "variable") if of in table), None)
    for name, of in (("level", owner), ("group", None)):
        if name not in table:
            continue
        owners = pd.Series("", table.index) if of is None else table[of].astype(str)
        pairs = zip(owners, table[name].fillna("").astype(str), strict=True)
        is_old = [_has_old_band(key, band, labels) for key, band in pairs]
        found |= np.array(is_old, dtype=np.bool_)
    return found


def _has_old_band(subgroup: str, level: str, labels: Mapping[str, Any]) -> bool:
    """Tell whether a level, or a part of a crossing, is a band within 90 and over.

    Of the bands of a column that is not named every band is looked at.
    """
    subgroups, levels = subgroup.split(CROSS), level.split(CROSS)
    if len(subgroups) != len(levels):
        subgroups = [""] * len(levels)
    return any(
        _is_old_band(band)
        for key, band in zip(subgroups, levels, strict=True)
        if not key or _in_years(key.removesuffix(_BAND), labels)
    )


def _is_old_band(level: str) -> bool:
    """Tell whether a band of ages begins at 90 or later and is not all that does."""
    numbers = [float(number) for number in _NUMBER.findall(level)]
    if not numbers or _LOWEST.search(level) or not OLDEST <= numbers[0] < _OLDEST_EVER:
        return False
    return numbers[0] > OLDEST or not _OPEN.match(level)
