"""The printed summary of compared models: aligned tables, one pair a horizon."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fahrstats.display.journals import (
    format_count,
    format_interval,
    format_number,
    format_p,
)
from fahrstats.survival.model_comparison.accuracy_rows import APPARENT, CORRECTED
from fahrstats.survival.summaries import align, describe_dropped

if TYPE_CHECKING:
    from fahrstats.survival.model_comparison.comparison import ModelComparison

Row = Mapping[Hashable, Any]
Found = dict[tuple[str, float, str], dict[str, Row]]
Column = tuple[str, Callable[[str], str]]

_NO_HORIZON = 0.0


def summarize_comparison(comparison: ModelComparison) -> str:
    """Describe models on identical rows: each one, every two, and at each horizon.

    With bootstrap draws the tables at horizons hold corrected values; the apparent ones
    are in the tidy table.
    """
    fit = comparison.fits[0]
    draws = comparison.accuracy.resampled
    validation = APPARENT if draws is None else CORRECTED
    lines = [
        f"{len(comparison.labels)} Cox models on the same {format_count(fit.n)} rows, "
        f"{format_count(fit.n_events)} events",
        *describe_dropped(fit.dropped),
    ]
    if draws is not None:
        lines.append(
            f"Corrected for optimism by {format_count(len(draws.in_draw))} bootstrap "
            "draws, limits too; P is that of the apparent difference"
        )
    found = _by_name(comparison)
    lines += ["", *_overall(found, validation)]
    for horizon in comparison.accuracy.plan.horizons:
        lines += ["", f"At {horizon:g}", *_at_horizon(found, horizon, validation)]
    notes = _notes(found)
    lines += ["", *notes] if notes else []
    if comparison.accuracy.plan.horizons:
        lines += ["", "Calibration and reclassification, with its warning: `tidy()`"]
    return "\n".join(lines)


def _by_name(comparison: ModelComparison) -> Found:
    """Sort rows by what they tell, at which horizon, and how; then by model or pair."""
    found: Found = {}
    for row in comparison.tidy().to_dict("records"):
        horizon = float(row["time"]) if np.isfinite(row["time"]) else _NO_HORIZON
        key = row["estimand"], horizon, row["validation"]
        name = " ".join(str(row["model"] or row["term"]).split())
        found.setdefault(key, {})[name] = row
    return found


def _overall(found: Found, validation: str) -> list[str]:
    """Tables of C-indices, of likelihoods, and of what is new."""
    c_index = found["c_index", _NO_HORIZON, APPARENT]
    columns = [("C-index (95% CI)", _interval(c_index, 3))]
    if validation == CORRECTED:
        corrected = found["c_index", _NO_HORIZON, CORRECTED]
        columns.append(("Corrected (95% CI)", _interval(corrected, 3)))
    lines = _table(list(c_index), columns)
    tests = found["lr_chi2", _NO_HORIZON, ""]
    delta = found["delta_c_index", _NO_HORIZON, APPARENT]
    shown = found["delta_c_index", _NO_HORIZON, validation]
    lines += [
        "",
        *_table(list(delta), [("Difference in C", _interval(shown, 4)), _p(delta)]),
    ]
    tested = [name for name, row in tests.items() if np.isfinite(row["statistic"])]
    if tested:
        news = found.get(("new_information", _NO_HORIZON, validation), {})
        columns = [
            ("Likelihood ratio", _chi_squared(tests)),
            _p(tests),
            ("New information", _interval(news, 3)),
        ]
        lines += ["", *_table(tested, columns)]
    others = found.get(("delta_log_likelihood", _NO_HORIZON, ""), {})
    if others:
        columns = [("Difference in log-likelihood", _number(others)), _p(others)]
        lines += ["", *_table(list(others), columns)]
    return lines


def _at_horizon(found: Found, horizon: float, validation: str) -> list[str]:
    """Tables of AUC and index of prediction accuracy, of models and of pairs."""
    auc, ipa = (found[name, horizon, validation] for name in ("auc", "ipa"))
    columns: list[Column] = [
        ("AUC (95% CI)", _interval(auc, 3)),
        ("IPA (95% CI)", _interval(ipa, 3)),
    ]
    lines = _table(list(auc), columns)
    columns = []
    for estimand, title in (("delta_auc", "AUC"), ("delta_ipa", "IPA")):
        shown = found[estimand, horizon, validation]
        columns.append((f"Difference in {title}", _interval(shown, 4)))
        columns.append(_p(found[estimand, horizon, APPARENT]))
    return lines + _table(list(found["delta_auc", horizon, APPARENT]), columns)


def _notes(found: Found) -> list[str]:
    """Every note of the rows told, once, with the models and pairs that it is about."""
    about: dict[str, dict[str, None]] = {}
    for (estimand, _, _), rows in found.items():
        for name, row in rows.items():
            if row["note"] and estimand in _TOLD:
                about.setdefault(row["note"], {})[name] = None
    return [f"{'; '.join(names)}: {note}" for note, names in about.items()]


_TOLD = frozenset(
    f"{prefix}{name}" for name in ("c_index", "auc", "ipa") for prefix in ("", "delta_")
) | {"lr_chi2", "new_information", "delta_log_likelihood"}
"""Estimands whose rows the tables hold."""


def _table(names: Sequence[str], columns: Sequence[Column]) -> list[str]:
    header = ("", *(title for title, _ in columns))
    return align(
        [header, *((name, *(cell(name) for _, cell in columns)) for name in names)]
    )


def _interval(rows: Mapping[str, Row], decimals: int) -> Callable[[str], str]:
    def cell(name: str) -> str:
        if name not in rows:
            return ""
        row = rows[name]
        limits = row["estimate"], row["conf_low"], row["conf_high"]
        return format_interval(*limits, decimals=decimals)

    return cell


def _p(rows: Mapping[str, Row]) -> Column:
    def cell(name: str) -> str:
        p_value = rows[name]["p_value"]
        return format_p(p_value) if np.isfinite(p_value) else ""

    return "P", cell


def _chi_squared(rows: Mapping[str, Row]) -> Callable[[str], str]:
    return lambda name: (
        f"{format_number(rows[name]['statistic'])} on {rows[name]['df']:.0f} df"
    )


def _number(rows: Mapping[str, Row]) -> Callable[[str], str]:
    return lambda name: format_number(rows[name]["estimate"])
