"""Sentences on what other choices would have given: a later start, other cut points."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.choice_tables import BEST
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_counted,
    format_number,
    format_ratio,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    column_unit,
    listed,
)
from fahrstats.display.result_table import limits, need_columns, records

_TEST: Final = "max_logrank_chi2"


def later_start(
    table: pd.DataFrame,
    variable: str,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Set the hazard ratios after landmarks beside that of all follow-up.

    Parameters
    ----------
    table
        Rows of one score; a ``time`` of 0 is all follow-up.
    variable
        The score.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("variable", "time", "estimate", "conf_low", "conf_high", "n_events")
    need_columns(table, need, "a sentence")
    rows = table[(table["variable"] == variable) & table["estimate"].notna()]
    found = {row["time"]: row for row in records(rows)}
    name, whole = column_label(variable, labels), found.pop(0, None)
    if whole is None or not found:
        return f"{name}. No model was fitted to later follow-up."
    texts = [_ratio_in_words(whole, "over all follow-up", style)]
    texts += [
        _ratio_in_words(row, f"after {amount(time, time_unit, style=style)}", style)
        for time, row in found.items()
    ]
    return f"{name}. Hazard ratio {listed(texts)}."


def _ratio_in_words(row: dict[str, Any], when: str, style: JournalStyle) -> str:
    """Return a hazard ratio, when it holds, and the events behind it."""
    text = phrase_interval(format_ratio(*limits(row), style=style), style=style)
    return f"{text} {when} ({format_counted(row['n_events'], 'events', style=style)})"


def cut_points_compared(
    table: pd.DataFrame,
    variable: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far the effect depends on where a score is cut.

    The range is of cut points that know nothing of the outcome; the one that was chosen
    for it is told apart, with its corrected P value and no hazard ratio.

    Parameters
    ----------
    table
        Rows of one score.
    variable
        The score.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("variable", "value", "origin", "model", "estimand", "estimate")
    need_columns(table, need, "a sentence")
    rows = table[table["variable"] == variable]
    ratios = rows[(rows["estimand"] == "hr") & rows["estimate"].notna()]
    fixed = ratios[ratios["origin"] != BEST]
    name = column_label(variable, labels)
    if fixed.empty:
        return f"{name}. No cut point was tried."
    model = fixed["model"].iloc[-1]
    chosen = fixed.loc[fixed["model"] == model, "estimate"]
    low, high = (
        format_number(number, style=style) for number in (chosen.min(), chosen.max())
    )
    points = format_counted(len(chosen), "cut points", style=style)
    text = (
        f"{name}. Above {points} set without looking at the outcome, the {model} "
        f"hazard ratio goes from {low} to {high}."
    )
    tests = records(rows[rows["estimand"] == _TEST].dropna(subset=["p_adjusted"]))
    for test in tests:
        at = f"{format_number(test['value'], style=style)} "
        at = f"{at}{column_unit(variable, labels)}".strip()
        p_value = phrase_p(test["p_adjusted"], style=style)
        text += (
            f" Survival is parted most at {at} ({p_value} after correction for the "
            "choice), which is no cut point to be used without other data."
        )
    return text
