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

CASES = reference_cases("survdiff")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_log_rank_matches_r(case, cohorts):
    test = fs.logrank(case.formula, cohorts[case.data], strata=case.strata)
    row = check_glance(test.tidy()).iloc[0]
    assert row["estimand"] == "logrank_chi2"
    assert (row["n"], row["n_events"], row["df"]) == (case.n, case.n_events, case.df)
    np.testing.assert_allclose(row["statistic"], case.statistic, rtol=R_RTOL)
    np.testing.assert_allclose(row["p_value"], case.p_value, rtol=1e-7)


@pytest.mark.parametrize(
    "case", [case for case in CASES if hasattr(case, "observed")], ids=str
)
def test_observed_and_expected_events_match_r(case, cohorts):
    test = fs.logrank(case.formula, cohorts[case.data], strata=case.strata)
    np.testing.assert_array_equal(test.observed, case.observed)
    np.testing.assert_allclose(test.expected, case.expected, rtol=R_RTOL)
    np.testing.assert_allclose(test.cov, case.cov, rtol=R_RTOL, atol=1e-11)


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
    assert "on 1 df, p = " in text
    assert "137 rows, 111 events, 90.64 expected" in text


@pytest.mark.parametrize("right", ["1", "same"])
def test_one_group_is_refused(lung, right):
    message = "makes 1 group of the 228 complete rows; a test needs at least 2"
    with pytest.raises(DataError, match=message):
        fs.logrank(f"Surv(time, event) ~ {right}", lung.assign(same="a"))


def test_groups_nested_in_strata_are_refused(lung):
    with pytest.raises(DataError, match="are they nested in `strata`"):
        fs.logrank("Surv(time, event) ~ sex", lung, strata="sex")


def test_data_are_not_modified(lung):
    before = lung.copy()
    fs.logrank("Surv(time, event) ~ sex", lung, strata="ph_ecog")
    pd.testing.assert_frame_equal(lung, before)
