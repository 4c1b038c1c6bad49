"""Sentences on groups of people: time lived, causes that compete, joint groups."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_counted,
    format_interval,
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
    in_sentence,
    listed,
    per_label,
)
from fahrstats.display.result_table import (
    excludes,
    in_percent,
    limits,
    need_columns,
    records,
)

_AND: Final = " and "


def time_lived(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> str:
    """Say how much longer or shorter the last group of one score lives than the first.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("group", "reference", "estimand", "time", "estimate", "conf_low")
    need_columns(table, need, "a sentence")
    means = table[table["estimand"] == "rmst"].set_index("group")["estimate"]
    contrasts = records(table[table["estimand"] == "delta_rmst"])
    if not contrasts or pd.isna(contrasts[-1]["estimate"]):
        return "The mean time lived was not compared."
    row = contrasts[-1]
    own, other = (
        format_number(means[group], style=style)
        for group in (row["group"], row["reference"])
    )
    in_first = f"In the first {amount(row['time'], time_unit, style=style)}"
    groups = (
        f"people in {row['group']} were without the event for {own} {time_unit} on "
        "average"
    )
    signed = format_interval(*limits(row), style=style)
    size = phrase_interval(signed, style=style)
    p_value = phrase_p(row["p_value"], style=style)
    lead = "difference" if excludes(row, 0) else "no clear difference,"
    return (
        f"{in_first}, {groups} and those in {row['reference']} {other}: "
        f"{lead} {size}, {p_value}."
    )


def groups_at(
    table: pd.DataFrame, *, time_unit: str = "years", style: JournalStyle = DEFAULT
) -> str:
    """Say how many of the lowest and the highest group of a score have had the event.

    At the last time at which both groups are followed; empty where there is none.

    Parameters
    ----------
    table
        Survival, or cumulative incidence of one cause, of the groups of one score from
        low to high, at fixed times.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("group", "estimand", "time", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "a sentence")
    rows = table[table["estimand"].isin(("survival", "cumulative_incidence"))]
    groups = list(rows["group"].unique())
    ends = rows[rows["group"].isin({groups[0], groups[-1]})]
    known = ends.dropna(subset="estimate")
    times = known["time"].value_counts()
    times = times[times == 2]
    if times.empty or len(groups) < 2:
        return ""
    last = times.index.max()
    shares = [
        f"{_percent(row, style)} of the {which} ({row['group']})"
        for which, row in zip(
            ("lowest group", "highest"),
            records(known[known["time"] == last]),
            strict=True,
        )
    ]
    at = amount(last, time_unit, style=style)
    if rows["estimand"].iloc[0] == "survival":
        return f"After {at}, {listed(shares)} were without the event."
    return f"By {at}, {listed(shares)} had the event, while other causes compete."


def competing_risks(
    subdistribution: pd.DataFrame,
    cause_specific: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say what a score does to the rate and to the risk of the cause of interest.

    Parameters
    ----------
    subdistribution
        Fine and Gray's model: ``cause``, ``term``, ``estimand`` ``shr``.
    cause_specific
        Cox models of every cause: ``cause``, ``term``, ``estimand`` ``hr``.
    term
        The score.

    Raises
    ------
    DataError
        A column is absent, or a table has no rows.
    """
    need = ("cause", "term", "estimand", "estimate", "conf_low", "conf_high")
    name = column_label(term, labels)
    parts = []
    for table, kind in (
        (cause_specific, "cause-specific hazard ratio"),
        (subdistribution, "subdistribution hazard ratio"),
    ):
        need_columns(table, need, "a sentence")
        cause = subdistribution["cause"].iloc[0]
        rows = records(table[(table["term"] == term) & (table["cause"] == cause)])
        if rows and not pd.isna(rows[0]["estimate"]):
            parts.append(f"{kind} {_ratio(rows[0], labels, style)}")
    cause = str(subdistribution["cause"].iloc[0])
    if not parts:
        return f"{name} has no estimate for {cause}."
    first = records(subdistribution)[0]
    counts = ""
    if not pd.isna(first.get("n_competing")):
        of_cause = format_counted(first["n_events"], "events", style=style)
        others = format_count(first["n_competing"], style=style)
        counts = f" ({of_cause}, {others} of other causes)"
    return f"{name}, cause {cause}{counts}: {listed(parts)}."


def correlation(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Say how far two scores go together, and whether given the covariates too.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate"), "a sentence")
    pair = table["term"].iloc[0]
    rows = table[table["term"] == pair].drop_duplicates("estimand")
    found = {row["estimand"]: row for row in records(rows)}
    names = _AND.join(
        in_sentence(column_label(name, labels)) for name in str(pair).split(_AND)
    )
    kinds = {
        "spearman": "Spearman's correlation of",
        "partial_spearman": "given the covariates it was",
    }
    texts = {
        kind: phrase_interval(
            format_interval(*limits(found[kind]), style=style), style=style
        )
        for kind in kinds
        if kind in found
    }
    if "spearman" not in texts:
        return f"The correlation of {names} was not estimated."
    text = f"Spearman's correlation of {names} was {texts['spearman']}"
    if "partial_spearman" in texts:
        text += f"; {kinds['partial_spearman']} {texts['partial_spearman']}"
    return f"{text}."


def given_each_other(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Say what each of two scores still says when the other is in the model.

    Raises
    ------
    DataError
        A column is absent, or the table has no model of both scores.
    """
    need = ("model", "term", "per", "estimand", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "a sentence")
    ratios = table[(table["estimand"] == "hr") & table["per"].eq("SD")]
    both = ratios[ratios["model"] != ratios["term"]]
    need_columns(both, need, "a sentence")
    names, texts = [], []
    for row in records(both):
        name = in_sentence(column_label(row["term"], labels))
        names.append(name)
        ratio = phrase_interval(format_ratio(*limits(row), style=style), style=style)
        clear = "" if excludes(row, 1) else " (no clear association)"
        texts.append(f"{ratio} per SD of {name}{clear}")
    return (
        f"With {listed([*names, 'the covariates'])} in one model, hazard ratios were "
        f"{listed(texts)}."
    )


def _ratio(row: dict[str, Any], labels: Labels | None, style: JournalStyle) -> str:
    ratio = phrase_interval(format_ratio(*limits(row), style=style), style=style)
    step = per_label(row.get("per"), column_unit(row["term"], labels), style=style)
    return f"{ratio} {step}".rstrip()


def _percent(row: dict[str, Any], style: JournalStyle) -> str:
    """Return a share in percent with its limits."""
    text = format_interval(*in_percent(row), decimals=1, style=style)
    estimate, _, interval = phrase_interval(text, style=style).partition(" ")
    return f"{estimate}% {interval}".rstrip()
