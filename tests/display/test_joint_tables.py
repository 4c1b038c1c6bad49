# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pandas as pd
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.joint_tables import (
    correlations,
    joint_groups,
    joint_name,
    scores_together,
)
from fahrstats.errors import DataError


def test_correlations_stand_in_one_line_for_two_scores(layer, labels):
    shown = correlations(layer["score_correlation"], labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        [
            "Free light chain and Creatinine",
            "600",
            "0.55 (0.50–0.66)",
            "0.29 (0.26–0.35)",
            "0.54 (0.49–0.65)",
            "0.24 (0.22–0.29)",
        ]
    ]
    assert shown.spanners == {
        "Given the covariates": ("partial_pearson", "partial_spearman")
    }


def test_levels_of_a_subgroup_stand_below_everyone(layer, labels):
    table = layer["score_correlation"]
    table = table[table["model"] == "unadjusted"]
    men = table.assign(subgroup="sex", level="M", n=280)
    shown = correlations(pd.concat([table, men]), labels=labels)
    assert list(shown.cells["name"])[1] == f"{INDENT}Sex: M"
    assert shown.spanners == {}


def test_each_score_is_shown_without_and_with_the_other(layer, labels):
    shown = scores_together(layer["joint_groups"], labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        ["Free light chain, per SD", *["1.29 (1.16–1.55)", "0.004"] * 2],
        ["Creatinine, per SD", *["0.98 (0.88–1.18)", "0.004"] * 2],
    ]
    assert shown.notes == (
        "Product of both scores, per SD of each: hazard ratio multiplied by 0.97 (95% "
        "CI 0.87–1.16), P=0.013.",
    )


def test_the_size_of_one_sd_is_a_note(layer, labels):
    sizes = pd.DataFrame(
        {"term": ["flc", "creatinine"], "estimand": "marker_sd", "estimate": [1.9, 0.4]}
    )
    shown = scores_together(pd.concat([layer["joint_groups"], sizes]), labels=labels)
    assert shown.notes[0] == (
        "One SD is 1.90 mg/dL of free light chain and 0.40 mg/dL of creatinine."
    )


def test_joint_groups_are_named_and_their_interaction_noted(layer, labels):
    shown = joint_groups(layer["joint_groups"], labels=labels)
    first, second, *_ = shown.cells.to_numpy().tolist()
    assert first == [
        "Free light chain low, creatinine low",
        "150",
        "60",
        "1 (reference)",
        "–",
    ]
    assert second[3:] == ["1.05 (0.95–1.26)", "0.004"]
    assert shown.notes == (
        "Test that the effects of the groups multiply: P=0.025.",
        "Relative excess risk due to interaction (0 where excess risks add): 0.27 (95% "
        "CI 0.24–0.32).",
    )


def test_a_group_without_a_ratio_says_why(layer, labels):
    table = layer["joint_groups"].copy()
    table.loc[1, ["estimate", "note"]] = [float("nan"), "too few events (3 < 10)"]
    shown = joint_groups(table, labels=labels)
    assert shown.cells["hr"].iloc[1] == "not estimatedᵃ"
    assert shown.notes[-1] == "ᵃ too few events (3 < 10)"


def test_columns_in_the_name_of_a_group_are_replaced_by_labels(labels):
    assert joint_name("flc Q1, creatinine Q4", labels) == (
        "Free light chain Q1, creatinine Q4"
    )


def test_a_table_without_what_is_shown_is_refused(layer):
    table = layer["joint_groups"]
    with pytest.raises(DataError, match="no rows; two scores together"):
        scores_together(table[table["per"] != "SD"])
    with pytest.raises(DataError, match="no rows; joint groups"):
        joint_groups(table[table["first_group"] == ""])
    with pytest.raises(DataError, match="no column `n`"):
        correlations(layer["score_correlation"].drop(columns="n"))
