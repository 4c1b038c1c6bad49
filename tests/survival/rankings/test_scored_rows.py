"""Weights in time and truncation against R, and what is refused about them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from references import reference_cases
from sksurv.metrics import concordance_index_ipcw
from sksurv.util import Surv
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, ResultWarning

R_RTOL = 1e-8  # R writes 15 digits; both count the same pairs in float64
PEER_RTOL = 1e-9  # scikit-survival adds the pairs in another order
FORMULA = "Surv(time, event) ~ age + ph_ecog"
WEIGHTED = ["S", "S/G", "n/G2", "I"]


@pytest.mark.parametrize("case", reference_cases("concordance_weights"), ids=str)
def test_weights_in_time_match_r(case, cohorts):
    result = fs.concordance(
        case.formula,
        cohorts[case.data],
        time_weight=case.time_weight,
        tau=case.tau,
        strata=case.strata,
        weights=case.weights,
        cluster=case.cluster,
    )
    np.testing.assert_allclose(result.c_index, case.c_index, rtol=R_RTOL)
    np.testing.assert_allclose(result.cov, case.cov, rtol=R_RTOL)
    comparable = np.array(case.counts)[:, :3]
    np.testing.assert_allclose(result.counts[:, :3], comparable, rtol=R_RTOL)
    check_table(result.tidy())
    check_glance(result.glance())


def test_uno_matches_scikit_survival_without_ties():
    """Without ties in score or time; there `tau` leaves out an event at it."""
    rng = np.random.default_rng(11)
    score = rng.normal(size=300)
    death = rng.exponential(np.exp(-score))
    censoring = rng.exponential(1.2, 300)
    data = pd.DataFrame(
        {"time": np.minimum(death, censoring), "event": death <= censoring, "x": score}
    )
    outcome = Surv.from_dataframe("event", "time", data)
    for tau in (0.4, 1.0):
        found = fs.concordance(
            "Surv(time, event) ~ x", data, time_weight="n/G2", tau=tau
        )
        peer = concordance_index_ipcw(outcome, outcome, score, tau=tau)[0]
        assert found.c_index[0] == pytest.approx(peer, rel=PEER_RTOL)


def test_an_event_at_tau_counts_and_one_after_it_does_not():
    """Events at 2, 4, 6: to 4 there are 3 + 2 pairs, whatever happens later."""
    data = pd.DataFrame({"time": [2.0, 4, 6, 8], "event": [1, 1, 1, 0], "x": 0.0})
    data["x"] = [4.0, 1, 3, 2]
    result = fs.concordance("Surv(time, event) ~ x", data, tau=4)
    assert (result.n_pairs, result.c_index[0], result.n_events) == (5, 3 / 5, 2)
    glance = check_glance(result.glance())
    assert glance[["time_weight", "time"]].iloc[0].tolist() == ["n", 4]


def test_a_tau_that_differs_by_rounding_from_an_event_is_at_it():
    data = pd.DataFrame({"time": [0.1, 0.3, 0.4, 0.5], "event": 1, "x": [4.0, 1, 3, 2]})
    exact = fs.concordance("Surv(time, event) ~ x", data, tau=0.3)
    rounded = fs.concordance("Surv(time, event) ~ x", data, tau=0.1 + 0.2 - 1e-16)
    assert rounded.n_events == exact.n_events == 2


@pytest.mark.parametrize("time_weight", ["n", "S", "I"])
def test_splitting_follow_up_changes_no_weight_by_survival(cohorts, time_weight):
    """Delayed entry, where R crashes: cut rows have the risk sets of whole ones."""
    whole = fs.concordance(
        "Surv(time, event) ~ age", cohorts["lung"], time_weight=time_weight, tau=500
    )
    split = fs.concordance(
        "Surv(entry, time, event) ~ age",
        cohorts["lung_split"],
        id="subject",
        time_weight=time_weight,
        tau=500,
    )
    np.testing.assert_allclose(split.c_index, whole.c_index, rtol=1e-12)
    if time_weight != "S":  # n S / R holds the number of rows, which scales all alike
        np.testing.assert_allclose(split.counts, whole.counts, rtol=1e-12)
    np.testing.assert_allclose(split.cov, whole.cov, rtol=1e-10)
    np.testing.assert_allclose(split.cov_estimated, whole.cov_estimated, rtol=1e-10)


@pytest.mark.parametrize("time_weight", WEIGHTED)
def test_replicated_rows_equal_whole_weights(lung, time_weight):
    rows = lung.dropna(subset=["age", "ph_ecog"])
    many = rows.loc[rows.index.repeat(rows["frequency"])]
    weighted = fs.concordance(
        FORMULA, rows, weights="frequency", time_weight=time_weight, tau=600
    )
    replicated = fs.concordance(FORMULA, many, time_weight=time_weight, tau=600)
    np.testing.assert_allclose(weighted.c_index, replicated.c_index, rtol=1e-12)
    np.testing.assert_allclose(
        weighted.counts[:, :3], replicated.counts[:, :3], rtol=1e-12
    )


@pytest.mark.parametrize("time_weight", WEIGHTED)
def test_reversing_a_score_gives_one_minus_c_and_a_note(lung, time_weight):
    data = lung.assign(lower=-lung["age"])
    formula = "Surv(time, event) ~ age + lower"
    result = fs.concordance(formula, data, time_weight=time_weight, tau=600)
    assert result.c_index.sum() == pytest.approx(1, rel=1e-12)
    notes = check_table(result.tidy())["note"].tolist()
    assert notes == ["", "below 0.5: higher scores go with later events"]
    assert "higher scores go with later events" in str(result)


def test_equal_weights_have_one_covariance(lung):
    result = fs.concordance(FORMULA, lung, tau=600)
    np.testing.assert_array_equal(result.cov, result.cov_estimated)


def test_without_censoring_uno_is_harrell():
    data = pd.DataFrame(
        {"time": range(1, 41), "event": 1, "x": np.arange(40) ** 2 % 17}
    )
    harrell = fs.concordance("Surv(time, event) ~ x", data, tau=20)
    uno = fs.concordance("Surv(time, event) ~ x", data, tau=20, time_weight="n/G2")
    np.testing.assert_allclose(uno.cov_estimated, harrell.cov, rtol=1e-12)
    np.testing.assert_allclose(uno.counts, harrell.counts, rtol=1e-12)


def test_the_summary_says_how_pairs_are_weighed(lung):
    text = str(fs.concordance(FORMULA, lung, time_weight="n/G2", tau=500))
    assert "pairs weighed by n/G2, events up to 500" in text
    assert "weighed" not in str(fs.concordance(FORMULA, lung))


def test_an_unknown_weight_is_refused(lung):
    message = '`time_weight` is \'uno\'; choose one of "n", "S", "S/G", "n/G2", "I"'
    with pytest.raises(DataError, match=message):
        fs.concordance(FORMULA, lung, time_weight="uno")


@pytest.mark.parametrize("time_weight", ["S/G", "n/G2"])
def test_weights_by_censoring_are_refused_with_delayed_entry(lung, time_weight):
    message = r"delayed entry \(`entry`\) leaves none to estimate; use 'n', 'S' or 'I'"
    with pytest.raises(DataError, match=message):
        fs.concordance("Surv(entry, time, event) ~ age", lung, time_weight=time_weight)


@pytest.mark.parametrize("tau", [0, -1, np.inf, np.nan, True, "5"])
def test_a_tau_that_is_no_positive_number_is_refused(lung, tau):
    with pytest.raises(DataError, match=f"`tau` is {tau}; give a positive number"):
        fs.concordance(FORMULA, lung, tau=tau)


def test_a_tau_before_every_event_is_refused(lung):
    message = r"`tau` is 4, before the first of 164 events \(`time` 5\), so no event"
    with pytest.raises(DataError, match=message):
        fs.concordance(FORMULA, lung, tau=4)


def test_a_tau_after_the_last_event_is_announced(lung):
    message = r"`tau` is 5000, after the last event \(`time` 883\), so nothing is cut"
    with pytest.warns(ResultWarning, match=message) as caught:
        result = fs.concordance(FORMULA, lung, tau=5000)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(result.c_index, fs.concordance(FORMULA, lung).c_index)


def test_a_tau_without_comparable_pairs_is_refused():
    """The first event is alone at risk; others enter after it."""
    data = pd.DataFrame(
        {"start": [0.0, 1, 1, 1], "stop": [1.0, 2, 3, 4], "event": 1, "x": [1, 2, 3, 4]}
    )
    message = r"comparable up to `tau` \(1\): nobody is at risk"
    with pytest.raises(DataError, match=message):
        fs.concordance("Surv(start, stop, event) ~ x", data, tau=1)


def test_weights_that_a_few_pairs_dominate_are_announced(cohorts):
    """Nearly everybody in flchain is censored by the last event."""
    message = r"Only 3\.\d% are estimated to be uncensored just before the event at \d+"
    with pytest.warns(ResultWarning, match=message) as caught:
        fs.concordance(
            "Surv(time, event) ~ age", cohorts["flchain"], time_weight="n/G2"
        )
    assert caught[0].filename == __file__
