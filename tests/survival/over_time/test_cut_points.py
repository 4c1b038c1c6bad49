"""The best cut point: against R, by simulation, and in what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from references import reference_cases
from scipy.stats import norm
from simulated import simulate
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.cohort.design import build_design
from fahrstats.errors import DataError, FormulaError
from fahrstats.kernels.product_limit import logrank_moments

CASES = reference_cases("cut_points")


@pytest.fixture(scope="module")
def cohort():
    return simulate(20240607, 300)


def run(case, cohorts):
    data = cohorts[case.data]
    shuffled = (np.arange(1, len(data) + 1) * 7919) % 1009
    return fs.best_cut_point(
        case.formula, data.assign(shuffled=shuffled), strata=case.strata
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_candidate_and_the_corrected_p_value_match_r(case, cohorts):
    found = run(case, cohorts)
    np.testing.assert_array_equal(found.cuts, case.cuts)
    np.testing.assert_allclose(found.statistics, case.z, rtol=1e-7, atol=1e-9)
    assert found.cut_point == case.cut
    # Both integrate over points: ours to a relative 0.001, R's to 1e-4.
    assert found.p_adjusted == pytest.approx(case.p_adjusted, rel=0.005, abs=2e-4)


def test_maxstat_finds_the_same_cut_point_and_a_p_value_close_by(cohorts):
    (case,) = [case for case in CASES if case.name == "lung, age"]
    found = run(case, cohorts)
    assert found.cut_point == case.maxstat["cut"]
    # Its variance is that over permutations of the scores, ours hypergeometric.
    assert found.p_adjusted == pytest.approx(case.maxstat["p_value"], abs=0.06)


def test_two_candidates_are_two_log_rank_tests(cohort):
    data = cohort.assign(step=np.resize([1, 2, 3], 300))
    found = fs.best_cut_point("Surv(time, event) ~ step", data)
    for cut, statistic in zip(found.cuts, found.statistics, strict=True):
        parted = data.assign(above=data["step"] > cut)
        test = fs.logrank("Surv(time, event) ~ above", parted)
        assert statistic**2 == pytest.approx(test.statistic, rel=1e-10)
        assert (statistic > 0) == (test.observed[1] > test.expected[1])


def test_the_corrected_p_value_is_that_of_shuffled_scores():
    """Shuffled, a score has no effect; its best cut point often has a small P value."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 12, 600)
    time = rng.exponential(np.exp(-0.02 * x))
    data = pd.DataFrame({"time": time, "event": 1, "x": x})
    found = fs.best_cut_point("Surv(time, event) ~ x", data)
    sets = build_design("Surv(time, event) ~ 1", data).risk_sets
    above = np.triu(np.ones((found.cuts.size, found.cuts.size + 1)), k=1)
    largest = []
    for _ in range(400):
        group = np.searchsorted(found.cuts, rng.permutation(x))
        observed, expected, cov = logrank_moments(sets, group, found.cuts.size + 1)
        spread = np.sqrt(np.diag(above @ cov @ above.T))
        largest.append(np.abs(above @ (observed - expected) / spread).max())
    share = np.mean(np.array(largest) >= np.abs(found.statistics).max())
    assert 0.02 < share < 0.5
    error = np.sqrt(share * (1 - share) / 400)
    assert found.p_adjusted == pytest.approx(share, abs=2.6 * error)
    assert np.mean(np.array(largest) > 1.96) > 0.15


@pytest.mark.slow
@pytest.mark.parametrize("censoring", [np.inf, 0.25], ids=["all events", "a fifth"])
def test_scores_without_effect_have_small_p_values_as_rarely_as_they_should(censoring):
    """By simulation, within three Monte Carlo standard errors; uncorrected, they do."""
    n, n_samples = 500, 200
    rng = np.random.default_rng(20240607)
    p_adjusted, p_value = np.empty((2, n_samples))
    for sample in range(n_samples):
        event_time = rng.exponential(size=n)
        end = rng.exponential(size=n) * censoring
        data = pd.DataFrame(
            {
                "time": np.minimum(event_time, end),
                "event": event_time <= end,
                "x": rng.integers(0, 9, n),
            }
        )
        best = fs.best_cut_point("Surv(time, event) ~ x", data).glance()
        p_adjusted[sample], p_value[sample] = best.loc[0, ["p_adjusted", "p_value"]]
    for level in (0.05, 0.25, 0.5):
        error = np.sqrt(level * (1 - level) / n_samples)
        assert np.mean(p_adjusted < level) == pytest.approx(level, abs=3 * error)
        assert np.mean(p_value < level) > level + 3 * error


def test_the_p_value_is_near_the_formula_of_miller_and_siegmund(cohorts):
    """Theirs is of a continuum of cut points, and so is no smaller."""
    (case,) = [case for case in CASES if case.data == "flchain"]
    found = run(case, cohorts)
    b, share = np.abs(found.statistics).max(), 0.1
    formula = norm.pdf(b) * ((b - 1 / b) * np.log((1 - share) ** 2 / share**2) + 4 / b)
    assert found.p_adjusted < formula < 1.6 * found.p_adjusted


def test_cut_points_lie_within_the_shares_and_ties_are_not_parted(cohort):
    data = cohort.assign(x=cohort["x"].round(1))
    found = fs.best_cut_point("Surv(time, event) ~ x", data, within=(0.25, 0.75))
    assert set(found.cuts) <= set(data["x"])
    assert found.shares[0] >= 0.25
    assert (data["x"] < found.cuts[-1]).mean() < 0.75
    np.testing.assert_allclose(
        found.shares, [(data["x"] <= cut).mean() for cut in found.cuts]
    )


def test_the_unit_of_the_score_does_not_matter(cohort):
    data = cohort.assign(x=cohort["x"].round())
    rows = [
        fs.best_cut_point("Surv(time, event) ~ x", one).glance().iloc[0]
        for one in (data, data.assign(x=3 * data["x"] + 7))
    ]
    assert rows[0]["p_adjusted"] == rows[1]["p_adjusted"]
    assert rows[1]["value"] == pytest.approx(3 * rows[0]["value"] + 7)


def test_results_keep_the_contract(cohort):
    data = cohort.assign(x=np.resize(np.arange(37.0), 300))
    data.loc[:4, "x"] = np.nan
    found = fs.best_cut_point("Surv(time, event) ~ x", data, strata="site")
    table = check_table(found.tidy())
    assert table["p_adjusted"].notna().sum() == 1
    best = check_glance(found.glance()).iloc[0]
    assert (best["n"], best["n_dropped"]) == (295, 5)
    assert best["p_adjusted"] > best["p_value"] == table["p_value"].min()
    text = found.summary()
    assert "candidates between 10% and 90% of the rows" in text
    assert "as if chosen beforehand; corrected for the choice, P" in text


@pytest.mark.parametrize("right", ["x + z", "C(site)", "log(z)", "1"])
def test_another_right_hand_side_is_refused(cohort, right):
    data = cohort.assign(z=cohort["z"].abs() + 1)
    with pytest.raises(FormulaError, match="must name one column of numbers"):
        fs.best_cut_point(f"Surv(time, event) ~ {right}", data)


@pytest.mark.parametrize(
    "within",
    [
        *((0.9, 0.1), (0.5, 0.5), (0.0, 0.9), (0.1, 1), (10, 90), (np.nan, 0.9)),
        *(0.1, None, "ab", (), (0.1,), (0.1, 0.5, 0.9), ("0.1", "0.9"), (None, 0.9)),
        *((pd.NA, 0.9), (0.1, 0.9 + 0j), ([0.1], [0.9]), (False, True)),
    ],
    ids=str,
)
def test_what_are_no_two_shares_is_refused(cohort, within):
    message = f"`within` is {within}; give two shares that ascend, such as (0.1, 0.9)."
    with pytest.raises(DataError, match=re.escape(message)):
        fs.best_cut_point("Surv(time, event) ~ x", cohort, within=within)


def test_shares_may_be_any_two_numbers(cohort):
    found = fs.best_cut_point(
        "Surv(time, event) ~ x", cohort, within=np.array([0.2, 0.8])
    )
    assert found.within == (0.2, 0.8)
    assert "candidates between 20% and 80% of the rows" in found.summary()


@pytest.mark.parametrize(
    ("values", "held"), [([1.0], "0 values"), ([0.0, 1.0], "1 value")], ids=str
)
def test_what_leaves_no_choice_is_refused(cohort, values, held):
    few = cohort.assign(x=np.resize(values, 300))
    with pytest.raises(DataError, match=f"Only {held} of `x` can part the rows"):
        fs.best_cut_point("Surv(time, event) ~ x", few)


def test_cut_points_that_no_event_tells_apart_are_refused():
    apart = pd.DataFrame(
        {"time": [1, 1, 1, 2, 2, 2], "event": [1, 1, 1, 0, 0, 0], "x": range(6)}
    ).assign(stratum=range(6))
    with pytest.raises(DataError, match="tell people above and below only 0 of"):
        fs.best_cut_point("Surv(time, event) ~ x", apart, strata="stratum")
