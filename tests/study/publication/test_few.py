from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.cohort.balance import standardized_differences
from fahrstats.cohort.characteristics import table_one
from fahrstats.study.people_tables import stacked, with_codes_as_levels
from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.estimates import coarse
from fahrstats.study.publication.few import is_about_few, known_of
from fahrstats.study.publication.levels import rests_on_few
from fahrstats.survival.competing_risks.subdistribution import fine_gray
from fahrstats.survival.cox_models.hazards import cox


def described(**columns):
    """Make Table 1 of 400 people in two groups, with standardised differences."""
    data = pd.DataFrame({name: np.resize(of, 400) for name, of in columns.items()})
    data["half"] = np.repeat(["Q1", "Q2"], 200)
    names = list(columns)
    data = with_codes_as_levels(data, names)
    return stacked(
        [
            table_one(data, names, by="half").tidy(),
            standardized_differences(data, names, by="half", groups=("Q1", "Q2")),
        ]
    )


def with_ones(*n, n_others=400):
    """Return a number of 0 but for so many people of 1, of 2, and so on."""
    values = np.repeat(np.arange(1, len(n) + 1), n)
    return np.append(values, np.zeros(n_others - values.size)).astype(float)


TESTS = pd.DataFrame(
    {
        "variable": ["rare", "common", "", "", ""],
        "term": ["rare", "common", "rare", "score - rare", "score"],
        "estimand": ["lr_chi2", "ph_chi2", "c_index", "delta_c_index", "c_index"],
        "estimate": [np.nan, np.nan, 0.506, 0.142, 0.64],
        "std_error": [np.nan, np.nan, 0.0028, 0.013, 0.01],
        "statistic": [7.35, 1.2, 2.1, 11.0, 11.0],
        "n": 400,
        "n_events": 200,
    }
)


@pytest.mark.parametrize("rare", [with_ones(6), with_ones(5, 4), with_ones(0, 0, 9)])
def test_what_tells_few_people_from_all_others_has_no_tests(rare):
    """The standard error of a C-index goes with the root of the number of the few."""
    known = known_of({"table_one": described(rare=rare, common=with_ones(80))}, 10)
    assert known.thin == {"rare"}
    assert is_about_few(TESTS, 10, known).tolist() == [True, False, True, True, False]


def test_many_who_differ_are_no_few():
    for variable in (with_ones(11), with_ones(15, 1), with_ones(40, 40)):
        assert not known_of({"table_one": described(rare=variable)}, 10).thin


def test_a_level_of_few_events_has_no_tests_either():
    data = pd.DataFrame(
        {
            "time": np.random.default_rng(0).exponential(1.0, 400),
            "rare": with_ones(40),
            "event": np.arange(400) % 13 < 6,
        }
    )
    data.loc[:39, "event"] = np.arange(40) < 5
    tables = {
        "table_one": described(rare=data["rare"]),
        "cox": cox("Surv(time, event) ~ rare", data).tidy(),
    }
    assert known_of(tables, 10).thin == {"rare"}
    assert not known_of(tables, 4).thin


def test_sums_of_values_that_few_have_are_not_published():
    """Sums of 10, and of squares of 16, are of 4 people with a 1 and 3 with a 2."""
    table = described(score=with_ones(4, 3), age=np.linspace(40, 90, 400))
    shown = coarse(table, Rounding("secret"), [], known=known_of({"a": table}, 10))
    of_score = shown[shown["variable"] == "score"].groupby("estimand")["estimate"]
    assert of_score.count()[["mean", "sd", "smd"]].tolist() == [0, 0, 0]
    assert of_score.count()["median"] == 3
    of_age = shown[
        (shown["variable"] == "age") & shown["estimand"].isin(["mean", "sd"])
    ]
    assert of_age["estimate"].notna().all()


@pytest.mark.parametrize(("n", "is_hidden"), [((9, 60), True), ((30, 60), False)])
def test_differences_of_shares_of_few_are_not_published(n, is_hidden):
    halves = [np.repeat(["yes", "no"], [m, 200 - m]) for m in n]
    table = described(smoker=np.concatenate(halves))
    hidden = is_about_few(table, 10, known_of({"table_one": table}, 10))
    assert hidden[table["estimand"] == "smd"].tolist() == [is_hidden]


def of_levels(n_events, **columns):
    """Make rows of two levels of a subgroup, of 200 people each."""
    levels = {
        "biomarker": "score",
        "subgroup": "site",
        "level": ["a", "b"],
        "term": "score",
        "estimand": "hr",
        "time": np.nan,
        "estimate": [1.2, 1.3],
        "n": 200,
        "n_events": n_events,
    }
    return pd.DataFrame(levels | columns)


@pytest.mark.parametrize(("n_events", "is_hidden"), [(9, True), (10, False)])
def test_tests_and_differences_of_levels_of_few_are_not_published(n_events, is_hidden):
    """Of two levels one of which is printed, such a test tells of the other."""
    levels = of_levels([90, n_events])
    test = levels.iloc[:1].assign(level="", estimand="interaction_chi2", n=400)
    test = test.assign(n_events=90 + n_events, estimate=np.nan, statistic=4.1)
    differences = test.assign(measure="hr", estimand="ratio_hr").iloc[[0, 0]]
    differences = differences.assign(term=["a - c", "a - b"]).reset_index(drop=True)
    known = known_of({"subgroups": levels}, 10)
    assert is_about_few(test, 10, known).tolist() == [is_hidden]
    assert is_about_few(differences, 10, known).tolist() == [False, is_hidden]
    later = test.assign(time=2.0)
    assert not is_about_few(later, 10, known).any()


def test_a_table_that_counts_nobody_has_no_level_of_few_either():
    levels = of_levels([90, 9])
    curve = levels.drop(columns=["n", "n_events"])
    known = known_of({"audit": levels}, 10)
    assert is_about_few(curve, 10, known).tolist() == [False, True]
    shrunken = curve.assign(weight=[0.9, 0.2])
    assert is_about_few(shrunken, 10, known).all()


def test_levels_of_which_nothing_is_estimated_are_in_no_test():
    levels = of_levels([90, 9], estimate=[1.2, np.nan])
    test = levels.iloc[:1].assign(level="", n=200, n_events=90)
    assert not is_about_few(test, 10, known_of({"subgroups": levels}, 10)).any()


def test_a_part_of_a_level_may_be_of_few():
    levels = of_levels([90, 9])
    test = levels.iloc[:1].assign(level="", n=400)
    calibration = levels.assign(group="Q1")
    assert not is_about_few(test, 10, known_of({"audit": calibration}, 10)).any()


@pytest.mark.parametrize(
    ("n", "n_events", "is_hidden"),
    [(191, 60, True), (190, 60, False), (100, 111, True), (100, 110, False)],
)
def test_a_level_against_few_others_is_left_out(n, n_events, is_hidden):
    everyone = of_levels(120, subgroup="overall", level="overall").iloc[:1]
    against = of_levels(
        n_events,
        level="a",
        term=["a - all others", "all others - a"],
        estimand="outside_c_index_event",
        n=n,
    )
    table = pd.concat([everyone, against], ignore_index=True)
    assert is_about_few(table, 10).tolist() == [False, is_hidden, is_hidden]


def test_robust_errors_of_few_events_are_too_small_for_the_bound():
    """Of levels of 6 to 9 events a sandwich hides a fifth worse than the bound says."""
    rng = np.random.default_rng(1)
    published = {"shr": 0, "robust": 0, "bound alone": 0}
    for _ in range(25):
        has_event = rng.random(300) < 0.5
        has_event[:25] = rng.permutation(25) < 9
        data = pd.DataFrame(
            {
                "time": rng.exponential(5, 300) + 0.01,
                "event": has_event,
                "cause": np.where(rng.random(300) < 0.7, "cancer", "other"),
                "stage": np.where(np.arange(300) < 25, "rare", "a"),
                "person": np.arange(300),
            }
        )
        data.loc[:24, "cause"] = "cancer"
        formula = "Surv(time, event) ~ stage"
        table = cox(formula, data, cluster="person").tidy()
        published["bound alone"] += not rests_on_few(table, 10).all()
        known = known_of({}, 10, is_robust=True)
        published["robust"] += not rests_on_few(table, 10, known).all()
        shr = fine_gray(formula, data, cause="cause", of="cancer").tidy()
        published["shr"] += not rests_on_few(shr, 10).all()
    assert published["bound alone"] > 2
    assert (published["robust"], published["shr"]) == (0, 0)
