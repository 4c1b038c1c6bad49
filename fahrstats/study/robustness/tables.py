"""Result tables of a robustness study."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import pandas as pd

from fahrstats.columns import in_order
from fahrstats.measurement.dose_response import dose_response
from fahrstats.measurement.dose_response_result import DoseResponse
from fahrstats.measurement.repeatability import repeatability
from fahrstats.study.benchmark.tables import without_few
from fahrstats.study.robustness.pair_tables import pair_makers, stacked
from fahrstats.study.robustness.sources import Read, Sources
from fahrstats.study.robustness.specification import SUBJECT, Robustness, Serial

Makers = dict[str, Callable[[], pd.DataFrame]]


def table_makers(study: Robustness, sources: Sources) -> Makers:
    """Return what makes each table of a robustness study, by name and in order."""
    makers: Makers = {}
    if sources.panel is not None:
        judge = cache(partial(_panel, study, sources.panel))
        makers["dose_response"] = lambda: _with_origin(judge())
        makers["thresholds"] = lambda: without_few(judge().passing())
        makers["equivalence"] = lambda: without_few(judge().equivalence(study.margin))
        if len(study.models) > 1:
            makers["model_differences"] = lambda: without_few(judge().contrasts())
    if sources.pairs:
        makers |= pair_makers(study, sources.pairs)
    if sources.serial is not None and study.serial is not None:
        makers["serial"] = partial(_serial, study, study.serial, sources.serial)
    return makers


def _panel(study: Robustness, panel: Read) -> DoseResponse:
    """Judge all models under the simulated changes."""
    has_subjects = panel.table[SUBJECT].notna().all()
    return dose_response(
        panel.table,
        subject=SUBJECT if has_subjects else None,
        predicted=study.columns,
        limits=study.limits,
        moved=study.moved,
        n_boot=study.n_boot,
        seed=study.seed,
    )


def _with_origin(judged: DoseResponse) -> pd.DataFrame:
    """Return every change, and the photo itself that curves begin from."""
    table = pd.concat([judged.origin(), judged.tidy()], ignore_index=True)
    return without_few(table[in_order(table.columns)])


def _serial(study: Robustness, serial: Serial, read: Read) -> pd.DataFrame:
    """Measure how far one photo errs, by each model."""
    return stacked(
        repeatability(
            read.table,
            subject=serial.subject,
            predicted=model,
            date=serial.date,
            day=serial.day,
        )
        .tidy()
        .assign(model=model)
        for model in study.columns
    )
