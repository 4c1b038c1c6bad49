from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display.tables import (
    explanation_checks,
    overlaps,
    region_differences,
    region_importance,
)
from fahrstats.errors import DataError

LABELS = {"a": {"label": "First", "unit": "years"}, "b": {"label": "Second"}}
DASH = "\N{EN DASH}"


def importance():
    rows = [
        (model, region, estimand, size * value, size * value - 0.1, size * value + 0.1)
        for model, size in (("a", 10.0), ("b", 1.0))
        for region, value in (("eyes", 0.5), ("jaw_neck", 0.3))
        for estimand in ("importance_share", "mean_change")
    ]
    names = ["model", "region", "estimand", "estimate", "conf_low", "conf_high"]
    table = pd.DataFrame(rows, columns=names)
    is_share = table["estimand"] == "importance_share"
    table.loc[is_share, names[3:]] = [0.5, 0.4, 0.6]
    return table


def test_every_region_has_its_share_and_change_by_model():
    frame = region_importance(importance(), labels=LABELS).frame()
    assert frame.iloc[:, 0].tolist() == ["Eyes", "Jaw and neck"]
    assert frame.columns[1].startswith("First, years: Share of importance")
    # Large changes to one decimal, small ones to two.
    assert frame.iloc[0, 1:].tolist() == [
        *(f"50 (40{DASH}60)", f"5.0 (4.9{DASH}5.1)"),
        *(f"50 (40{DASH}60)", f"0.50 (0.40{DASH}0.60)"),
    ]
    few = region_importance(importance(), estimands=["mean_change"], labels=LABELS)
    assert few.frame().shape == (2, 3)


def test_differences_are_in_points_with_joint_limits():
    table = pd.DataFrame(
        {
            "term": "a - b",
            "region": ["eyes", "jaw_neck"],
            "estimate": [0.05, -0.01],
            "joint_low": [0.02, -0.03],
            "joint_high": [0.08, 0.01],
            "p_adjusted": [0.0004, 0.4],
        }
    )
    frame = region_differences(table, labels=LABELS).frame()
    assert frame.columns[1].startswith("First minus Second: Points")
    assert frame.iloc[0].tolist() == ["Eyes", f"5.0 (2.0{DASH}8.0)", "<0.001"]


def test_overlaps_stand_above_the_test():
    table = pd.DataFrame(
        {
            "term": "a - b",
            "estimand": ["common_importance", "spearman"],
            "estimate": [0.9, 0.8],
            "conf_low": [0.85, np.nan],
            "conf_high": [0.95, np.nan],
        }
    )
    tests = pd.DataFrame({"term": ["a - b"], "p_value": [0.02], "p_adjusted": [0.02]})
    frame = overlaps(table, tests, labels=LABELS).frame()
    assert frame.columns[1] == "First and Second"
    assert frame.iloc[:, 1].tolist() == [f"0.90 (0.85{DASH}0.95)", "0.80", "0.020"]


def test_checks_say_their_verdict_and_why_there_is_none():
    sanity = pd.DataFrame(
        {
            "model": ["a", "a", "a", "b"],
            "level": ["head", "blocks.3", "stem_norm", ""],
            "step": [1, 2, 3, 0],
            "estimate": [0.9, 0.3, 0.2, np.nan],
            "note": ["", "", "passed", "not estimated: its parameters cannot be drawn"],
        }
    )
    areas = pd.DataFrame(
        {
            "model": ["b"],
            "condition": ["deletion"],
            "estimate": [-2.0],
            "conf_low": [-3.0],
            "conf_high": [-1.0],
            "note": ["passed"],
        }
    )
    table = explanation_checks(sanity, areas, labels=LABELS)
    verdicts = table.cells["verdict"].tolist()
    assert [table.cells["name"].iloc[at] for at in table.heads] == [
        "First, years",
        "Second",
    ]
    stages = [name.strip() for name in table.cells["name"].iloc[1:4]]
    assert stages == ["Replaced by chance, from head", "and block 4", "and stem norm"]
    assert "Its parameters cannot be drawn" in verdicts
    assert verdicts[-1] == "Passed"


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match="no column `region`"):
        region_importance(importance().drop(columns="region"))
    with pytest.raises(DataError, match="no column `joint_low`, `joint_high`"):
        region_differences(importance().rename(columns={"model": "term"}))
