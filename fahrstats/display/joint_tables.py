"""Tables of two scores together: correlation, joint groups, each given the other."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, NO_INTERACTION_P, JournalStyle
from fahrstats.display.journals import (
    format_interval,
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
    opening,
    per_label,
)
from fahrstats.display.result_table import by_value, limits, need_columns, records

_AND: Final = " and "
_RATIO: Final = "HR (95% CI)"
_REFERENCE: Final = "1 (reference)"
_COEFFICIENTS: Final = {
    "pearson": "Pearson\n(95% CI)",
    "spearman": "Spearman\n(95% CI)",
    "partial_pearson": "Pearson\n(95% CI)",
    "partial_spearman": "Spearman\n(95% CI)",
}
_PARTIAL: Final = "partial_"


def correlations(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return correlations of scores, over all and per level of a subgroup.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate", "n"), "correlations")
    shown = [name for name in _COEFFICIENTS if (table["estimand"] == name).any()]
    notes = Footnotes(labels, style)
    lines = []
    pairs = by_value(table, "term")
    for pair, of_pair in pairs:
        names = _AND.join(column_label(name, labels) for name in pair.split(_AND))
        for level, rows in by_value(of_pair, "level"):
            found = {row["estimand"]: row for row in records(rows)}
            first = next(iter(found.values()))
            everyone = level in ("", "overall")
            who = f"{column_label(first.get('subgroup', ''), labels)}: {level}"
            texts = [_correlation(found.get(name), notes, style) for name in shown]
            n = count_or_empty(first["n"], style)
            lines.append([names if everyone else INDENT + who, n, *texts])
    headers = {"name": "", "n": "n"} | {name: _COEFFICIENTS[name] for name in shown}
    partial = tuple(name for name in shown if name.startswith(_PARTIAL))
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={"Given the covariates": partial} if partial else {},
        notes=notes.lines(),
    )


def scores_together(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the hazard ratio of each score without and with the other in the model.

    Raises
    ------
    DataError
        A column is absent, or the table has no score on its own.
    """
    need = ("model", "term", "per", "estimand", "estimate", "p_value")
    need_columns(table, need, "two scores together")
    ratios = table[(table["estimand"] == "hr") & table["per"].eq("SD")]
    alone = ratios[ratios["model"] == ratios["term"]]
    need_columns(alone, need, "two scores together")
    lines = []
    for row in records(alone):
        both = records(
            ratios[(ratios["term"] == row["term"]) & (ratios["model"] != row["model"])]
        )
        step = per_label(row["per"], style=style)
        lines.append(
            [
                f"{column_label(row['term'], labels)}, {step}",
                *_ratio(row, style),
                *(_ratio(both[0], style) if both else (EMPTY, EMPTY)),
            ]
        )
    headers = {
        "name": "",
        "hr": _RATIO,
        "p": style.p_symbol,
        "hr both": _RATIO,
        "p both": style.p_symbol,
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={
            "Without the other score": ("hr", "p"),
            "With the other score": ("hr both", "p both"),
        },
        notes=(*_one_sd(table, labels, style), *_product(table, style)),
    )


def joint_groups(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return hazard ratios of joint groups; below, how the effects go together.

    Raises
    ------
    DataError
        A column is absent, or no row is a joint group.
    """
    need = ("first_group", "second_group", "estimand", "estimate", "p_value")
    need_columns(table, need, "joint groups")
    groups = table[
        (table["estimand"] == "hr") & (table["first_group"].fillna("") != "")
    ]
    need_columns(groups, need, "joint groups")
    notes = Footnotes(labels, style)
    lines = []
    for row in records(groups):
        is_reference = row.get("note") == "reference"
        text = format_ratio(*limits(row), style=style)
        note = None if is_reference else row.get("note")
        lines.append(
            [
                joint_name(row["group"], labels),
                count_or_empty(row["n"], style),
                count_or_empty(row["n_events"], style),
                _REFERENCE if is_reference else notes.mark(text, note),
                p_or_empty(row["p_value"], style),
            ]
        )
    headers = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "hr": _RATIO,
        "p": style.p_symbol,
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        notes=(*_interaction(table, style), *notes.lines()),
    )


def joint_name(group: str, labels: Labels | None = None) -> str:
    """Return a joint group for a reader: labels for the columns in its name."""
    parts = [part.rsplit(" ", 1) for part in str(group).split(", ")]
    texts = [
        " ".join([in_sentence(column_label(name, labels)), *level])
        for name, *level in parts
    ]
    return opening(", ".join(texts))


def _correlation(
    row: dict[str, Any] | None, notes: Footnotes, style: JournalStyle
) -> str:
    if row is None:
        return EMPTY
    text = format_interval(*limits(row), decimals=2, style=style)
    return notes.mark(text, row.get("note"))


def _ratio(row: dict[str, Any], style: JournalStyle) -> tuple[str, str]:
    return (
        format_ratio(*limits(row), style=style),
        p_or_empty(row["p_value"], style),
    )


def _one_sd(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> tuple[str, ...]:
    """Return a note on how much one standard deviation of each score is."""
    texts = [
        f"{format_number(row['estimate'], style=style)} "
        f"{column_unit(row['term'], labels)}".rstrip()
        + f" of {in_sentence(column_label(row['term'], labels))}"
        for row in records(table[table["estimand"] == "marker_sd"])
    ]
    return (f"One SD is {listed(texts)}.",) if texts else ()


def _product(table: pd.DataFrame, style: JournalStyle) -> tuple[str, ...]:
    """Return a note on the product of both scores as numbers."""
    rows = table[(table["estimand"] == "hr_ratio") & table["per"].eq("SD")]
    notes = []
    for row in records(rows):
        ratio = format_ratio(*limits(row), style=style)
        p_value = f", {phrase_p(row['p_value'], style=style)}"
        notes.append(
            "Product of both scores, per SD of each: hazard ratio multiplied by "
            + phrase_interval(ratio, style=style)
            + (f"{p_value}." if style.interaction_p else f". {NO_INTERACTION_P}")
        )
    return tuple(notes)


def _interaction(table: pd.DataFrame, style: JournalStyle) -> tuple[str, ...]:
    """Return notes on whether effects multiply and whether excess risks add."""
    of_groups = table[table["model"] == table["model"].iloc[0]]
    found = {row["estimand"]: row for row in records(of_groups)}
    notes = []
    test = found.get("interaction_chi2")
    if test and not pd.isna(test["p_value"]) and not style.interaction_p:
        notes.append(NO_INTERACTION_P)
    elif test and not pd.isna(test["p_value"]):
        p_value = phrase_p(test["p_value"], style=style)
        notes.append(f"Test that the effects of the groups multiply: {p_value}.")
    reri = found.get("reri")
    if reri and not pd.isna(reri["estimate"]):
        text = format_interval(*limits(reri), decimals=2, style=style)
        notes.append(
            "Relative excess risk due to interaction (0 where excess risks add): "
            f"{phrase_interval(text, style=style)}."
        )
    return tuple(notes)
