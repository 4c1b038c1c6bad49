"""Differences of survival against R, and in what they say and refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # R writes 15 digits; both multiply and sum the same float64 terms
SUBTRACTION = 1e-7  # two values of survival that agree in their first digits
CASES = reference_cases("restricted_means")


def differences(table):
    return table[table["estimand"] == "delta_survival"].reset_index(drop=True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_differences_match_r(case, cohorts):
    found = fs.survival_difference(
        case.formula, cohorts[case.data], times=case.times, weights=case.weights
    )
    table = differences(found.tidy())
    for column, name in {
        "estimate": "estimate",
        "std_error": "std_error",
        "statistic": "statistic",
        "p_value": "p_value",
        "conf_low": "low",
        "conf_high": "high",
    }.items():
        wanted = np.concatenate([group[name] for group in case.survival])
        np.testing.assert_allclose(table[column], wanted, rtol=SUBTRACTION)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_log_log_tests_match_r(case, cohorts):
    found = fs.survival_difference(
        case.formula,
        cohorts[case.data],
        times=case.times,
        weights=case.weights,
        test="log-log",
    )
    table = differences(found.tidy())
    np.testing.assert_allclose(
        table["statistic"], np.concatenate(case.log_log), rtol=SUBTRACTION
    )
    assert (np.sign(table["statistic"]) == np.sign(table["estimate"])).all()


def test_levels_are_those_of_the_curves(lung):
    found = fs.survival_difference("Surv(time, event) ~ sex", lung, times=[100, 365])
    levels = check_table(found.tidy())[:4]
    at = fs.kaplan_meier("Surv(time, event) ~ sex", lung).at([100, 365])
    shared = [name for name in at if name != "n_censored"]
    pd.testing.assert_frame_equal(levels[shared], at[shared])
    check_glance(found.glance())


def test_a_difference_by_hand():
    """Two of four alive at 2 against three of four."""
    data = pd.DataFrame(
        {"time": [1.0, 2, 5, 5, 2, 5, 5, 5], "event": [1, 1, 0, 0, 1, 0, 0, 0]}
    ).assign(group=[*"aaaabbbb"])
    found = fs.survival_difference("Surv(time, event) ~ group", data, times=[2])
    row = differences(found.tidy()).iloc[0]
    assert row["estimate"] == pytest.approx(0.25, rel=1e-12)
    variance = 0.5 * 0.5 / 4 + 0.75 * 0.25 / 4
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert (row["n"], row["n_events"], row["n_at_risk"]) == (8, 3, 7)


def test_another_reference_turns_the_difference_round(lung):
    formula = "Surv(time, event) ~ sex"
    one = fs.survival_difference(formula, lung, times=[365]).tidy()
    two = fs.survival_difference(formula, lung, times=[365], reference="2").tidy()
    assert (two["group"].iloc[2], two["reference"].iloc[2]) == ("1", "2")
    assert two["estimate"].iloc[2] == -one["estimate"].iloc[2]
    assert two["conf_low"].iloc[2] == -one["conf_high"].iloc[2]


def test_every_other_group_is_set_against_the_reference(lung):
    found = fs.survival_difference(
        "Surv(time, event) ~ ph_ecog", lung, times=[100, 300], reference="1"
    )
    table = differences(found.tidy())
    assert table["group"].tolist() == ["0", "0", "2", "2", "3", "3"]
    assert table["time"].tolist() == [100, 300] * 3


def test_what_has_no_interval_says_why(lung):
    data = lung.assign(ph_ecog=lung["ph_ecog"].replace({3: 2}))
    found = fs.survival_difference(
        "Surv(time, event) ~ ph_ecog", data, times=[1, 900, 1015]
    )
    table = differences(check_table(found.tidy()))
    assert table["note"].tolist() == [
        "`1`: no event by then; `0`: no event by then",
        "",
        "`0`: follow-up ends at 1010",
        "`2`: no event by then; `0`: no event by then",
        "`2`: survival is 0 by then",
        "`2`: survival is 0 by then; `0`: follow-up ends at 1010",
    ]
    numbers = ["std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert table[numbers].notna().all(axis=1).tolist() == [
        *(False, True, False),
        *(False, False, False),
    ]
    assert table["estimate"].isna().tolist() == [False, False, True] * 2
    text = str(found)
    assert "2 at 900: -0.0772 (no interval); `2`: survival is 0 by then" in text
    assert "1 at 1015: missing (no interval); `0`: follow-up ends at 1010" in text


@pytest.mark.parametrize("test", ["plain", "log-log"])
def test_a_group_without_events_is_not_compared(lung, test):
    lung = lung.assign(event=lung["event"] * (lung["sex"] == 1))
    found = fs.survival_difference(
        "Surv(time, event) ~ sex", lung, times=[365], test=test
    )
    row = differences(found.tidy()).iloc[0]
    assert row["estimate"] > 0.6
    assert row[["statistic", "p_value", "conf_low"]].isna().all()
    assert row["note"] == "`2`: no event by then"


def test_one_group_is_refused(lung):
    message = "makes 1 group of the 228 complete rows; a difference needs at least 2"
    with pytest.raises(DataError, match=message):
        fs.survival_difference("Surv(time, event) ~ 1", lung, times=[100])


def test_impossible_times_are_refused(lung):
    formula = "Surv(time, event) ~ sex"
    with pytest.raises(DataError, match="`times` holds -1"):
        fs.survival_difference(formula, lung, times=[-1])
    with pytest.raises(DataError, match="`times` is empty"):
        fs.survival_difference(formula, lung, times=[])


def test_an_unknown_reference_is_refused(lung):
    message = "`reference` is 'men', which is no group; the groups are `1`, `2`"
    with pytest.raises(DataError, match=message):
        fs.survival_difference(
            "Surv(time, event) ~ sex", lung, times=[100], reference="men"
        )


def test_an_unknown_test_is_refused(lung):
    with pytest.raises(DataError, match="`test` is 'log'; choose one of \"plain\""):
        fs.survival_difference("Surv(time, event) ~ sex", lung, times=[100], test="log")


def test_a_subject_in_two_groups_is_refused(cohorts):
    message = "65 of 228 subjects of `subject` have rows in more than one group"
    with pytest.raises(DataError, match=message):
        fs.survival_difference(
            "Surv(entry, time, event) ~ late",
            cohorts["lung_split"],
            times=[200],
            id="subject",
        )


def test_an_impossible_confidence_level_is_refused(lung):
    found = fs.survival_difference("Surv(time, event) ~ sex", lung, times=[100])
    with pytest.raises(DataError, match="`conf_level` is 95"):
        found.tidy(conf_level=95)


def test_the_figure_shows_survival_and_differences(lung):
    found = fs.survival_difference("Surv(time, event) ~ sex", lung, times=[100, 365])
    with drawn(found.plot()) as figure:
        shown = words(figure)
        assert texts_outside(figure) == []
    assert {"Survival (95% CI)", "Difference from 1 (95% CI)", "At 365"} <= set(shown)


@pytest.mark.slow
def test_intervals_cover_the_truth_and_tests_keep_their_size():
    """Exponential times, 100 a group, with and without a difference at time 1."""
    rng = np.random.default_rng(20240608)
    n, n_draws, hazards = 100, 1000, np.array([1.0, 0.6])
    group = np.repeat([0, 1], n)
    covered, rejected = 0, np.zeros(2)
    for _ in range(n_draws):
        unit, censoring = rng.exponential(size=2 * n), rng.uniform(0.5, 3, 2 * n)
        death = unit / hazards[group]
        data = pd.DataFrame({"group": group})
        differ = data.assign(
            time=np.minimum(death, censoring), event=death <= censoring
        )
        same = data.assign(time=np.minimum(unit, censoring), event=unit <= censoring)
        formula = "Surv(time, event) ~ group"
        row = fs.survival_difference(formula, differ, times=[1]).tidy().iloc[2]
        truth = np.diff(np.exp(-hazards))[0]
        covered += row["conf_low"] < truth < row["conf_high"]
        null = fs.survival_difference(formula, same, times=[1])
        for k, test in enumerate(("plain", "log-log")):
            p_value = replace(null, test=test).tidy()["p_value"].iloc[2]
            rejected[k] += p_value < 0.05
    assert 0.93 < covered / n_draws < 0.97
    assert ((rejected / n_draws > 0.03) & (rejected / n_draws < 0.07)).all()


def test_a_group_that_nobody_has_entered_is_no_group_without_events(lung):
    data = lung.assign(entry=np.where(lung["sex"] == 2, 3.0, 0.0))
    data = data[data["time"] > 3]
    found = fs.survival_difference(
        "Surv(entry, time, event) ~ sex", data, times=[0, 3, 4, 100]
    )
    table = check_table(found.tidy())
    assert table["note"].tolist()[4:8] == [
        "no event by then",
        "nobody at risk until 3",
        "no event by then",
        "",
    ]
