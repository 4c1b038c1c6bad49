"""Landmarks: against R, in what they leave out, and in what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, words
from references import reference_cases
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, ResultWarning

R_RTOL = 1e-7  # coxph stops at a relative change of 1e-12 in the likelihood


@pytest.fixture(scope="module")
def cohort():
    return simulate(20240607, 300)


def late(data, *landmarks, formula="Surv(time, event) ~ x + z", **roles):
    return fs.landmark(formula, data, landmarks=list(landmarks), **roles)


@pytest.mark.parametrize("case", reference_cases("landmarks"), ids=str)
def test_models_match_r_by_either_definition(case, cohorts):
    found = late(
        cohorts[case.data], case.landmark, formula=case.formula, strata=case.strata
    )
    table = check_table(found.tidy())
    np.testing.assert_allclose(table["estimate"], case.estimate, rtol=R_RTOL)
    np.testing.assert_allclose(table["estimate"], case.dropped, rtol=R_RTOL)
    np.testing.assert_allclose(table["std_error"], case.std_error, rtol=R_RTOL)
    counts = table.loc[0, ["n", "n_events", "n_removed"]]
    assert list(counts) == [case.n, case.n_events, case.n_removed]


def test_a_landmark_of_0_is_the_cox_model(cohort):
    ours, whole = late(cohort, 0).tidy(), fs.cox("Surv(time, event) ~ x + z", cohort)
    shared = list(whole.tidy().columns)
    pd.testing.assert_frame_equal(ours[shared], whole.tidy())
    assert (ours["n_removed"] == 0).all()


def test_an_event_at_the_landmark_is_left_out(cohort):
    row = late(cohort, 20).tidy().iloc[0]
    gone = cohort["time"] <= 20
    assert row["n_removed"] == gone.sum()
    assert row["n_removed_events"] == (gone & cohort["event"]).sum()


def test_a_landmark_ties_with_a_time_that_differs_by_rounding_only(cohort):
    years = cohort.assign(time=cohort["time"] / 365.25)
    found = late(years, 20 / 365.25 * (1 - 1e-12))
    assert found.fits[0].n == (cohort["time"] > 20).sum()


def test_whoever_enters_after_the_landmark_counts_and_others_begin_there(cohort):
    formula = "Surv(entry, time, event) ~ x + z"
    data = cohort[cohort["entry"] < cohort["time"]]
    kept = data[data["time"] > 15]
    by_hand = fs.cox(formula, kept.assign(entry=kept["entry"].clip(lower=15)))
    found = late(data, 15, formula=formula)
    np.testing.assert_array_equal(found.fits[0].log_hr, by_hand.log_hr)
    assert (kept["entry"] > 15).any()


def test_roles_reach_every_fit(cohort):
    roles = {"strata": "site", "weights": "w", "cluster": "person"}
    data = cohort.assign(person=np.arange(300) // 2, entry_=1.0)
    found = late(data, 10, **roles)
    kept = data[data["time"] > 10]
    whole = fs.cox("Surv(time, event) ~ x + z", kept, **roles)
    np.testing.assert_allclose(found.fits[0].log_hr, whole.log_hr, rtol=1e-10)
    np.testing.assert_allclose(found.fits[0].cov, whole.cov, rtol=1e-8)


def test_results_keep_the_contract(cohort):
    data = cohort.copy()
    data.loc[:4, "x"] = np.nan
    found = late(data, 20, 5, formula="Surv(time, event) ~ x + C(site)")
    table = check_table(found.tidy(exponentiate=True, per={"x": 2}, conf_level=0.9))
    assert list(table["time"]) == [20] * 3 + [5] * 3
    assert (table["n"] + table["n_removed"] == 295).all()
    assert check_glance(found.glance()).loc[0, "n_dropped"] == 5
    assert "After 20: " in str(found)
    with drawn(found.plot()) as figure:
        assert {"after 20", "after 5"} <= set(words(figure))


@pytest.mark.parametrize(
    "landmarks",
    [
        *([-1], [], [np.nan], [3, np.inf], ["one"], None, [None], [pd.NA]),
        *(["12"], "12", [True], True, [[1, 2], [3, 4]], np.ones((1, 2)), [1j]),
        pytest.param([10**400], id="beyond any float"),
    ],
    ids=repr,
)
def test_what_is_no_time_is_refused(cohort, landmarks):
    with pytest.raises(DataError, match="give times from 0 on in the unit of `time`"):
        fs.landmark("Surv(time, event) ~ x + z", cohort, landmarks=landmarks)


@pytest.mark.parametrize(
    "landmarks",
    [5.5, [5.5, 5.5 * (1 + 1e-13)], np.array([5.5] * 2), pd.array([5.5], "Float64")],
    ids=repr,
)
def test_a_landmark_given_twice_is_one(cohort, landmarks):
    found = fs.landmark("Surv(time, event) ~ x + z", cohort, landmarks=landmarks)
    assert found.landmarks == (5.5,)


def test_a_landmark_of_minus_0_is_the_start(cohort):
    assert "After 0: " in late(cohort, -0.0).summary()


def test_a_fit_with_few_events_is_announced_with_its_landmark(cohort):
    last = np.sort(cohort.loc[cohort["event"], "time"])[-5]
    with pytest.warns(ResultWarning, match=rf"Surv\(`entry after {last:g}`, `time`"):
        late(cohort, 1, last)


def test_a_landmark_after_the_last_event_is_refused(cohort):
    early = cohort["event"].astype(bool) & (cohort["time"] <= 15)
    last = cohort.loc[early, "time"].max()
    message = f"holds 20, but the last event of `event` is at {last:g}; give earlier"
    with pytest.raises(DataError, match=message):
        late(cohort.assign(event=early), 0, 20)


def test_a_landmark_that_nobody_outlasts_is_refused(cohort):
    longest = cohort["time"].max()
    with pytest.raises(DataError, match=f"holds {longest:g}, but the longest follow-"):
        late(cohort, 5, longest)
