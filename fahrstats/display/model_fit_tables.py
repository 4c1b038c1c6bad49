"""Table of the likelihoods of compared models, and of the tests between them."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    filled,
    p_or_empty,
    rows_used,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import format_count, format_interval, format_number
from fahrstats.display.result_table import (
    by_value,
    in_percent,
    need_columns,
    records,
)

_MINUS: Final = " minus "
_CORRECTED: Final = "optimism-corrected"
_NEED: Final = ("model", "term", "estimand", "estimate", "statistic", "p_value")
_NON_NESTED: Final = (
    "not nested: z of the difference in log-likelihood (Fine's test) in place of "
    "chi-squared"
)


def model_fits(table: pd.DataFrame, *, style: JournalStyle = DEFAULT) -> DisplayTable:
    """Return likelihoods of models on the same rows, and tests of one against another.

    Models that are not nested have Fine's test of their partial likelihoods where
    others have the likelihood ratio.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, _NEED, "a comparison of models")
    notes = Footnotes(None, style)
    table = _apparent(table)
    lines: list[list[str]] = [["Models"]]
    for model, rows in _named(table, "model"):
        found = {row["estimand"]: row for row in records(rows)}
        values = (found.get(name) for name in ("log_likelihood", "aic"))
        texts = [
            EMPTY if row is None else format_number(row["estimate"], 1, style=style)
            for row in values
        ]
        lines.append([f"{INDENT}{model}", *texts])
    second = len(lines)
    lines.append(["Comparisons"])
    for contrast, rows in _named(table, "term"):
        found = {row["estimand"]: row for row in records(rows)}
        lines.append(
            [
                INDENT + contrast.replace(CONTRAST, _MINUS),
                "",
                "",
                *_test(found, notes, style),
                _share(found.get("new_information"), style),
            ]
        )
    headers = {
        "name": "",
        "log_likelihood": "Log-likelihood",
        "aic": "AIC",
        "test": "Chi-squared (df)",
        "p": style.p_symbol,
        "share": "New information\n(95% CI), %",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=(0, second),
        notes=(*rows_used(table, style), *notes.lines()),
    )


def _test(
    found: dict[str, dict[str, Any]], notes: Footnotes, style: JournalStyle
) -> list[str]:
    """Return the likelihood ratio, or Fine's test of models that are not nested."""
    ratio, other = found.get("lr_chi2"), found.get("delta_log_likelihood")
    if ratio is not None and not pd.isna(ratio["statistic"]):
        statistic = format_number(ratio["statistic"], style=style)
        text = f"{statistic} ({format_count(ratio['df'], style=style)})"
        return [notes.mark(text, ratio["note"]), p_or_empty(ratio["p_value"], style)]
    if other is not None and not pd.isna(other["statistic"]):
        text = f"z = {format_number(other['statistic'], style=style)}"
        note = "; ".join(part for part in (_NON_NESTED, other["note"]) if part)
        return [notes.mark(text, note), p_or_empty(other["p_value"], style)]
    reason = (other or ratio or {}).get("note")
    return [notes.mark(EMPTY, reason), EMPTY]


def _share(row: dict[str, Any] | None, style: JournalStyle) -> str:
    if row is None:
        return EMPTY
    return format_interval(*in_percent(row), decimals=1, style=style)


def _apparent(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are not corrected for optimism."""
    if "validation" not in table:
        return table
    return table[table["validation"] != _CORRECTED]


def _named(table: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    return [(name, rows) for name, rows in by_value(table, column) if name]
