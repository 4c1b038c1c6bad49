from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import complement_tables
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""


@pytest.fixture
def pair(write_study, people):
    """Return the cohort of a study with two scores."""
    people["marker"] = np.resize([1.0, 5.0, 2.0, 4.0, 3.0], len(people))
    people["marker"] += people["age"] / 50
    return read_cohort(
        write_study(table=people, **{"[covariates]": "[scores.marker]\n[covariates]"})
    )


def test_scores_are_correlated_as_they_are_and_given_the_covariates(pair):
    table = check_table(complement_tables.correlations(pair))
    scores = ["faceage", "marker"]
    direct = fs.score_correlation(scores, pair.data, adjust=["age", "sex"]).tidy()
    adjusted = table[table["model"] == "adjusted"]
    np.testing.assert_allclose(adjusted["estimate"], direct["estimate"], rtol=EXACT)
    assert list(table["estimand"]) == [
        *("pearson", "spearman", "partial_pearson", "partial_spearman")
    ]


def test_joint_groups_are_halves_and_as_many_as_the_study_makes(pair):
    halves = check_table(complement_tables.joint_groups(pair))
    quarters = check_table(complement_tables.joint_groups_fine(pair))
    for table, n_groups in ((halves, 2), (quarters, 4)):
        direct = fs.joint_risk_groups(
            "Surv(time, event) ~ age + sex",
            pair.data,
            scores=["faceage", "marker"],
            n_groups=n_groups,
        ).tidy(exponentiate=True)
        np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
        assert (table["first_group"] != "").sum() == n_groups**2


def test_curves_of_joint_groups_are_on_a_grid(pair):
    curves = check_table(complement_tables.joint_curves(pair))
    assert curves.groupby("group").size().max() <= 101
    first = curves[curves["time"] == 0]
    assert (first["estimate"] == 1).all()
    levels = first[["first_group", "second_group"]].agg(" ".join, axis=1)
    assert list(levels) == ["low low", "low high", "high low", "high high"]
    at_risk = check_table(complement_tables.joint_at_risk(pair))
    assert at_risk.loc[at_risk["time"] == 0, "n_at_risk"].sum() == 200


def test_joint_groups_of_one_score_twice_say_why_there_are_none(write_study, people):
    people["marker"] = 2 * people["faceage"] + 1
    path = write_study(
        table=people, **{"[covariates]": "[scores.marker]\n[covariates]"}
    )
    cohort = read_cohort(path)
    for make in (
        complement_tables.joint_groups,
        complement_tables.joint_groups_fine,
        complement_tables.joint_curves,
        complement_tables.joint_at_risk,
    ):
        table = check_table(make(cohort))
        assert len(table) == 1
        assert "are the same score up to its unit" in table["note"][0]
