"""The way from all rows of a table to those that are analysed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fahrstats.cohort.design import Design
from fahrstats.cohort.follow_up import as_float
from fahrstats.columns import in_order
from fahrstats.study.preparation import Preparation
from fahrstats.study.specification import Study
from fahrstats.study.tables_in import SourceTable

_Removal = tuple[str, str, int, int]


def participant_flow(
    study: Study, source: SourceTable, prepared: Preparation, design: Design
) -> pd.DataFrame:
    """Return one row per reason that took rows out, from the table to the analysis."""
    event = as_float(prepared.data[study.main.columns[1]]) == 1
    removed = [
        ("in the table", "", 0, 0),
        *_not_entered(source, event),
        *((d.reason, d.column, d.n, d.n_events) for d in design.dropped if d.n),
    ]
    flow = pd.DataFrame(
        removed, columns=["reason", "column", "n_removed", "n_removed_events"]
    )
    flow = flow.assign(
        step=np.arange(len(flow)),
        n=len(event) - flow["n_removed"].cumsum(),
        n_events=int(event.sum()) - flow["n_removed_events"].cumsum(),
    )
    return flow[in_order(flow.columns)]


def _not_entered(
    source: SourceTable, event: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Iterator[_Removal]:
    """Yield the rows that each reason of the table took out, none of them twice."""
    remain = np.ones(len(event), dtype=np.bool_)
    for reason in source.left_out:
        out = reason.rows & remain
        remain &= ~out
        yield reason.reason, reason.column, int(out.sum()), int(event[out].sum())
