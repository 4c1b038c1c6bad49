"""Sentences on how well scores and models rank people and predict their risk.

What is apparent is called so, and what is corrected for optimism stands beside it.
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_difference,
    format_interval,
    format_number,
    phrase_interval,
    phrase_p,
)
from fahrstats.display.labels import (
    Labels,
    amount,
    column_label,
    in_sentence,
    listed,
)
from fahrstats.display.result_table import (
    excludes,
    in_percent,
    limits,
    need_columns,
    records,
)

_DECIMALS: Final = 3
_PLUS: Final = " + "
_CORRECTED: Final = "optimism-corrected"
_UNCLEAR: Final = 0.05
_CALIBRATED: Final = {
    "calibration_slope": "a calibration slope of",
    "oe_ratio": "a ratio of observed to expected events of",
}


def added_value(
    table: pd.DataFrame, *, smaller: str, larger: str, style: JournalStyle = DEFAULT
) -> str:
    """Say what one model adds to the ranking of another, with and without it.

    Of nested models the likelihood ratio tests whether that is anything; the usual test
    of a difference in concordance does not hold where it is nothing.

    Parameters
    ----------
    table
        A comparison of models on the same rows.
    smaller, larger
        Labels of the two models, on one line each.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("model", "term", "estimand", "estimate"), "a sentence")
    apparent = _about_models(table, corrected=False)
    rows = apparent[apparent["estimand"] == "c_index"]
    c_index = dict(zip(rows["model"], rows["estimate"], strict=True))
    row = _difference(apparent, "delta_c_index", smaller, larger)
    if row is None:
        return f"The models {smaller} and {larger} were not compared."
    before, after = (
        format_number(c_index[name], _DECIMALS, style=style)
        for name in (smaller, larger)
    )
    test = _difference(apparent, "lr_chi2", smaller, larger)
    numbers = _in_words(row, style, has_p=test is None)
    if not excludes(row, 0):
        text = (
            f"The C-index was {before} with {_model(smaller)} and {after} with "
            f"{_model(larger)}, no clear change: {numbers}"
        )
    else:
        verb = "rose" if row["estimate"] > 0 else "fell"
        text = (
            f"The C-index {verb} from {before} with {_model(smaller)} to {after} "
            f"with {_model(larger)}: {numbers}"
        )
    corrected = _difference(
        _about_models(table, corrected=True), "delta_c_index", smaller, larger
    )
    tested = (
        f"; likelihood ratio, {phrase_p(test['p_value'], style=style)}" if test else ""
    )
    return f"{text}{_corrected_in_words(corrected, style)}{tested}."


def added_accuracy(
    table: pd.DataFrame,
    *,
    smaller: str,
    larger: str,
    horizon: float,
    time_unit: str = "years",
    style: JournalStyle = DEFAULT,
) -> str:
    """Say what one model adds at a horizon, and the information that is new in it.

    Parameters
    ----------
    table
        A comparison of models on the same rows.
    smaller, larger
        Labels of the two models, on one line each.
    horizon
        Time at which predictions are judged.
    time_unit
        Its unit.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("model", "term", "estimand", "estimate"), "a sentence")
    at = table[table.reindex(columns=["time"])["time"] == horizon]
    auc, ipa = (
        _difference(_about_models(at, corrected=False), name, smaller, larger)
        for name in ("delta_auc", "delta_ipa")
    )
    test = _difference(table, "lr_chi2", smaller, larger)
    texts = []
    if auc is not None and not pd.isna(auc["estimate"]):
        change = "changed by" if excludes(auc, 0) else "did not clearly change:"
        corrected = _difference(
            _about_models(at, corrected=True), "delta_auc", smaller, larger
        )
        texts.append(
            f"With {_model(larger)} in place of {_model(smaller)}, the AUC "
            f"at {amount(horizon, time_unit, style=style)} {change} "
            f"{_in_words(auc, style, '', has_p=test is None)}"
            f"{_corrected_in_words(corrected, style)}"
        )
    if ipa is not None and not pd.isna(ipa["estimate"]):
        text = format_difference(*in_percent(ipa), decimals=1, style=style)
        change = "changed by" if excludes(ipa, 0) else "did not clearly change:"
        texts.append(
            f"the index of prediction accuracy (IPA) {change} "
            f"{phrase_interval(text, style=style)} percentage points (apparent)"
        )
    share = _difference(
        _about_models(table, corrected=False), "new_information", smaller, larger
    )
    sentences = ["; ".join(texts) + "."] if texts else []
    if test is not None and test["p_value"] >= _UNCLEAR:
        p_value = phrase_p(test["p_value"], style=style)
        sentences.append(
            f"The data do not tell whether {_model(larger)} say more of the "
            f"outcome than {_model(smaller)} (likelihood ratio, {p_value})."
        )
    elif share is not None and not pd.isna(share["estimate"]):
        text = format_interval(*in_percent(share), decimals=1, style=style)
        sentences.append(
            f"Of what {_model(larger)} tell of the outcome, "
            f"{phrase_interval(text.replace(' ', '% ', 1), style=style)} "
            f"is not in {_model(smaller)}."
        )
    return " ".join(sentences)


def calibration(
    table: pd.DataFrame,
    *,
    model: str,
    horizon: float,
    time_unit: str = "years",
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how well the predictions of one model agree with what happened.

    Corrected for optimism where the table has that, since a model agrees with the rows
    that it was fitted to by construction.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("model", "estimand", "estimate"), "a sentence")
    time = table.reindex(columns=["time"])["time"]
    rows = _about_models(table[(time == horizon) | time.isna()], corrected=True)
    how = "Corrected for optimism"
    if rows.empty:
        rows, how = _about_models(table[time == horizon], corrected=False), "Apparently"
    found = {row["estimand"]: row for row in records(rows[rows["model"] == model])}
    distance = found.get("ici")
    parts = [
        f"{words} {_with_limits(row, style)}"
        for name, words in _CALIBRATED.items()
        if (row := found.get(name)) is not None and not pd.isna(row["estimate"])
    ]
    if distance is not None and not pd.isna(distance["estimate"]):
        points = format_number(100 * distance["estimate"], 1, style=style)
        parts.append(
            f"a mean distance of {points} percentage points between predicted and "
            "observed risk"
        )
    if not parts:
        return f"The calibration of {_model(model)} was not estimated."
    at = amount(horizon, time_unit, style=style)
    return f"{how}, {_model(model)} had at {at} {listed(parts)}."


def concordance(
    table: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """Say how well one score ranks people on its own.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("term", "estimand", "estimate"), "a sentence")
    row = records(table[(table["term"] == term) & (table["estimand"] == "c_index")])[0]
    text = format_interval(*limits(row), decimals=_DECIMALS, style=style)
    name = in_sentence(column_label(term, labels))
    return f"On its own, {name} had a C-index of {phrase_interval(text, style=style)}."


def ranking_by_subgroup(
    table: pd.DataFrame,
    term: str,
    *,
    labels: Labels | None = None,
    style: JournalStyle = DEFAULT,
) -> str:
    """List the tests that a score ranks people equally well in every level.

    Empty in the style of a journal that leaves out tests of interaction.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, ("subgroup", "term", "estimand", "p_value"), "a sentence")
    tests = table[
        (table["estimand"] == "heterogeneity_chi2")
        & (table["term"] == term)
        & table["p_value"].notna()
    ]
    name = column_label(term, labels)
    if not style.interaction_p:
        return ""
    if tests.empty:
        return f"{name}. No test of equal C-indices across levels."
    texts = [
        f"{in_sentence(column_label(row['subgroup'], labels))} "
        f"{phrase_p(row['p_value'], style=style)}"
        for row in records(tests)
    ]
    return f"{name}. Tests of equal C-indices across levels: {listed(texts)}."


def _about_models(table: pd.DataFrame, *, corrected: bool) -> pd.DataFrame:
    """Return apparent or corrected rows, names of models on one line."""
    if "validation" in table:
        is_corrected = table["validation"] == _CORRECTED
        table = table[is_corrected if corrected else ~is_corrected]
    elif corrected:
        table = table.iloc[:0]
    named = {name: table[name].str.split().str.join(" ") for name in ("model", "term")}
    return table.assign(**named)


def _difference(
    table: pd.DataFrame, estimand: str, smaller: str, larger: str
) -> dict[str, Any] | None:
    rows = table[
        (table["estimand"] == estimand) & (table["term"] == f"{larger} - {smaller}")
    ]
    return records(rows)[0] if len(rows) else None


def _with_limits(row: dict[str, Any], style: JournalStyle) -> str:
    return phrase_interval(format_interval(*limits(row), style=style), style=style)


def _model(label: str) -> str:
    """Return the label of a model inside a sentence: only names keep their capital."""
    return _PLUS.join(map(in_sentence, label.split(_PLUS)))


def _in_words(
    row: dict[str, Any],
    style: JournalStyle,
    lead: str = "difference ",
    *,
    has_p: bool = True,
) -> str:
    text = format_difference(*limits(row), decimals=_DECIMALS, style=style)
    p_value = f", {phrase_p(row['p_value'], style=style)}" if has_p else ""
    return f"{lead}{phrase_interval(text, style=style)}{p_value}"


def _corrected_in_words(row: dict[str, Any] | None, style: JournalStyle) -> str:
    if row is None or pd.isna(row["estimate"]):
        return ""
    text = format_difference(*limits(row), decimals=_DECIMALS, style=style)
    return f", apparent; corrected for optimism {phrase_interval(text, style=style)}"
