"""Sentences of an audit: what was asked, where groups differ, and what is unknown.

A difference is named where its test stands up to the number of tests, never because one
group has a small p value and another has not. What the data cannot tell is said beside
it, because a wide interval is no sign of fairness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.audit_measures import (
    OVERALL,
    TOO_FEW,
    contrast_text,
    difference_text,
    in_words,
    is_beyond_margin,
    is_uncertain,
    measure_of,
    unknown,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_counted,
    format_number,
    format_percent,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    CROSS,
    Labels,
    column_label,
    in_sentence,
    listed,
    opening,
)
from fahrstats.display.result_table import (
    by_value,
    need_columns,
    records,
    without_refusals,
)

_LEVEL: Final = 0.05
_MOST_NAMED: Final = 6


def audited(
    table: pd.DataFrame,
    *,
    outcome: str,
    has_repeats: bool = False,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say which score was audited, in whom, and by what.

    Parameters
    ----------
    table
        An audit of one score.
    outcome
        The event, as in "death from any cause".
    has_repeats
        Whether a person can have several rows, which are then not called people.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level", "n", "n_events"), "a sentence")
    everyone = table[table["subgroup"] == OVERALL]
    groups = [str(name) for name in table["subgroup"].unique() if name != OVERALL]
    single = [_factor(group, labels) for group in groups if CROSS not in group]
    crossed = [_factor(group, labels) for group in groups if CROSS in group]
    by = listed(single) + (f", and by {listed(crossed)}" if crossed else "")
    score = str(table["biomarker"].iloc[0]) if "biomarker" in table else ""
    name = column_label(score, labels) or "The score"
    n_levels = table.loc[table["subgroup"] != OVERALL, ["subgroup", "level"]]
    n, n_events = (everyone[size].iloc[0] for size in ("n", "n_events"))
    rows = format_counted(n, "rows" if has_repeats else "people", style=style)
    rows += ", several of one person," if has_repeats else ""
    n_groups = len(n_levels.drop_duplicates())
    return (
        f"{name} was audited as a predictor of {in_sentence(outcome)} in {rows} "
        f"with {format_counted(n_events, 'events', style=style)}, by {by}: "
        f"{format_counted(n_groups, 'groups', style=style)}."
    )


def group_differences(
    tests: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> list[str]:
    """Name for each factor the measures that differ, those beyond their margin in full.

    Without any that stands up to the number of tests, that is said in one sentence.

    Parameters
    ----------
    tests
        Tests of one score, with p values adjusted for their number.
    differences
        The largest difference of each factor and measure.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("subgroup", "measure", "p_value", "p_adjusted")
    need_columns(tests, need, "a sentence")
    rows = tests[tests["p_value"].notna()]
    if rows.empty:
        return ["Groups are too few or too small for any test of a difference."]
    differs = rows[rows["p_adjusted"] < _LEVEL]
    if differs.empty:
        made = format_counted(len(rows), "tests", style=style)
        return [
            "No measure differed between groups beyond what chance explains in "
            f"{made}; this is no proof that groups are alike."
        ]
    largest = {(r["subgroup"], r["measure"]): r for r in records(differences)}
    return [
        _factor_differs(subgroup, part, largest, labels, style)
        for subgroup, part in by_value(differs, "subgroup")
    ]


def _factor_differs(
    subgroup: str,
    tests: pd.DataFrame,
    largest: dict[tuple[str, str], dict[str, Any]],
    labels: Labels | None,
    style: JournalStyle,
) -> str:
    """Say which measures differ between the levels of a factor, and by how much."""
    far, near = [], []
    for test in records(tests):
        row = largest.get((subgroup, test["measure"]))
        name = f"the {in_words(test['measure'])}"
        if row is None or not is_beyond_margin(row):
            near.append(name)
            continue
        size = phrase_interval(difference_text(row, style=style), style=style)
        size = size.replace(" (", ", ").rstrip(")")
        p_value = phrase_p(test["p_adjusted"], style=style)
        of = contrast_text(row) + (", uncertain" if is_uncertain(row) else "")
        far.append(f"{name} (adjusted {p_value}; {of}: {size})")
    texts = [f"by more than the margin in {listed(far)}"] if far else []
    less = "by less" if far else "by less than the margin"
    texts += [f"{less} in {listed(near)}"] if near else []
    name = opening(_factor(subgroup, labels))
    return f"{name}: groups differ {'; '.join(texts)}."


def unknown_groups(
    table: pd.DataFrame,
    measure: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Name the groups in which a measure is unknown, rather than fair.

    Empty where there is none.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level", "estimand", "estimate"), "a sentence")
    is_about = measure_of(table) == measure
    levels = table[is_about & (table["subgroup"] != OVERALL)]
    names = _named(levels[unknown(table)[levels.index]], labels)
    if not names:
        return ""
    return (
        f"The {in_words(measure)} is unknown, not fair, in "
        f"{format_count(len(names), style=style)} of "
        f"{format_counted(len(levels), 'groups', style=style)}: "
        f"{_shortened(names, style)}."
    )


def groups_too_small(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Name the groups that have too few people or events for any estimate.

    Empty where there is none.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level", "n", "note"), "a sentence")
    is_small = table["note"].fillna("").str.startswith(TOO_FEW) & table["n"].isna()
    is_small &= table["subgroup"] != OVERALL
    names = _named(table[is_small].drop_duplicates(["subgroup", "level"]), labels)
    if not names:
        return ""
    groups = format_counted(len(names), "groups", style=style)
    return (
        f"{groups} {'has' if len(names) == 1 else 'have'} too few people or events to "
        f"say anything: {_shortened(names, style)}."
    )


def levels_not_calibrated(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Name the groups whose events are too few for points and a curve.

    Empty where there is none.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level"), "a sentence")
    _, refused = without_refusals(table)
    names = _named(refused, labels)
    if not names:
        return ""
    few = _shortened(names, style)
    return f"Without a curve, since events by the horizon are few: {few}."


def tests_made(
    tests: pd.DataFrame,
    *,
    style: JournalStyle = DEFAULT,  # noqa: PT028  (a sentence about tests, not a test)
) -> str:
    """Say how many tests were made, and how their p values were adjusted.

    Empty where there is none.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(tests, ("p_value",), "a sentence")
    n = int(tests["p_value"].notna().sum())
    if not n:
        return ""
    return (
        f"{format_counted(n, 'tests', style=style)} of no difference "
        f"{'was' if n == 1 else 'were'} made, one for each factor and measure. "
        f"{style.p_symbol} values are adjusted for this number by Holm's method, which "
        "bounds the chance of any false alarm, and by that of Benjamini and Hochberg, "
        "which bounds the share of false alarms among alarms."
    )


def missing_by_group(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> str:
    """Say in which levels of each factor the score is missing most and least often.

    A factor is passed over where the number of one of its levels is not published.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level", "n", "n_missing"), "a sentence")
    first = table.drop_duplicates(["subgroup", "level"])
    rows = first.dropna(subset="n_missing")
    is_hidden = first["n"].notna() & first["n_missing"].isna()
    if not rows["n_missing"].any() and not is_hidden.any():
        return "No group lacks measurements that the models need."
    rows = rows.assign(share=rows["n_missing"] / (rows["n"] + rows["n_missing"]))
    rows = rows.dropna(subset="share")
    texts = []
    for subgroup, levels in rows.groupby("subgroup", sort=False):
        if subgroup == OVERALL or CROSS in str(subgroup):
            continue
        if is_hidden[first["subgroup"] == subgroup].any():
            continue
        ends = records(levels.loc[[levels["share"].idxmin(), levels["share"].idxmax()]])
        least, most = (
            f"{format_percent(100 * one['share'], one['n'], style=style)} in "
            f"{one['level']}"
            for one in ends
        )
        by = f"by {_factor(str(subgroup), labels)}"
        is_same = levels["share"].min() == levels["share"].max()
        texts.append(f"{by} alike" if is_same else f"{by} from {least} to {most}")
    if not texts:
        return (
            "How often measurements that the models need are missing is not told of "
            "groups in which few lack them."
        )
    return f"Measurements that the models need are missing {'; '.join(texts)}."


def factors_audited(table: pd.DataFrame, *, labels: Labels | None = None) -> str:
    """List the factors of an audit with their levels, crossings by their factors.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "level"), "a sentence")
    texts = []
    for subgroup, levels in table.groupby("subgroup", sort=False):
        name = _factor(str(subgroup), labels)
        if CROSS in str(subgroup):
            texts.append(f"the crossing {name}")
        elif subgroup != OVERALL:
            texts.append(f"{name} ({', '.join(levels['level'].unique())})")
    return f"{opening('; '.join(texts))}."


def ranked_between(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> list[str]:
    """Say of each factor in which pair of levels the two directions differ most.

    Parameters
    ----------
    table
        Ranking between groups by one score.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "term", "estimand", "estimate"), "a sentence")
    texts = []
    for subgroup, part in by_value(table, "subgroup"):
        differences = part[part["estimand"] == "cross_c_difference"]
        differences = differences.dropna(subset="estimate")
        if differences.empty:
            continue
        row = records(differences.loc[[differences["estimate"].abs().idxmax()]])[0]
        first, _, second = row["term"].partition(CONTRAST)
        c_index = part[part["estimand"] == "cross_c_index"].set_index("term")[
            "estimate"
        ]
        with_first = format_number(c_index[row["term"]], 3, style=style)
        with_second = format_number(c_index[f"{second} - {first}"], 3, style=style)
        p_value = f"adjusted {phrase_p(row['p_adjusted'], style=style)}"
        told = p_value if pd.notna(row["p_adjusted"]) else row["note"]
        texts.append(
            f"{opening(_factor(subgroup, labels))}: the directions differ most between "
            f"{first} and {second}, with a C-index of {with_first} where the event is "
            f"in {first} and {with_second} where it is in {second} ({told})."
        )
    return texts


def _factor(subgroup: str, labels: Labels | None) -> str:
    """Return the name of a factor or a crossing inside a sentence."""
    names = [column_label(part, labels) for part in subgroup.split(CROSS)]
    return CROSS.join(map(in_sentence, names))


def _named(levels: pd.DataFrame, labels: Labels | None) -> list[str]:
    """Return the names of levels, of a missing group with the name of its factor."""
    return [
        f"{_factor(row['subgroup'], labels)} {row['level']}"
        if row["level"] == "missing"
        else str(row["level"])
        for row in records(levels)
    ]


def _shortened(names: Sequence[str], style: JournalStyle) -> str:
    """Return a list of names, a long one cut."""
    if len(names) <= _MOST_NAMED:
        return listed(names)
    rest = len(names) - _MOST_NAMED + 1
    more = format_count(rest, style=style)
    return f"{', '.join(names[: _MOST_NAMED - 1])} and {more} more"
