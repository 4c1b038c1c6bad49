"""Tables of the accuracy of predicted age: overall, over the lifespan, in groups."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.display_table import (
    EMPTY,
    INDENT,
    DisplayTable,
    Footnotes,
    count_or_empty,
    filled,
    p_or_empty,
)
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_counted,
    format_difference,
    format_interval,
)
from fahrstats.display.labels import Labels, column_label, group_label
from fahrstats.display.result_table import (
    by_value,
    in_percent,
    limits,
    need_columns,
    records,
    without_refusals,
)
from fahrstats.errors import DataError

_NEED: Final = ("model", "subgroup", "level", "estimand", "estimate", "n")
_OVERALL: Final = "overall"
_MINUS: Final = " minus "

# Name, whether printed in percent, decimals.
_MEASURES: Final[dict[str, tuple[str, bool, int]]] = {
    "mae": ("Mean absolute error, years", False, 1),
    "macro_mae": ("Mean of MAE over bands of age, years", False, 1),
    "mae_to_interval": ("Mean distance to the interval of true age, years", False, 1),
    "mean_error": ("Mean error, years", False, 1),
    "rmse": ("Root mean square error, years", False, 1),
    "median_absolute_error": ("Median absolute error, years", False, 1),
    "share_within_5": ("Within 5 years, %", True, 0),
    "share_within_10": ("Within 10 years, %", True, 0),
    "r": ("Correlation", False, 2),
    "r_squared": ("R squared of the prediction itself", False, 2),
    "slope": ("Slope on true age", False, 2),
}
_IN_GROUPS: Final = {
    "mae": "MAE (95% CI)",
    "standardized_mae": "MAE at equal ages\n(95% CI)",
    "mean_error": "Mean error (95% CI)",
}
_COMPARED: Final = {
    "delta_mae": "MAE, years",
    "delta_standardized_mae": "MAE at equal ages, years",
    "delta_mean_error": "Mean error, years",
}
_LIFESPAN: Final = {"mae": "All ages", "macro_mae": "Mean over bands of age"}


def age_accuracy(
    table: pd.DataFrame,
    differences: pd.DataFrame | None = None,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return measures of all models in everyone, a column each, below each data set.

    Parameters
    ----------
    table
        Accuracy of predicted ages; rows of groups are not shown.
    differences
        Differences between models; those of two models stand in a column of their own.
    labels
        Label of each model's column.

    Raises
    ------
    DataError
        A column is absent, or no row is about everyone.
    """
    need_columns(table, _NEED, "a table of accuracy")
    rows = table[table["subgroup"] == _OVERALL]
    if rows.empty:
        raise DataError("No row of the table is about everyone.")
    models = list(dict.fromkeys(rows["model"]))
    lines: list[list[str]] = []
    heads: list[int] = []
    notes = Footnotes(labels, style)
    for cohort, part in by_value(rows, "cohort"):
        heads += [len(lines)] if cohort else []
        lines += [[_sized(cohort, part, style)]] if cohort else []
        for estimand, (name, is_percent, decimals) in _MEASURES.items():
            of_measure = part[part["estimand"] == estimand]
            if of_measure.empty:
                continue
            found = {row["model"]: row for row in records(of_measure)}
            texts = [
                _value(found[m], is_percent, decimals, notes, style) for m in models
            ]
            own = _between(differences, cohort, estimand, notes, style)
            lines.append([INDENT * bool(cohort) + name, *texts, own])
    headers = {"name": "", **{m: column_label(m, labels) for m in models}}
    if len(models) == 2 and differences is not None:
        headers["difference"] = "First minus second\n(95% CI)"
    return DisplayTable(
        cells=filled(lines, [*headers, "_"]).iloc[:, : len(headers)],
        headers=headers,
        heads=tuple(heads),
        notes=notes.lines(),
    )


def lowest_errors(
    table: pd.DataFrame,
    lowest: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return the MAE of every model over the lifespan, and which is the lowest.

    A model without any, such as a corrected age, has no column.

    Parameters
    ----------
    table
        Accuracy of predicted ages.
    lowest
        Model with the lowest MAE in everyone and in each band of age, and its
        difference from the next one.
    labels
        Label of each model's column.

    Raises
    ------
    DataError
        A column is absent, or the tables have no band of age in common.
    """
    need_columns(table, _NEED, "a table of the lowest errors")
    need_columns(lowest, ("model", "level", "term", "estimand"), "the lowest errors")
    is_judged = table["estimand"].isin(list(_LIFESPAN)) & table["estimate"].notna()
    models = list(dict.fromkeys(table.loc[is_judged, "model"]))
    lines: list[list[str]] = []
    heads: list[int] = []
    for cohort, part in by_value(lowest, "cohort"):
        own = table[table["cohort"] == cohort] if cohort else table
        heads += [len(lines)] if cohort else []
        lines += [[cohort]] if cohort else []
        for row in records(part):
            estimand = str(row["estimand"]).removeprefix("delta_")
            at = own[
                (own["subgroup"] == row["subgroup"])
                & (own["level"] == row["level"])
                & (own["estimand"] == estimand)
            ]
            found = {one["model"]: one for one in records(at)}
            if set(models) <= set(found):
                line = _lifespan_line(row, estimand, found, models, labels, style)
                lines.append([INDENT * bool(cohort) + line[0], *line[1:]])
    if len(lines) == len(heads):
        raise DataError("The tables have no band of age in common.")
    headers = {
        "name": "Age",
        "n": "Photos",
        **{m: f"{column_label(m, labels)}\nMAE (95% CI)" for m in models},
        "lowest": "Lowest",
        "difference": "Lowest minus next\n(joint 95% CI)",
    }
    note = "Joint intervals hold for all bands of age and pairs of models together."
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=tuple(heads),
        prose=("lowest",),
        notes=(note,),
    )


def age_groups(
    table: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return MAE, MAE at equal ages and mean error of one model in every group.

    Parameters
    ----------
    table
        Accuracy of one model in one data set.
    title
        Above the numbers.
    labels
        Label of each column.

    Raises
    ------
    DataError
        A column is absent, or the table has no groups.
    """
    need_columns(table, _NEED, "a table of groups")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for subgroup, part in by_value(table[table["subgroup"] != _OVERALL], "subgroup"):
        levels = []
        for level, of_level in by_value(part, "level"):
            found = {row["estimand"]: row for row in records(of_level)}
            if "mae" not in found or found["mae"].get("n") == 0:
                continue
            levels.append([INDENT + level, *_group_cells(found, notes, style)])
        if levels:  # a crossing may have no rows but its macro mean
            heads.append(len(lines))
            lines += [[group_label(subgroup, labels)], *levels]
    if not lines:
        raise DataError("The table has no groups.")
    headers = {"name": "", "n": "Photos", "failed": "Failed", **_IN_GROUPS}
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        notes=notes.lines(),
    )


def age_differences(
    table: pd.DataFrame,
    *,
    title: str = "",
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return differences between groups of one data set, each model below its name.

    Parameters
    ----------
    table
        Differences between levels, such as the largest of each grouping.
    title
        Above the numbers.
    labels
        Label of each column.

    Raises
    ------
    DataError
        A column is absent, or no difference was estimated.
    """
    need_columns(table, ("model", "subgroup", "term", "estimand"), "differences")
    rows, _ = without_refusals(table)
    rows = rows[rows["estimand"].isin(list(_COMPARED))]
    if rows.empty:
        raise DataError("The table has no difference that was estimated.")
    notes = Footnotes(labels, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for model, part in by_value(rows, "model"):
        heads.append(len(lines))
        lines.append([column_label(model, labels)])
        for row in records(part):
            name = (
                f"{group_label(row['subgroup'], labels)}: {_COMPARED[row['estimand']]}"
            )
            joint = row["estimate"], row.get("joint_low"), row.get("joint_high")
            text = format_difference(*joint, decimals=1, style=style)
            lines.append(
                [
                    notes.mark(INDENT + name, row.get("note")),
                    str(row["term"]).replace(CONTRAST, _MINUS),
                    text,
                    p_or_empty(row.get("p_adjusted"), style),
                ]
            )
    headers = {
        "name": "",
        "groups": "Groups",
        "difference": "Difference\n(joint 95% CI)",
        "p": f"{style.p_symbol} adjusted",
    }
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        spanners={title: tuple(headers)[1:]} if title else {},
        heads=tuple(heads),
        prose=("groups",),
        notes=notes.lines(),
    )


def _sized(cohort: str, part: pd.DataFrame, style: JournalStyle) -> str:
    """Return a data set with its photos, and its people where these are fewer."""
    first = records(part)[0]
    photos = format_counted(first["n"], "photos", style=style)
    people = first.get("n_subjects")
    of_people = (
        ""
        if people is None or people == first["n"]
        else f" of {format_counted(people, 'people', style=style)}"
    )
    return f"{cohort} ({photos}{of_people})"


def _value(
    row: dict[str, Any],
    is_percent: bool,
    decimals: int,
    notes: Footnotes,
    style: JournalStyle,
) -> str:
    values = in_percent(row) if is_percent else limits(row)
    if pd.isna(row["estimate"]):
        return notes.mark(EMPTY, row.get("note"))
    text = format_interval(*values, decimals=decimals, style=style)
    return notes.mark(text, row.get("note"))


def _between(
    differences: pd.DataFrame | None,
    cohort: str,
    estimand: str,
    notes: Footnotes,
    style: JournalStyle,
) -> str:
    """Return the difference of two models in a statistic of everyone."""
    if differences is None:
        return ""
    rows = differences[
        (differences["subgroup"] == _OVERALL)
        & (differences["estimand"] == f"delta_{estimand}")
    ]
    rows = rows[rows["cohort"] == cohort] if cohort else rows
    if len(rows) != 1:
        return ""
    row = records(rows)[0]
    if pd.isna(row["estimate"]):
        return notes.mark(EMPTY, row.get("note"))
    return format_difference(*limits(row), decimals=1, style=style)


def _lifespan_line(
    row: dict[str, Any],
    estimand: str,
    found: dict[str, dict[str, Any]],
    models: list[str],
    labels: Labels | None,
    style: JournalStyle,
) -> list[str]:
    """Return one band of age: photos, every model, the lowest, and by how much."""
    is_band = row["subgroup"] != _OVERALL
    joint = row["estimate"], row.get("joint_low"), row.get("joint_high")
    return [
        row["level"] if is_band else _LIFESPAN[estimand],
        count_or_empty(row["n"], style),
        *(format_interval(*limits(found[m]), decimals=1, style=style) for m in models),
        column_label(row["model"], labels),
        format_difference(*joint, decimals=1, style=style),
    ]


def _group_cells(
    found: dict[str, dict[str, Any]], notes: Footnotes, style: JournalStyle
) -> list[str]:
    """Return photos, those that failed, and statistics of one group."""
    counts = [count_or_empty(found["mae"].get(c), style) for c in ("n", "n_missing")]
    texts = []
    for estimand in _IN_GROUPS:
        row = found.get(estimand)
        texts.append(EMPTY if row is None else _value(row, False, 1, notes, style))
    return [*counts, *texts]
