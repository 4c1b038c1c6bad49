from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import sensitivity_tables
from fahrstats.study.checks import check_study, read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

ADJUSTED = "Surv(time, event) ~ faceage + age + sex"


def test_imputed_models_stand_beside_complete_cases(write_study, people):
    people.loc[:39, "faceage"] = np.nan
    path = write_study(table=people, **{"seed = 3": "seed = 3\nimputations = 3"})
    cohort = read_cohort(path)
    assert sensitivity_tables.is_imputed(cohort)
    table = check_table(sensitivity_tables.imputed(cohort))
    assert list(table["model"].unique()) == ["complete case", "imputed"]
    assert list(table["n"].unique()) == [160, 200]
    tables = fs.impute(ADJUSTED, cohort.everyone, seed=3, n_tables=3)
    direct = fs.pool(fs.cox, ADJUSTED, tables)
    ours = table[(table["model"] == "imputed") & (table["variable"] == "faceage")]
    expected = np.exp(10 * direct.tidy()["estimate"][0])
    assert ours["estimate"].item() == pytest.approx(expected, rel=EXACT)
    assert ours["per"].item() == "10"
    drawn = check_table(sensitivity_tables.imputed_variables(cohort))
    assert drawn["n_missing"].tolist() == [40]


def test_nothing_is_imputed_where_nothing_is_missing(write_study):
    path = write_study(**{"seed = 3": "imputations = 3"})
    check = check_study(path)
    assert not sensitivity_tables.is_imputed(check.cohort)
    assert check.notes[-1] == (
        "[analysis]: `imputations` is 3, but no row lacks a score or a covariate."
    )


def test_each_cohort_is_analysed_apart_and_all_are_pooled(write_study, people):
    people["site.no"] = np.resize([1, 2, 3], len(people))
    path = write_study(table=people, **{"seed = 3": "cohorts = 'site.no'"})
    cohort = read_cohort(path)
    table = check_table(sensitivity_tables.cohorts(cohort))
    assert list(table["cohort"][:3]) == ["1", "2", "3"]
    parts = {str(k): part for k, part in cohort.data.groupby("cohort", observed=True)}
    direct = fs.meta(ADJUSTED, parts, term="faceage")
    expected = direct.tidy(exponentiate=True, per={"faceage": 10})
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=EXACT)
    assert set(table["per"]) == {"10"}


def test_cohorts_need_two_levels(write_study, people):
    people["site"] = "a"
    path = write_study(table=people, **{"seed = 3": "cohorts = 'site'"})
    (problem,) = check_study(path).problems
    assert problem == (
        "[analysis]: `cohorts` is `site`, which has 1 level; a meta-analysis needs 2."
    )


def test_cohorts_without_estimates_say_so(write_study, people):
    people["site"] = np.resize(["a", "b"], len(people))
    people.loc[people["site"] == "b", "dead"] = 0
    path = write_study(table=people, **{"seed = 3": "cohorts = 'site'"})
    table = check_table(sensitivity_tables.cohorts(read_cohort(path)))
    assert len(table) == 1
    assert table["note"][0].startswith("not estimated: ")


def test_early_deaths_are_counted_with_and_without_weights(write_study, people):
    people.loc[:30, "days"] = 50
    people.loc[:30, "dead"] = 0
    path = write_study(table=people, **{"seed = 3": "early = [0.5]"})
    cohort = read_cohort(path)
    table = check_table(sensitivity_tables.early_deaths(cohort))
    assert list(table["model"].unique()) == [
        *("censored before it excluded", "censored before it weighted")
    ]
    for censoring in ("excluded", "weighted"):
        direct = fs.early_mortality(
            ADJUSTED,
            cohort.data,
            horizons=[0.5],
            time_unit="years",
            censoring=censoring,
        ).tidy(exponentiate=True, per={"faceage": 10, "age": 10})
        ours = table[table["model"] == f"censored before it {censoring}"]
        np.testing.assert_allclose(ours["estimate"], direct["estimate"], rtol=EXACT)
    assert table["n_censored"].eq(31).all()


def test_weights_that_a_method_does_not_use_are_told(write_study, people):
    people["weight"] = np.resize([1, 2], len(people))
    roles = "early = [0.5]\nweights = 'weight'"
    cohort = read_cohort(write_study(table=people, **{"seed = 3": roles}))
    notes = sensitivity_tables.early_deaths(cohort)["note"]
    assert notes.str.endswith("case weights are not used").all()


def test_an_early_year_beyond_follow_up_is_a_problem(write_study):
    path = write_study(**{"seed = 3": "early = [30]"})
    (problem,) = check_study(path).problems
    assert problem.startswith("[analysis]: `early` holds 30 years, but the longest")
