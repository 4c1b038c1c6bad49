from __future__ import annotations

import numpy as np
from tables import check_table

import fahrstats as fs
from fahrstats.study import comparison_tables, complement_tables, shape_tables
from fahrstats.study.checks import read_cohort
from fahrstats.study.contents import table_makers

NO_COVARIATES = {
    'age = { label = "Age", unit = "years", per = 10 }\n': "",
    'sex = { label = "Sex", levels = { 1 = "Men", 2 = "Women" } }\n': "",
    "sex = true\n": "",
}
EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""


def test_models_are_compared_with_and_without_the_score(write_study, people):
    people["marker"] = people["faceage"] ** 2
    cohort = read_cohort(
        write_study(table=people, **{"[covariates]": "[scores.marker]\n[covariates]"})
    )
    assert comparison_tables.comparison_models(cohort) == {
        "Covariates": "Surv(time, event) ~ age + sex",
        "Covariates + Face age": "Surv(time, event) ~ faceage + age + sex",
        "Covariates + marker": "Surv(time, event) ~ marker + age + sex",
        "Covariates + Face age + marker": (
            "Surv(time, event) ~ faceage + marker + age + sex"
        ),
    }
    table = comparison_tables.added_value(cohort)
    assert "Covariates + Face age - Covariates" in set(table["term"])


def test_a_score_that_stands_alone_is_in_no_model_with_others(write_study, people):
    people["marker"] = people["faceage"] ** 2
    people["benchmark"] = people["faceage"] + np.arange(len(people)) % 7
    scores = "[scores.benchmark]\nalone = true\n[scores.marker]\n[covariates]"
    cohort = read_cohort(write_study(table=people, **{"[covariates]": scores}))
    models = comparison_tables.comparison_models(cohort)
    assert list(models) == [
        "Covariates",
        "Covariates + Face age",
        "Covariates + benchmark",
        "Covariates + marker",
        "Covariates + Face age + marker",
    ]
    together = "Surv(time, event) ~ faceage + marker + age + sex"
    assert models["Covariates + Face age + marker"] == together
    tests = shape_tables.term_tests(cohort).query("model == 'all scores'")
    assert tests["term"].tolist() == ["faceage", "marker", "age", "sex"]
    groups = complement_tables.joint_groups(cohort)
    assert set(groups["second_group"]) >= {"low", "high"}
    assert not groups["term"].str.contains("benchmark").any()
    assert {"joint_groups", "score_correlation"} <= set(table_makers(cohort))


def test_one_score_beside_a_benchmark_is_not_crossed_with_it(write_study, people):
    people["benchmark"] = people["faceage"] + np.arange(len(people)) % 7
    scores = "[scores.benchmark]\nalone = true\n[covariates]"
    cohort = read_cohort(write_study(table=people, **{"[covariates]": scores}))
    assert not {"joint_groups", "score_correlation"} & set(table_makers(cohort))
    assert "all scores" not in set(shape_tables.term_tests(cohort)["model"])


def test_a_single_score_without_covariates_has_nothing_to_compare(write_study):
    cohort = read_cohort(write_study(**NO_COVARIATES))
    assert len(comparison_tables.comparison_models(cohort)) == 1


def test_what_each_model_adds_is_that_of_compare(write_study):
    changes = {"seed = 3": "seed = 3\nn_boot = 20\nrisk_categories = [0.2, 0.4]"}
    cohort = read_cohort(write_study(**changes))
    table = check_table(comparison_tables.added_value(cohort))
    direct = fs.compare(
        comparison_tables.comparison_models(cohort),
        cohort.data,
        horizons=[1, 2],
        risk_categories=[0.2, 0.4],
        n_boot=20,
        seed=3,
    ).tidy()
    assert list(table["estimand"]) == list(direct["estimand"])
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
    assert set(table["validation"]) == {"", "apparent", "optimism-corrected"}
    assert "nri_categories" in set(table["estimand"])


def test_a_horizon_that_cannot_be_judged_keeps_a_row(write_study, people):
    people["days"] = people["days"].clip(lower=40)
    changes = {"horizons = [1, 2]": "horizons = [0.1, 2]"}
    cohort = read_cohort(write_study(table=people, **changes))
    table = check_table(comparison_tables.added_value(cohort))
    (note,) = table.loc[table["time"] == 0.1, "note"]
    assert note.startswith("not estimated: None of the")
    assert set(table["time"].dropna()) == {0.1, 2.0}
    assert comparison_tables.is_judged(cohort)


def test_models_with_delayed_entry_are_compared_without_predictions(
    write_study, people
):
    people["start"] = people["days"] / 3
    changes = {'unit = "days"': 'unit = "days"\nentry = "start"'}
    cohort = read_cohort(write_study(table=people, **changes))
    assert not comparison_tables.is_judged(cohort)
    table = check_table(comparison_tables.added_value(cohort))
    assert "delta_c_index" in set(table["estimand"])
    assert table["note"].str.contains("has delayed entry").sum() == 2


def test_calibration_is_of_every_model_at_every_horizon(cohort):
    labels = list(comparison_tables.comparison_models(cohort))
    groups = check_table(comparison_tables.calibration_groups(cohort))
    assert list(groups["term"].unique()) == labels
    assert list(groups["time"].unique()) == [1, 2]
    fit = fs.cox("Surv(time, event) ~ age + sex", cohort.data)
    risk = fit.baseline(cohort.data).risk(cohort.data, 2)["estimate"].to_numpy()
    direct = fs.calibration(
        "Surv(time, event) ~ risk", cohort.data.assign(risk=risk), horizon=2
    )
    ours = groups[(groups["term"] == labels[0]) & (groups["time"] == 2)]
    np.testing.assert_allclose(
        ours["predicted"], direct.by_group()["predicted"], rtol=EXACT
    )
    for make in (
        comparison_tables.calibration_numbers,
        comparison_tables.calibration_curves,
        comparison_tables.predicted_risks,
        comparison_tables.decision_curve,
    ):
        table = check_table(make(cohort))
        assert set(labels) <= set(table["term"])
    spread = comparison_tables.predicted_risks(cohort)
    assert spread["n"].sum() == 200 * len(labels) * 2


def test_the_size_of_the_study_stands_beside_what_is_needed(cohort):
    table = check_table(comparison_tables.planned_size(cohort))
    ours = table[table["term"] == "this study"].set_index("estimand")["estimate"]
    assert ours["sample_size"] == 200
    assert ours["events_per_coefficient"] == cohort.data["event"].sum() / 3
    assert set(table["model"]) == {"Covariates + Face age"}
    assert table["term"].str.startswith("shrinkage").any()
    assert (table["term"] == "standard error of 0.0255").sum() == 1
