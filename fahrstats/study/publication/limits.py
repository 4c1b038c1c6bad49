"""Limits of means, ratios and correlations, which tell how many people there were.

A limit is a spread divided by the root of a number of people or events. Where the
spread is printed, too, or is known, the number can be solved for: of a mean from its
standard deviation, of a correlation from itself, of a ratio of observed to expected
rare events from nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import t as student

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.curves import significant
from fahrstats.study.publication.estimands import decimals_of

LIMITS = ("conf_low", "conf_high", "joint_low", "joint_high")
TESTS = ("statistic", "p_value", "p_adjusted", "q_value")
_ON_LOG_SCALE = ("oe_ratio", "observed_expected")
_IN_YEARS = 1  # decimal, of errors of predicted age
_OF_PAIRS = 3  # decimals, of a C-index
_FEW_STEPS = 10
_DIGITS = 3
_DIGITS_OF_RATIOS = 6
_DIGITS_OF_P = 2


def sizes(rows: pd.DataFrame, *names: str) -> pd.Series:
    """Return the first of some columns of counts that there is; missing without one."""
    found = next((name for name in names if name in rows), None)
    if found is None:
        return pd.Series(np.nan, rows.index)
    return rows[found].astype(float)


def means(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return means and spreads, with the limits of as many people as are printed."""
    factor = _widening(sizes(rows, "n_subjects", "n"), rounding)
    estimate = rows["estimate"].astype(float)
    made = {"estimate": estimate}
    for name in (name for name in LIMITS if name in rows):
        made[name] = estimate + (rows[name].astype(float) - estimate) * factor
    return left_out(rows, to_digits(pd.DataFrame(made), rows, rounding), ("std_error",))


def contrasts(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return differences of means.

    Those of predicted ages keep limits to a tenth of a year, too coarse to solve for
    the people of two groups. Others are in units of any fineness, and have none.
    """
    names = [name for name in ("estimate", *LIMITS) if name in rows]
    made = to_digits(rows[names].astype(float), rows, rounding)
    is_in_years = rows["estimand"].map(decimals_of) == _IN_YEARS
    found = left_out(rows, made, ("std_error", "statistic"))
    bare = [name for name in (*LIMITS, *TESTS) if name in rows]
    for name in bare:
        kept = found[name] if name in found else rows[name].astype(float)
        found[name] = kept.where(is_in_years)
    return found


def equivalences(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return means with the limits, and the test, of as many people as are printed.

    P is Student's on those people, and its adjustment is the same multiple as before.
    """
    exact = sizes(rows, "n_subjects", "n")
    found = means(rows, rounding)
    statistic = rows["statistic"].astype(float) / _widening(exact, rounding)
    df = (rounding.column(exact) - 1).clip(lower=1)
    p_value = pd.Series(student.sf(statistic, df), rows.index)
    if "p_adjusted" in rows:
        multiple = rows["p_adjusted"].astype(float) / rows["p_value"].astype(float)
        found["p_adjusted"] = (p_value * multiple).clip(upper=1.0)
    found["p_value"] = p_value
    digits = [name for name in TESTS if name in found]
    found[digits] = found[digits].map(lambda p: significant(p, _DIGITS_OF_P))
    return left_out(rows, found, ("statistic", "df_residual"))


def ratios(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return observed over expected, its limits those of as many events as printed."""
    factor = _widening(sizes(rows, "n_events"), rounding)
    estimate = rows["estimate"].astype(float)
    is_log = rows["estimand"].isin(_ON_LOG_SCALE)
    made = {}
    for name in (name for name in LIMITS if name in rows):
        limit = rows[name].astype(float)
        moved = estimate + (limit - estimate) * factor
        made[name] = moved.mask(is_log, estimate * (limit / estimate) ** factor)
    if "std_error" in rows:
        made["std_error"] = rows["std_error"].astype(float) * factor
    if "statistic" in rows:
        made["statistic"] = rows["statistic"].astype(float) / factor
        if "p_value" in rows:
            made["p_value"] = made["statistic"].map(lambda z: 2 * ndtr(-abs(z)))
    found = pd.DataFrame(made, rows.index)
    return found.map(lambda number: significant(number, _DIGITS_OF_RATIOS))


def correlations(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return correlations without limits and tests, which follow from them and n."""
    made = to_digits(rows[["estimate"]].astype(float), rows, rounding)
    return left_out(rows, made, ("std_error", *LIMITS, *TESTS))


def rankings(rows: pd.DataFrame, rounding: Rounding) -> pd.DataFrame:
    """Return concordances between groups, of whose tests P alone, to two digits.

    With a statistic, and with more digits, P would tell the degrees of freedom, which
    are those of the people in the smaller group.
    """
    names = [name for name in ("estimate", *LIMITS) if name in rows]
    made = to_digits(rows[names].astype(float), rows, rounding)
    for name in (name for name in TESTS[1:] if name in rows):
        exact = rows[name].astype(float)
        made[name] = exact.map(lambda p: significant(p, _DIGITS_OF_P))
    return left_out(rows, made, ("std_error", "statistic", "df_residual"))


def to_digits(
    made: pd.DataFrame, rows: pd.DataFrame, rounding: Rounding
) -> pd.DataFrame:
    """Return numbers with the decimals of a report, or with few digits.

    An estimate that would read as zero gets a decimal more, which a report prints where
    zero would mislead. A share of pairs has one less where the pairs are so few that it
    would tell how many.
    """
    decimals = rows["estimand"].map(decimals_of).astype(float)
    has_few_pairs = sizes(rows, "n_events") < _FEW_STEPS * rounding.base
    decimals -= has_few_pairs & (decimals == _OF_PAIRS)
    reads_as_zero = made["estimate"].abs() < 0.5 * 10.0**-decimals
    places = decimals + reads_as_zero
    return pd.DataFrame(
        {name: made[name].combine(places, _to_places) for name in made}, made.index
    )


def _to_places(number: float, places: float) -> float:
    if np.isnan(places):
        return significant(number, _DIGITS)
    return float(round(number, int(places)))


def _widening(exact: pd.Series, rounding: Rounding) -> pd.Series:
    """Return by how much limits are wider with as many people as are printed."""
    return (exact.where(exact > 0) / rounding.column(exact)) ** 0.5


def left_out(
    rows: pd.DataFrame, made: pd.DataFrame, names: Sequence[str]
) -> pd.DataFrame:
    """Leave columns out, of those that there are."""
    absent = dict.fromkeys((name for name in names if name in rows), np.nan)
    return made.assign(**absent)
