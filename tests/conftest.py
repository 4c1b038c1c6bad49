"""Fixtures shared by all tests."""

from __future__ import annotations

import pandas as pd
import pytest
from cohorts import load_cohorts


@pytest.fixture
def cohorts() -> dict[str, pd.DataFrame]:
    """Real data sets by name; see support/cohorts.py."""
    return {name: frame.copy() for name, frame in load_cohorts().items()}


@pytest.fixture
def lung(cohorts) -> pd.DataFrame:
    """Advanced lung cancer: 228 rows, 165 events, follow-up in days."""
    return cohorts["lung"]
