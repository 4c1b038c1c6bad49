from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.study.publication.counts import Rounding
from fahrstats.study.publication.estimates import TOO_FEW, coarse
from fahrstats.study.publication.levels import (
    KnownLevels,
    Level,
    known_levels,
    rests_on_few,
)
from fahrstats.survival.competing_risks.subdistribution import fine_gray
from fahrstats.survival.cox_models.hazards import cox
from fahrstats.survival.early_deaths import early_mortality

ROUNDING = Rounding("secret")


def people(n_small, n_events_small, *, n=300, seed=1):
    """Make a cohort in which a level has few people and events."""
    rng = np.random.default_rng(seed)
    has_event = rng.random(n) < 0.4
    has_event[:n_small] = np.arange(n_small) < n_events_small
    level = np.where(np.arange(n) < n_small, "rare", rng.choice(["a", "b"], n))
    return pd.DataFrame(
        {
            "time": rng.exponential(5, n) + 0.01,
            "event": has_event,
            "cause": np.where(rng.random(n) < 0.5, "cancer", "other"),
            "stage": pd.Categorical(level, ["a", "b", "rare"]),
            "age": rng.normal(60, 10, n),
        }
    )


def shown_of(table):
    return coarse(table, ROUNDING, []).set_index("level")


@pytest.mark.filterwarnings("ignore::fahrstats.errors.ResultWarning")
@pytest.mark.parametrize("exponentiate", [True, False])
@pytest.mark.parametrize(("n_small", "n_events"), [(4, 1), (40, 9), (9, 9), (30, 0)])
def test_a_level_of_few_is_left_out_of_a_cox_model(n_small, n_events, exponentiate):
    fit = cox("Surv(time, event) ~ age + stage", people(n_small, n_events))
    shown = shown_of(fit.tidy(exponentiate=exponentiate))
    hidden = shown.loc[["rare"], ["estimate", "conf_low", "conf_high", "statistic"]]
    assert hidden.isna().all(axis=None)
    assert set(shown.loc[["rare"], "note"]) == {TOO_FEW}
    assert shown.loc[["", "b"], "estimate"].notna().all()


def test_levels_against_a_reference_of_few_are_left_out():
    data = people(12, 4)
    data["stage"] = data["stage"].cat.reorder_categories(["rare", "a", "b"])
    shown = shown_of(cox("Surv(time, event) ~ stage", data).tidy(exponentiate=True))
    assert shown["estimate"].isna().all()


def test_levels_of_enough_events_are_printed():
    shown = shown_of(cox("Surv(time, event) ~ age + stage", people(40, 16)).tidy())
    assert shown["estimate"].notna().all()


@pytest.mark.filterwarnings("ignore::fahrstats.errors.ResultWarning")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_events", [1, 5, 9])
def test_no_level_of_few_is_in_other_models(n_events, seed):
    """The bound holds for logistic models, and half of it for the sandwich."""
    data = people(30, n_events, seed=seed)
    when = {"horizons": [10.0], "time_unit": "years"}
    odds = early_mortality("Surv(time, event) ~ age + stage", data, **when)
    assert shown_of(odds.tidy()).loc[["rare"], "estimate"].isna().all()
    if n_events > 1:
        fit = fine_gray(
            "Surv(time, event) ~ age + stage", data, cause="cause", of="cancer"
        )
        shown = shown_of(fit.tidy())
        assert shown.loc[["rare"], "estimate"].isna().all()


def test_effects_over_time_have_levels_by_their_terms():
    table = pd.DataFrame(
        {
            "variable": ["stage", "age", "stage"],
            "term": ["stage[T.rare]", "age", "stage[T.b]"],
            "estimand": "hr",
            "estimate": [0.81, 1.1, 1.2],
            "conf_low": [0.11, 0.5, 1.0],
            "conf_high": [5.78, 2.4, 1.4],
            "time": 1.0,
        }
    )
    assert rests_on_few(table, 10).tolist() == [True, False, False]
    small = KnownLevels(frozenset({Level("stage", "b")}))
    assert rests_on_few(table, 10, small).tolist() == [True, False, True]


def test_levels_of_few_people_are_found_where_levels_are_counted():
    table = pd.DataFrame(
        {
            "variable": "stage",
            "level": ["a", "b", "b", ""],
            "group": ["overall", "overall", "Q1", "overall"],
            "estimand": ["count", "count", "count", "count"],
            "estimate": [9, 40, 4, 3],
        }
    )
    assert known_levels({"table_one": table}, 10).small == {Level("stage", "a")}


@pytest.mark.parametrize("n_small", [10, 12, 15])
def test_no_more_is_left_out_than_the_bound_asks(n_small):
    """Of a level alone the bound is near the number of its events."""
    fit = cox("Surv(time, event) ~ stage", people(n_small + 3, n_small + 3, n=3000))
    assert shown_of(fit.tidy()).loc["rare", "estimate"] > 0


def test_joint_groups_of_few_do_not_stand_in_what_groups_do_together():
    table = pd.DataFrame(
        {
            "group": ["low", "high", "both", "both", "both"],
            "first_group": ["a", "b", "c", "", ""],
            "reference": "low",
            "estimand": ["hr", "hr", "hr", "hr_ratio", "reri"],
            "estimate": [1.0, 2.0, 3.0, 1.5, 0.4],
            "n": [200, 200, 200, 600, 600],
            "n_events": [80, 4, 90, 174, 174],
        }
    )
    hidden = coarse(table, ROUNDING, [])["estimate"].isna().tolist()
    assert hidden == [False, True, False, True, True]
    first = table.assign(n_events=[4, 80, 90, 174, 174])
    assert coarse(first, ROUNDING, [])["estimate"].isna().all()


@pytest.mark.parametrize(("n_first", "is_hidden"), [(9, True), (10, False)])
def test_counts_of_levels_decide_where_they_are_those_of_the_model(n_first, is_hidden):
    """Adjusted for what goes with a score, its groups would seem to be of few."""
    hr = pd.DataFrame(
        {
            "biomarker": "score",
            "variable": ["score_group", "sex"],
            "level": ["Q2", "Men"],
            "reference": ["Q1", "Women"],
            "term": ["score_group[T.Q2]", "sex[T.Men]"],
            "estimand": "hr",
            "estimate": 1.08,
            "conf_low": 0.547,
            "conf_high": 2.13,
            "n_events": 67,
        }
    )
    groups = pd.DataFrame(
        {
            "biomarker": "score",
            "group": ["Q1", "Q2"],
            "quantile": [0.5, 1.0],
            "estimand": "upper_bound",
            "n_events": [n_first, 67 - n_first],
        }
    )
    levels = pd.DataFrame(
        {
            "biomarker": "score",
            "subgroup": ["overall", "sex", "sex"],
            "level": ["overall", "Men", "Women"],
            "estimand": "hr",
            "n_events": [67, 67 - n_first, n_first],
        }
    )
    known = known_levels({"cut_points": groups, "subgroups": levels}, 10)
    assert rests_on_few(hr, 10).all()
    assert rests_on_few(hr, 10, known).tolist() == [is_hidden] * 2
    of_fewer_people = hr.assign(n_events=60)
    assert rests_on_few(of_fewer_people, 10, known).all()


def of_diabetes(n_small, n_events_small, *, unit=1.0):
    """Make a cohort with a number of two values, and Table 1 of it."""
    data = people(n_small, n_events_small)
    data["diabetes"] = unit * (data["stage"] == "rare")
    counts = [len(data) - n_small, n_small]
    table_one = pd.DataFrame(
        {
            "variable": "diabetes",
            "level": ["0", f"{unit:g}"],
            "group": "overall",
            "estimand": "count",
            "estimate": counts,
        }
    )
    return data, known_levels({"table_one": table_one}, 10)


@pytest.mark.filterwarnings("ignore::fahrstats.errors.ResultWarning")
@pytest.mark.parametrize(
    ("n_small", "n_events", "is_hidden"),
    [(6, 6, True), (40, 4, True), (294, 9, True), (40, 16, False)],
)
@pytest.mark.parametrize(("unit", "per"), [(1.0, None), (0.5, None), (10.0, 20.0)])
def test_a_number_of_two_values_is_a_level(n_small, n_events, is_hidden, unit, per):
    data, known = of_diabetes(n_small, n_events, unit=unit)
    fit = cox("Surv(time, event) ~ age + diabetes", data)
    steps = {"diabetes": per} if per else None
    for exponentiate in (True, False):
        table = fit.tidy(exponentiate=exponentiate, per=steps).set_index("term")
        shown = coarse(table.reset_index(), ROUNDING, [], known=known)
        hidden = shown.set_index("term")["estimate"].isna()
        assert hidden.to_dict() == {"age": False, "diabetes": is_hidden}


def test_steps_of_a_number_of_two_values_may_be_standard_deviations():
    data, known = of_diabetes(40, 16)
    fit = cox("Surv(time, event) ~ diabetes", data)
    table = fit.tidy(per={"diabetes": data["diabetes"].std()}).assign(per="SD")
    assert rests_on_few(table, 10, known).tolist() == [False]
    assert rests_on_few(table, 17, known).tolist() == [True]
