from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import effect_tables, models
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

MAKERS = [
    effect_tables.hazard_ratios,
    effect_tables.proportionality,
    effect_tables.subgroup_audit,
    effect_tables.outcomes,
]
NO_COVARIATES = {
    'age = { label = "Age", unit = "years", per = 10 }\n': "",
    'sex = { label = "Sex", levels = { 1 = "Men", 2 = "Women" } }\n': "",
    "sex = true\n": "",
}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_tables_keep_the_contract(cohort, make):
    table = check_table(make(cohort))
    assert len(table)


@pytest.mark.parametrize("make", MAKERS[:3], ids=lambda make: make.__name__)
def test_a_study_without_covariates_has_tables_too(write_study, make):
    cohort = read_cohort(write_study(**NO_COVARIATES))
    assert len(check_table(make(cohort)))
    assert list(models.models_of(cohort, "faceage")) == [
        "unadjusted",
        "quartiles, unadjusted",
    ]


def test_hazard_ratios_are_those_of_cox_per_the_step_named(cohort):
    table = effect_tables.hazard_ratios(cohort)
    assert list(table["model"].unique()) == [
        "unadjusted",
        "adjusted",
        "quartiles, unadjusted",
        "quartiles, adjusted",
    ]
    adjusted = table[table["model"] == "adjusted"].set_index("variable")
    direct = fs.cox("Surv(time, event) ~ faceage + age + sex", cohort.data)
    np.testing.assert_allclose(
        adjusted["estimate"], np.exp(direct.log_hr * [10, 10, 1]), rtol=EXACT
    )
    assert list(adjusted["per"]) == ["10", "10", ""]
    assert adjusted.loc["sex", "reference"] == "Men"
    alone = table[(table["model"] == "unadjusted") & (table["variable"] == "age")]
    direct = fs.cox("Surv(time, event) ~ age", cohort.data)
    np.testing.assert_allclose(
        alone["estimate"], np.exp(10 * direct.log_hr), rtol=EXACT
    )


def test_the_reference_group_is_the_one_that_the_study_names(write_study):
    cohort = read_cohort(write_study(**{"seed = 3": "reference = 'Q4'"}))
    table = effect_tables.hazard_ratios(cohort)
    groups = table[table["variable"] == "faceage_group"]
    assert set(groups["reference"]) == {"Q4"}
    assert list(groups["level"][:3]) == ["Q1", "Q2", "Q3"]


def test_a_step_of_one_deviation_is_that_of_all_rows(write_study):
    cohort = read_cohort(write_study(**{"per = 10": "per = 'sd'"}))
    table = effect_tables.hazard_ratios(cohort)
    row = table[table["model"] == "unadjusted"].iloc[0]
    direct = fs.cox("Surv(time, event) ~ faceage", cohort.data)
    spread = cohort.data["faceage"].std()
    np.testing.assert_allclose(
        row["estimate"], np.exp(direct.log_hr[0] * spread), rtol=EXACT
    )
    assert row["per"] == "SD"


def test_a_step_within_a_factor_divides_by_each_level_s_deviation(write_study):
    cohort = read_cohort(write_study(**{"per = 10": "per = 'sd'\nwithin = 'sex'"}))
    row = effect_tables.hazard_ratios(cohort).iloc[0]
    spread = cohort.data.groupby("sex", observed=True)["faceage"].transform("std")
    scaled = cohort.data.assign(z=cohort.data["faceage"] / spread)
    direct = fs.cox("Surv(time, event) ~ z", scaled)
    np.testing.assert_allclose(row["estimate"], np.exp(direct.log_hr[0]), rtol=EXACT)
    assert (row["per"], row["term"]) == ("SD within sex", "faceage")


def test_strata_weights_and_clusters_reach_the_models(write_study, people):
    people["site"] = np.resize(["a", "b"], len(people))
    people["weight"] = np.resize([1, 2, 3], len(people))
    roles = "strata = 'site'\nweights = 'weight'\ncluster = 'patient'"
    cohort = read_cohort(write_study(table=people, **{"seed = 3": roles}))
    row = effect_tables.hazard_ratios(cohort).iloc[0]
    direct = fs.cox(
        "Surv(time, event) ~ faceage",
        cohort.data,
        strata="site",
        weights="weight",
        cluster="patient",
    ).tidy(exponentiate=True, per={"faceage": 10})
    assert row["conf_low"] == pytest.approx(direct["conf_low"][0], rel=EXACT)


def test_subgroups_have_a_row_per_level_and_a_test_per_factor(cohort):
    table = effect_tables.subgroup_audit(cohort)
    assert list(table["level"]) == [
        *("overall", "Men", "Women", ""),
        *("65 or less", "over 65", ""),
    ]
    assert set(table["per"]) == {"10"}
    assert set(table["estimand"]) == {"hr", "interaction_chi2"}


def test_further_outcomes_have_their_own_hazard_ratios(write_study, people):
    people["relapse"] = np.resize([1, 0, 1], len(people))
    cohort = read_cohort(
        write_study(
            table=people,
            **{"[scores": '[outcome.also.relapse]\nevent = "relapse"\n\n[scores'},
        )
    )
    table = effect_tables.outcomes(cohort)
    assert list(zip(table["outcome"], table["model"], strict=True)) == [
        ("Death", "unadjusted"),
        ("Death", "adjusted"),
        ("relapse", "unadjusted"),
        ("relapse", "adjusted"),
    ]
    assert table["n_events"].tolist()[2:] == [people["relapse"].sum()] * 2
