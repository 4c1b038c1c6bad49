"""Rows dealt into folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from fahrstats.cohort.design import build_design
from fahrstats.survival.competitors.folds import deal_folds


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(12, 80),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 10**6),
    share=st.floats(0.1, 0.9),
)
def test_events_and_rows_differ_by_one_at_most(n, n_folds, seed, share):
    rng = np.random.default_rng(seed)
    event = rng.random(n) < share
    event[:n_folds] = True
    frame = pd.DataFrame({"time": rng.random(n) + 0.1, "event": event, "x": event * 1})
    design = build_design("Surv(time, event) ~ 1", frame)
    fold = deal_folds(design, n_folds, seed)
    sizes, events = np.bincount(fold), np.bincount(fold, weights=event)
    assert sizes.size == n_folds
    assert np.ptp(events) <= 1
    assert np.ptp(sizes) <= 1
    np.testing.assert_array_equal(fold, deal_folds(design, n_folds, seed))


def test_clusters_of_any_size_stay_whole_and_events_are_spread():
    rng = np.random.default_rng(5)
    site = np.repeat(np.arange(30), rng.integers(1, 12, 30))
    n = site.size
    frame = pd.DataFrame(
        {"time": rng.random(n) + 0.1, "event": rng.random(n) < 0.4, "site": site}
    )
    design = build_design("Surv(time, event) ~ 1", frame, cluster="site")
    fold = pd.Series(deal_folds(design, 5, 1))
    assert (fold.groupby(site).nunique() == 1).all()
    assert np.ptp(frame["event"].groupby(fold).sum()) <= 2
