"""Sentences on what moves a score by more than a margin, and what does not.

"Not significant" is no finding: a change is shown to be within the margin, shown to be
beyond it, or neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.dose_tables import way_and_dose
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_counted,
    format_difference,
    format_interval,
    format_short,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    in_sentence,
    listed,
    note_in_words,
)
from fahrstats.display.result_table import by_value, limits, need_columns, records

Verdict = Literal["within", "beyond", "neither"]

_LEVEL: Final = 0.05
_MILD: Final = 2.0
"""Severity up to which a change that moves a score is named."""

_NEED: Final = ("model", "condition", "estimand", "estimate")


def verdicts(table: pd.DataFrame, equivalence: pd.DataFrame) -> pd.DataFrame:
    """Return what was shown of the mean change at every severity, with its dose.

    Parameters
    ----------
    table
        As :meth:`fahrstats.DoseResponse.tidy` returns it.
    equivalence
        As :meth:`fahrstats.DoseResponse.equivalence` does, whose ``note`` is the
        ``verdict``: within the margin, beyond it, or neither.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, (*_NEED, "severity", "dose"), "a verdict")
    keys = ["model", "condition", "severity"]
    need_columns(equivalence, (*keys, "note"), "a verdict")
    means = table[(table["estimand"] == "mean_change") & (table["severity"] > 0)]
    shown = equivalence[[*keys, "note"]].rename(columns={"note": "verdict"})
    return means[[*keys, "dose", "estimate"]].merge(shown, on=keys)


def simulated_changes(
    found: pd.DataFrame,
    model: str,
    *,
    margin: float,
    families: Mapping[str, str] | None = None,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> list[str]:
    """Say which simulated changes move a model by more than the margin.

    How many of each family do is told, and of all only those that do at the mildest
    severities are named, with their dose.

    Parameters
    ----------
    found
        What :func:`verdicts` returns.
    model
        Column of the score.
    families
        What each condition is one of, such as light or pose.
    """
    rows = found[found["model"] == model]
    conditions = by_value(rows, "condition")
    beyond = {c: part for c, part in conditions if (part["verdict"] == "beyond").any()}
    within = [c for c, part in conditions if (part["verdict"] == "within").all()]
    size, name = amount(margin, "years", style=style), column_label(model, labels)
    counts = _by_family([c for c, _ in conditions], list(beyond), families or {}, style)
    lines = [
        f"{name}: {_were(len(beyond), style, of=len(conditions))} shown to move the "
        f"mean by more than {size} at some dose{counts}. "
        + _mildest(list(beyond.values()), labels, style)
    ]
    if within:
        names = listed([in_sentence(column_label(c, labels)) for c in within])
        lines.append(
            f"{name}: {_were(len(within), style)} shown to move the mean by less than "
            f"{size} at every dose of the panel: {names}."
        )
    n_others = len(conditions) - len(beyond) - len(within)
    if n_others:
        lines.append(
            f"{name}: of {format_counted(n_others, 'others', style=style)} neither was "
            "shown, at some dose at least."
        )
    return [line.strip() for line in lines]


def steadiness(
    found: pd.DataFrame,
    model: str,
    *,
    margin: float,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Count the simulated changes that move a model, and those that do not.

    It is :func:`simulated_changes` for an abstract, without the names of any.

    Parameters
    ----------
    found
        What :func:`verdicts` returns.
    model
        Column of the score.
    """
    parts = by_value(found[found["model"] == model], "condition")
    beyond = [c for c, part in parts if (part["verdict"] == "beyond").any()]
    within = [c for c, part in parts if (part["verdict"] == "within").all()]
    size = amount(margin, "years", style=style)
    return (
        f"{column_label(model, labels)}: {_were(len(beyond), style, of=len(parts))} "
        f"shown to move the mean by more than {size} at some dose, and "
        f"{_were(len(within), style)} shown to move it by less at every dose."
    )


def _mildest(
    parts: Sequence[pd.DataFrame], labels: Labels | None, style: JournalStyle
) -> str:
    """Name the conditions that move a score at the mildest severities."""
    firsts = [records(part[part["verdict"] == "beyond"])[0] for part in parts]
    firsts.sort(key=lambda row: float(row["severity"]))
    if not firsts:
        return ""
    border = max(_MILD, float(firsts[0]["severity"]))
    mild = [row for row in firsts if row["severity"] <= border]
    told = listed([_from(row, labels, style) for row in mild])
    return f"Already at severity {format_short(border, style=style)} or below: {told}."


def _were(n: int, style: JournalStyle, of: int | None = None) -> str:
    """Return ``3 of 20 simulated changes were``, ``1 was``."""
    counted = format_count(n, style=style)
    if of is not None:
        counted += f" of {format_counted(of, 'simulated changes', style=style)}"
    return f"{counted} {'was' if n == 1 else 'were'}"


def _by_family(
    every: Sequence[str],
    some: Sequence[str],
    families: Mapping[str, str],
    style: JournalStyle,
) -> str:
    """Return `` (pose 1 of 5, light 3 of 9)``; nothing without families."""
    names = dict.fromkeys(families[c] for c in every if c in families)
    counts = [
        f"{family} "
        + " of ".join(
            format_count(sum(families.get(c) == family for c in part), style=style)
            for part in (some, every)
        )
        for family in names
    ]
    return f" ({', '.join(counts)})" if counts else ""


def single_photos(
    thresholds: pd.DataFrame,
    model: str,
    *,
    value: float,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say under which changes a single photo moves by a limit, on average.

    Parameters
    ----------
    thresholds
        As :meth:`fahrstats.DoseResponse.passing` returns them.
    value
        The limit.
    """
    need_columns(thresholds, (*_NEED, "variable", "value"), "a sentence")
    rows = thresholds[
        (thresholds["model"] == model)
        & (thresholds["variable"] == "mean_absolute_change")
        & (thresholds["estimand"] == "passing_severity")
        & (thresholds["value"] == value)
    ]
    passed = rows[rows["estimate"] < float("inf")].sort_values("estimate")
    name, size = column_label(model, labels), amount(value, "years", style=style)
    changes = format_counted(len(rows), "changes", style=style)
    if passed.empty:
        of_all = changes if len(rows) == 1 else f"all {changes}"
        return (
            f"{name}: taken to grow with the dose, the mean change of single photos "
            f"stayed below {size} under {of_all}, up to the strongest."
        )
    names = [in_sentence(column_label(one, labels)) for one in passed["condition"]]
    return (
        f"{name}: single photos moved by {size} or more on average, up or down, under "
        f"{format_count(len(passed), style=style)} of {changes}, soonest under "
        f"{listed(names[:3])}."
    )


def which_moves_more(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> Iterator[str]:
    """Yield how often one model moves more than another, on the same photos.

    Parameters
    ----------
    table
        As :meth:`fahrstats.DoseResponse.contrasts` returns it.
    """
    need_columns(table, ("term", "condition", "estimate", "p_adjusted"), "a sentence")
    for term, rows in by_value(table, "term"):
        first, second = (column_label(name, labels) for name in term.split(CONTRAST))
        is_told = rows["p_adjusted"] < _LEVEL
        more = int((is_told & (rows["estimate"] > 0)).sum())
        less = int((is_told & (rows["estimate"] < 0)).sum())
        yield (
            f"On the same photos {first} moved more than {second} under "
            f"{format_count(more, style=style)} and less under "
            f"{format_count(less, style=style)} of "
            f"{format_counted(len(rows), 'changes', style=style)} (differences of the "
            "mean size of change, tested together at 5%); for the others it is not "
            "known which."
        )


def real_change(
    agreement: pd.DataFrame,
    tests: pd.DataFrame,
    *,
    margin: float,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far one set of real pairs moved one model, and what that shows.

    Parameters
    ----------
    agreement
        Rows of :meth:`fahrstats.Agreement.tidy` of one model and condition, everyone.
    tests
        The rows of :meth:`fahrstats.Agreement.tests` of the same.
    margin
        Size of change that would not matter.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(agreement, ("estimand", "estimate", "n", "note"), "a sentence")
    found = {row["estimand"]: row for row in records(agreement)}
    mean = found["mean_change"]
    if pd.isna(mean["estimate"]):
        return f"no mean change ({note_in_words(mean['note'])})."
    text = format_difference(*limits(mean), decimals=1, style=style)
    bound = amount(margin, "years", style=style)
    verdict, test = _verdict(mean, tests, margin)
    told = {
        "within": f"shown to be less than {bound} on average "
        f"({phrase_p(test.get('p_value'), style=style)} for equivalence)",
        "beyond": f"shown to be more than {bound} on average",
        "neither": f"neither shown to be less than {bound} on average, nor more",
    }[verdict]
    size = limits(found["mean_absolute_change"])
    single = format_difference(*size, decimals=1, style=style)
    pairs = format_counted(mean["n"], "pairs", style=style)
    return (
        f"mean change {phrase_interval(text, style=style)} years in {pairs}, "
        f"{told}; a single pair differed by {phrase_interval(single, style=style)} "
        "years on average, up or down."
    )


def one_photo(
    table: pd.DataFrame,
    model: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far one photo of a model errs.

    Parameters
    ----------
    table
        Repeatability of each model.
    model
        Column of the score.

    Raises
    ------
    DataError
        A column is absent.
    """
    need_columns(table, ("model", "estimand", "estimate"), "a sentence")
    rows = table[table["model"] == model]
    found = {row["estimand"]: row for row in records(rows)}
    names = {
        "repeatability": "two photos of one day",
        "reproducibility": "two photos of different days",
    }
    told = [
        f"{name} lie within "
        + phrase_interval(
            format_interval(*limits(found[estimand]), decimals=1, style=style),
            style=style,
        )
        + " years of each other"
        for estimand, name in names.items()
        if estimand in found and pd.notna(found[estimand]["estimate"])
    ]
    if not told:
        return f"{column_label(model, labels)}: how far a photo errs was not estimated."
    return f"{column_label(model, labels)}: in 95% of people {listed(told)}."


def _verdict(
    mean: dict[str, Any], tests: pd.DataFrame, margin: float
) -> tuple[Verdict, dict[str, Any]]:
    """Return what is shown of a mean change, and its test of equivalence."""
    rows = records(tests[tests["estimand"] == "equivalence"])
    test = rows[0] if rows else {}
    if mean["conf_low"] > margin or mean["conf_high"] < -margin:
        return "beyond", test
    return ("within" if test.get("p_value", 1.0) < _LEVEL else "neither"), test


def _from(first: Mapping[str, Any], labels: Labels | None, style: JournalStyle) -> str:
    """Name a condition, and the first dose at which it moves a score."""
    name = in_sentence(column_label(first["condition"], labels))
    return f"{name} ({way_and_dose(first, labels, style)})"
