"""Fixtures shared by all tests."""

from __future__ import annotations

import signal

import pandas as pd
import pytest
from cohorts import load_cohorts
from hypothesis import settings

# The same examples on every run, and no limit on the time of the first, which compiles.
settings.register_profile("fahrstats", derandomize=True, deadline=None)
settings.load_profile("fahrstats")

# A shell that runs the tests in the background has every program ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def cohorts() -> dict[str, pd.DataFrame]:
    """Real data sets by name; see support/cohorts.py."""
    return {name: frame.copy() for name, frame in load_cohorts().items()}


@pytest.fixture
def lung(cohorts) -> pd.DataFrame:
    """Advanced lung cancer: 228 rows, 165 events, follow-up in days."""
    return cohorts["lung"]
