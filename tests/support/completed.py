"""The completed tables of tests/reference/imputations.R, without anything random."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = ["ph_ecog", "ph_karno", "pat_karno", "meal_cal", "wt_loss"]


def completed(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    """Fill the holes of lung cancer from rows that follow by integer arithmetic."""
    frame = frame.copy()
    for name in COLUMNS:
        known = np.flatnonzero(frame[name].notna())
        missing = np.flatnonzero(frame[name].isna())
        donors = known[(np.arange(1, missing.size + 1) * 11 + 7 * number) % known.size]
        values = frame[name].to_numpy(np.float64, copy=True)
        values[missing] = values[donors]
        frame[name] = values
    return frame
