"""Sentences on whether a finding stands: its form, other rows, other cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_counted,
    format_interval,
    format_number,
    format_percent,
    format_ratio,
    in_style,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    listed,
    note_in_words,
    opening,
)
from fahrstats.display.result_table import excludes, limits, need_columns, records

_SIGNIFICANT: Final = 0.05
_EVENTS_PER_COEFFICIENT: Final = 10


def shape(
    table: pd.DataFrame,
    variable: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say whether the log hazard of one score is a straight line.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("variable", "estimand", "p_value", "df", "n_events")
    need_columns(table, need, "a sentence")
    rows = table[(table["variable"] == variable) & table["p_value"].notna()]
    found = {row["estimand"]: row["p_value"] for row in records(rows)}
    name = column_label(variable, labels)
    p_value = found.get("nonlinear_lr_chi2", found.get("nonlinear_wald_chi2"))
    if p_value is None:
        return f"{name}. Whether the effect bends was not tested."
    numbers = phrase_p(p_value, style=style) + _few_for_spline(rows, style)
    if p_value < _SIGNIFICANT:
        return (
            f"{name}. The log hazard is no straight line in the score ({numbers}), so "
            "one hazard ratio for all values is a summary of the curve."
        )
    return (
        f"{name}. The data do not show a bend in the log hazard ({numbers}), which "
        "does not prove a straight line."
    )


def _few_for_spline(rows: pd.DataFrame, style: JournalStyle) -> str:
    """Name the events behind a spline where they are few for its coefficients."""
    n_events, df = rows["n_events"].min(), rows["df"].max()
    if pd.isna(n_events) or n_events >= _EVENTS_PER_COEFFICIENT * df:
        return ""
    events = format_counted(n_events, "events", style=style)
    return f", from only {events} for {format_counted(df, 'coefficients', style=style)}"


def completed_rows(
    table: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Set the hazard ratio with missing values imputed beside that of complete rows.

    Parameters
    ----------
    table
        Rows of one score with ``model`` ``complete case`` and ``imputed``.
    term
        The score.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("model", "term", "estimand", "estimate", "conf_low", "conf_high", "n")
    need_columns(table, need, "a sentence")
    rows = table[(table["term"] == term) & (table["estimand"] == "hr")]
    found = {row["model"]: row for row in records(rows)}
    name = column_label(term, labels)
    before, after = found.get("complete case"), found.get("imputed")
    if before is None or after is None or pd.isna(after["estimate"]):
        return f"{name}. Missing values were not imputed."
    old, new = (
        phrase_interval(format_ratio(*limits(row), style=style), style=style)
        for row in (before, after)
    )
    people = format_counted(after["n"], "people", style=style)
    return (
        f"{name}. Hazard ratio {new} in {people} with missing values imputed, "
        f"{old} in the {format_count(before['n'], style=style)} with none missing."
    )


def across_cohorts(
    table: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say what cohorts have in common for one score, and what a new one may show.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("cohort", "term", "estimand", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "a sentence")
    is_overall = table["cohort"] == "overall"
    together = {str(row["estimand"]): row for row in records(table[is_overall])}
    name = column_label(table["term"].iloc[0], labels)
    average = together.get("hr_random")
    if average is None or pd.isna(average["estimate"]):
        return f"{name}. Cohorts were not averaged."
    n_cohorts = _averaged(table[~is_overall], style)
    text = phrase_interval(format_ratio(*limits(average), style=style), style=style)
    sentence = f"{name}. Average hazard ratio over {n_cohorts} {text}"
    prediction = together.get("hr_prediction")
    if prediction is not None and not pd.isna(prediction["conf_low"]):
        low, high = (
            format_number(prediction[limit], style=style)
            for limit in ("conf_low", "conf_high")
        )
        sentence += f"; 95% prediction interval for a new cohort {low} to {high}"
    return f"{sentence}."


def _averaged(cohorts: pd.DataFrame, style: JournalStyle) -> str:
    """Count the cohorts that take part in the average, unless weights are withheld."""
    n_used = len(cohorts)
    if "weight" in cohorts:
        n_used = int(cohorts["weight"].notna().sum())
    if not n_used:
        return "the cohorts"
    if n_used == len(cohorts):
        return format_counted(n_used, "cohorts", style=style)
    of = format_counted(len(cohorts), "cohorts", style=style)
    return f"{format_count(n_used, style=style)} of {of}"


def largest_influence(
    table: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far one person moves the coefficient of a score at most.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate"), "a sentence")
    rows = table[(table["term"] == term) & (table["estimand"] == "max_dfbetas")]
    name = column_label(term, labels)
    if rows.empty or pd.isna(rows["estimate"].iloc[0]):
        return f"{name}. The influence of single people was not estimated."
    size = format_number(rows["estimate"].iloc[0], style=style)
    return (
        f"{name}. No single person moves its coefficient by more than {size} standard "
        "errors."
    )


def early(
    table: pd.DataFrame,
    term: str,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how a score goes with early death, with those censored before left out.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("term", "time", "estimand", "estimate", "n_events", "n_censored")
    need_columns(table, need, "a sentence")
    rows = table[(table["term"] == term) & (table["estimand"] == "or")]
    name = column_label(term, labels)
    texts = []
    for row in records(rows.drop_duplicates("time")):
        odds = phrase_interval(format_ratio(*limits(row), style=style), style=style)
        clear = "" if excludes(row, 1) else ", no clear association"
        within = amount(row["time"], time_unit, style=style)
        texts.append(
            f"odds ratio of the event within {within} {odds}{clear}"
            f"{_events_behind(row, table, style)}{_censored_before(row, style)}"
        )
    if not texts:
        return f"{name}. Early events were too few."
    return f"{name}. {opening(listed(texts))}."


def _events_behind(
    row: dict[str, Any], table: pd.DataFrame, style: JournalStyle
) -> str:
    """Name the events behind odds, and the coefficients where they are few for them.

    Nothing is said of events that are withheld.
    """
    if pd.isna(row["n_events"]):
        return ""
    same = table["time"] == row["time"]
    if "model" in table:
        same &= table["model"] == row["model"]
    n_terms = int(same.sum())
    is_few = row["n_events"] < _EVENTS_PER_COEFFICIENT * n_terms
    few = f", few for {n_terms} coefficients" if is_few else ""
    return f", from {format_counted(row['n_events'], 'events', style=style)}{few}"


def _censored_before(row: dict[str, Any], style: JournalStyle) -> str:
    """Count those whose early state is unknown; nothing of a count that is withheld."""
    if pd.isna(row["n_censored"]):
        return "; those censored before were left out"
    people = format_counted(row["n_censored"], "people", style=style)
    were = "was" if row["n_censored"] == 1 else "were"
    return f"; {people} censored before {were} left out"


def age_gaps(
    table: pd.DataFrame,
    *,
    name: str,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far one predicted age lies from the age lived.

    Parameters
    ----------
    table
        Gaps of one predicted age: ``variable``, ``group``, ``estimand``, ``estimate``.
    name
        What the predicted age is called.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(
        table, ("variable", "group", "estimand", "estimate", "n"), "a sentence"
    )
    means = table[(table["variable"] == "gap") & (table["estimand"] == "mean")]
    found = {str(row["group"]): row for row in records(means)}
    everyone = found.pop("overall", None)
    if everyone is None or pd.isna(everyone["estimate"]):
        return f"{name}. The gap was not estimated."
    text = phrase_interval(format_interval(*limits(everyone), style=style), style=style)
    shares = [
        f"{format_percent(100 * row['n'] / everyone['n'], everyone['n'], style=style)} "
        f"were {group}"
        for group, row in found.items()
        if group != "between" and not pd.isna([row["n"], everyone["n"]]).any()
    ]
    more = f"; {listed(shares)}" if shares else ""
    return (
        f"{name}. Predicted minus actual age was {text} years on average"
        f"{_among(everyone, style)}{more}."
    )


def _among(everyone: Mapping[str, Any], style: JournalStyle) -> str:
    """Say in how many people the actual age is known, where it is not in all."""
    n, n_missing = everyone["n"], everyone.get("n_missing", 0)
    if pd.isna([n, n_missing]).any() or not n_missing:
        return ""
    known = format_count(n, style=style)
    people = format_counted(n + n_missing, "people", style=style)
    return f" in the {known} of {people} in whom both are known"


def large_enough(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> str:
    """Say whether the study is as large as its largest model asks for.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate"), "a sentence")
    sizes = table[(table["estimand"] == "sample_size") & table["estimate"].notna()]
    found = dict(zip(sizes["term"], sizes["estimate"], strict=True))
    ours = found.pop("this study", None)
    if ours is None or not found:
        return "The size that the study needed was not estimated."
    people = format_counted(ours, "people", style=style)
    most = max(found, key=lambda term: found[term])
    needed = format_count(found[most], style=style)
    if ours >= found[most]:
        return (
            f"With {people} the study is as large as every demand on its largest "
            f"model; the most demanding asks for {needed}."
        )
    n_short = sum(ours < size for size in found.values())
    short = format_count(n_short, style=style)
    return (
        f"With {people} the study is smaller than {short} of "
        f"{format_counted(len(found), 'demands', style=style)} on its largest model "
        f"{'asks' if n_short == 1 else 'ask'} for; the most demanding asks for "
        f"{needed}."
    )


def printed_agreement(table: pd.DataFrame, *, style: JournalStyle = DEFAULT) -> str:
    """Count the published lines that disagree with themselves.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "note"), "a sentence")
    n_flagged = int((table["note"].fillna("") != "").sum())
    lines = format_counted(len(table), "published lines", style=style)
    if not n_flagged:
        return f"None of {lines} disagrees with itself."
    verb = "disagrees with itself" if n_flagged == 1 else "disagree with themselves"
    return f"{format_count(n_flagged, style=style)} of {lines} {verb}."


def refusal(
    row: dict[str, Any],
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say of which score, or at which time, something was not estimated, and why."""
    time = row.get("time")
    parts = [row.get("biomarker"), row.get("cause"), row.get("model")]
    if time is not None and not pd.isna(time):
        parts = [row.get("biomarker"), f"at {amount(time, time_unit, style=style)}"]
    about = [
        column_label(str(part), labels)
        for part in parts
        if isinstance(part, str) and part
    ]
    reason = in_style(note_in_words(str(row["note"]), labels), style=style)
    return ". ".join([*([opening(", ".join(about))] if about else []), opening(reason)])
