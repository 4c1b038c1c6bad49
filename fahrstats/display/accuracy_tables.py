"""Tables of the accuracy of compared models, and of what one adds to another."""

from __future__ import annotations

from collections.abc import Sequence
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
from fahrstats.display.journals import format_difference, format_interval
from fahrstats.display.labels import amount
from fahrstats.display.result_table import (
    by_value,
    in_percent,
    limits,
    need_columns,
    records,
)
from fahrstats.errors import DataError

_MINUS: Final = " minus "
_APPARENT: Final = "apparent"
_CORRECTED: Final = "optimism-corrected"
_VALIDATIONS: Final = {_APPARENT: "Apparent", _CORRECTED: "Corrected for optimism"}
_NEED: Final = ("model", "term", "estimand", "estimate", "p_value")

# Name, unit where printed in percent, decimals.
_MEASURES: Final = {
    "c_index": ("C-index", "", 3),
    "auc": ("AUC", "", 3),
    "brier": ("Brier score", "", 4),
    "ipa": ("IPA", "%", 1),
    "calibration_slope": ("Calibration slope", "", 2),
    "oe_ratio": ("Observed / expected", "", 2),
    "ici": ("ICI", "% points", 1),
    "e50": ("E50", "% points", 1),
    "e90": ("E90", "% points", 1),
}
_DIFFERENCES: Final = ("delta_c_index", "delta_auc", "delta_ipa")
_RECLASSIFIED: Final = {
    "idi": "IDI, % points",
    "nri": "Continuous NRI",
    "nri_events": "Continuous NRI, events",
    "nri_nonevents": "Continuous NRI, nonevents",
    "nri_categories": "NRI across risk categories",
}
_FIXED: Final = "1 by construction on the rows of the fit"


def accuracy(
    table: pd.DataFrame,
    *,
    measures: Sequence[str] = ("c_index", "auc", "ipa"),
    horizon: float | None = None,
    time_unit: str = "years",
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return measures of every model, apparent and below that corrected for optimism.

    Parameters
    ----------
    table
        A comparison of models: ``model``, ``estimand``, ``validation``, ``time``.
    measures
        Estimands, from left to right; those that the table has not are left out.
    horizon
        Time of the measures that have one.
    time_unit
        Unit of the horizon.

    Raises
    ------
    DataError
        A column is absent, or the table has none of the measures.
    """
    need_columns(table, _NEED, "a table of accuracy")
    unknown = [name for name in measures if name not in _MEASURES]
    if unknown:
        raise DataError(
            f"`measures` holds `{unknown[0]}`, which no model has here; choose from "
            f"{', '.join(_MEASURES)}."
        )
    rows = table[_is_about(table, "model") & table["estimand"].isin(measures)]
    rows = rows[_at(rows, horizon)]
    shown = [name for name in measures if (rows["estimand"] == name).any()]
    if not shown:
        raise DataError(
            f"The table has none of {', '.join(measures)}"
            + (
                "."
                if horizon is None
                else f" at {amount(horizon, time_unit, style=style)}."
            )
        )
    notes = Footnotes(None, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    parts = by_value(rows, "validation")
    for validation, part in parts:
        if len(parts) > 1:
            heads.append(len(lines))
            lines.append([_VALIDATIONS.get(validation, validation)])
        for model, of_model in by_value(part, "model"):
            found = {row["estimand"]: row for row in records(of_model)}
            texts = [_measure(found.get(name), notes, style) for name in shown]
            lines.append([(INDENT if heads else "") + model, *texts])
    timed = set(rows.loc[_has_time(rows), "estimand"])
    headers = {"name": ""}
    for name in shown:
        time = horizon if name in timed else None
        headers[name] = _measure_name(name, time, time_unit, style, between="\n")
    return DisplayTable(
        cells=filled(lines, headers),
        headers=headers,
        heads=tuple(heads),
        notes=(*rows_used(rows, style), *notes.lines()),
    )


def accuracy_differences(
    table: pd.DataFrame,
    *,
    against: str | None = None,
    horizons: Sequence[float] | None = None,
    time_unit: str = "years",
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return paired differences in C-index, AUC and IPA, apparent and corrected.

    Parameters
    ----------
    table
        A comparison of models.
    against
        Only differences from this model; every difference by default.
    horizons
        Only differences at these times; at every time by default.
    time_unit
        Unit of the horizons.

    Raises
    ------
    DataError
        A column is absent, or the table has no such difference.
    """
    need_columns(table, _NEED, "a table of differences")
    rows = table[table["estimand"].isin(_DIFFERENCES)]
    if against is not None:
        rows = rows[rows["term"].str.endswith(f"{CONTRAST}{against}")]
    if horizons is not None:
        rows = rows[~_has_time(rows) | _times(rows).isin(list(horizons))]
    if rows.empty:
        raise DataError(f"The table has no difference from `{against}`.")
    notes = Footnotes(None, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for contrast, of_pair in by_value(rows, "term"):
        heads.append(len(lines))
        lines.append([contrast.replace(CONTRAST, _MINUS)])
        for name, time, part in _by_measure_and_time(of_pair):
            text = _measure_name(name, time, time_unit, style, unit="% points")
            lines.append([INDENT + text, *_validated(part, notes, style)])
    return _by_validation(lines, heads, rows, notes, style)


def reclassification(
    table: pd.DataFrame,
    *,
    against: str | None = None,
    horizons: Sequence[float] | None = None,
    time_unit: str = "years",
    style: JournalStyle = DEFAULT,
) -> DisplayTable:
    """Return IDI and NRI, with the warning that belongs to them below.

    Raises
    ------
    DataError
        A column is absent, or the table has no reclassification.
    """
    need_columns(table, _NEED, "a table of reclassification")
    rows = table[table["estimand"].isin(list(_RECLASSIFIED))]
    if against is not None:
        rows = rows[rows["term"].str.endswith(f"{CONTRAST}{against}")]
    if horizons is not None:
        rows = rows[_times(rows).isin(list(horizons))]
    if rows.empty:
        raise DataError("The table has no IDI or NRI; compare models at a horizon.")
    warning = rows["note"].mode().iloc[0] if "note" in rows else ""
    rows = rows.assign(note=rows.get("note", "").replace(warning, ""))
    notes = Footnotes(None, style)
    lines: list[list[str]] = []
    heads: list[int] = []
    for contrast, of_pair in by_value(rows, "term"):
        for time, at_time in of_pair.groupby("time", sort=True):
            heads.append(len(lines))
            name = contrast.replace(CONTRAST, _MINUS)
            lines.append(
                [f"{name}, at {amount(float(str(time)), time_unit, style=style)}"]
            )
            for estimand, text in _RECLASSIFIED.items():
                part = at_time[at_time["estimand"] == estimand]
                if len(part):
                    lines.append([INDENT + text, *_validated(part, notes, style)])
    below = [warning] if warning else []
    return _by_validation(lines, heads, rows, notes, style, below=below)


def horizons_of(table: pd.DataFrame) -> list[float]:
    """Return the times at which a comparison of models has an AUC, rising.

    Raises
    ------
    DataError
        A column is absent, or the table has no rows.
    """
    need_columns(table, _NEED, "a comparison of models")
    known = table[(table["estimand"] == "auc") & table["estimate"].notna()]
    return sorted(_times(known).dropna().unique().tolist())


def _by_validation(
    lines: list[list[str]],
    heads: list[int],
    rows: pd.DataFrame,
    notes: Footnotes,
    style: JournalStyle,
    *,
    below: Sequence[str] = (),
) -> DisplayTable:
    """Return differences with apparent, P and, where there are any, corrected cells."""
    headers = {"name": "", "apparent": "Apparent (95% CI)"}
    if rows["p_value"].notna().any():
        headers["p"] = style.p_symbol
    if "validation" in rows and (rows["validation"] == _CORRECTED).any():
        headers["corrected"] = "Corrected for optimism\n(95% CI)"
    return DisplayTable(
        cells=filled(lines, ["name", "apparent", "p", "corrected"])[list(headers)],
        headers=headers,
        heads=tuple(heads),
        notes=(*rows_used(rows, style), *below, *notes.lines()),
    )


def _by_measure_and_time(
    rows: pd.DataFrame,
) -> list[tuple[str, float | None, pd.DataFrame]]:
    found = []
    for estimand in _DIFFERENCES:
        part = rows[rows["estimand"] == estimand]
        if part.empty:
            continue
        times = _times(part)
        name = estimand.removeprefix("delta_")
        found += [(name, t, part[times == t]) for t in sorted(times.dropna().unique())]
        if times.isna().any():
            found.append((name, None, part[times.isna()]))
    return found


def _measure_name(
    name: str,
    time: float | None,
    time_unit: str,
    style: JournalStyle,
    *,
    between: str = " ",
    unit: str = "",
) -> str:
    """Return ``IPA at 5 years, %``."""
    text, own_unit, _ = _MEASURES[name]
    at = (
        f"{between}at {amount(time, time_unit, style=style)}"
        if time is not None
        else ""
    )
    return text + at + (f", {unit or own_unit}" if own_unit else "")


def _validated(part: pd.DataFrame, notes: Footnotes, style: JournalStyle) -> list[str]:
    """Return the apparent difference, its P, and the corrected one."""
    by_name = {row.get("validation") or _APPARENT: row for row in records(part)}
    apparent, corrected = by_name.get(_APPARENT), by_name.get(_CORRECTED)
    p_value = apparent["p_value"] if apparent else None
    texts = [_difference(row, notes, style) for row in (apparent, corrected)]
    return [texts[0], p_or_empty(p_value, style), texts[1]]


def _difference(
    row: dict[str, Any] | None, notes: Footnotes, style: JournalStyle
) -> str:
    if row is None:
        return EMPTY
    if row["estimand"] in ("delta_ipa", "idi"):
        text = format_difference(*in_percent(row), decimals=2, style=style)
    else:
        text = format_difference(*limits(row), style=style)
    return notes.mark(text, row.get("note"))


def _measure(row: dict[str, Any] | None, notes: Footnotes, style: JournalStyle) -> str:
    if row is None:
        return EMPTY
    _, unit, decimals = _MEASURES[row["estimand"]]
    values = in_percent(row) if unit else limits(row)
    is_fixed = row["estimand"] == "calibration_slope" and row.get("validation") == (
        _APPARENT
    )
    text = format_interval(*values, decimals=decimals, style=style)
    return notes.mark(text, row.get("note") or (_FIXED if is_fixed else None))


def _is_about(table: pd.DataFrame, column: str) -> pd.Series[bool]:
    return table[column].fillna("") != ""


def _times(table: pd.DataFrame) -> pd.Series[float]:
    return table.reindex(columns=["time"])["time"].astype(float)


def _has_time(table: pd.DataFrame) -> pd.Series[bool]:
    return _times(table).notna()


def _at(table: pd.DataFrame, horizon: float | None) -> pd.Series[bool]:
    """Whether a row is at the horizon, or has none."""
    return ~_has_time(table) | (_times(table) == horizon)
