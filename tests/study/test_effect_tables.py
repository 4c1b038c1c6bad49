from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import effect_tables
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

MAKERS = [
    effect_tables.hazard_ratios,
    effect_tables.proportionality,
    effect_tables.ranking,
    effect_tables.subgroup_audit,
    effect_tables.added_value,
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


@pytest.mark.parametrize("make", MAKERS[:4], ids=lambda make: make.__name__)
def test_a_study_without_covariates_has_tables_too(write_study, make):
    cohort = read_cohort(write_study(**NO_COVARIATES))
    assert len(check_table(make(cohort)))
    assert list(effect_tables.models_of(cohort, "faceage")) == [
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


def test_scores_are_ranked_with_the_covariates_that_are_numbers(cohort):
    table = effect_tables.ranking(cohort)
    assert list(table["term"]) == ["faceage", "age", "faceage - age"]
    direct = fs.concordance("Surv(time, event) ~ faceage + age", cohort.data)
    assert list(table["estimate"][:2]) == pytest.approx(list(direct.c_index), rel=EXACT)


def test_subgroups_have_a_row_per_level_and_a_test_per_factor(cohort):
    table = effect_tables.subgroup_audit(cohort)
    assert list(table["level"]) == [
        *("overall", "Men", "Women", ""),
        *("65 or less", "over 65", ""),
    ]
    assert set(table["per"]) == {"10"}
    assert set(table["estimand"]) == {"hr", "interaction_chi2"}


def test_models_are_compared_with_and_without_the_score(write_study, people):
    people["marker"] = people["faceage"] ** 2
    cohort = read_cohort(
        write_study(table=people, **{"[covariates]": "[scores.marker]\n[covariates]"})
    )
    assert effect_tables.comparison_models(cohort) == {
        "Covariates": "Surv(time, event) ~ age + sex",
        "Covariates + Face age": "Surv(time, event) ~ faceage + age + sex",
        "Covariates + marker": "Surv(time, event) ~ marker + age + sex",
        "Covariates + Face age + marker": (
            "Surv(time, event) ~ faceage + marker + age + sex"
        ),
    }
    table = effect_tables.added_value(cohort)
    assert "Covariates + Face age - Covariates" in set(table["term"])


def test_a_single_score_without_covariates_has_nothing_to_compare(write_study):
    cohort = read_cohort(write_study(**NO_COVARIATES))
    assert len(effect_tables.comparison_models(cohort)) == 1


def test_published_rows_stand_beside_ours_for_every_outcome(write_study, people):
    people["relapse"] = np.resize([1, 0, 1], len(people))
    path = write_study(
        table=people,
        **{
            "title": 'published = "p.csv"\ntitle',
            "[scores": '[outcome.also.relapse]\nevent = "relapse"\n\n[scores',
        },
    )
    published = path.parent / "p.csv"
    head = "outcome,subgroup,level,term,hr,low,high,source\n"
    published.write_text(
        head
        + ",,,faceage,1.0,0.9,1.1,Table 9\n"
        + "relapse,sex,Men,faceage,1.0,0.9,1.1,Table 9\n"
    )
    table = check_table(effect_tables.published_beside_ours(read_cohort(path)))
    assert list(table["outcome"]) == ["Death", "Death", "relapse", "relapse"]
    assert list(table["level"]) == ["overall", "Men", "overall", "Men"]
    assert table["published"].notna().tolist() == [True, False, False, True]
    assert table["note"][0] == "differs from print (Table 9)"
    assert table["note"][3].startswith(
        "differs from print (Table 9); left out: `sex` has one level"
    )
    hr, low, high = (
        f"{table[c][0]:.2f}" for c in ("estimate", "conf_low", "conf_high")
    )
    published.write_text(f"{head},,,faceage,{hr},{low},{high},Table 9\n")
    table = effect_tables.published_beside_ours(read_cohort(path))
    assert table["note"][0] == "agrees to every printed decimal (Table 9)"


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


def test_numbers_and_factors_are_told_apart(cohort):
    kinds = {v.name: effect_tables.is_number(cohort, v) for v in cohort.study.variables}
    assert kinds == {"faceage": True, "age": True, "sex": False}
    assert isinstance(cohort.data["sex"].dtype, pd.CategoricalDtype)


def test_groups_at_given_cut_points_are_not_called_quartiles(write_study):
    cuts = "per = 10\ncut_points = [65, 75]\ncut_origin = 'derivation cohort'"
    cohort = read_cohort(write_study(**{"per = 10": cuts}))
    assert effect_tables.groups_name(cohort) == "groups"
    cohort = read_cohort(write_study(**{"seed = 3": "quantile_groups = 3"}))
    assert effect_tables.groups_name(cohort) == "tertiles"
    cohort = read_cohort(write_study(**{"seed = 3": "quantile_groups = 7"}))
    assert effect_tables.groups_name(cohort) == "7 groups"
