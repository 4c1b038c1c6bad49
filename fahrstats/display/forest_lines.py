"""The lines of a forest plot as text, and the ticks of its axis."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from fahrstats.display.journal_styles import DEFAULT, JournalStyle
from fahrstats.display.journals import (
    format_count,
    format_number,
    format_p,
    format_ratio,
    format_short,
)
from fahrstats.display.labels import (
    Labels,
    column_unit,
    group_label,
    level_of,
    per_label,
    term_label,
)
from fahrstats.display.result_table import records
from fahrstats.errors import DataError

RATIOS: Final = {"hr": "HR", "shr": "SHR", "or": "OR"}
"""Ratios that a forest plot shows, and the title of their column."""

NO_WEIGHT: Final = "0%"
"""What a cohort of less than half a percent of the average weighs."""

_AVERAGES: Final = {
    "hr_random": ("overall", "Random effects"),
    "hr_common": ("overall", "Common effect"),
    "hr_prediction": ("prediction", "Prediction interval"),
}

_MOST_TICKS: Final = 7
_FINE_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
_MANTISSAS: Final = ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0,))
_REACH: Final = 2.5  # intervals are cut this many times beyond the outermost estimates
_PAD: Final = 1.04
_NEARLY: Final = 1 + 1e-9


def forest_lines(
    table: pd.DataFrame, labels: Labels | None = None, style: JournalStyle = DEFAULT
) -> pd.DataFrame:
    """Return one row per line of a forest plot, with its numbers and its texts.

    Columns are ``kind`` (``overall``, ``head``, ``level``, ``cause``, ``term`` or
    ``prediction``), ``label``, ``estimate``, ``conf_low`` and ``conf_high``, and the
    texts ``n``, ``n_events``, ``ratio``, ``weight`` and ``p``, empty where a line has
    none.

    Raises
    ------
    DataError
        The table holds no ratio.
    """
    found = set(table["estimand"])
    if not found & RATIOS.keys():
        names = ", ".join(f"`{name}`" for name in sorted(found))
        raise DataError(
            f"`estimand` holds {names}, but a forest plot shows hazard ratios (`hr`, "
            "`shr`) or odds ratios (`or`); ask for the table with `exponentiate=True`."
        )
    if "cohort" in table:
        return _with_texts(pd.DataFrame(_cohort_lines(table, style)), style)
    shown = table[table["estimand"].isin([*RATIOS, "hr_firth", "interaction_chi2"])]
    make = _term_lines
    if "subgroup" in table:
        make = _audit_lines
    elif "cause" in table and table["cause"].nunique() > 1:
        make = _cause_lines
    return _with_texts(pd.DataFrame(make(shown, labels, style)), style)


def axis_limits(lines: pd.DataFrame) -> tuple[float, float]:
    """Return ends of the axis that hold 1, every estimate and most intervals.

    The finite limit stands in for an estimate that is zero or infinite.
    """
    raw = lines[["estimate", "conf_low", "conf_high"]]
    values = raw.replace([0, np.inf], np.nan)
    centre = values["estimate"].fillna(values["conf_low"]).fillna(values["conf_high"])
    lowest, highest = min([*centre.dropna(), 1.0]), max([*centre.dropna(), 1.0])
    low = max(np.nanmin([*raw.min(axis=1), lowest]), lowest / _REACH)
    high = min(np.nanmax([*raw.max(axis=1), highest]), highest * _REACH)
    return float(min(low, 0.9) / _PAD), float(max(high, 1.1) * _PAD)


def check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Refuse ends that a ratio axis cannot have.

    Raises
    ------
    DataError
        They are not two positive numbers in rising order.
    """
    low, high = limits
    if not 0 < low < high < math.inf:
        raise DataError(
            f"`limits` is ({low}, {high}), but a ratio axis needs two positive numbers "
            "in rising order."
        )
    return low, high


def round_ratios(low: float, high: float) -> list[float]:
    """Return the ticks of a ratio axis from ``low`` to ``high``: at most seven."""
    candidates = [_powers(mantissas, low, high) for mantissas in _MANTISSAS]
    if high / low < _REACH:
        candidates = [_multiples(step, low, high) for step in _FINE_STEPS] + candidates
    for ticks in candidates:
        if len(ticks) <= _MOST_TICKS:
            return ticks
    decades = candidates[-1]
    thinner = -(-len(decades) // _MOST_TICKS)
    return [tick for tick in decades if round(math.log10(tick)) % thinner == 0]


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step / _NEARLY), math.floor(high / step * _NEARLY)
    return [round(number * step, 2) for number in range(first, last + 1)]


def _powers(mantissas: tuple[float, ...], low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.floor(math.log10(high))
    ticks = [m * 10.0**power for power in range(first, last + 1) for m in mantissas]
    inside = [tick for tick in ticks if low / _NEARLY <= tick <= high * _NEARLY]
    return [float(f"{tick:.3g}") for tick in inside]


def _audit_lines(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> list[dict[str, Any]]:
    """Return the lines of an audit, below a head per variable with its test."""
    is_test = table["estimand"] == "interaction_chi2"
    tests = table[is_test].set_index("subgroup")["p_value"].to_dict()
    lines: list[dict[str, Any]] = []
    for subgroup, levels in table[~is_test].groupby("subgroup", sort=False):
        rows = records(levels.drop(columns="p_value", errors="ignore"))
        if subgroup == "overall":
            lines += [{**row, "kind": "overall", "label": "Overall"} for row in rows]
            continue
        name = group_label(str(subgroup), labels)
        p_value = tests.get(subgroup) if style.interaction_p else None
        lines.append({"kind": "head", "label": name, "p_value": p_value})
        lines += [{**row, "kind": "level", "label": row["level"]} for row in rows]
    return lines


def _term_lines(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> list[dict[str, Any]]:
    """Return one line per term, and one per Firth estimate."""
    lines: list[dict[str, Any]] = []
    for row in records(table):
        label = term_label(row["term"], labels)
        details = ["Firth"] if row["estimand"] == "hr_firth" else []
        if level_of(row["term"]):
            reference = row.get("reference")
            is_named = isinstance(reference, str) and reference != ""
            details += [f"vs {reference}"] if is_named else []
        elif "per" in row:
            details += [
                per_label(row["per"], column_unit(row["term"], labels), style=style)
            ]
        label += f" ({', '.join(details)})" if any(details) else ""
        lines.append({**row, "kind": "term", "label": label})
    return lines


def _cause_lines(
    table: pd.DataFrame, labels: Labels | None, style: JournalStyle
) -> list[dict[str, Any]]:
    """Return a head for each term, and below it one line per cause."""
    lines: list[dict[str, Any]] = []
    for _, rows in table.groupby("term", sort=False):
        of_term = _term_lines(rows, labels, style)
        lines.append({"kind": "head", "label": of_term[0]["label"]})
        for line in of_term:
            firth = " (Firth)" if line["estimand"] == "hr_firth" else ""
            lines.append({**line, "kind": "cause", "label": line["cause"] + firth})
    return lines


def _cohort_lines(table: pd.DataFrame, style: JournalStyle) -> list[dict[str, Any]]:
    """Return one line per cohort, then the averages and what cohorts differ by."""
    lines: list[dict[str, Any]] = []
    for row in records(table):
        kind, label = _AVERAGES.get(row["estimand"], ("term", row["cohort"]))
        if row["estimand"] == "hr" or kind == "prediction":
            lines.append({**row, "kind": kind, "label": label, "p_value": None})
        elif kind == "overall":
            lines.append({**row, "kind": kind, "label": label, "note": ""})
    spread = {row["estimand"]: row for row in records(table)}
    if {"i_squared", "tau_squared", "heterogeneity_chi2"} <= spread.keys():
        shares = 100 * spread["i_squared"]["estimate"]
        tau_squared = spread["tau_squared"]["estimate"]
        label = (
            f"I² {format_number(shares, 0, style=style)}%, "
            f"τ² {format_short(tau_squared, digits=2, style=style)}"
        )
        p_value = spread["heterogeneity_chi2"]["p_value"]
        if not pd.isna(p_value):
            label += f"; {style.p_symbol} for heterogeneity"
        lines.append({"kind": "head", "label": label, "p_value": p_value})
    return lines


def _with_texts(lines: pd.DataFrame, style: JournalStyle) -> pd.DataFrame:
    numbers = ["n", "n_events", "estimate", "conf_low", "conf_high", "p_value"]
    numbers.append("weight")
    table = lines.reindex(columns=["kind", "label", *numbers, "note"])
    table = table.astype(dict.fromkeys(numbers, float))
    rows = records(table)
    return table.assign(
        n=[_count(line["n"], style) for line in rows],
        n_events=[_count(line["n_events"], style) for line in rows],
        ratio=[_ratio(line, style) for line in rows],
        weight=[
            ""
            if math.isnan(line["weight"])
            else f"{format_number(100 * line['weight'], 0, style=style)}%"
            for line in rows
        ],
        p=[
            ""
            if math.isnan(line["p_value"])
            else format_p(line["p_value"], style=style)
            for line in rows
        ],
    )


def _count(count: float, style: JournalStyle) -> str:
    return "" if math.isnan(count) else format_count(count, style=style)


def _ratio(line: dict[str, Any], style: JournalStyle) -> str:
    """Return the ratio, or in a few words why there is none."""
    if line["kind"] == "head":
        return ""
    if line["kind"] == "prediction" and not math.isnan(line["conf_low"]):
        ends = format_ratio(
            line["estimate"], line["conf_low"], line["conf_high"], style=style
        )
        return ends[ends.index("(") :]
    if line["kind"] == "prediction":
        return str(line["note"])
    if math.isnan(line["estimate"]) and isinstance(line["note"], str) and line["note"]:
        return line["note"].split(":")[0]
    return format_ratio(
        line["estimate"], line["conf_low"], line["conf_high"], style=style
    )
