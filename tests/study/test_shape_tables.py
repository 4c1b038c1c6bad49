from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import shape_tables
from fahrstats.study.checks import read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

ADJUSTED = "Surv(time, event) ~ faceage + age + sex"
SPLINE = "Surv(time, event) ~ rcs(faceage, 4) + age + sex"


def test_a_spline_is_drawn_relative_to_the_median(cohort):
    table = check_table(shape_tables.hazard_curves(cohort))
    direct = fs.cox(SPLINE, cohort.data).curve("faceage").tidy(exponentiate=True)
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
    assert len(table) == 101
    assert set(table["reference"]) == {f"{cohort.data['faceage'].median():g}"}
    assert set(table["model"]) == {"adjusted"}


def test_a_bend_is_tested_with_the_likelihood_ratio_too(cohort):
    table = check_table(shape_tables.nonlinearity(cohort))
    direct = fs.cox(SPLINE, cohort.data).nonlinearity(cohort.data)
    np.testing.assert_allclose(table["statistic"], direct["statistic"], rtol=EXACT)
    assert list(table["estimand"])[-1] == "nonlinear_lr_chi2"


def test_a_score_of_few_values_has_no_spline_and_says_so(write_study, people):
    people["faceage"] = np.resize([50.0, 60, 70, 80, 80], len(people))
    groups = {"seed = 3": "quantile_groups = 2\nseed = 3"}
    cohort = read_cohort(write_study(table=people, **groups))
    table = check_table(shape_tables.hazard_curves(cohort))
    assert len(table) == 1
    assert table["note"][0].startswith("not estimated: ")
    assert table["biomarker"][0] == "faceage"


def test_a_spline_is_in_the_units_of_the_data(write_study):
    cohort = read_cohort(write_study(**{"per = 10": "per = 'sd'\nwithin = 'sex'"}))
    table = shape_tables.hazard_curves(cohort)
    assert table["value"].between(30, 110).all()


def test_what_leaving_out_a_term_costs(write_study, people):
    people["marker"] = people["faceage"] ** 2
    path = write_study(
        table=people, **{"[covariates]": "[scores.marker]\n[covariates]"}
    )
    cohort = read_cohort(path)
    table = check_table(shape_tables.term_tests(cohort))
    assert list(table["model"].unique()) == ["adjusted", "all scores"]
    own = table[table["biomarker"] == "faceage"]
    direct = fs.cox(ADJUSTED, cohort.data).drop1(cohort.data)
    np.testing.assert_allclose(own["statistic"], direct["statistic"], rtol=EXACT)
    together = table[table["model"] == "all scores"]
    assert list(together["term"]) == ["faceage", "marker", "age", "sex"]


def test_hazard_ratios_over_time_are_per_the_step_of_the_study(cohort):
    table = check_table(shape_tables.ratios_over_time(cohort))
    direct = fs.ph_test(ADJUSTED, cohort.data).over_time()
    size = np.where(direct["term"] == "sex[T.Women]", 1, 10)
    expected = np.exp(direct["estimate"] * size)
    np.testing.assert_allclose(table["estimate"], expected, rtol=EXACT)
    per = table.drop_duplicates("term").set_index("term")["per"]
    assert per.to_dict() == {"faceage": "10", "age": "10", "sex[T.Women]": ""}


def test_influence_names_no_row(cohort):
    table = check_table(shape_tables.influence(cohort))
    direct = fs.cox(ADJUSTED, cohort.data).influence(cohort.data).tidy()
    np.testing.assert_allclose(table["estimate"], direct["estimate"], rtol=EXACT)
    assert len(table) == 9


@pytest.mark.parametrize(
    "make",
    [
        shape_tables.hazard_curves,
        shape_tables.nonlinearity,
        shape_tables.term_tests,
        shape_tables.ratios_over_time,
        shape_tables.influence,
    ],
    ids=lambda make: make.__name__,
)
def test_strata_and_clusters_reach_the_models(write_study, people, make):
    people["site"] = np.resize(["a", "b"], len(people))
    roles = "strata = 'site'\ncluster = 'patient'"
    cohort = read_cohort(write_study(table=people, **{"seed = 3": roles}))
    assert len(check_table(make(cohort)))
