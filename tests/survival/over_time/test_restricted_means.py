"""Restricted means against R and closed forms, and in what they say and refuse."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, ResultWarning

R_RTOL = 1e-8  # R writes 15 digits; both multiply and sum the same float64 terms
CASES = reference_cases("restricted_means")
TWO = pd.DataFrame(
    {"time": [1.0, 3, 4, 6, 2, 5, 6, 7], "event": 1, "group": [*"aaaabbbb"]}
)


def means_of(case, cohorts):
    return fs.rmst(case.formula, cohorts[case.data], tau=case.tau, weights=case.weights)


def rows_of(table, estimand):
    return table[table["estimand"] == estimand].reset_index(drop=True)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_means_match_r(case, cohorts):
    table = rows_of(check_table(means_of(case, cohorts).tidy()), "rmst")
    np.testing.assert_allclose(table["estimate"], case.mean, rtol=R_RTOL)
    np.testing.assert_allclose(table["std_error"], case.std_error, rtol=R_RTOL)
    assert (table["time"] == case.tau).all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_differences_and_ratios_match_r(case, cohorts):
    table = means_of(case, cohorts).tidy()
    differences = rows_of(table, "delta_rmst")
    ratios = rows_of(table, "rmst_ratio")
    for k, (difference, ratio) in enumerate(
        zip(case.difference, case.log_ratio, strict=True)
    ):
        for column, name in {
            "estimate": "estimate",
            "std_error": "std_error",
            "statistic": "statistic",
            "p_value": "p_value",
            "conf_low": "low",
            "conf_high": "high",
        }.items():
            wanted = difference[name]
            assert differences[column][k] == pytest.approx(wanted, rel=1e-7), column
        for column, name in {
            "estimate": "estimate",
            "conf_low": "low",
            "conf_high": "high",
        }.items():
            wanted = np.exp(ratio[name])
            assert ratios[column][k] == pytest.approx(wanted, rel=R_RTOL), column
        assert ratios["statistic"][k] == pytest.approx(ratio["statistic"], rel=1e-7)
        assert np.isnan(ratios["std_error"][k])


def test_without_censoring_it_is_the_mean_of_times_cut_at_tau():
    """The variance is that of a mean with divisor n, as Greenwood's is."""
    table = rows_of(fs.rmst("Surv(time, event) ~ group", TWO, tau=5.5).tidy(), "rmst")
    for row, group in zip(table.itertuples(), "ab", strict=True):
        cut = np.minimum(TWO["time"][TWO["group"] == group], 5.5)
        assert row.estimate == pytest.approx(cut.mean(), rel=1e-12)
        assert row.std_error == pytest.approx(cut.std(ddof=0) / 2, rel=1e-12)


def test_tau_beyond_survival_of_0_changes_nothing():
    early = fs.rmst("Surv(time, event) ~ group", TWO, tau=7)
    late = fs.rmst("Surv(time, event) ~ group", TWO, tau=100)
    np.testing.assert_allclose(late.mean, early.mean, rtol=1e-12)
    np.testing.assert_allclose(late.std_error, early.std_error, rtol=1e-12)


def test_the_default_tau_is_the_shortest_longest_follow_up_and_said(lung):
    found = fs.rmst("Surv(time, event) ~ sex", lung)
    assert found.tau == lung.groupby("sex")["time"].max().min() == 965
    assert "until 965: Surv(time, event) ~ sex (tau is the shortest of" in str(found)
    row = check_glance(found.glance()).iloc[0]
    assert row["note"] == "tau is the shortest of the groups' longest follow-ups"
    given = fs.rmst("Surv(time, event) ~ sex", lung, tau=965)
    assert given.glance()["note"].tolist() == [""]
    pd.testing.assert_frame_equal(given.tidy(), found.tidy())


def test_another_reference_turns_the_difference_round(lung):
    one = fs.rmst("Surv(time, event) ~ sex", lung, tau=500).tidy()
    two = fs.rmst("Surv(time, event) ~ sex", lung, tau=500, reference="2").tidy()
    assert two["reference"].tolist() == ["", "", "2", "2"]
    assert two["group"].tolist() == ["1", "2", "1", "1"]
    assert two["estimate"][2] == -one["estimate"][2]
    assert two["estimate"][3] == pytest.approx(1 / one["estimate"][3], rel=1e-12)
    assert two["p_value"][3] == pytest.approx(one["p_value"][3], rel=1e-12)


def test_everyone_has_one_row(lung):
    table = check_table(fs.rmst("Surv(time, event) ~ 1", lung, tau=365).tidy())
    assert table["group"].tolist() == ["overall"]
    assert table["n_events"].tolist() == [121]


def test_counts_are_of_both_groups_in_a_contrast(lung):
    table = fs.rmst("Surv(time, event) ~ sex", lung, tau=365).tidy()
    assert table["n"].tolist() == [138, 90, 228, 228]
    assert table["n_events"].iloc[2] == table["n_events"][:2].sum() == 121


def test_cutting_follow_up_into_intervals_changes_nothing(cohorts):
    whole = fs.rmst("Surv(time, event) ~ sex", cohorts["lung"], tau=500)
    cut = fs.rmst(
        "Surv(entry, time, event) ~ sex", cohorts["lung_split"], tau=500, id="subject"
    )
    np.testing.assert_allclose(cut.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(cut.std_error, whole.std_error, rtol=1e-10)


def test_a_group_without_events_has_no_interval_and_a_note(lung):
    lung = lung.assign(event=lung["event"] * (lung["sex"] == 1))
    table = check_table(fs.rmst("Surv(time, event) ~ sex", lung, tau=500).tidy())
    assert table["estimate"][1] == 500
    assert table["note"].tolist() == [
        *("", "no event by then"),
        *("`2`: no event by then", "`2`: no event by then"),
    ]
    assert table.loc[1:, ["std_error", "conf_low", "p_value"]].isna().all(axis=None)
    assert table["estimate"].notna().all()
    text = str(fs.rmst("Surv(time, event) ~ sex", lung, tau=500))
    assert "2: 500 (no interval); no event by then" in text


def test_a_group_whose_times_do_not_vary_has_no_interval():
    data = TWO.assign(time=[3.0, 3, 3, 3, 2, 5, 6, 7])
    table = fs.rmst("Surv(time, event) ~ group", data, tau=6).tidy()
    assert table["note"][0] == "all had the event at one time"
    assert np.isnan(table["conf_low"][0])
    assert table["conf_low"].notna().tolist() == [False, True, False, False]


def test_tau_beyond_follow_up_is_refused_with_the_largest_allowed(lung):
    message = (
        "`tau` is 1000, but follow-up of `2` ends at 965, where its survival is 0.083.*"
        "; give at most 965"
    )
    with pytest.raises(DataError, match=message):
        fs.rmst("Surv(time, event) ~ sex", lung, tau=1000)


def test_tau_ties_with_the_time_that_rounding_moved(lung):
    """Tenths of 61, where an event is, are 6.1000000000000005."""
    data = lung.assign(time=lung["time"] * 0.1)
    found = fs.rmst("Surv(time, event) ~ 1", data, tau=6.1)
    wanted = fs.rmst("Surv(time, event) ~ 1", lung, tau=61)
    assert found.group_events == wanted.group_events
    assert found.tau == 6.1
    last = float(f"{data['time'].max():.15g}") * (1 + 1e-15)
    assert fs.rmst("Surv(time, event) ~ 1", data, tau=last).mean > 0


@pytest.mark.parametrize("tau", [0, -5, np.nan, np.inf, "5", [5]], ids=str)
def test_an_impossible_tau_is_refused(lung, tau):
    with pytest.raises(DataError, match=re.escape(f"`tau` is {tau}; give a positive")):
        fs.rmst("Surv(time, event) ~ sex", lung, tau=tau)


def test_an_unknown_reference_is_refused(lung):
    message = "`reference` is 'men', which is no group; the groups are `1`, `2`"
    with pytest.raises(DataError, match=message):
        fs.rmst("Surv(time, event) ~ sex", lung, reference="men")


def test_a_subject_in_two_groups_is_refused(cohorts):
    data = cohorts["lung_split"]
    message = "65 of 228 subjects of `subject` have rows in more than one group"
    with pytest.raises(DataError, match=message):
        fs.rmst("Surv(entry, time, event) ~ late", data, id="subject")


def test_an_impossible_confidence_level_is_refused(lung):
    with pytest.raises(DataError, match="`conf_level` is 1"):
        fs.rmst("Surv(time, event) ~ sex", lung).tidy(conf_level=1)


def test_a_curve_that_dies_before_others_enter_is_announced():
    data = pd.DataFrame(
        {"entry": [0.0, 3, 3, 4], "exit": [2.0, 5, 6, 8], "event": [1, 1, 0, 1]}
    )
    with pytest.warns(ResultWarning, match="Survival of `overall` is 0 from 2 on"):
        fs.rmst("Surv(entry, exit, event) ~ 1", data, tau=4)


def test_data_are_not_modified(lung):
    before = lung.copy()
    fs.rmst("Surv(time, event) ~ ph_ecog", lung, weights="weight")
    pd.testing.assert_frame_equal(lung, before)


def test_the_figure_shows_means_and_differences(lung):
    with drawn(fs.rmst("Surv(time, event) ~ sex", lung).plot()) as figure:
        shown = words(figure)
        assert texts_outside(figure) == []
    assert "Mean time until 965 (95% CI)" in shown
    assert "Difference from 1 (95% CI)" in shown


@pytest.mark.slow
def test_intervals_of_a_difference_cover_the_truth():
    """Exponential times, 60 a group, tau 1.5; the truth is an integral of exp."""
    rng = np.random.default_rng(20240607)
    tau, hazards, n, n_draws = 1.5, np.array([1.0, 0.6]), 60, 1000
    truth = (1 - np.exp(-hazards * tau)) / hazards
    group = np.repeat([0, 1], n)
    covered = np.zeros(2)
    for _ in range(n_draws):
        death = rng.exponential(1 / hazards[group])
        censoring = rng.uniform(0.5, 4, 2 * n)
        data = pd.DataFrame(
            {
                "time": np.minimum(death, censoring),
                "event": death <= censoring,
                "group": group,
            }
        )
        table = fs.rmst("Surv(time, event) ~ group", data, tau=tau).tidy()
        wanted = np.array([truth[1] - truth[0], truth[1] / truth[0]])
        covered += (table["conf_low"][2:] < wanted) & (wanted < table["conf_high"][2:])
    assert ((covered / n_draws > 0.93) & (covered / n_draws < 0.97)).all()


def test_a_group_that_nobody_enters_at_first_is_announced():
    data = TWO.assign(entry=[0.0, 0, 1, 2, 1, 1, 2, 2])
    message = "Nobody of `b` is at risk until 1, and its mean counts that time as lived"
    with pytest.warns(ResultWarning, match=message):
        fs.rmst("Surv(entry, time, event) ~ group", data, tau=5)
