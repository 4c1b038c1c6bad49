from __future__ import annotations

import numpy as np
import pytest
from tables import check_table

import fahrstats as fs
from fahrstats.study import competing_tables
from fahrstats.study.checks import check_study, read_cohort

EXACT = 1e-12
"""Our own numbers, reached by two routes through the same functions."""

ADJUSTED = "Surv(time, event) ~ faceage + age + sex"
CAUSES = """
[competing]
cause = "cause"
levels = { C = "Cancer", I = "Heart" }
other = "Other"
of = "Cancer"
"""


@pytest.fixture
def write_causes(write_study, people):
    """Write a study of three causes of death; return its file."""

    def write(text=CAUSES, **changes):
        people["cause"] = np.resize(["C", "I", "J", "K", "C"], len(people))
        people.loc[people["dead"] == 0, "cause"] = None
        table = people.assign(**changes)
        return write_study(table=table, **{"[subgroups]": f"{text}\n[subgroups]"})

    return write


@pytest.fixture
def causes(write_causes):
    """Return the cohort of that study, and its rows with the causes by name."""
    cohort = read_cohort(write_causes())
    faceage = cohort.data["faceage"]
    groups = fs.quantile_groups(faceage).assign(faceage)
    return cohort, cohort.data.assign(q=groups)


def test_causes_that_are_not_listed_are_taken_together(causes):
    cohort, _ = causes
    named = cohort.data.loc[cohort.data["event"] == 1, "cause"]
    assert list(named.cat.categories) == ["Cancer", "Heart", "Other"]
    assert named.notna().all()
    assert cohort.data.loc[cohort.data["event"] == 0, "cause"].isna().all()


def test_incidence_of_each_cause_is_on_a_grid_and_at_the_horizons(causes):
    cohort, data = causes
    curves = check_table(competing_tables.incidence(cohort))
    assert curves.groupby(["cause", "group"]).size().max() <= 101
    direct = fs.cumulative_incidence("Surv(time, event) ~ q", data, cause="cause")
    table = check_table(competing_tables.incidence_at(cohort))
    expected = direct.at([1, 2])
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=EXACT)
    assert list(table["cause"].unique()) == ["Cancer", "Heart", "Other"]
    at_risk = check_table(competing_tables.incidence_at_risk(cohort))
    assert at_risk.loc[at_risk["time"] == 0, "n_at_risk"].sum() == 200


def test_groups_share_an_incidence_or_not(causes):
    cohort, data = causes
    table = check_table(competing_tables.gray_tests(cohort))
    direct = fs.gray_test("Surv(time, event) ~ q", data, cause="cause").tidy()
    np.testing.assert_allclose(table["statistic"], direct["statistic"], rtol=EXACT)


def test_the_cause_of_interest_has_subdistribution_ratios(causes):
    cohort, data = causes
    table = check_table(competing_tables.subdistribution_ratios(cohort))
    direct = fs.fine_gray(ADJUSTED, data, cause="cause", of="Cancer")
    expected = direct.tidy(exponentiate=True, per={"faceage": 10, "age": 10})
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=EXACT)
    assert set(table["cause"]) == {"Cancer"}


def test_every_cause_has_ratios_of_its_own_hazard(causes):
    cohort, data = causes
    table = check_table(competing_tables.cause_specific_ratios(cohort))
    direct = fs.cause_specific_cox(ADJUSTED, data, cause="cause")
    expected = direct.tidy(exponentiate=True, per={"faceage": 10, "age": 10})
    np.testing.assert_allclose(table["estimate"], expected["estimate"], rtol=EXACT)
    assert list(table["per"][:3]) == ["10", "10", ""]


def test_a_further_outcome_may_count_every_cause(write_study, people):
    people["any"] = people["dead"]
    people["dead"] = np.where(people.index % 3 == 0, 0, people["dead"])
    also = (
        '[outcome.also.any]\nevent = "any"\n\n[competing]\ncause = "dead"\n'
        'levels = { 1 = "Ageing", 0 = "Other" }\nof = "Ageing"\noutcome = "any"\n'
    )
    cohort = read_cohort(write_study(table=people, **{"[scores": f"{also}\n[scores"}))
    table = check_table(competing_tables.subdistribution_ratios(cohort))
    assert table["n_events"].iloc[0] == people["dead"].sum()
    n_other = people["any"].sum() - people["dead"].sum()
    assert table["n_competing"].iloc[0] == n_other


def test_values_that_are_texts_need_no_levels(write_causes):
    cohort = read_cohort(write_causes('[competing]\ncause = "cause"\nof = "J"\n'))
    assert list(cohort.data["cause"].cat.categories) == ["C", "I", "J", "K"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'of = "Cancer"',
            'of = "Cancr"',
            "[competing]: `of` is `Cancr`, but the",
        ),
        ('of = "Cancer"', "", "[competing]: `of` is missing."),
        ("levels = {", "# {", "[competing]: `other` is for causes that `levels` does"),
        ('cause = "cause"', 'cause = "cuase"', "[competing]: the table has no column"),
        ('other = "Other"', "", "[competing]: `cause` holds `J` ("),
        ("of =", 'outcome = "any"\nof =', "[competing]: `outcome` names `any`; known"),
        ("of =", 'kind = "x"\nof =', "[competing]: `kind` is not known; known here:"),
        (
            'C = "Cancer"',
            'X = "Cancer"',
            "[competing]: `of` is `Cancer`, which no",
        ),
    ],
)
def test_what_is_wrong_with_causes_is_said(write_causes, old, new, message):
    (problem,) = check_study(write_causes(CAUSES.replace(old, new))).problems
    assert problem.startswith(message)


def test_an_event_without_a_cause_is_a_problem(write_causes, people):
    cause = np.where(people["dead"] == 1, "C", None)
    cause[np.flatnonzero(people["dead"])[:4]] = None
    (problem,) = check_study(write_causes(cause=cause)).problems
    assert problem.startswith("[competing]: `cause` is missing in 4 of ")


def test_a_variable_may_not_have_the_name_of_the_causes(write_causes):
    path = write_causes()
    text = path.read_text().replace("sex = true", "sex = true\ncause = true")
    path.write_text(text)
    (problem,) = check_study(path).problems
    assert problem.startswith("[subgroups.cause]: `cause` is taken by [competing]")


def test_delayed_entry_has_no_gray_test_and_says_so(write_causes, people):
    path = write_causes(start=people["days"] / 3)
    entry = 'unit = "days"\nentry = "start"'
    path.write_text(path.read_text().replace('unit = "days"', entry))
    cohort = read_cohort(path)
    for make in (competing_tables.gray_tests, competing_tables.subdistribution_ratios):
        table = check_table(make(cohort))
        assert len(table) == 1
        assert "delayed entry" in table["note"][0]
