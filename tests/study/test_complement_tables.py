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
        sizes = table[table["estimand"] == "marker_sd"]
        spread = pair.data[["faceage", "marker"]].std()
        np.testing.assert_allclose(sizes["estimate"], spread, rtol=EXACT)
        found = table.drop(sizes.index)["estimate"]
        np.testing.assert_allclose(found, direct["estimate"], rtol=EXACT)
        assert (table["first_group"] != "").sum() == n_groups**2


def test_one_sd_is_that_of_every_other_hazard_ratio_of_the_study(write_study, people):
    """Rows without the second score count for the SD of the first."""
    people["marker"] = np.resize([1.0, 5.0, 2.0, 4.0, 3.0], len(people))
    people.loc[people["faceage"] > people["faceage"].quantile(0.9), "marker"] = np.nan
    marker = "[scores.marker]\nmay_be_missing = true\n[covariates]"
    path = write_study(
        table=people, **{"per = 10\n": 'per = "sd"\n', "[covariates]": marker}
    )
    cohort = read_cohort(path)
    table = complement_tables.joint_groups(cohort)
    sizes = table[table["estimand"] == "marker_sd"].set_index("term")["estimate"]
    assert sizes["faceage"] == cohort.deviations["faceage"]["overall"]
    both = cohort.data.dropna(subset="marker")
    assert sizes["faceage"] != pytest.approx(both["faceage"].std(), rel=0.05)
    ratios = table[(table["term"] == "faceage") & (table["estimand"] == "hr")]
    for _, rows in ratios.groupby("model"):
        per_unit, per_sd = np.log(rows.sort_values("per")["estimate"])
        assert per_sd == pytest.approx(per_unit * sizes["faceage"], rel=EXACT)


def test_an_sd_within_levels_is_the_step_of_joint_groups_too(write_study, people):
    """It has one size a level, so that none is told for everyone."""
    people["marker"] = np.resize([1.0, 5.0, 2.0, 4.0, 3.0], len(people))
    people.loc[people["sex"] == 1, "faceage"] *= 2
    steps = {
        "per = 10\n": 'per = "sd"\nwithin = "sex"\n',
        "[covariates]": "[scores.marker]\nalone = false\n[covariates]",
    }
    cohort = read_cohort(write_study(table=people, **steps))
    table = complement_tables.joint_groups(cohort)
    sizes = table[table["estimand"] == "marker_sd"]
    assert list(sizes["term"]) == ["marker"]
    both = ["faceage", "marker", "age", "sex"]
    direct = fs.cox(f"Surv(time, event) ~ {' + '.join(both)}", cohort.model_data)
    is_ours = (table["term"] == "faceage") & (table["model"] == "faceage + marker")
    ours = table[is_ours & (table["per"] == "SD")]["estimate"].item()
    assert ours == pytest.approx(np.exp(direct.log_hr[0]), rel=1e-7)
    steps["[covariates]"] = "[scores.marker]\nper = 'sd'\nwithin = 'sex'\n[covariates]"
    cohort = read_cohort(write_study(table=people, **steps))
    assert "marker_sd" not in set(complement_tables.joint_groups(cohort)["estimand"])


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
