"""Tables of hazard ratios: models side by side, subgroups, published against ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
)
from fahrstats.display.forest_lines import forest_lines
from fahrstats.display.journal_styles import DEFAULT, NO_INTERACTION_P, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    format_p,
    format_ratio,
)
from fahrstats.display.labels import (
    Labels,
    column_label,
    column_unit,
    level_of,
    opening,
    per_label,
    term_label,
)
from fahrstats.display.model_sizes import by_outcome_and_score, sizes_of_models
from fahrstats.display.result_table import (
    by_value,
    need_columns,
    only_one,
    records,
)
from fahrstats.errors import DataError

_REFERENCE: Final = "1 (reference)"
_RATIO: Final = "HR (95% CI)"
_INFINITE: Final = (
    "infinite effect: the likelihood has no maximum, as where nobody on one side has "
    "the event; P from the likelihood ratio"
)
_THEIRS: Final = ("published", "published_low", "published_high")
_OURS: Final = ("estimate", "conf_low", "conf_high")


def hazard_ratios(
    table: pd.DataFrame,
    *,
    models: Sequence[str] = ("unadjusted", "adjusted"),
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the hazard ratios of several models side by side.

    A factor has a line per level below its name, the reference level first. What a
    reader must know about a number (an infinite estimate and its Firth estimate, a
    covariate that could not be told apart) is a note below the table.

    Parameters
    ----------
    table
        Rows with ``model``, ``variable``, ``term`` and ``estimand`` ``hr`` or
        ``hr_firth``; lines of several scores or outcomes stand below their name.
    models
        Labels of the models, from left to right.
    labels
        Label and unit of each column of the data.

    Raises
    ------
    DataError
        A column is absent, or the table has none of the models.
    """
    need = ("model", "variable", "term", "estimand", "estimate", "p_value")
    need_columns(table, need, "a table of hazard ratios")
    shown = [model for model in models if (table["model"] == model).any()]
    if not shown:
        found = ", ".join(f"`{model}`" for model in table["model"].unique())
        raise DataError(f"`model` holds {found}, but none of those asked for.")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    parts = by_outcome_and_score(table[table["model"].isin(shown)])
    for outcome, score, part in parts:
        if len(parts) > 1:
            heads.append(len(lines))
            about = [text for text in (outcome, column_label(score, labels)) if text]
            lines.append([": ".join(about)])
        for variable, rows in _in_model_order(part, shown):
            lines += _variable_lines(variable, rows, shown, labels, notes, style)
    names = [f"{kind} {model}" for model in shown for kind in ("hr", "p")]
    width = len(names) + 1
    return DisplayTable(
        cells=pd.DataFrame(
            [line + [""] * (width - len(line)) for line in lines],
            columns=["name", *names],
        ),
        headers={
            "name": "",
            **dict.fromkeys(names[::2], _RATIO),
            **dict.fromkeys(names[1::2], style.p_symbol),
        },
        spanners={opening(m): (f"hr {m}", f"p {m}") for m in shown},
        heads=tuple(heads),
        notes=(*sizes_of_models(table, shown, labels, style), *notes.lines()),
    )


def subgroups(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the lines of a forest plot as a table, with the notes of small levels.

    Raises
    ------
    DataError
        A column is absent, or the table holds no hazard ratio or several scores.
    """
    need_columns(table, ("subgroup", "level", "estimand", "estimate"), "subgroups")
    only_one(table, ("biomarker", "outcome", "model"), "a table of subgroups")
    lines = forest_lines(table, labels, style)
    notes = Footnotes(labels, style)
    rows = records(lines)
    names = [INDENT * (row["kind"] == "level") + row["label"] for row in rows]
    ratio = [
        notes.mark(row["ratio"], None if row["note"] == row["ratio"] else row["note"])
        for row in rows
    ]
    cells = lines.assign(name=names, ratio=ratio)
    heads = lines.index[lines["kind"].isin(["head", "overall"])]
    headers = {"name": "", "n": "n", "n_events": "Events", "ratio": _RATIO}
    untested = () if style.interaction_p else (NO_INTERACTION_P,)
    if style.interaction_p:
        headers["p"] = f"{style.p_symbol} for interaction"
    return DisplayTable(
        cells=cells[list(headers)],
        headers=headers,
        heads=tuple(int(head) for head in heads),
        notes=(*notes.lines(), *untested),
    )


def ph_test(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return the tests of proportional hazards, all terms together last.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "statistic", "df", "p_value"), "the tests")
    lines: list[list[str]] = []
    heads: list[int] = []
    for score, of_score in by_value(table, "biomarker"):
        for model, rows in by_value(of_score, "model"):
            about = [part for part in (column_label(score, labels), model) if part]
            if about:
                heads.append(len(lines))
                lines.append([opening(", ".join(about)), "", "", ""])
            lines += [_test_line(row, labels, style) for row in records(rows)]
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=["name", "statistic", "df", "p"]),
        headers={
            "name": "",
            "statistic": "Chi-squared",
            "df": "df",
            "p": style.p_symbol,
        },
        heads=tuple(heads),
    )


def published(
    table: pd.DataFrame, *, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> DisplayTable:
    """Return hazard ratios in print next to ours, to the two decimals of print.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need = ("subgroup", "level", "estimate", "published", "n", "n_events")
    need_columns(table, need, "the comparison with print")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    outcomes = by_value(table, "outcome")
    for outcome, rows in outcomes:
        if len(outcomes) > 1:
            heads.append(len(lines))
            lines.append([opening(outcome) or "Main outcome", *[""] * 5])
        for row in records(rows):
            lines.append(
                [
                    notes.mark(_people(row, labels), row.get("note")),
                    count_or_empty(row["n"], style),
                    count_or_empty(row["n_events"], style),
                    _printed(row, _THEIRS, style),
                    _printed(row, _OURS, style),
                    _agreement(row, style),
                ]
            )
    names = {
        "name": "",
        "n": "n",
        "n_events": "Events",
        "theirs": "Published",
        "ours": "This analysis",
        "same": "Agree to\ntwo decimals",
    }
    return DisplayTable(
        cells=pd.DataFrame(lines, columns=list(names)),
        headers=names,
        spanners={_RATIO: ("theirs", "ours")},
        heads=tuple(heads),
        notes=notes.lines(),
    )


def agrees_with_print(row: dict[str, Any], style: JournalStyle = DEFAULT) -> bool:
    """Return whether estimate and limits are those in print, to two decimals."""
    return _printed(row, _THEIRS, style) == _printed(row, _OURS, style)


def _in_model_order(
    part: pd.DataFrame, models: Sequence[str]
) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each variable, ordered as in the model with most of them."""
    ratios = part[part["estimand"].isin(["hr", "hr_firth"])]
    largest = max(
        models, key=lambda m: ratios.loc[ratios["model"] == m, "term"].nunique()
    )
    first = ratios.loc[ratios["model"] == largest, "variable"]
    order = dict.fromkeys([*first, *ratios["variable"]])
    return [(str(name), ratios[ratios["variable"] == name]) for name in order]


def _variable_lines(
    variable: str,
    rows: pd.DataFrame,
    models: Sequence[str],
    labels: Labels | None,
    notes: Footnotes,
    style: JournalStyle,
) -> list[list[str]]:
    """Return the line of a number, or the name of a factor above its levels."""
    cells = {(row["model"], row["term"], row["estimand"]): row for row in records(rows)}
    terms = list(dict.fromkeys(rows["term"]))
    lines = []
    is_factor = any(level_of(term) for term in terms)
    if is_factor:
        lines.append([column_label(variable, labels)])
        reference = (
            next(iter(rows["reference"].dropna()), "") if "reference" in rows else ""
        )
        of_models = [
            _REFERENCE if (model, terms[0], "hr") in cells else EMPTY
            for model in models
        ]
        if reference:
            lines.append([INDENT + str(reference), *_with_empty(of_models)])
    for term in terms:
        row = next(cell for key, cell in cells.items() if key[1] == term)
        name = INDENT + level_of(term) if is_factor else _with_step(row, labels, style)
        line = [name]
        for model in models:
            found = cells.get((model, term, "hr"))
            line += _ratio_cells(
                found, cells.get((model, term, "hr_firth")), notes, style
            )
        lines.append(line)
    return lines


def _with_empty(texts: list[str]) -> list[str]:
    return [cell for text in texts for cell in (text, "" if text != EMPTY else EMPTY)]


def _with_step(row: dict[str, Any], labels: Labels | None, style: JournalStyle) -> str:
    step = per_label(row.get("per"), column_unit(row["term"], labels), style=style)
    return ", ".join(part for part in (term_label(row["term"], labels), step) if part)


def _ratio_cells(
    row: dict[str, Any] | None,
    firth: dict[str, Any] | None,
    notes: Footnotes,
    style: JournalStyle,
) -> list[str]:
    """Return the ratio with its notes, and the p value."""
    if row is None:
        return [EMPTY, EMPTY]
    limits = (row["estimate"], row.get("conf_low"), row.get("conf_high"))
    note = row.get("note") or ""
    if firth is not None:
        corrected = format_ratio(
            firth["estimate"], firth["conf_low"], firth["conf_high"], style=style
        )
        note = f"{_INFINITE}; Firth estimate {corrected}"
    ratio = notes.mark(format_ratio(*limits, style=style), note)
    p_value = row["p_value"]
    return [ratio, EMPTY if pd.isna(p_value) else format_p(p_value, style=style)]


def _test_line(
    row: dict[str, Any], labels: Labels | None, style: JournalStyle
) -> list[str]:
    term = row["term"]
    name = "All together" if term == "global" else term_label(term, labels)
    if pd.isna(row["statistic"]):
        return [INDENT + name, EMPTY, EMPTY, style.missing]
    return [
        INDENT + name,
        format_number(row["statistic"], style=style),
        format_count(row["df"], style=style),
        format_p(row["p_value"], style=style),
    ]


def _printed(
    row: dict[str, Any], columns: tuple[str, str, str], style: JournalStyle
) -> str:
    """Return a ratio with the two decimals that print has, or an empty cell."""
    values = [row.get(column) for column in columns]
    return EMPTY if pd.isna(values[0]) else format_interval(*values, style=style)


def _agreement(row: dict[str, Any], style: JournalStyle) -> str:
    if pd.isna(row["published"]):
        return EMPTY
    return "yes" if agrees_with_print(row, style) else "no"


def _people(row: dict[str, Any], labels: Labels | None) -> str:
    subgroup = row["subgroup"]
    if subgroup in ("", "overall"):
        return "Everyone"
    return f"{column_label(subgroup, labels)}: {row['level']}"
