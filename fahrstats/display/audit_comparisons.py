"""Tables of an audit that compare groups: tests, differences, ranking, pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.audit_measures import (
    MEASURES,
    contrast_text,
    difference_text,
    measure_of,
    measure_text,
)
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_interval,
    format_number,
    phrase_p,
)
from fahrstats.display.labels import Labels, group_label
from fahrstats.display.result_table import by_value, limits, need_columns, records

_CROSS, _DIFFERENCE, _ASYMMETRY = (
    "cross_c_index",
    "cross_c_difference",
    "asymmetry_f",
)
_ONE_OF: Final = "one of "  # how a note tells the number of tests, which is said once
_POOLED: Final = ("subgroup", "level", "term", "estimand", "estimate")
_DECIMALS: Final = 3


def audit_between(
    table: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return how a score ranks the people of each group against those of another.

    A line is a pair of levels: both directions, and their difference with joint limits.
    Pairs with a level below the floor of the audit are left out and counted.

    Parameters
    ----------
    table
        Rows of ``cross_c_index`` and ``cross_c_difference``, whose ``term`` is
        ``a - b``: the one of a has the event. Rows of ``asymmetry_f`` test that no
        two directions differ.
    title
        Score that the table is about, where a reader could not know.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("subgroup", "term", "estimand", "estimate", "p_value")
    need_columns(table, need, "ranking between groups")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    n_left_out = 0
    for subgroup, part in by_value(table, "subgroup"):
        tests = part[part["estimand"] == _ASYMMETRY]
        text = phrase_p(tests["p_value"].iloc[0], style=style) if len(tests) else ""
        heads.append(len(lines))
        lines.append([group_label(subgroup, labels), "", "", "", text])
        found = list(_pairs(part))
        shown = [pair for pair in found if pd.notna(pair[2]["estimate"])]
        n_left_out += len(found) - len(shown)
        lines += [_pair_line(*pair, notes, style) for pair in shown]
    left_out = [f"Pairs left out, without an estimate: {n_left_out}."]
    headers = {
        "name": "First and second group",
        "first": "Event in the first\n(95% CI)",
        "second": "Event in the second\n(95% CI)",
        "difference": "Difference\n(95% CI, joint)",
        "p": f"{style.p_symbol}, adjusted for\nall pairs",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        notes=(
            "C-index between groups: how often the one with the event was placed above "
            "the one who outlasted it.",
            f"{style.p_symbol} beside the name of a factor: no two directions differ "
            "in any pair.",
            *(left_out if n_left_out else []),
            *notes.lines(),
        ),
    )


def _pairs(
    part: pd.DataFrame,
) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield both directions of every pair of levels, and their difference."""
    crossed = {r["term"]: r for r in records(part[part["estimand"] == _CROSS])}
    for row in records(part[part["estimand"] == _DIFFERENCE]):
        first, _, second = row["term"].partition(CONTRAST)
        yield crossed[row["term"]], crossed[f"{second}{CONTRAST}{first}"], row


def _pair_line(
    first: dict[str, Any],
    second: dict[str, Any],
    difference: dict[str, Any],
    notes: Footnotes,
    style: JournalStyle,
) -> list[str]:
    """Return the names of a pair, both directions, their difference and its test."""
    joint = (difference["estimate"], difference["joint_low"], difference["joint_high"])
    text = format_difference(*joint, decimals=_DECIMALS, style=style)
    return [
        INDENT + difference["term"].replace(CONTRAST, " and "),
        *(
            format_interval(*limits(row), decimals=_DECIMALS, style=style)
            for row in (first, second)
        ),
        notes.mark(text, difference.get("note")),
        p_or_empty(difference["p_adjusted"], style),
    ]


def audit_tests(
    table: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the tests that a measure is the same in all levels of a factor.

    A journal that leaves out P values of interaction has those that are adjusted for
    the number of tests, no others.

    Parameters
    ----------
    table
        One row per factor and measure: ``statistic``, ``df``, ``p_value``,
        ``p_adjusted`` (Holm) and ``q_value`` (Benjamini and Hochberg).
    title
        Score that the table is about, where a reader could not know.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("subgroup", "measure", "statistic", "df", "p_value", "p_adjusted")
    need_columns(table, need, "the tests of an audit")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(table, "subgroup"):
        heads.append(len(lines))
        lines.append([group_label(subgroup, labels)])
        lines += [_test_line(row, notes, style) for row in records(part)]
    headers = {
        "name": "",
        "statistic": "Chi-squared",
        "df": "df",
        "i_squared": "I², %",
        "p": style.p_symbol,
        "holm": f"{style.p_symbol} adjusted\n(Holm)",
        "share": f"{style.p_symbol} adjusted\n(Benjamini, Hochberg)",
    }
    cells = filled(lines, headers)
    if not style.interaction_p:
        del headers["p"]
    return DisplayTable(
        cells=cells[list(headers)],
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _test_line(row: dict[str, Any], notes: Footnotes, style: JournalStyle) -> list[str]:
    """Return one test: measure, statistic, heterogeneity, and three p values."""
    parts = str(row.get("note") or "").split("; ")
    note = "; ".join(part for part in parts if not part.startswith(_ONE_OF))
    name = notes.mark(INDENT + MEASURES[row["measure"]].name, note)
    if pd.isna(row["p_value"]):
        return [name, EMPTY]
    share = row.get("i_squared")
    return [
        name,
        format_number(row["statistic"], 2, style=style),
        format_count(row["df"], style=style),
        EMPTY if pd.isna(share) else format_number(100 * share, 0, style=style),
        *(p_or_empty(row.get(p), style) for p in ("p_value", "p_adjusted", "q_value")),
    ]


def audit_differences(
    table: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the two levels of each factor that differ most in each measure.

    Parameters
    ----------
    table
        One row per factor and measure, its ``term`` ``a - b``; a difference, or a ratio
        where the measure is one.
    title
        Score that the table is about, where a reader could not know.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "term", "measure", "estimate"), "differences")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(table, "subgroup"):
        heads.append(len(lines))
        lines.append([group_label(subgroup, labels)])
        for row in records(part):
            lines.append(
                [
                    notes.mark(INDENT + MEASURES[row["measure"]].name, row.get("note")),
                    contrast_text(row),
                    difference_text(row, style=style),
                    p_or_empty(row.get("p_adjusted"), style),
                ]
            )
    headers = {
        "name": "",
        "levels": "Levels that differ most",
        "difference": "Difference or ratio\n(95% CI, joint)",
        "p": f"{style.p_symbol}, adjusted for\nall pairs",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        prose=("levels",),
        notes=notes.lines(),
    )


def audit_shrunken(
    table: pd.DataFrame,
    own: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return what each level says of itself beside its partially pooled estimate.

    Parameters
    ----------
    table
        Partially pooled measures of every level, with the share that the level's own
        estimate has in each (``weight``).
    own
        The audit that they were made from.
    title
        Score that the table is about, where a reader could not know.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or a table has no rows.
    """
    need_columns(table, _POOLED, "pooling")
    need_columns(own, _POOLED, "pooling")
    rows, alone = (part.assign(measure=measure_of(part)) for part in (table, own))
    shown = list(rows["measure"].unique())
    found = {(r["subgroup"], r["level"], r["measure"]): r for r in records(alone)}
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(rows, "subgroup"):
        heads.append(len(lines))
        lines.append([group_label(subgroup, labels)])
        for level, of_level in by_value(part, "level"):
            pooled = {row["measure"]: row for row in records(of_level)}
            line = [INDENT + level]
            for measure in shown:
                for row in (found.get((subgroup, level, measure)), pooled.get(measure)):
                    text = EMPTY if row is None else measure_text(row, style=style)
                    line.append(notes.mark(text, (row or {}).get("note")))
            lines.append(line)
    pairs = {name: (f"{name} alone", f"{name} pooled") for name in shown}
    names = {alone: "Alone" for alone, _ in pairs.values()}
    names |= {pooled: "Pooled" for _, pooled in pairs.values()}
    columns = ["name", *(column for pair in pairs.values() for column in pair)]
    return DisplayTable(
        cells=filled(lines, columns),
        headers={column: names.get(column, "") for column in columns} | {"name": title},
        spanners={f"{MEASURES[n].name} (95% CI)": pair for n, pair in pairs.items()},
        heads=tuple(heads),
        notes=notes.lines(),
    )
