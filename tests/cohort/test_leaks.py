"""Columns that are known because the event happened."""

from __future__ import annotations

import numpy as np
import pytest

from fahrstats.cohort.leaks import leak_problems


def leaks(is_known, event) -> list[str]:
    missing = {"column": ~np.asarray(is_known, bool)}
    return list(leak_problems(missing, np.asarray(event, float)))


@pytest.fixture
def event():
    """Give the event to a fifth of 2,000 rows."""
    return (np.arange(2000) % 5 == 0).astype(float)


def test_a_column_known_only_with_the_event_is_refused_with_both_counts(event):
    (problem,) = leaks(event == 1, event)
    assert problem == (
        "`column` is known for 400 of 400 rows with the event but for only 0 of 1600 "
        "without it, so it was recorded because of the outcome and would leak it; "
        "leave it out (or, if rows were sampled by outcome, give `weights`)."
    )


def test_a_few_known_values_elsewhere_do_not_hide_a_leak(event):
    is_known = (event == 1) | (np.arange(2000) % 40 == 1)
    (problem,) = leaks(is_known, event)
    assert "for only 50 of 1600 without it" in problem


def test_rows_with_an_unknown_event_count_nowhere(event):
    event[event == 0] = np.where(np.arange(1600) < 800, np.nan, 0)
    (problem,) = leaks(event == 1, event)
    assert "only 0 of 800 without it" in problem


@pytest.mark.parametrize(
    "is_known",
    [
        lambda event: np.ones(event.size, bool),
        lambda event: np.zeros(event.size, bool),
        lambda event: np.arange(event.size) % 3 > 0,
        lambda event: event == 0,
        lambda event: (event == 1) | (np.arange(event.size) % 2 == 0),
        lambda event: (event == 1) & (np.arange(event.size) < 400),
    ],
    ids=[
        "complete",
        "never known",
        "missing at random",
        "missing with the event",
        "odds ratio too small",
        "known for few of the events",
    ],
)
def test_other_patterns_of_missing_values_are_no_leak(is_known, event):
    assert leaks(is_known(event), event) == []


def test_a_handful_of_rows_proves_no_leak():
    event = np.array([1, 1, 1, 0, 0, 0])
    assert leaks(event == 1, event) == []


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_without_both_kinds_of_rows_nothing_leaks(value):
    assert leaks(np.arange(200) % 2 == 0, np.full(200, value)) == []
