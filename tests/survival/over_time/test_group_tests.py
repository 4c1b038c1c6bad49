"""The log-rank test against R, and in what it says and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # R writes 15 digits and solves the same k - 1 equations

CASES = [case for case in reference_cases("survdiff") if hasattr(case, "statistic")]
TRENDS = [case for case in reference_cases("survdiff") if hasattr(case, "trend")]


def run(case, cohorts):
    return fs.logrank(
        case.formula,
        cohorts[case.data],
        strata=case.strata,
        weights=getattr(case, "weights", None),
        rho=case.rho,
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_log_rank_matches_r(case, cohorts):
    row = check_glance(run(case, cohorts).tidy()).iloc[0]
    assert row["estimand"] == ("g_rho_chi2" if case.rho else "logrank_chi2")
    if case.weights is None:  # R's rows are repeated, ours are not
        assert (row["n"], row["n_events"]) == (case.n, case.n_events)
    assert row["df"] == case.df
    np.testing.assert_allclose(row["statistic"], case.statistic, rtol=R_RTOL)
    np.testing.assert_allclose(row["p_value"], case.p_value, rtol=1e-7)


@pytest.mark.parametrize(
    "case", [case for case in CASES if hasattr(case, "observed")], ids=str
)
def test_observed_and_expected_events_match_r(case, cohorts):
    test = run(case, cohorts)
    np.testing.assert_allclose(test.observed, case.observed, rtol=R_RTOL)
    np.testing.assert_allclose(test.expected, case.expected, rtol=R_RTOL)
    np.testing.assert_allclose(test.cov, case.cov, rtol=R_RTOL, atol=1e-11)


@pytest.mark.parametrize("case", TRENDS, ids=str)
def test_trends_match_r(case, cohorts):
    test = run(case, cohorts)
    scores = "order"
    if case.scores is not None:
        scores = dict(zip(test.groups, case.scores, strict=True))
    row = check_glance(test.trend(scores)).iloc[0]
    assert row["estimand"] == ("g_rho_trend_chi2" if case.rho else "logrank_trend_chi2")
    assert row["df"] == 1
    assert ("hazard rises" in row["note"]) == case.rises
    np.testing.assert_allclose(row["statistic"], case.trend, rtol=R_RTOL)
    np.testing.assert_allclose(row["p_value"], case.p_value, rtol=1e-7)


def test_two_groups_have_the_trend_of_their_difference(lung):
    test = fs.logrank("Surv(time, event) ~ sex", lung, rho=1)
    row = test.trend().iloc[0]
    assert row["statistic"] == pytest.approx(test.statistic, rel=1e-12)
    assert row["note"] == "rho = 1; the hazard falls with the score of the group"


def test_levels_that_are_numbers_are_scores(lung):
    data = lung.assign(dose=lung["ph_ecog"].map({0: 0, 1: 1, 2: 4, 3: 9}))
    test = fs.logrank("Surv(time, event) ~ dose", data)
    named = test.trend({"0": 0, "1": 1, "4": 4, "9": 9})
    pd.testing.assert_frame_equal(test.trend("levels"), named)
    assert test.trend()["statistic"].iloc[0] != named["statistic"].iloc[0]


@pytest.mark.parametrize("shift", [lambda s: s + 1e6, lambda s: -3 * s])
def test_a_trend_does_not_depend_on_origin_or_unit(lung, shift):
    test = fs.logrank("Surv(time, event) ~ ph_ecog", lung)
    moved = test.trend({group: shift(float(group)) for group in test.groups})
    assert moved["statistic"].iloc[0] == pytest.approx(
        test.trend()["statistic"].iloc[0], rel=1e-9
    )


def test_rho_1_by_hand():
    """Group a fails at 1 and 2, group b at 3 and 4: survival before is 1, 3/4, 1/2."""
    data = pd.DataFrame({"time": [1, 2, 3, 4], "event": 1, "group": [*"aabb"]})
    test = fs.logrank("Surv(time, event) ~ group", data, rho=1)
    assert test.observed == pytest.approx([1 + 3 / 4, 1 / 2 + 1 / 4], rel=1e-12)
    assert test.expected[0] == pytest.approx(1 / 2 + 3 / 4 / 3, rel=1e-12)
    variance = 1 / 4 + (3 / 4) ** 2 * 2 / 9
    assert test.cov[0, 0] == pytest.approx(variance, rel=1e-12)


def test_whole_weights_are_repeated_rows(lung):
    copies = lung.loc[lung.index.repeat(lung["frequency"])].reset_index(drop=True)
    formula = "Surv(entry, time, event) ~ ph_ecog"
    weighted = fs.logrank(formula, lung, weights="frequency", strata="sex", rho=1)
    repeated = fs.logrank(formula, copies, strata="sex", rho=1)
    np.testing.assert_allclose(weighted.cov, repeated.cov, rtol=1e-12, atol=1e-12)
    assert weighted.statistic == pytest.approx(repeated.statistic, rel=1e-12)


def test_a_group_without_events_is_compared(lung):
    lung = lung.assign(event=lung["event"] * (lung["sex"] == 1))
    test = fs.logrank("Surv(time, event) ~ sex", lung)
    assert test.group_events.tolist() == [112, 0]
    assert test.statistic > 50


def test_expected_events_add_up_to_the_observed(lung):
    test = fs.logrank("Surv(time, event) ~ ph_ecog", lung, strata="sex")
    table = check_table(test.by_group())
    assert table["estimate"].sum() == pytest.approx(164, rel=1e-12)
    assert table["n_events"].sum() == 164


def test_two_groups_share_the_statistic_of_their_names_swapped(lung):
    swapped = lung.assign(sex=3 - lung["sex"])
    there = fs.logrank("Surv(time, event) ~ sex", lung)
    back = fs.logrank("Surv(time, event) ~ sex", swapped)
    assert back.statistic == pytest.approx(there.statistic, rel=1e-12)


def test_rows_left_out_are_counted_for_groups_and_strata(lung):
    test = fs.logrank("Surv(time, event) ~ ph_ecog", lung, strata="inst")
    assert check_glance(test.glance()).loc[0, "n_dropped"] == 2


def test_the_summary_tells_the_test_and_every_group(lung):
    text = str(fs.logrank("Surv(time, event) ~ sex", lung, strata="ph_ecog"))
    assert "within 4 strata" in text
    assert "on 1 df, P=0.001; 1 rows left out" in text
    assert "137 rows, 111 events, 90.64 expected" in text


def test_the_summary_tells_how_events_count(lung):
    text = str(fs.logrank("Surv(time, event) ~ sex", lung, rho=1))
    assert text.startswith("G-rho test, rho = 1: Surv(time, event) ~ sex")
    assert "1  138 rows, 112 events, weighted: 70.38, " in text


@pytest.mark.parametrize("right", ["1", "same"])
def test_one_group_is_refused(lung, right):
    message = "makes 1 group of the 228 complete rows; a test needs at least 2"
    with pytest.raises(DataError, match=message):
        fs.logrank(f"Surv(time, event) ~ {right}", lung.assign(same="a"))


def test_groups_nested_in_strata_are_refused(lung):
    with pytest.raises(DataError, match="are they nested in `strata`"):
        fs.logrank("Surv(time, event) ~ sex", lung, strata="sex")


@pytest.mark.parametrize("rho", [-1, np.nan, np.inf])
def test_an_impossible_rho_is_refused(lung, rho):
    with pytest.raises(DataError, match=f"`rho` is {rho}; give 0 for the log-rank"):
        fs.logrank("Surv(time, event) ~ sex", lung, rho=rho)


def test_fractional_weights_are_refused(lung):
    message = "`weight` is fractional in 195 of 228 rows, .* use `cox`"
    with pytest.raises(DataError, match=message):
        fs.logrank("Surv(time, event) ~ sex", lung, weights="weight")


def test_a_repeated_subject_is_refused(lung):
    with pytest.raises(DataError, match="`inst` repeats in 209 of 228 rows"):
        fs.logrank("Surv(time, event) ~ sex", lung, id="inst")


def test_impossible_scores_are_refused(lung):
    data = lung.assign(sex=lung["sex"].map({1: "men", 2: "women"}))
    test = fs.logrank("Surv(time, event) ~ sex", data)
    with pytest.raises(DataError, match="no finite number for `men`, `women`; give"):
        test.trend("levels")
    with pytest.raises(DataError, match="no finite number for `women`"):
        test.trend({"men": 1, "women": np.inf})
    with pytest.raises(DataError, match="`scores` is 'size'; choose one of \"order\""):
        test.trend("size")
    with pytest.raises(DataError, match="`scores` are the same in all groups that"):
        test.trend({"men": 2, "women": 2})


def test_a_trend_between_strata_is_refused(lung):
    """Groups that meet share their score; others never meet."""
    data = lung.assign(half=np.arange(228) % 2, part=np.arange(228) % 4)
    test = fs.logrank("Surv(time, event) ~ part", data, strata="half")
    assert test.df == 2
    with pytest.raises(DataError, match="`scores` are the same in all groups that"):
        test.trend({"0": 0, "2": 0, "1": 1, "3": 1})


def test_data_are_not_modified(lung):
    before = lung.copy()
    fs.logrank("Surv(time, event) ~ sex", lung, strata="ph_ecog")
    pd.testing.assert_frame_equal(lung, before)


def test_scores_may_be_keyed_by_numbers(lung):
    test = fs.logrank("Surv(time, event) ~ sex", lung)
    pd.testing.assert_frame_equal(test.trend({1: 0, 2: 1}), test.trend())


def test_the_size_of_scores_is_no_matter(lung):
    test = fs.logrank("Surv(time, event) ~ sex", lung)
    for unit in (1e200, 1e-200):
        found = test.trend({"1": unit, "2": 3 * unit})["statistic"].iloc[0]
        assert found == pytest.approx(test.statistic, rel=1e-12)


@pytest.mark.parametrize("rho", ["1", None])
def test_a_rho_that_is_no_number_is_refused(lung, rho):
    with pytest.raises(DataError, match=f"`rho` is {rho}; give 0 for the log-rank"):
        fs.logrank("Surv(time, event) ~ sex", lung, rho=rho)


def test_a_score_that_is_no_number_is_refused(lung):
    test = fs.logrank("Surv(time, event) ~ sex", lung)
    with pytest.raises(DataError, match="`scores` has no finite number for `2`"):
        test.trend({"1": 0, "2": "high"})


def test_a_tiny_p_value_is_not_printed_as_0(cohorts):
    data = cohorts["flchain"].assign(old=lambda d: d["age"] > 75)
    assert "on 1 df, P<0.001" in str(fs.logrank("Surv(time, event) ~ old", data))
