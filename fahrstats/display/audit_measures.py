"""The measures of an audit: their names, their decimals, and when one is unknown.

A wide interval is no sign of fairness. A measure of a group is *unknown* where its
interval holds the value of everyone and also a value further from it than a margin that
would matter: the data then neither show a difference nor rule one out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_difference,
    format_interval,
    format_number,
    format_ratio,
)
from fahrstats.display.labels import listed
from fahrstats.display.result_table import excludes, in_percent, limits

OVERALL: Final = "overall"
MODEL: Final = "model"
"""The term of rows about the linear predictor of the whole model."""

TOO_FEW: Final = "too few"
"""How the note of a group below a floor begins."""

_KEY: Final = ("biomarker", "term", "estimand", "time")


@dataclass(frozen=True, slots=True)
class Measure:
    """How one measure of an audit is called and written.

    Attributes
    ----------
    name : str
        Its name, as it opens a line.
    decimals : int
        Of the number in a table.
    margin : float
        A difference from everyone that would matter; 0 where none is stated.
    is_ratio : bool
        Whether the margin is a factor.
    in_percent : bool
        Whether it is printed in percent.
    """

    name: str
    decimals: int
    margin: float = 0.0
    is_ratio: bool = False
    in_percent: bool = False


MEASURES: Final[dict[str, Measure]] = {
    "hr": Measure("Hazard ratio", 2, 1.25, is_ratio=True),
    "c_index": Measure("C-index", 3, 0.05),
    "model_c_index": Measure("C-index of the model", 3, 0.05),
    "observed_expected": Measure("Observed / expected", 2, 1.25, is_ratio=True),
    "calibration_intercept": Measure("Calibration intercept", 2, 0.2),
    "calibration_slope": Measure("Calibration slope", 2, 0.2),
    "brier": Measure("Brier score", 4),
    "ipa": Measure("IPA", 1, 0.05, in_percent=True),
    "marker_mean": Measure("Mean", 1),
    "marker_sd": Measure("SD", 1),
    "censored_share": Measure("Censored", 1, in_percent=True),
    "person_time": Measure("Person-time", 0),
}
"""Measures by the name that a table or figure is asked for; the model's C-index has a
name of its own."""


def measure_of(table: pd.DataFrame) -> pd.Series[str]:
    """Return the measure that every row is about."""
    is_model = (table["estimand"] == "c_index") & (table["term"] == MODEL)
    return table["estimand"].mask(is_model, "model_c_index")


def is_beyond_margin(row: Mapping[str, Any]) -> bool:
    """Whether a difference of a measure, or a ratio of it, would matter."""
    measure, size = MEASURES[row["measure"]], row["estimate"]
    if measure.is_ratio:
        return bool(size > measure.margin or size < 1 / measure.margin)
    return bool(0 < measure.margin < abs(size))


def contrast_text(row: Mapping[str, Any]) -> str:
    """Return what a difference is of: ``a minus b``, ``a against b`` for a ratio."""
    between = " against " if MEASURES[row["measure"]].is_ratio else " minus "
    return str(row["term"]).replace(CONTRAST, between)


def difference_text(row: Mapping[str, Any], *, style: JournalStyle = DEFAULT) -> str:
    """Return a difference of a measure, or a ratio where it is one, with its limits."""
    measure = MEASURES[row["measure"]]
    if measure.is_ratio:
        return format_ratio(*limits(row), style=style)
    values = in_percent(row) if measure.in_percent else limits(row)
    return format_difference(*values, decimals=measure.decimals, style=style)


def is_uncertain(row: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference, or a ratio, holds that of none.

    The two levels that differ most need not be those that are known to differ.
    """
    return not excludes(row, 1.0 if MEASURES[row["measure"]].is_ratio else 0.0)


def unknown(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether the interval of a row holds everyone's value and ones that would matter.

    Rows of everyone, rows without an interval and measures without a margin are not
    called unknown.
    """
    key = [name for name in _KEY if name in table]
    is_overall = table["subgroup"] == OVERALL
    everyone = table.loc[is_overall, [*key, "estimate"]].drop_duplicates(key)
    at = table[key].merge(everyone, on=key, how="left")["estimate"].to_numpy(float)
    measures = [MEASURES.get(name, Measure(name, 2)) for name in measure_of(table)]
    margin = np.array([measure.margin for measure in measures])
    is_ratio = np.array([measure.is_ratio for measure in measures])
    low, high = (table[name].to_numpy(float) for name in ("conf_low", "conf_high"))
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(is_ratio, at / margin, at - margin)
        most = np.where(is_ratio, at * margin, at + margin)
    holds_equality = (low <= at) & (at <= high)
    found = (margin > 0) & holds_equality & ((low < least) | (high > most))
    return pd.Series(found & ~is_overall.to_numpy(), index=table.index)


def margins_in_words(measures: Sequence[str], *, style: JournalStyle = DEFAULT) -> str:
    """List the margins of some measures: ``0.05 of the C-index``."""
    texts = []
    for name in measures:
        measure = MEASURES[name]
        what = in_words(name)
        if measure.is_ratio:
            size = format_number(measure.margin, measure.decimals, style=style)
            texts.append(f"a factor of {size} of the {what}")
        elif measure.in_percent:
            size = format_number(100 * measure.margin, 0, style=style)
            texts.append(f"{size} percentage points of the {what}")
        elif measure.margin:
            size = format_number(measure.margin, 2, style=style)
            texts.append(f"{size} of the {what}")
    return listed(texts)


def in_words(measure: str) -> str:
    """Return the name of a measure as it stands inside a sentence."""
    if measure == "observed_expected":
        return "ratio of observed to expected events"
    name = MEASURES[measure].name
    return name if name.startswith(("C-", "IPA", "SD")) else name[:1].lower() + name[1:]


def measure_text(row: Mapping[str, Any], *, style: JournalStyle = DEFAULT) -> str:
    """Return an estimate with its limits, or in short why there is none."""
    if pd.isna(row["estimate"]):
        note = row.get("note")
        is_said = isinstance(note, str) and note.startswith(TOO_FEW)
        return TOO_FEW if is_said else style.missing
    name = row["measure"]
    measure = MEASURES[name]
    if measure.is_ratio:
        return format_ratio(*limits(row), style=style)
    values = in_percent(row) if measure.in_percent else limits(row)
    return format_interval(*values, decimals=measure.decimals, style=style)
