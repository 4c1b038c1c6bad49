"""Rows and printed summary of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from fahrstats.columns import in_order
from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    format_p,
)
from fahrstats.display.result_table import records
from fahrstats.survival.competitors.cross_validation_result import set_name
from fahrstats.survival.options import check_conf_level
from fahrstats.survival.summaries import align, describe_dropped

if TYPE_CHECKING:
    from fahrstats.survival.competitors.cross_validation_result import CrossValidation
    from fahrstats.survival.competitors.judging import Judged

Row = dict[str, Any]

_OF_SET: Final = (
    *("c_index", "auc", "brier", "ipa"),
    *("calibration_slope", "oe_ratio", "ici"),
)
_WITHOUT_CLUSTERS: Final = ("calibration_slope", "oe_ratio")
"""Estimands whose standard errors do not add up clusters."""

_DIFFERENCES: Final = ("delta_c_index", "delta_auc", "delta_brier", "delta_ipa")
_NUMBERS: Final = (
    *("estimate", "std_error", "statistic", "p_value"),
    *("conf_low", "conf_high"),
)
_MISSING: Final[Row] = dict.fromkeys(_NUMBERS, np.nan)
_TOLD: Final = {"delta_c_index": "C-index", "delta_auc": "AUC", "delta_ipa": "IPA"}


def accuracy_table(result: CrossValidation, conf_level: float) -> pd.DataFrame:
    """Return the table of :meth:`fahrstats.CrossValidation.tidy`."""
    check_conf_level(conf_level)
    rows = []
    for judged, horizon in zip(result.judged, result.horizons, strict=True):
        size = {
            "time": horizon,
            "n": result.n,
            "n_events": int(judged.auc.n_events[0]),
            "n_censored": int(judged.auc.n_censored[0]),
        }
        for row in (
            *_of_sets(result, judged, conf_level),
            *_of_pairs(result, judged, conf_level),
        ):
            rows.append(_MISSING | row | size)
    table = pd.DataFrame(rows)
    return table[in_order(table.columns)]


def _of_sets(
    result: CrossValidation, judged: Judged, conf_level: float
) -> Iterator[Row]:
    """Yield every accuracy of every model and learner."""
    found = _by_name(
        judged.concordance.tidy(conf_level=conf_level),
        judged.auc.tidy(conf_level=conf_level),
        judged.error.tidy(conf_level=conf_level),
        judged.calibration.tidy(conf_level=conf_level),
    )
    for m, label in enumerate(result.labels):
        for k, learner in enumerate(result.learners):
            about = _notes(result, label, learner)
            for estimand in _OF_SET:
                row = {"model": label, "learner": learner, "term": ""}
                row |= {"estimand": estimand, "note": about}
                numbers = found.get((set_name(m, k), estimand))
                if numbers is not None:
                    row |= _numbers(numbers, about)
                    if result.n_clusters and estimand in _WITHOUT_CLUSTERS:
                        row |= _MISSING | {"estimate": row["estimate"]}
                yield row


def _of_pairs(
    result: CrossValidation, judged: Judged, conf_level: float
) -> Iterator[Row]:
    """Yield differences: learners from Cox's model, models from the first one."""
    for m, label in enumerate(result.labels):
        for k, learner in enumerate(result.learners):
            if "cox" in result.learners and learner != "cox":
                pair = (m, k), (m, result.learners.index("cox"))
                row = {"model": label, "learner": "", "term": f"{learner} - cox"}
                yield from _differences(result, judged, pair, row, conf_level)
    for k, learner in enumerate(result.learners):
        for m, label in enumerate(result.labels[1:], start=1):
            term = f"{label} - {result.labels[0]}"
            row = {"model": "", "learner": learner, "term": term}
            yield from _differences(result, judged, ((m, k), (0, k)), row, conf_level)


def _differences(
    result: CrossValidation,
    judged: Judged,
    pair: tuple[tuple[int, int], tuple[int, int]],
    row: Row,
    conf_level: float,
) -> Iterator[Row]:
    """Yield the differences of two sets of risks, missing where one was not judged."""
    names = [set_name(*at) for at in pair]
    about = "; ".join(
        dict.fromkeys(
            note
            for m, k in pair
            if (note := _notes(result, result.labels[m], result.learners[k]))
        )
    )
    found: dict[tuple[str, str], Row] = {}
    if set(names) <= set(judged.auc.terms):
        found = _by_name(
            judged.concordance.contrast(*names, conf_level=conf_level),
            judged.auc.contrast(*names, conf_level=conf_level),
            judged.error.contrast(*names, conf_level=conf_level),
        )
    for estimand in _DIFFERENCES:
        numbers = found.get((f"{names[0]} - {names[1]}", estimand))
        of_pair = {} if numbers is None else _numbers(numbers, about)
        yield {**row, "estimand": estimand, "note": about, **of_pair}


def _by_name(*tables: pd.DataFrame) -> dict[tuple[str, str], Row]:
    """Find rows by their term and estimand."""
    return {
        (row["term"], row["estimand"]): row
        for table in tables
        for row in records(table)
    }


def _numbers(row: Row, about: str) -> Row:
    """Take over the numbers of a row, and its note after what is known already."""
    numbers = {name: row.get(name, np.nan) for name in _NUMBERS}
    return {**numbers, "note": "; ".join(part for part in (about, row["note"]) if part)}


def _notes(result: CrossValidation, label: str, learner: str) -> str:
    """Say in which folds a learner failed, or a library warned, and of what."""
    parts = []
    for has_failed, verb in ((True, "failed"), (False, "warned")):
        found = [
            misfit
            for misfit in result.misfits
            if (misfit.model, misfit.learner) == (label, learner)
            and misfit.has_failed == has_failed
        ]
        if found:
            consequence = ", so it is not judged" if has_failed else ""
            parts.append(
                f"{verb} in {len(found)} of {result.n_folds} folds"
                f"{consequence}: {found[0].message}"
            )
    return "; ".join(parts)


def summarize_cross_validation(result: CrossValidation) -> str:
    """Describe a cross-validation: sizes, accuracy at each horizon, differences."""
    lines = [
        f"{result.n_folds}-fold cross-validation, seed {result.seed}: "
        f"{format_count(result.n)} rows, {format_count(result.n_events)} events"
        + (
            f", {format_count(result.n_clusters)} clusters" if result.n_clusters else ""
        ),
        *describe_dropped(result.dropped),
        "Risks of rows that were not learned from; intervals are approximate",
    ]
    table = result.tidy()
    for horizon in result.horizons:
        at = records(table[table["time"] == horizon])
        lines += ["", f"At {horizon:g}", *_accuracy_lines(at)]
        differences = list(_difference_lines(at))
        if differences:
            titles = (cell for name in _TOLD.values() for cell in (f"{name}", "P"))
            lines += ["", *align([("Difference", *titles), *differences])]
    notes = dict.fromkeys(
        f"{row['model']}, {row['learner']}: {row['note']}"
        for row in records(table)
        if row["note"] and row["model"] and row["learner"]
    )
    lines += ["", *notes] if notes else []
    return "\n".join(lines)


def _accuracy_lines(rows: Iterable[Row]) -> list[str]:
    """Align a line per model and learner."""
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        if row["model"] and row["learner"]:
            found.setdefault((row["model"], row["learner"]), {})[row["estimand"]] = row
    cells: list[tuple[str, ...]]
    cells = [("", "C-index (95% CI)", "AUC (95% CI)", "IPA (95% CI)", "Slope", "O/E")]
    for (label, learner), of_set in found.items():
        cells.append(
            (
                f"{label}, {learner}",
                *(_interval(of_set[name], 3) for name in ("c_index", "auc", "ipa")),
                *(
                    _number(of_set[name]["estimate"])
                    for name in ("calibration_slope", "oe_ratio")
                ),
            )
        )
    return align(cells)


def _difference_lines(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """Yield cells of a line per pair."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["term"]:
            name = f"{row['term']}, {row['model'] or row['learner']}"
            found.setdefault(name, {})[row["estimand"]] = row
    for name, of_pair in found.items():
        cells = []
        for estimand in _TOLD:
            p_value = of_pair[estimand]["p_value"]
            cells.append(_interval(of_pair[estimand], 4))
            cells.append(format_p(p_value) if np.isfinite(p_value) else "")
        yield (name, *cells)


def _interval(row: Row, decimals: int) -> str:
    if not np.isfinite(row["estimate"]):
        return ""
    limits = row["estimate"], row["conf_low"], row["conf_high"]
    return format_interval(*limits, decimals=decimals)


def _number(value: float) -> str:
    return format_number(value, 2) if np.isfinite(value) else ""
