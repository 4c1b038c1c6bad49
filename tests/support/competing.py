"""Outcomes with competing causes, as tests/reference/competing.R derives them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from cohorts import frame_digest, load_cohorts
from survival import datasets


@cache
def load_competing() -> dict[str, pd.DataFrame]:
    """Return data sets by name, with `time`, `event` and the number of its `cause`."""
    cohorts = load_cohorts()
    lung, rotterdam, mgus2 = cohorts["lung"], cohorts["rotterdam"], _mgus2()
    row = np.arange(1, len(lung) + 1)
    frames = {
        "lung": lung.assign(code=np.where(lung["event"] == 1, 1 + row % 3 // 2, 0)),
        "rotterdam": _first(rotterdam, "recur", "rtime", "dtime"),
        "mgus2": _first(mgus2, "pstat", "ptime", "futime").assign(
            male=(mgus2["sex"] == "M") * 1.0, decade=mgus2["age"] // 10
        ),
    }
    return {name: _derived(frame) for name, frame in frames.items()}


def digest_of(name: str) -> str:
    """SHA-256 of the data set that a case names, as R has it."""
    return frame_digest(_mgus2() if name == "mgus2" else load_cohorts()[name])


def _mgus2() -> pd.DataFrame:
    frame = pd.DataFrame(datasets.load_mgus2())
    return frame.assign(sex=pd.Categorical(frame["sex"], categories=["F", "M"]))


def _first(frame: pd.DataFrame, event: str, time: str, death: str) -> pd.DataFrame:
    has_event = frame[event] == 1
    return frame.assign(
        time=frame[time].where(has_event, frame[death]),
        code=np.where(has_event, 1, 2 * frame["death"]).astype(int),
    )


def _derived(frame: pd.DataFrame) -> pd.DataFrame:
    row = np.arange(1, len(frame) + 1)
    unit = 12 if frame["time"].max() < 1000 else 365
    return frame.assign(
        event=(frame["code"] > 0).astype(int),
        cause=frame["code"].where(frame["code"] > 0),
        entry=(frame["time"] * (row % 4)) // 8,
        years=np.ceil(frame["time"] / unit),
        untied=frame["time"].rank(method="first"),
        weight=(1 + row % 7) / 4,
        row=row,
    )[frame["time"] > 0]
