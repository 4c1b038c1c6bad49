"""Sentences on follow-up, associations of a score, and tests about them.

A sentence says what the interval allows, and no more: an interval that holds no effect
is reported as such, with the values that it leaves possible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.display.effect_tables import agrees_with_print
from fahrstats.display.journal_styles import DEFAULT, NO_INTERACTION_P, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_counted,
    format_number,
    format_ratio,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    column_label,
    column_unit,
    in_sentence,
    listed,
    note_in_words,
    per_label,
)
from fahrstats.display.result_table import (
    excludes,
    need_columns,
    only_one,
    records,
)
from fahrstats.errors import DataError

_SIZES: Final = ("n", "n_events")
_WITHHELD: Final = "too few people or events"  # in the model, but not published
_ALIASED: Final = "aliased: "
_CONSTANT: Final = ("has one level", "in every row", "is constant", "does not vary")


def follow_up(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> str:
    """Say how many people were followed for how long, and how many had the event.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows or several groups.
    """
    need_columns(table, ("estimand", "estimate", "n", "n_events"), "follow-up")
    only_one(table, ("group",), "follow-up")
    n, n_events = (
        None if pd.isna(table[size].iloc[0]) else table[size].iloc[0] for size in _SIZES
    )
    people = "The people" if n is None else format_counted(n, "people", style=style)
    were = "was" if n == 1 else "were"
    median = table.loc[
        (table["estimand"] == "follow_up") & (table["quantile"].round(2) == 0.5),
        "estimate",
    ]
    if median.empty or not math.isfinite(median.iloc[0]):
        if n_events is None:
            among = "" if n is None else f" among {people}"
            return f"How many events there were{among} is withheld."
        events = format_counted(n_events, "events", style=style)
        opened = "There" if n is None else f"Among {people} there"
        return f"{opened} {'was' if n_events == 1 else 'were'} {events}."
    years = format_number(median.iloc[0], 1, style=style)
    followed = f"{people} {were} followed for a median of {years} {time_unit}"
    if n_events is None:
        return f"{followed}; how many of them had the event is withheld."
    return f"{followed}; {format_count(n_events, style=style)} of them had the event."


def association(
    table: pd.DataFrame,
    term: str,
    *,
    outcome: str,
    adjusted_for: Sequence[str] = (),
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how a score goes with the outcome, and what was held equal in truth.

    Parameters
    ----------
    table
        Hazard ratios of one model, its covariates included: one without an estimate
        was left out of the model, and the sentence says so.
    term
        The score.
    outcome
        The event, as in "death from any cause".
    adjusted_for
        Covariates of the model.

    Raises
    ------
    DataError
        A column is absent, the table has no rows, or none of the score.
    """
    need_columns(table, ("term", "estimate", "conf_low", "conf_high"), "a sentence")
    rows = [row for row in records(table) if row["term"] == term]
    if not rows:
        raise DataError(f"`term` has no `{term}`; select the rows of its model.")
    row, *firth = rows
    name = column_label(term, labels)
    hazard = f"the hazard of {in_sentence(outcome)}"
    if pd.isna(row["estimate"]):
        return _no_estimate(row, hazard, labels)
    left_out = _left_out(table, adjusted_for)
    names = [
        in_sentence(column_label(covariate, labels))
        for covariate in adjusted_for
        if covariate not in left_out
    ]
    given = f", with {listed(names)} held equal" if names else ""
    numbers = _effect_in_words(row, labels, style)
    if _is_without_limit(row):
        text = (
            f"{name} tells apart those with and without the event so fully that "
            f"{hazard}{given} has no finite ratio: {numbers}."
        )
        text += "".join(_firth_in_words(other, style) for other in firth)
    elif excludes(row, 1):
        direction = "higher" if row["estimate"] > 1 else "lower"
        text = (
            f"A higher {in_sentence(name)} went with a {direction} hazard of "
            f"{in_sentence(outcome)}{given}: {numbers}."
        )
    else:
        text = (
            f"{name} showed no clear association with {hazard}{given}: {numbers}. "
            "The data are compatible with every value in this interval."
        )
    return " ".join([text, *_left_out_in_words(left_out, labels)])


def interactions(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """List the interaction test of each subgroup, or say that there is none.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "estimand", "p_value"), "a sentence")
    tests = records(table[table["estimand"] == "interaction_chi2"])
    if not tests:
        return "No subgroup had an interaction test."
    if not style.interaction_p:
        return NO_INTERACTION_P
    names = [in_sentence(column_label(test["subgroup"], labels)) for test in tests]
    made = [not pd.isna(test["p_value"]) for test in tests]
    texts = [
        f"{name} {phrase_p(test['p_value'], style=style)}"
        for name, test, is_made in zip(names, tests, made, strict=True)
        if is_made
    ]
    untested = [name for name, is_made in zip(names, made, strict=True) if not is_made]
    sentences = []
    if texts:
        sentences.append(
            f"Tests of equal hazard ratios across levels: {listed(texts)}."
        )
    if untested:
        sentences.append(f"Equality across levels was not tested: {listed(untested)}.")
    return " ".join(sentences)


def proportionality(
    table: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how the tests of proportional hazards came out for a score and for all terms.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "p_value"), "a sentence")
    p_values = table.set_index("term")["p_value"].to_dict()
    own = phrase_p(p_values.get(term), style=style)
    name = in_sentence(column_label(term, labels))
    text = f"Proportional hazards: {own} for {name}"
    if "global" in p_values:
        text += f", {phrase_p(p_values['global'], style=style)} for all terms together"
    return f"{text}."


def logrank(
    table: pd.DataFrame, *, groups: str = "groups", style: JournalStyle = DEFAULT
) -> str:
    """Give the log-rank test between the groups of one score.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("statistic", "df", "p_value"), "a sentence")
    row = records(table)[0]
    return (
        f"Log-rank test between {groups}: chi-squared "
        f"{format_number(row['statistic'], style=style)} on "
        f"{format_count(row['df'], style=style)} df, "
        f"{phrase_p(row['p_value'], style=style)}."
    )


def agreement_with_print(table: pd.DataFrame, *, style: JournalStyle = DEFAULT) -> str:
    """Count the published hazard ratios that ours agree with to two decimals.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("estimate", "published"), "a sentence")
    printed = records(table[table["published"].notna()])
    n_agree = sum(agrees_with_print(row, style) for row in printed)
    ratios = format_counted(len(printed), "published hazard ratios", style=style)
    return (
        f"{format_count(n_agree, style=style)} of {ratios} "
        f"{'agrees' if n_agree == 1 else 'agree'} with ours, limits included, to two "
        "decimals."
    )


def _no_estimate(row: dict[str, Any], hazard: str, labels: Labels | None) -> str:
    """Say that a score has no estimate, and why."""
    name = in_sentence(column_label(row["term"], labels))
    text = f"The association of {name} with {hazard} has no estimate"
    note = row.get("note")
    if not isinstance(note, str) or not note:
        return f"{text}."
    if not note.startswith(_ALIASED):
        return f"{text}: {note_in_words(note, labels)}."
    reason = note_in_words(note.removeprefix(_ALIASED), labels)
    return f"{text} of its own: {_why_left_out(note)} ({reason})."


def _left_out(table: pd.DataFrame, covariates: Sequence[str]) -> dict[str, str]:
    """Return the covariates none of whose terms was estimated, each with its note."""
    if "variable" not in table:
        return {}
    left_out = {}
    for name in covariates:
        rows = table[table["variable"] == name]
        if len(rows) and rows["estimate"].isna().all():
            note = rows["note"].iloc[0] if "note" in rows else ""
            if note != _WITHHELD:
                left_out[name] = note if isinstance(note, str) else ""
    return left_out


def _left_out_in_words(left_out: dict[str, str], labels: Labels | None) -> list[str]:
    if not left_out:
        return []
    texts = [
        f"{in_sentence(column_label(name, labels))}, because {_why_left_out(note)}"
        for name, note in left_out.items()
    ]
    return [f"Not held equal, but left out of the model: {'; '.join(texts)}."]


def _why_left_out(note: str) -> str:
    """Return in words which kind of aliasing a note reports."""
    if " = " in note or "repeats" in note:
        return "it repeats other variables of the model"
    if any(words in note for words in _CONSTANT):
        return "it is the same for everyone compared"
    return "it has no estimate of its own"


def _effect_in_words(
    row: dict[str, Any], labels: Labels | None, style: JournalStyle
) -> str:
    ratio = format_ratio(
        row["estimate"], row["conf_low"], row["conf_high"], style=style
    )
    has_limits = not (pd.isna(row["conf_low"]) and pd.isna(row["conf_high"]))
    step = per_label(row.get("per"), column_unit(row["term"], labels), style=style)
    effect = phrase_interval(ratio, style=style) if has_limits else ratio
    parts = [f"hazard ratio {effect}", step]
    p_value = phrase_p(row.get("p_value"), style=style)
    return f"{' '.join(filter(None, parts))}, {p_value}"


def _firth_in_words(row: dict[str, Any], style: JournalStyle) -> str:
    limits = (row["estimate"], row["conf_low"], row["conf_high"])
    ratio = phrase_interval(format_ratio(*limits, style=style), style=style)
    return f" Firth's penalised estimate is {ratio}."


def _is_without_limit(row: dict[str, Any]) -> bool:
    return row["estimate"] == 0 or math.isinf(row["estimate"])
