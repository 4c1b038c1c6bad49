from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import ranking_tables
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""


def test_scores_are_ranked_with_the_covariates_that_are_numbers(cohort):
    table = ranking_tables.ranking(cohort)
    assert list(table["term"]) == ["faceage", "age", "faceage - age"]
    direct = fs.concordance("Surv(time, event) ~ faceage + age", cohort.data)
    assert list(table["estimate"][:2]) == pytest.approx(list(direct.c_index), rel=EXACT)


def test_differences_are_adjusted_for_their_number(write_study, people):
    people["marker"] = people["age"] + np.resize([0, 9, 3], len(people))
    people["bmi"] = np.resize([20.0, 31.0, 25.0, 28.0], len(people))
    scores = "[scores.marker]\n[covariates]\nbmi = {}"
    cohort = read_cohort(write_study(table=people, **{"[covariates]": scores}))
    table = check_table(ranking_tables.ranking(cohort))
    pairs = table[table["estimand"] == "delta_c_index"].set_index("term")
    # What two covariates differ by is no question of the study.
    assert len(pairs) == 5
    assert "bmi - age" not in pairs.index
    direct = fs.concordance("Surv(time, event) ~ faceage + marker", cohort.data)
    found = direct.contrast("faceage", "marker")
    assert pairs["p_value"]["faceage - marker"] == pytest.approx(
        found["p_value"][0], rel=EXACT
    )
    assert (pairs["p_adjusted"] >= pairs["p_value"]).all()
    assert (pairs["joint_low"] < pairs["conf_low"]).all()


def test_uno_s_concordance_ends_at_the_last_horizon(cohort):
    table = check_table(ranking_tables.uno(cohort))
    direct = fs.concordance(
        "Surv(time, event) ~ faceage + age", cohort.data, time_weight="n/G2", tau=2
    )
    assert set(table["time"]) == {2.0}
    assert list(table["estimate"][:2]) == pytest.approx(list(direct.c_index), rel=EXACT)


def test_uno_s_concordance_with_delayed_entry_says_why_it_is_not_there(
    write_study, people
):
    people["start"] = people["days"] / 3
    changes = {'unit = "days"': 'unit = "days"\nentry = "start"'}
    table = ranking_tables.uno(read_cohort(write_study(table=people, **changes)))
    assert len(table) == 1
    assert "delayed entry" in check_table(table)["note"][0]


def test_every_level_of_a_subgroup_is_ranked(cohort):
    table = check_table(ranking_tables.ranking_by_subgroup(cohort))
    direct = fs.concordance_by(
        "Surv(time, event) ~ faceage + age", cohort.data, by=["sex", "age_band"]
    ).tidy()
    assert list(table["level"]) == list(direct["level"])
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
