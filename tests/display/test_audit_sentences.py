from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from audited import audit_table, between_table, differences_table, table_of_tests

from fahrstats.display import audit_sentences as said
from fahrstats.errors import DataError

LABELS = {
    "flc": {"label": "Free light chain", "unit": "mg/dL"},
    "sex": {"label": "Sex", "unit": ""},
    "race": {"label": "Race", "unit": ""},
}
CROSS = "\N{MULTIPLICATION SIGN}"


def test_who_was_audited_by_what_is_one_sentence():
    assert said.audited(audit_table(), outcome="Death", labels=LABELS) == (
        "Free light chain was audited as a predictor of death in 2,000 people with 400 "
        f"events, by sex and race, and by sex {CROSS} race: 12 groups."
    )


def test_only_differences_that_stand_up_to_their_number_are_named():
    tests = table_of_tests()
    (line,) = said.group_differences(tests, differences_table(), labels=LABELS)
    assert line == (
        "Race: groups differ by more than the margin in the ratio of observed to "
        "expected events (adjusted P=0.001; Black against White: 1.30, 95% CI "
        "1.10\N{EN DASH}1.60)."
    )


def test_a_largest_difference_with_limits_on_both_sides_is_called_uncertain():
    wide = differences_table().assign(conf_low=0.9, joint_low=0.9)
    (line,) = said.group_differences(table_of_tests(), wide, labels=LABELS)
    assert "Black against White, uncertain: 1.30, 95% CI 0.90" in line


def test_differences_within_the_margin_are_named_apart():
    tests = table_of_tests().assign(p_adjusted=0.01)
    lines = said.group_differences(tests, differences_table(), labels=LABELS)
    assert len(lines) == 3
    assert lines[0].startswith("Sex: groups differ by more than the margin in the haz")
    assert lines[0].endswith(
        "; by less in the C-index, the C-index of the model and the calibration slope."
    )
    assert lines[2].startswith(f"Sex {CROSS} race: groups differ by more")


def test_without_a_difference_groups_are_not_called_alike():
    tests = table_of_tests().assign(p_adjusted=0.06)
    (line,) = said.group_differences(tests, differences_table(), labels=LABELS)
    assert line == (
        "No measure differed between groups beyond what chance explains in 15 tests; "
        "this is no proof that groups are alike."
    )


def test_without_a_test_nothing_is_said_of_chance():
    tests = table_of_tests().assign(p_value=np.nan, p_adjusted=np.nan)
    (line,) = said.group_differences(tests, differences_table(), labels=LABELS)
    assert line == "Groups are too few or too small for any test of a difference."


def test_rows_of_one_person_are_not_called_people():
    told = said.audited(audit_table(), outcome="Death", has_repeats=True)
    assert " in 2,000 rows, several of one person, with 400 events, by " in told
    assert " in 2,000 people with 400 events" in said.audited(
        audit_table(), outcome="Death"
    )


def test_a_small_p_value_before_adjustment_is_no_difference():
    tests = table_of_tests().assign(p_value=0.004, p_adjusted=0.06)
    (line,) = said.group_differences(tests, differences_table(), labels=LABELS)
    assert line.startswith("No measure differed")


def test_a_difference_without_a_size_is_named_all_the_same():
    blank = differences_table().assign(estimate=np.nan)
    (line,) = said.group_differences(table_of_tests(), blank, labels=LABELS)
    assert line == (
        "Race: groups differ by less than the margin in the ratio of observed to "
        "expected events."
    )


def test_unknown_groups_are_named_and_many_are_counted():
    line = said.unknown_groups(audit_table(), "c_index", labels=LABELS)
    assert line.startswith(
        "The C-index is unknown, not fair, in 8 of 12 groups: Black, "
    )
    assert line.endswith("and 3 more.")
    assert said.unknown_groups(audit_table(), "brier", labels=LABELS) == ""


def test_small_groups_are_named_without_counts():
    line = said.groups_too_small(audit_table(), labels=LABELS)
    assert line == (
        "1 group has too few people or events to say anything: race missing."
    )
    everyone = audit_table().assign(n=pd.NA, note="too few: 0 to 19 people")
    assert "overall" not in said.groups_too_small(everyone, labels=LABELS)
    large = audit_table().assign(note="")
    assert said.groups_too_small(large, labels=LABELS) == ""


def test_too_few_events_by_the_horizon_leave_a_group_large_enough():
    table = audit_table()
    is_it = (table["level"] == "Black") & (table["estimand"] == "ipa")
    table.loc[is_it, "note"] = "too few: 0 to 9 events by 5"
    line = said.groups_too_small(table, labels=LABELS)
    assert "Black" not in line


def test_levels_without_a_curve_are_named():
    table = audit_table().assign(note="")
    table.loc[table["level"] == "missing", "note"] = "not estimated: fewer than 20"
    table = table[table["estimand"] == "hr"]
    assert said.levels_not_calibrated(table, labels=LABELS) == (
        "Without a curve, since events by the horizon are few: race missing."
    )
    assert said.levels_not_calibrated(table.head(2), labels=LABELS) == ""


def test_shares_that_are_the_same_are_called_alike():
    table = audit_table()
    table["n_missing"] = table["n"] / 10
    line = said.missing_by_group(table, labels=LABELS)
    assert line == (
        "Measurements that the models need are missing by sex alike; by race alike."
    )


def test_the_number_of_tests_is_said():
    assert said.tests_made(table_of_tests()).startswith(
        "15 tests of no difference were"
    )
    assert said.tests_made(table_of_tests().assign(p_value=np.nan)) == ""
    one = table_of_tests().head(1)
    assert said.tests_made(one).startswith("1 test of no difference")


def test_missing_measurements_are_told_by_factor():
    table = audit_table()
    table.loc[table["level"] == "Men", "n_missing"] = 240.0
    outside = table.assign(estimand="outside_c_index_event", n_missing=np.nan)
    table = pd.concat([table, outside], ignore_index=True)
    line = said.missing_by_group(table, labels=LABELS)
    assert "by sex from 2.4% in Women to 20.0% in Men; by race from " in line
    assert CROSS not in line
    none = said.missing_by_group(audit_table().assign(n_missing=0.0), labels=LABELS)
    assert none == "No group lacks measurements that the models need."


def test_numbers_missing_that_are_not_published_are_not_taken_for_none():
    table = audit_table().assign(n_missing=0.0)
    table.loc[table["level"] == "Men", "n_missing"] = np.nan
    line = said.missing_by_group(table, labels=LABELS)
    assert line == "Measurements that the models need are missing by race alike."
    table["n_missing"] = np.nan
    line = said.missing_by_group(table, labels=LABELS)
    assert line.endswith("is not told of groups in which few lack them.")


def test_factors_are_listed_with_their_levels():
    assert said.factors_audited(audit_table(), labels=LABELS) == (
        "Sex (Women, Men); race (White, Black, Other or declined, missing); the "
        f"crossing sex {CROSS} race."
    )


def test_the_pair_with_the_largest_difference_of_directions_is_named():
    table = between_table()
    is_it = table["term"] == "Black - Other or declined"
    is_it &= table["estimand"] == "cross_c_difference"
    table.loc[is_it, "estimate"] = -0.2
    (line,) = said.ranked_between(table, labels=LABELS)
    assert line == (
        "Race: the directions differ most between Black and Other or declined, with a "
        "C-index of 0.660 where the event is in Black and 0.690 where it is in Other "
        "or declined (adjusted P=0.21)."
    )
    alike = table.assign(p_adjusted=np.nan, note="every pair is ranked alike")
    (line,) = said.ranked_between(alike, labels={})
    assert line.startswith("Race: the directions differ most between ")
    assert line.endswith(" (every pair is ranked alike).")
    silent = table.assign(estimate=np.nan)
    assert said.ranked_between(silent, labels=LABELS) == []


@pytest.mark.parametrize(
    "sentence", [said.factors_audited, said.missing_by_group, said.groups_too_small]
)
def test_a_table_without_levels_is_refused(sentence):
    with pytest.raises(DataError, match="no column `level`; a sentence needs"):
        sentence(audit_table().drop(columns="level"))
