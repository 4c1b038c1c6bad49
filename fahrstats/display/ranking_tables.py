"""Tables of models and scores by how well they rank: C-index and differences."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import EMPTY, INDENT, DisplayTable, Footnotes
from fahrstats.display.journals import (
    DEFAULT,
    NumberStyle,
    format_count,
    format_difference,
    format_interval,
    format_number,
    format_p,
)
from fahrstats.display.labels import Labels, column_label
from fahrstats.display.result_table import need_columns, records

_DECIMALS: Final = 3
_CONTRAST: Final = " - "
_MINUS: Final = " minus "


def comparison(table: pd.DataFrame, *, style: NumberStyle = DEFAULT) -> DisplayTable:
    """Return models on the same rows, and below them what one adds to another.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("model", "term", "estimand", "estimate", "statistic", "p_value")
    need_columns(table, need, "a comparison of models")
    notes = Footnotes()
    lines: list[list[str]] = [["Models"]]
    is_model = table["model"].fillna("") != ""
    for model, rows in table[is_model].groupby("model", sort=False):
        found = {row["estimand"]: row for row in records(rows)}
        lines.append(
            [
                f"{INDENT}{model}",
                _c_index(found.get("c_index"), style),
                "",
                _number(found.get("log_likelihood"), 1, style),
                _number(found.get("aic"), 1, style),
            ]
        )
    second = len(lines)
    lines.append(["Differences"])
    for contrast, rows in table[~is_model].groupby("term", sort=False):
        found = {row["estimand"]: row for row in records(rows)}
        c_index, likelihood = found.get("delta_c_index"), found.get("lr_chi2")
        ratio, p_value = _likelihood_ratio(likelihood, style)
        lines.append(
            [
                INDENT + str(contrast).replace(_CONTRAST, _MINUS),
                notes.mark(_c_index(c_index, style), (c_index or {}).get("note")),
                _p(c_index, style),
                "",
                "",
                notes.mark(ratio, (likelihood or {}).get("note")),
                p_value,
            ]
        )
    headers = {
        "name": "",
        "c_index": "C-index (95% CI)",
        "c_p": "P",
        "log_likelihood": "Log-likelihood",
        "aic": "AIC",
        "lr": "Chi-squared (df)",
        "lr_p": "P",
    }
    return DisplayTable(
        cells=pd.DataFrame(
            [line + [""] * (len(headers) - len(line)) for line in lines],
            columns=list(headers),
        ),
        headers=headers,
        spanners={"Likelihood ratio": ("lr", "lr_p")},
        heads=(0, second),
        notes=(*_rows_used(table, style), *notes.lines()),
    )


def concordance(
    table: pd.DataFrame, *, labels: Labels | None = None, style: NumberStyle = DEFAULT
) -> DisplayTable:
    """Return the C-index of each score on its own, and their paired differences.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate", "p_value"), "concordance")
    lines: list[list[str]] = []
    for row in records(table):
        is_difference = row["estimand"] == "delta_c_index"
        names = [column_label(part, labels) for part in row["term"].split(_CONTRAST)]
        p_value = _p(row, style) if is_difference else EMPTY
        lines.append([_MINUS.join(names), _c_index(row, style), p_value])
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", "c_index", "p"]),
        headers={"name": "", "c_index": "C-index (95% CI)", "p": "P for difference"},
        notes=_rows_used(table, style),
    )


def _c_index(row: dict[str, Any] | None, style: NumberStyle) -> str:
    if row is None:
        return EMPTY
    limits = (row["estimate"], row.get("conf_low"), row.get("conf_high"))
    if row["estimand"] == "delta_c_index":
        return format_difference(*limits, decimals=_DECIMALS, style=style)
    return format_interval(*limits, decimals=_DECIMALS, style=style)


def _number(row: dict[str, Any] | None, decimals: int, style: NumberStyle) -> str:
    return (
        EMPTY if row is None else format_number(row["estimate"], decimals, style=style)
    )


def _p(row: dict[str, Any] | None, style: NumberStyle) -> str:
    if row is None or pd.isna(row["p_value"]):
        return EMPTY
    return format_p(row["p_value"], style=style)


def _likelihood_ratio(
    row: dict[str, Any] | None, style: NumberStyle
) -> tuple[str, str]:
    if row is None or pd.isna(row["statistic"]):
        return EMPTY, EMPTY
    statistic = format_number(row["statistic"], style=style)
    return f"{statistic} ({format_count(row['df'], style=style)})", _p(row, style)


def _rows_used(table: pd.DataFrame, style: NumberStyle) -> tuple[str, ...]:
    sizes = table.reindex(columns=["n", "n_events"]).dropna().drop_duplicates()
    if len(sizes) != 1:
        return ()
    n, n_events = (format_count(size, style=style) for size in sizes.iloc[0])
    return (f"All on the same rows: n = {n}, {n_events} events.",)
