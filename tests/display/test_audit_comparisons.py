# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pytest
from audited import (
    SCORE,
    audit_table,
    between_table,
    differences_table,
    shrunken_table,
    table_of_tests,
)

from fahrstats.display.audit_comparisons import (
    audit_between,
    audit_differences,
    audit_shrunken,
    audit_tests,
)
from fahrstats.display.display_table import INDENT
from fahrstats.display.journal_styles import NEJM
from fahrstats.errors import DataError

LABELS = {"sex": {"label": "Sex", "unit": ""}, "race": {"label": "Race", "unit": ""}}


def test_every_test_has_both_adjusted_p_values():
    shown = audit_tests(table_of_tests(), labels=LABELS)
    assert len(shown.heads) == 3
    lines = shown.cells[shown.cells["name"] == f"{INDENT}Observed / expected"]
    assert lines.iloc[1].tolist()[1:] == [
        *("19.20", "2", "90", "<0.001", "0.001", "0.001")
    ]


def test_a_test_that_was_not_made_says_why():
    tests = table_of_tests()
    tests.loc[0, ["statistic", "p_value", "p_adjusted"]] = np.nan
    tests.loc[0, "note"] = "fewer than two levels can be estimated"
    shown = audit_tests(tests, labels=LABELS)
    assert shown.cells["statistic"].iloc[1] == "–"
    assert shown.cells["name"].iloc[1].endswith("ᵃ")
    assert shown.notes == ("ᵃ fewer than two levels can be estimated",)


def test_the_number_of_tests_is_not_repeated_in_every_line():
    tests = table_of_tests().assign(note="likelihood-ratio test; one of 15 tests")
    tests.loc[tests["measure"] != "hr", "note"] = "one of 15 tests"
    shown = audit_tests(tests, labels=LABELS)
    assert shown.notes == ("ᵃ likelihood-ratio test",)


def test_ratios_are_against_and_differences_minus():
    shown = audit_differences(differences_table(), labels=LABELS)
    lines = shown.cells.set_index("name")
    assert lines.loc[f"{INDENT}Hazard ratio", "levels"].iloc[0] == "Women against Men"
    assert lines.loc[f"{INDENT}C-index", "levels"].iloc[0] == "Women minus Men"
    ratio = lines.loc[f"{INDENT}Hazard ratio", "difference"].iloc[0]
    assert ratio == "1.30 (1.10–1.60)"


def test_the_score_stands_above_its_numbers():
    named = {"title": "FaceAge"}
    for shown in (
        audit_tests(table_of_tests(), **named),
        audit_differences(differences_table(), **named),
        audit_between(between_table(), **named),
    ):
        assert shown.spanners == {"FaceAge": tuple(shown.headers)[1:]}
    pooled = audit_shrunken(shrunken_table(), audit_table(), **named)
    assert pooled.headers["name"] == "FaceAge"


def test_a_pair_of_groups_has_both_directions_and_their_difference():
    shown = audit_between(between_table(), labels=LABELS)
    assert shown.cells.iloc[0].tolist() == ["Race", "", "", "", "P=0.36"]
    assert shown.cells.iloc[1].tolist() == [
        f"{INDENT}White and Black",
        "0.620 (0.570–0.670)",
        "0.650 (0.600–0.700)",
        "−0.040 (−0.110 to 0.030)",
        "0.21",
    ]


def test_pairs_with_a_small_group_are_left_out_and_counted():
    shown = audit_between(between_table(), labels=LABELS)
    assert len(shown.cells) == 4
    assert "Pairs left out, without an estimate: 3." in shown.notes
    assert not shown.cells["name"].str.contains("missing").any()


def test_pooled_estimates_stand_beside_those_of_each_level_alone():
    shown = audit_shrunken(shrunken_table(), audit_table(), labels=LABELS)
    frame = shown.frame().set_index("")
    assert list(frame.columns) == [
        "Hazard ratio (95% CI): Alone",
        "Hazard ratio (95% CI): Pooled",
        "C-index (95% CI): Alone",
        "C-index (95% CI): Pooled",
    ]
    line = frame.loc[f"{INDENT}Women"].tolist()
    assert line[:2] == ["1.57 (1.34–1.84)", "1.49 (1.37–1.62)"]
    assert len(shown.heads) == 3


def test_a_level_below_the_floor_has_its_bands_in_a_note():
    shown = audit_shrunken(shrunken_table(), audit_table(), labels=LABELS)
    line = shown.cells.set_index("name").loc[f"{INDENT}missing"]
    assert line["hr alone"] == "too fewᵃ"
    assert shown.notes == ("ᵃ too few: 20 or more people, 1 to 9 events",)


def test_tables_that_compare_need_their_columns():
    with pytest.raises(DataError, match="no column `df`; the tests of an audit need"):
        audit_tests(table_of_tests().drop(columns="df"))
    with pytest.raises(DataError, match="no column `term`; ranking between groups"):
        audit_between(between_table().drop(columns="term"))
    with pytest.raises(DataError, match="no column `estimate`; differences needs"):
        audit_differences(differences_table().drop(columns="estimate"))
    assert set(between_table()["biomarker"]) == {SCORE}


def test_a_journal_without_tests_of_interaction_has_adjusted_p_values_alone():
    everywhere = audit_tests(table_of_tests(), labels=LABELS)
    shown = audit_tests(table_of_tests(), labels=LABELS, style=NEJM)
    assert list(shown.headers) == [name for name in everywhere.headers if name != "p"]
    assert list(shown.cells) == list(shown.headers)
