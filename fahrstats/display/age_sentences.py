"""Sentences on how accurate predicted ages are, and for whom less so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from fahrstats.columns import CONTRAST
from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_difference,
    format_interval,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    CROSS,
    Labels,
    column_label,
    group_label,
    in_sentence,
    listed,
)
from fahrstats.display.result_table import (
    excludes,
    limits,
    need_columns,
    records,
    without_refusals,
)
from fahrstats.errors import DataError

_OVERALL: Final = "overall"
_MAE, _AT_EQUAL_AGES = "delta_mae", "delta_standardized_mae"
_OF_GROUPS: Final = {
    _MAE: "mean absolute error",
    _AT_EQUAL_AGES: "mean absolute error at equal ages",
    "delta_mean_error": "mean error",
}


def age_errors(
    table: pd.DataFrame,
    model: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how far one model's ages lie from the true ones in one data set.

    Of an age without absolute error, as a corrected one, only the mean error is said.

    Raises
    ------
    DataError
        A column is absent, or the table has no row about everyone.
    """
    need_columns(table, ("model", "subgroup", "estimand", "estimate"), "a sentence")
    rows = table[(table["subgroup"] == _OVERALL) & (table["model"] == model)]
    found = {row["estimand"]: row for row in records(rows)}
    if not {"mae", "mean_error"} <= set(found):
        raise DataError(f"The table does not say how `{model}` does in everyone.")
    name = column_label(model, labels)
    mae, bias = found["mae"], found["mean_error"]
    if pd.isna(mae["estimate"]):
        if pd.isna(bias["estimate"]):
            return f"The error of {name} was not estimated."
        mean = format_difference(*limits(bias), decimals=1, style=style)
        return (
            f"The mean error of {name} was {phrase_interval(mean, style=style)} years; "
            "its absolute error is not given."
        )
    size = phrase_interval(
        format_interval(*limits(mae), decimals=1, style=style), style=style
    )
    return f"{name} had a mean absolute error of {size} years, {_read(bias, style)}."


def corrected_ages(
    corrected: Mapping[str, str], *, labels: Labels | None = None
) -> str:
    """Say which ages were corrected given true age, and what is not told of them.

    Parameters
    ----------
    corrected
        Column of the raw prediction, by that of each corrected age.
    """
    names = [
        f"{column_label(name, labels)} (from {column_label(raw, labels)})"
        for name, raw in corrected.items()
    ]
    was, its = ("was", "its") if len(names) == 1 else ("were", "their")
    return (
        f"{listed(names)} {was} corrected for bias given true age: {its} mean error is "
        f"given, and {its} absolute error is not, which the correction makes small "
        "whatever the model."
    )


def lowest_error(
    lowest: pd.DataFrame,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say whether one model has the lowest MAE over the whole lifespan of a data set.

    Raises
    ------
    DataError
        A column is absent, or no band of age was compared.
    """
    needed = ("model", "subgroup", "level", "estimand", "joint_high")
    need_columns(lowest, needed, "a sentence")
    bands = lowest[lowest["subgroup"] != _OVERALL]
    if bands.empty:
        return "No band of age holds enough people to compare models in it."
    n = len(bands)
    best = bands["model"].value_counts(sort=True)
    counts = [
        f"{column_label(str(model), labels)} in {format_count(count, style=style)}"
        + _clearly(bands[bands["model"] == model], style)
        for model, count in best.items()
    ]
    if len(best) == 1:
        name = column_label(str(best.index[0]), labels)
        return (
            f"{name} had the lowest mean absolute error in all "
            f"{format_count(n, style=style)} bands of age that could be judged"
            f"{_clearly(bands, style)}."
        )
    return (
        "No model had the lowest mean absolute error over the whole lifespan. Of the "
        f"{format_count(n, style=style)} bands of age that could be judged, it was "
        f"lowest for {listed(counts)}."
    )


def age_group_differences(
    largest: pd.DataFrame,
    model: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say between which groups one model's errors differ most, and how surely.

    Of mean absolute errors, those at equal ages are told where they are known.

    Parameters
    ----------
    largest
        The largest difference of each grouping, in one data set.
    model
        Column of predicted age.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(largest, ("model", "subgroup", "term", "estimand"), "a sentence")
    rows, _ = without_refusals(largest)
    rows = rows[(rows["model"] == model) & rows["estimand"].isin(list(_OF_GROUPS))]
    at_equal_ages = rows.loc[rows["estimand"] == _AT_EQUAL_AGES, "subgroup"]
    rows = rows[(rows["estimand"] != _MAE) | ~rows["subgroup"].isin(at_equal_ages)]
    clear = [row for row in records(rows) if row["p_adjusted"] < 0.05]
    name = column_label(model, labels)
    if rows.empty:
        return f"{name}: groups were not compared."
    if not clear:
        return (
            f"{name}: none of {format_count(len(rows), style=style)} largest "
            "differences between groups was clear; their joint intervals tell what is "
            "possible."
        )
    return f"{name}: {listed([_one_difference(row, labels, style) for row in clear])}."


def _one_difference(
    row: dict[str, Any], labels: Labels | None, style: JournalStyle
) -> str:
    """Return a difference between two groups in words."""
    first, second = str(row["term"]).split(CONTRAST, maxsplit=1)
    joint = row["estimate"], row.get("joint_low"), row.get("joint_high")
    text = format_difference(*joint, decimals=1, style=style)
    group = CROSS.join(
        in_sentence(part)
        for part in group_label(str(row["subgroup"]), labels).split(CROSS)
    )
    return (
        f"{_OF_GROUPS[row['estimand']]} by {group}, {first} minus {second}, "
        f"{phrase_interval(text, style=style)} years, adjusted "
        f"{phrase_p(row['p_adjusted'], style=style)}"
    )


def _read(bias: dict[str, Any], style: JournalStyle) -> str:
    """Say in which direction a model errs on average."""
    text = format_difference(*limits(bias), decimals=1, style=style)
    size = phrase_interval(text, style=style)
    if not excludes(bias, 0):
        return f"without a clear mean error ({text} years)"
    way = "too old" if bias["estimate"] > 0 else "too young"
    return f"and read faces {way} on average: mean error {size} years"


def _clearly(bands: pd.DataFrame, style: JournalStyle) -> str:
    """Say in how many bands the lowest is clearly the lowest."""
    clear = int((bands["joint_high"] < 0).sum())
    return f" (clearly in {format_count(clear, style=style) if clear else 'none'})"
