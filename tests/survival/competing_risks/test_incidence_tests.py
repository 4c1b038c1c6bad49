"""Gray's test against cmprsk, by simulation, and in what it says and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from competing import digest_of, load_competing
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

R_RTOL = 1e-8  # R writes 15 digits and sums the same float64 terms

CASES = [case for case in reference_cases("competing") if case.kind == "gray"]


@pytest.fixture
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gray_test_matches_cmprsk(case):
    assert case.digest == digest_of(case.data)
    data = load_competing()[case.data]
    test = fs.gray_test(case.formula, data, cause="cause", strata=case.strata)
    table = check_table(test.tidy())
    assert table["n"].tolist() == [case.n] * 2
    assert table["df"].tolist() == case.df
    np.testing.assert_allclose(table["statistic"], case.statistic, rtol=R_RTOL)


def test_expected_events_add_up_to_the_observed(mgus2):
    test = fs.gray_test("Surv(time, event) ~ decade", mgus2, cause="cause")
    table = check_table(test.by_group())
    total = table.groupby("cause")[["estimate", "n_events"]].sum()
    np.testing.assert_allclose(total["estimate"], total["n_events"], rtol=1e-12)
    assert total["n_events"].to_dict() == {"death": 860, "malignancy": 115}


def test_names_of_groups_do_not_matter(mgus2):
    there = fs.gray_test("Surv(time, event) ~ male", mgus2, cause="cause")
    swapped = mgus2.assign(male=1 - mgus2["male"])
    back = fs.gray_test("Surv(time, event) ~ male", swapped, cause="cause")
    np.testing.assert_allclose(there.statistic, back.statistic, rtol=1e-11)


def test_a_group_without_events_of_a_cause_is_tested(mgus2):
    data = mgus2.assign(cause=mgus2["cause"].mask(mgus2["male"] == 1, "death"))
    test = fs.gray_test("Surv(time, event) ~ male", data, cause="cause")
    assert test.observed[1].tolist() == [59, 0]
    assert test.p_value[1] < 1e-10


def test_a_single_cause_is_tested_alone(mgus2):
    data = mgus2.assign(cause="any")
    test = fs.gray_test("Surv(time, event) ~ male", data, cause="cause")
    assert test.causes == ("any",)
    log_rank = fs.logrank("Surv(time, event) ~ male", data)
    np.testing.assert_allclose(test.expected[0], log_rank.expected, rtol=1e-11)
    assert test.statistic[0] == pytest.approx(log_rank.statistic, rel=0.03)


def test_groups_that_never_meet_have_no_test_and_say_so():
    """No event of cause b has rows of both groups at risk."""
    data = pd.DataFrame(
        {
            "time": [1.0, 2, 3, 1, 2, 9, 10],
            "event": [1, 0, 0, 1, 0, 1, 0],
            "cause": ["a", None, None, "a", None, "b", None],
            "group": [*"xxxyyyy"],
        }
    )
    test = fs.gray_test("Surv(time, event) ~ group", data, cause="cause")
    table = check_table(test.tidy())
    assert table["note"].tolist() == ["", "no two groups at risk together"]
    assert np.isnan(table["p_value"][1])
    assert "b: no two groups at risk together" in str(test)


def test_the_glance_and_summary_tell_sizes_and_tests(mgus2):
    test = fs.gray_test("Surv(time, event) ~ male", mgus2, cause="cause")
    glance = check_glance(test.glance())
    assert glance.loc[0, ["n", "n_events", "n_dropped"]].tolist() == [1384, 975, 0]
    text = str(test)
    assert "death: chi-squared 11.65 on 1 df, P<0.001" in text
    assert "631 rows, 59 events, 53.21 expected" in text


def test_the_summary_names_strata(mgus2):
    data = mgus2.assign(old=mgus2["age"] > 70)
    test = fs.gray_test("Surv(time, event) ~ male", data, cause="cause", strata="old")
    assert "within 2 strata" in str(test)


@pytest.mark.parametrize("right", ["1", "same"])
def test_one_group_is_refused(mgus2, right):
    message = "makes 1 group of the 1384 complete rows; a test needs at least 2"
    with pytest.raises(DataError, match=message):
        fs.gray_test(
            f"Surv(time, event) ~ {right}", mgus2.assign(same="a"), cause="cause"
        )


def test_groups_nested_in_strata_are_refused(mgus2):
    with pytest.raises(DataError, match="are they nested in `strata`"):
        fs.gray_test("Surv(time, event) ~ male", mgus2, cause="cause", strata="male")


def test_delayed_entry_is_refused(mgus2):
    with pytest.raises(DataError, match="delayed entry, for which Gray's test is not"):
        fs.gray_test("Surv(entry, time, event) ~ male", mgus2, cause="cause")


def test_data_are_not_modified(mgus2):
    before = mgus2.copy()
    fs.gray_test("Surv(time, event) ~ male", mgus2, cause="cause")
    pd.testing.assert_frame_equal(mgus2, before)


@pytest.mark.slow
def test_under_equal_incidence_one_test_in_twenty_rejects():
    """3,000 cohorts of 200 with monthly ties; 0.05 with three standard errors 0.012.

    The cause tested has one incidence in both groups though the other cause has not.
    """
    rng = np.random.default_rng(20250301)
    n, n_sets = 200, 3000
    rejected = 0
    for _ in range(n_sets):
        group = rng.integers(0, 2, n)
        is_first = rng.random(n) < 0.5
        rate = np.where(is_first, 1.0, np.where(group == 1, 2.0, 0.5))
        event_time = rng.exponential(1 / rate)
        censoring = rng.uniform(0.5, 3, n)
        data = pd.DataFrame(
            {
                "time": np.ceil(12 * np.minimum(event_time, censoring)),
                "event": (event_time <= censoring) * 1,
                "cause": np.where(is_first, "a", "b"),
                "group": group,
            }
        )
        test = fs.gray_test("Surv(time, event) ~ group", data, cause="cause")
        rejected += test.p_value[0] < 0.05
    assert 0.038 < rejected / n_sets < 0.062
