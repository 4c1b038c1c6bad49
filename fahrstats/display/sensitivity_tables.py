"""Tables of further looks at a result: cohorts apart, influence, early deaths."""

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
    under_scores,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_interval,
    format_number,
    format_ratio,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    column_unit,
    opening,
    per_label,
    term_label,
)
from fahrstats.display.result_table import by_value, limits, need_columns, records

_OVERALL: Final = "overall"
_AVERAGES: Final = {
    "random": "Average, random effects",
    "common": "Average, common effect",
    "prediction": "Prediction for a new cohort",
}


def cohorts(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the estimate of every cohort, their averages and their heterogeneity.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("cohort", "estimand", "estimate", "conf_low", "conf_high")
    need_columns(table, need, "a table of cohorts")
    notes = Footnotes(labels, style)
    below: list[str] = []
    is_many = len(by_value(table, "biomarker")) > 1

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        is_overall = part["cohort"] == _OVERALL
        together = {str(row["estimand"]): row for row in records(part[is_overall])}
        name = column_label(part["biomarker"].iloc[0], labels) if is_many else ""
        below.extend(_heterogeneity(name, together, style))
        return [
            *(_cohort_line(row, notes, style) for row in records(part[~is_overall])),
            *_average_lines(together, notes, style),
        ]

    lines, heads = under_scores(table, labels, lines_of)
    is_ratio = table["estimand"].str.startswith("hr").any()
    headers = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "estimate": "HR (95% CI)" if is_ratio else "Estimate (95% CI)",
        "weight": "Weight, %",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=heads,
        notes=(*below, *notes.lines()),
    )


def _cohort_line(
    row: dict[str, Any], notes: Footnotes, style: JournalStyle
) -> list[str]:
    return [
        str(row["cohort"]),
        count_or_empty(row.get("n"), style),
        count_or_empty(row.get("n_events"), style),
        notes.mark(_estimate(row, style), row.get("note")),
        _weight(row.get("weight"), style),
    ]


def _average_lines(
    together: dict[str, dict[str, Any]], notes: Footnotes, style: JournalStyle
) -> list[list[str]]:
    """Return the averages over cohorts; one without limits is no number."""
    lines = []
    for ending, name in _AVERAGES.items():
        for estimand, row in together.items():
            if estimand.endswith(f"_{ending}"):
                has_limits = not pd.isna(row["conf_low"])
                text = _estimate(row, style) if has_limits else EMPTY
                lines.append([name, "", "", notes.mark(text, row.get("note")), ""])
    return lines


def imputed_variables(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the variables that were completed: values missing, and the method.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("variable", "n", "n_missing", "note"), "imputed variables")
    lines = [
        [
            column_label(row["variable"], labels),
            count_or_empty(row["n"], style),
            count_or_empty(row["n_missing"], style),
            opening(str(row["note"])),
        ]
        for row in records(table)
    ]
    headers = {"name": "", "n": "n", "n_missing": "Missing", "method": "Method"}
    return DisplayTable(
        cells=filled(lines, headers), headers=headers, prose=("method",)
    )


def influence(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return how far single rows move coefficients, and all influential ones together.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate"), "a table of influence")
    notes = Footnotes(labels, style)

    def lines_of(part: pd.DataFrame) -> list[list[str]]:
        lines = []
        for term, rows in by_value(part, "term"):
            found = {row["estimand"]: row for row in records(rows)}
            largest, many, without = (
                found.get(name)
                for name in ("max_dfbetas", "n_influential", "delta_log_hr")
            )
            lines.append(
                [
                    term_label(term, labels),
                    _number(largest, 2, notes, style),
                    _number(many, 0, notes, style),
                    EMPTY
                    if without is None
                    else notes.mark(
                        format_difference(without["estimate"], style=style),
                        without.get("note"),
                    ),
                ]
            )
        return lines

    lines, heads = under_scores(table, labels, lines_of)
    headers = {
        "name": "",
        "largest": "Largest change by one\nperson, standard errors",
        "many": "Influential\npeople",
        "without": "Change in log HR\nwithout them",
    }
    return DisplayTable(
        cells=filled(lines, headers), headers=headers, heads=heads, notes=notes.lines()
    )


def early_deaths(
    table: pd.DataFrame,
    *,
    time_unit: str = "years",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return odds ratios of death by fixed times, with those censored before.

    Several ways to treat the censored, as ``model`` names them, stand side by side.

    Raises
    ------
    DataError
        A column is absent, or the table has no odds ratio.
    """
    need = ("term", "time", "estimand", "estimate", "n", "n_events", "n_censored")
    need_columns(table, need, "early deaths")
    ratios = table[table["estimand"] == "or"]
    need_columns(ratios, need, "early deaths")
    notes = Footnotes(labels, style)
    models = [model for model, _ in by_value(ratios, "model")]
    lines: list[list[str]] = []
    heads: list[int] = []
    for score, of_score in by_value(ratios, "biomarker"):
        for time, rows in of_score.groupby("time", sort=True):
            at = f"within {amount(float(str(time)), time_unit, style=style)}"
            about = ", ".join(filter(None, [column_label(score, labels), at]))
            heads.append(len(lines))
            lines.append([opening(about), *_deaths(rows, style)])
            lines += _odds_lines(rows, models, labels, notes, style)
    columns = [name for model in models for name in (f"or {model}", f"p {model}")]
    headers = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "n_censored": "Censored\nbefore",
        **dict.fromkeys(columns[::2], "OR (95% CI)"),
        **dict.fromkeys(columns[1::2], style.p_symbol),
    }
    return DisplayTable(
        cells=filled(lines, list(headers)[:4] + columns),
        headers=headers,
        spanners={
            _treatment(model): (f"or {model}", f"p {model}")
            for model in models
            if model
        },
        heads=tuple(heads),
        notes=notes.lines(),
    )


def _treatment(model: str) -> str:
    """Return what became of the censored: ``Censored before: excluded``."""
    return opening(model.replace("before it ", "before: "))


def _deaths(rows: pd.DataFrame, style: JournalStyle) -> list[str]:
    """Return rows, deaths and rows censored before, of the rows that were used."""
    names = ("n", "n_events", "n_censored")
    return [count_or_empty(rows[name].iloc[0], style) for name in names]


def _odds_lines(
    rows: pd.DataFrame,
    models: list[str],
    labels: Labels | None,
    notes: Footnotes,
    style: JournalStyle,
) -> list[list[str]]:
    """Return a line per term, the models side by side."""
    lines = []
    for _, of_term in by_value(rows, "term"):
        found = dict(by_value(of_term, "model"))
        cells = [c for m in models for c in _odds(found.get(m), notes, style)]
        name = _with_step(records(of_term)[0], labels, style)
        lines.append([INDENT + name, "", "", "", *cells])
    return lines


def _odds(
    rows: pd.DataFrame | None, notes: Footnotes, style: JournalStyle
) -> tuple[str, str]:
    if rows is None:
        return EMPTY, EMPTY
    row = records(rows)[0]
    text = notes.mark(format_ratio(*limits(row), style=style), row.get("note"))
    return text, p_or_empty(row["p_value"], style)


def _with_step(row: dict[str, Any], labels: Labels | None, style: JournalStyle) -> str:
    step = per_label(row.get("per"), column_unit(row["term"], labels), style=style)
    return ", ".join(filter(None, [term_label(row["term"], labels), step]))


def _estimate(row: dict[str, Any], style: JournalStyle) -> str:
    if str(row["estimand"]).startswith("hr"):
        return format_ratio(*limits(row), style=style)
    return format_interval(*limits(row), decimals=3, style=style)


def _weight(weight: float | None, style: JournalStyle) -> str:
    if weight is None or pd.isna(weight):
        return EMPTY
    return format_number(100 * weight, 1, style=style)


def _heterogeneity(
    name: str, together: dict[str, dict[str, Any]], style: JournalStyle
) -> list[str]:
    """Return a note on how much cohorts differ."""
    share, test = together.get("i_squared"), together.get("heterogeneity_chi2")
    texts = []
    if share is not None and not pd.isna(share["estimate"]):
        percent = (100 * value for value in limits(share) if value is not None)
        text = format_interval(*percent, decimals=0, style=style)
        texts.append(f"I squared, % (95% CI): {text}.")
    if test is not None and not pd.isna(test["statistic"]):
        statistic = format_number(test["statistic"], style=style)
        df = format_count(test["df"], style=style)
        p_value = phrase_p(test["p_value"], style=style)
        texts.append(f"Heterogeneity: chi-squared {statistic} on {df} df, {p_value}.")
    about = f"{name}. " if name else ""
    return [about + " ".join(texts)] if texts else []


def _number(
    row: dict[str, Any] | None, decimals: int, notes: Footnotes, style: JournalStyle
) -> str:
    if row is None:
        return EMPTY
    text = format_number(row["estimate"], decimals, style=style)
    return notes.mark(text, row.get("note"))
