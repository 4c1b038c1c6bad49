from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import people_tables
from fahrstats.study.audit_tables import characteristics as audit_characteristics
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

MAKERS = [
    people_tables.participant_flow,
    people_tables.characteristics,
    people_tables.length_of_follow_up,
    people_tables.cut_points,
    people_tables.curves,
    people_tables.at_risk,
    people_tables.survival_at,
    people_tables.group_tests,
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_tables_keep_the_contract(cohort, make):
    table = check_table(make(cohort))
    assert len(table)


def test_table_one_describes_everyone_and_each_quartile(cohort):
    table = people_tables.characteristics(cohort)
    assert list(table["group"].unique()) == ["overall", "Q1", "Q2", "Q3", "Q4"]
    assert list(table["variable"].unique()) == ["faceage", "age", "sex"]
    men = table[(table["variable"] == "sex") & (table["level"] == "Men")]
    counts = men[men["estimand"] == "count"].set_index("group")["estimate"]
    assert counts["overall"] == counts.drop("overall").sum()


def test_a_subgroup_that_is_no_covariate_is_described_too(write_study, people):
    people["race"] = np.resize(["White", "Black"], len(people))
    cohort = read_cohort(
        write_study(table=people, **{"sex = true": "sex = true\nrace = true"})
    )
    assert "race" in set(people_tables.characteristics(cohort)["variable"])


def test_cut_points_count_rows_and_events_of_each_group(cohort):
    table = people_tables.cut_points(cohort)
    assert table["n"].sum() == 200
    assert table["n_events"].sum() == cohort.data["event"].sum()
    assert list(table["estimate"][:3]) == list(cohort.groups["faceage"].cut_points)


def test_curves_are_those_of_the_quartiles(cohort):
    quartile = fs.quantile_groups(cohort.data["faceage"]).assign(cohort.data["faceage"])
    direct = fs.kaplan_meier(
        "Surv(time, event) ~ quartile", cohort.data.assign(quartile=quartile)
    )
    np.testing.assert_allclose(
        people_tables.curves(cohort)["estimate"], direct.tidy()["estimate"], rtol=EXACT
    )
    at = people_tables.survival_at(cohort)
    assert list(at["time"].unique()) == [1, 2]
    np.testing.assert_allclose(
        at["estimate"], direct.at([1, 2])["estimate"], rtol=EXACT
    )


def test_everyone_is_at_risk_at_first(cohort):
    table = people_tables.at_risk(cohort)
    first = table[table["time"] == 0]
    assert list(first["group"]) == ["Q1", "Q2", "Q3", "Q4"]
    assert first["n_at_risk"].sum() == 200


def test_the_log_rank_test_says_when_it_leaves_weights_out(write_study, people):
    people["weight"] = 2
    cohort = read_cohort(
        write_study(table=people, **{"seed = 3": "weights = 'weight'"})
    )
    assert people_tables.group_tests(cohort)["note"].item() == (
        "case weights are not used"
    )


@pytest.mark.parametrize(
    ("last", "step", "n"), [(14.1, 2, 8), (4.2, 1, 5), (0.4, 0.1, 5), (90, 20, 5)]
)
def test_times_are_round_and_few(last, step, n):
    times = people_tables.round_times(last)
    assert len(times) == n
    assert times[1] == pytest.approx(step)
    assert times[-1] <= last


def test_horizons_have_a_default_within_follow_up(write_study):
    cohort = read_cohort(write_study(**{"horizons = [1, 2]": ""}))
    assert people_tables.horizons(cohort) == (1, 2)


@pytest.mark.parametrize("make", [people_tables.characteristics, audit_characteristics])
def test_numbers_of_two_values_are_counted(write_study, people, make):
    """Six people of 200 with a 1 would be a median of 0 and a mean of 0.03."""
    people["diabetes"] = (people.index % 34 == 0).astype(float)
    covariate = 'diabetes = { label = "Diabetes" }'
    cohort = read_cohort(
        write_study(table=people, **{"age = { label": f"{covariate}\nage = {{ label"})
    )
    table = make(cohort)
    rows = table[(table["variable"] == "diabetes") & (table["estimand"] != "smd")]
    assert set(rows["estimand"]) == {"count", "percent"}
    everyone = rows[(rows["group"] == "overall") & (rows["estimand"] == "count")]
    first = everyone.drop_duplicates("level").set_index("level")
    assert first["estimate"].to_dict() == {"0": 194, "1": 6}
