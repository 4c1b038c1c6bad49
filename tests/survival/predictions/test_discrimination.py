"""AUC at horizons against R, by simulation, and in what it refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from censoring import influence, inverse_weights
from predicted import simulate_risks, with_risks
from references import reference_cases
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError, ResultWarning

R_RTOL = 1e-8  # R writes 15 digits; both add the same products in float64
R_ERROR_RTOL = 1e-6  # standard errors: the tolerance of the issue
Z = norm.isf(0.025)
TWIN_RTOL = 1e-9  # sums of n terms of both signs, in another order

CASES = reference_cases("horizons")
UNTIED = [case for case in CASES if case.untie]
TIED = [case for case in CASES if not case.untie]
FORMULA = "Surv(time, event) ~ first + second"


def fit(case, cohorts):
    data = with_risks(cohorts[case.data], case)
    return fs.time_dependent_auc(FORMULA, data, horizons=case.horizons)


@pytest.fixture
def both() -> fs.TimeDependentAuc:
    data = simulate_risks(1, 300)
    return fs.time_dependent_auc(FORMULA, data, horizons=[1.5, 0.5])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_auc_matches_r(case, cohorts):
    result = fit(case, cohorts)
    assert (result.n, list(result.horizons)) == (case.n, case.horizons)
    np.testing.assert_allclose(result.auc, case.auc, rtol=R_RTOL)


@pytest.mark.parametrize("case", UNTIED, ids=str)
def test_standard_errors_and_differences_match_r(case, cohorts):
    result = fit(case, cohorts)
    table = check_table(result.tidy())
    wanted = np.ravel(case.auc_std_error)
    np.testing.assert_allclose(table["std_error"], wanted, rtol=R_ERROR_RTOL)
    rows = check_table(result.contrast("second", "first"))
    for column, values in {
        "estimate": case.delta_auc,
        "std_error": case.delta_auc_std_error,
        "p_value": case.delta_auc_p,
    }.items():
        np.testing.assert_allclose(rows[column], values, rtol=R_ERROR_RTOL)


def derivative(time, event, score, horizon):
    """AUC's derivative in the weights, from the matrix of cases by controls."""
    inverse = inverse_weights(time, event, np.ones(time.size), horizon)
    pair = np.outer((time <= horizon) & event, time > horizon)
    won = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    n_pairs = inverse @ pair @ inverse
    excess = pair * (won - inverse @ (pair * won) @ inverse / n_pairs)
    return (excess @ inverse + inverse @ excess) / n_pairs


@pytest.mark.parametrize("case", [c for c in TIED if c.data == "lung"], ids=str)
def test_with_ties_r_differs_by_who_is_at_risk_of_censoring(case, cohorts):
    """A twin with events at risk gives R's standard errors, one without gives ours."""
    data = with_risks(cohorts[case.data], case).dropna(subset=["first", "second"])
    time, event = data["time"].to_numpy(), data["event"].to_numpy() == 1
    result = fit(case, cohorts)
    for h, horizon in enumerate(case.horizons):
        change = derivative(time, event, data["first"].to_numpy(), horizon)
        ours, theirs = (
            influence(time, event, np.ones(time.size), horizon, change, **option)
            for option in ({}, {"events_at_risk": True})
        )
        # R subtracts the mean, which is not 0 where the two disagree.
        wanted = np.std(theirs, ddof=1) * np.sqrt(time.size)
        assert case.auc_std_error[h][0] == pytest.approx(wanted, rel=R_ERROR_RTOL)
        own = np.std(ours, ddof=1) * np.sqrt(time.size)
        std_error = np.sqrt(result.cov[2 * h, 2 * h])
        assert std_error == pytest.approx(own, rel=TWIN_RTOL)


def test_horizons_rise_and_come_once(both):
    assert both.horizons == (0.5, 1.5)
    table = check_table(both.tidy())
    assert table["time"].tolist() == [0.5, 0.5, 1.5, 1.5]
    assert table["term"].tolist() == ["first", "second"] * 2
    data = simulate_risks(1, 300)
    alone = fs.time_dependent_auc(FORMULA, data, horizons=1.5)
    np.testing.assert_allclose(alone.cov, both.cov[2:, 2:], rtol=1e-12)


def test_tidy_counts_events_and_censored_rows_up_to_the_horizon(both):
    data = simulate_risks(1, 300)
    by_then = data["time"] <= 0.5
    row = both.tidy().iloc[0]
    assert row["n_events"] == (by_then & data["event"]).sum()
    assert row["n_censored"] == (by_then & ~data["event"]).sum()
    z = (row["estimate"] - 0.5) / row["std_error"]
    assert row["statistic"] == pytest.approx(z)
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    assert row["conf_high"] - row["estimate"] == pytest.approx(
        norm.isf(0.025) * row["std_error"]
    )


def test_p_values_of_a_contrast_are_adjusted_over_horizons(both):
    rows = check_table(both.contrast("first", "second"))
    wanted = multipletests(rows["p_value"], method="holm")[1]
    np.testing.assert_allclose(rows["p_adjusted"], wanted)


def test_the_covariance_gives_the_standard_error_of_the_difference(both):
    variance = both.cov[0, 0] + both.cov[1, 1] - 2 * both.cov[0, 1]
    row = both.contrast("first", "second").iloc[0]
    assert row["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_without_censoring_the_error_is_that_of_delong():
    """DeLong, DeLong and Clarke-Pearson (1988), with the same divisor for both sides.

    Their variance divides each side by its own number less one; the influence function
    pools both sides.
    """
    data = simulate_risks(3, 200).assign(event=True)
    result = fs.time_dependent_auc("Surv(time, event) ~ first", data, horizons=1.0)
    case, control = (
        data.loc[rows, "first"].to_numpy()
        for rows in (data["time"] <= 1, data["time"] > 1)
    )
    won = (case[:, None] > control).astype(float)
    parts = [won.mean(axis=1).var() / case.size, won.mean(axis=0).var() / control.size]
    wanted = np.sqrt(sum(parts) * 200 / 199)
    assert result.auc[0, 0] == pytest.approx(won.mean(), rel=1e-12)
    assert np.sqrt(result.cov[0, 0]) == pytest.approx(wanted, rel=1e-9)


def test_replicated_rows_equal_whole_weights_in_the_estimate(lung):
    copies = lung.loc[lung.index.repeat(lung["frequency"].astype(int))]
    formula = "Surv(time, event) ~ age + meal_cal"
    weighted = fs.time_dependent_auc(formula, lung, horizons=365, weights="frequency")
    many = fs.time_dependent_auc(
        formula, copies.assign(row=copies.index), horizons=365, cluster="row"
    )
    np.testing.assert_allclose(weighted.auc, many.auc, rtol=1e-10)
    np.testing.assert_allclose(weighted.cov, many.cov, rtol=1e-9)


def test_clusters_are_added_up(lung):
    result = fs.time_dependent_auc(
        "Surv(time, event) ~ age", lung, horizons=365, cluster="inst"
    )
    assert result.n_clusters == 18
    plain = fs.time_dependent_auc(
        "Surv(time, event) ~ age", lung.dropna(subset="inst"), horizons=365
    )
    assert result.auc == plain.auc
    assert not np.isclose(result.cov[0, 0], plain.cov[0, 0])


@pytest.mark.parametrize("same", [lambda s: s, lambda s: 2 * s + 1, np.exp])
def test_scores_that_rank_alike_differ_by_zero_without_a_p_value(same):
    data = simulate_risks(4, 150).assign(twin=lambda d: same(d["first"]))
    result = fs.time_dependent_auc("Surv(time, event) ~ first + twin", data, horizons=1)
    row = check_glance(result.contrast("first", "twin")).iloc[0]
    assert (row["estimate"], row["std_error"]) == (0, 0)
    assert np.isnan(row["p_value"])
    assert np.isnan(row["p_adjusted"])
    assert row["note"] == "both order every pair alike: no variation to test"


def test_a_constant_score_is_one_half_without_a_test():
    data = simulate_risks(4, 150).assign(constant=1.0)
    table = fs.time_dependent_auc(
        "Surv(time, event) ~ constant", data, horizons=1
    ).tidy()
    row = check_table(table).iloc[0]
    assert row["estimate"] == pytest.approx(0.5, rel=1e-12)
    assert np.isnan(row["p_value"])
    assert row["note"] == "the jackknife sees no variation to test"


def test_a_reversed_score_stays_below_one_half_and_is_said():
    data = simulate_risks(5, 200).assign(down=lambda d: -d["first"])
    result = fs.time_dependent_auc("Surv(time, event) ~ first + down", data, horizons=1)
    assert result.auc[0].sum() == pytest.approx(1, rel=1e-12)
    assert result.tidy()["note"].tolist() == [
        "",
        "below 0.5: higher scores go with later events",
    ]
    assert "(below 0.5: higher scores go with later events)" in str(result)


def test_rows_left_out_are_counted_and_data_stay_as_they_are(lung):
    before = lung.copy()
    result = fs.time_dependent_auc(
        "Surv(time, event) ~ meal_cal + wt_loss", lung, horizons=365
    )
    missing = lung[["meal_cal", "wt_loss"]].isna().any(axis=1).sum()
    assert result.n_dropped == missing
    assert check_glance(result.glance()).loc[0, "n_dropped"] == missing
    pd.testing.assert_frame_equal(lung, before)


@pytest.mark.parametrize(
    ("horizons", "message"),
    [
        (0, "`horizons` holds 0; give times above 0"),
        ([365, -1], "`horizons` holds -1"),
        (np.nan, "`horizons` holds nan"),
        ([], "`horizons` is empty"),
        (1022, "Nobody is followed beyond horizon 1022: `time` ends at 1022"),
        (5000, "largest usable horizon is just below 1022"),
        (
            4,
            "None of the 165 events in `event` happens by horizon 4; the first is at 5",
        ),
    ],
)
def test_horizons_without_cases_or_controls_are_refused(lung, horizons, message):
    with pytest.raises(DataError, match=message):
        fs.time_dependent_auc("Surv(time, event) ~ age", lung, horizons=horizons)


def test_a_horizon_that_few_are_seen_until_is_announced():
    time = np.append(np.arange(1.0, 101), [200.0, 201.0])
    event = (np.arange(102) < 20) | (np.arange(102) == 101)
    data = pd.DataFrame({"time": time, "event": event, "x": np.arange(102) % 7})
    message = "Only 2.4% .* horizon 150, so each of the 2 rows .* counts for 41"
    with pytest.warns(ResultWarning, match=message) as caught:
        fs.time_dependent_auc("Surv(time, event) ~ x", data, horizons=150)
    assert caught[0].filename == __file__


def test_delayed_entry_is_refused(lung):
    with pytest.raises(FormulaError, match="has delayed entry"):
        fs.time_dependent_auc("Surv(entry, time, event) ~ age", lung, horizons=365)


def test_no_score_is_refused(lung):
    with pytest.raises(FormulaError, match="names no column to judge"):
        fs.time_dependent_auc("Surv(time, event) ~ 1", lung, horizons=365)


def test_an_unknown_score_in_a_contrast_is_refused(both):
    message = "There is no score `age`; the scores are `first`, `second`"
    with pytest.raises(DataError, match=message):
        both.contrast("first", "age")


def test_an_impossible_confidence_level_is_refused(both):
    with pytest.raises(DataError, match="`conf_level` is 95"):
        both.tidy(conf_level=95)


def test_the_summary_tells_sizes_and_every_score(lung):
    result = fs.time_dependent_auc(
        "Surv(time, event) ~ age + ph_ecog", lung, horizons=[180, 365], cluster="inst"
    )
    text = str(result)
    for part in ("226 rows", "2 left out", "18 clusters", "at 180: ", "ph_ecog  AUC "):
        assert part in text


@pytest.mark.parametrize("horizons", [1.0, [0.5, 1.5]], ids=["dots", "lines"])
def test_the_plot_is_a_figure_that_draws(horizons, tmp_path):
    data = simulate_risks(1, 100)
    result = fs.time_dependent_auc(FORMULA, data, horizons=horizons)
    with mpl.rc_context({"backend": "agg"}):
        result.plot().save(tmp_path / "auc.png", verbose=False, dpi=50)
    assert (tmp_path / "auc.png").stat().st_size > 0


@pytest.mark.slow
def test_intervals_cover_and_the_paired_test_keeps_its_size():
    """600 cohorts of 400; the band is three Monte Carlo standard errors around 95%.

    The truth is the AUC of 400,000 rows without censoring.
    """
    n_sim, truth = 600, _true_auc()
    covered, rejected = 0, 0
    for seed in range(1, n_sim + 1):
        result = fs.time_dependent_auc(FORMULA, simulate_risks(seed, 400), horizons=1.0)
        margin = Z * np.sqrt(result.cov[0, 0])
        covered += abs(result.auc[0, 0] - truth) <= margin
        delta = result.auc[0, 0] - result.auc[0, 1]
        rejected += abs(delta) > Z * result.delta_std_error[0, 1]
    assert 0.93 <= covered / n_sim <= 0.97
    assert 0.035 <= rejected / n_sim <= 0.065


def _true_auc() -> float:
    """AUC at 1 of the marker with noise, from survival drawn without censoring."""
    rng = np.random.default_rng(20240607)
    marker = rng.normal(size=400_000)
    is_case = rng.exponential(np.exp(-marker)) <= 1
    rank = (marker + rng.normal(size=marker.size)).argsort().argsort() + 1.0
    n_cases = is_case.sum()
    won = rank[is_case].sum() - n_cases * (n_cases + 1) / 2
    return won / (n_cases * (~is_case).sum())


@pytest.mark.parametrize("right", ["C(sex)", "label"])
def test_a_factor_is_no_prediction(lung, right):
    lung = lung.assign(label=(lung["age"] / 100).astype(str))
    with pytest.raises(
        DataError, match=r"holds levels such as `.*`, which are no predict"
    ):
        fs.time_dependent_auc(f"Surv(time, event) ~ {right}", lung, horizons=300)
    with pytest.raises(DataError, match="holds levels such as"):
        fs.prediction_error(f"Surv(time, event) ~ {right}", lung, horizon=300)


def test_a_horizon_with_a_single_event_is_announced(lung):
    with pytest.warns(
        ResultWarning, match="1 with the event by horizon 5 and 227 foll"
    ):
        fs.time_dependent_auc("Surv(time, event) ~ age", lung, horizons=5)


@pytest.mark.parametrize("horizon", ["300", None, True, [300, 400]])
def test_a_horizon_is_one_number(lung, horizon):
    with pytest.raises(DataError, match=r"`horizon` is .*; give one time above 0"):
        fs.prediction_error("Surv(time, event) ~ age", lung, horizon=horizon)
