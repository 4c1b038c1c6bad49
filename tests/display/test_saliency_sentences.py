from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.saliency_sentences import checked, looked_at, same_regions
from fahrstats.errors import DataError

LABELS = {"a": {"label": "First"}, "b": {"label": "Second"}}


def importance(**shares):
    return pd.DataFrame(
        {
            "model": "a",
            "region": list(shares),
            "estimand": "importance_share",
            "estimate": list(shares.values()),
            "conf_low": [x - 0.01 for x in shares.values()],
            "conf_high": [x + 0.01 for x in shares.values()],
        }
    )


def test_the_first_three_regions_and_the_background_are_named():
    table = importance(eyes=0.3, nose=0.2, mouth=0.4, chin=0.06, background=0.04)
    assert looked_at(table, "a", labels=LABELS) == (
        "First rested most on the mouth (40%, 95% CI 39\N{EN DASH}41), the eyes (30%, "
        "95% CI 29\N{EN DASH}31) and the nose (20%, 95% CI 19\N{EN DASH}21); the "
        "background, which is no face, had 4% (95% CI 3\N{EN DASH}5)."
    )


def test_a_background_is_left_out_where_it_is_not_asked_for():
    table = importance(mouth=0.4, eyes=0.3, nose=0.2, background=0.04)
    told = looked_at(table, "a", background=False)
    assert told.endswith("and the nose (20%, 95% CI 19\N{EN DASH}21).")


def test_a_background_among_the_first_is_not_said_twice():
    told = looked_at(importance(background=0.6, eyes=0.3, nose=0.1), "a")
    assert told.startswith("a rested most on the background (60%, 95% CI")
    assert told.count("background") == 1


def test_shares_that_are_withheld_are_not_ranked():
    table = importance(eyes=0.3, nose=0.7).assign(estimate=np.nan)
    assert looked_at(table, "a") == "What a rests on was not estimated."


def comparison(p_value, estimates, reach):
    tests = pd.DataFrame(
        {"term": ["a - b"], "region": ["eyes"], "estimate": [0.1], "p_value": [p_value]}
    )
    overlap = pd.DataFrame(
        {
            "term": ["a - b"],
            "estimand": ["common_importance"],
            "estimate": [0.8],
            "conf_low": [0.7],
            "conf_high": [0.9],
        }
    )
    rows = pd.DataFrame(
        {
            "term": "a - b",
            "region": ["eyes", "nose"],
            "estimate": estimates,
            "joint_low": [x - reach for x in estimates],
            "joint_high": [x + reach for x in estimates],
        }
    )
    return tests, overlap, rows


def test_different_regions_are_told_with_where_and_how_much():
    (told,) = same_regions(*comparison(0.0001, [-0.12, 0.01], 0.02), labels=LABELS)
    assert told == (
        "First and Second weigh the regions differently (P<0.001): 80% (95% CI "
        "70\N{EN DASH}90) of their importance lay on the same regions. They differ in "
        "1 of 2 regions, most in the eyes, which has 12 (joint 95% CI 10\N{EN DASH}14) "
        "percentage points more of the importance in Second than in First."
    )


def test_that_nothing_was_shown_is_not_that_they_are_the_same():
    (told,) = same_regions(*comparison(0.3, [-0.02, 0.01], 0.05), labels=LABELS)
    assert told.startswith(
        "That First and Second weigh the regions differently was not shown (P=0.30"
    )
    assert "no region differed by more than 7 percentage points of importance" in told


def test_a_withheld_test_leaves_the_overlap():
    (told,) = same_regions(*comparison(np.nan, [-0.02, 0.01], 0.05), labels=LABELS)
    assert told.startswith("Of First and Second, 80% (95% CI 70")


def test_checks_are_told_one_by_one():
    sanity = pd.DataFrame(
        {
            "model": ["a", "a", "b"],
            "step": [1, 2, 0],
            "estimate": [0.9, 0.7, np.nan],
            "note": ["", "failed", "not estimated: why"],
        }
    )
    areas = pd.DataFrame(
        {
            "model": ["a", "b", "b"],
            "condition": ["deletion", "deletion", "insertion"],
            "note": ["passed", "passed", "failed"],
        }
    )
    first = checked(sanity, areas, "a", labels=LABELS)
    assert "was not destroyed when all that it had learned was replaced" in first
    assert "(rank correlation 0.70): failed; the score falls faster" in first
    second = checked(sanity, areas, "b", labels=LABELS)
    assert "what it has learned cannot be replaced by chance: not checked" in second
    assert second.endswith("it rises faster when they are restored first: failed.")


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match="no column `region`"):
        looked_at(importance(eyes=1.0).drop(columns="region"), "a")
    tests, overlap, rows = comparison(0.1, [0.0, 0.0], 0.1)
    with pytest.raises(DataError, match="no column `joint_low`;"):
        next(same_regions(tests, overlap, rows.drop(columns="joint_low")))
