"""Brier score and index of prediction accuracy against R, in closed form, refused."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from predicted import simulate_risks, with_risks
from references import reference_cases
from scipy.stats import norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

R_RTOL = 1e-8  # R writes 15 digits; both add the same squares in float64
R_ERROR_RTOL = 1e-6  # standard errors: the tolerance of the issue

Z = norm.isf(0.025)

CASES = [
    (case, h) for case in reference_cases("horizons") for h in range(len(case.horizons))
]
UNTIED = [(case, h) for case, h in CASES if case.untie]
FORMULA = "Surv(time, event) ~ first + second"


def name_of(value):
    return str(value)


def fit(case, h, cohorts):
    data = with_risks(cohorts[case.data], case)
    return fs.prediction_error(FORMULA, data, horizon=case.horizons[h])


@pytest.fixture
def both() -> fs.PredictionError:
    data = simulate_risks(1, 300)
    return fs.prediction_error("Surv(time, event) ~ risk + flat", data, horizon=1)


@pytest.mark.parametrize(("case", "h"), CASES, ids=name_of)
def test_brier_and_ipa_match_r(case, h, cohorts):
    result = fit(case, h, cohorts)
    assert result.n == case.n
    np.testing.assert_allclose(result.brier, case.brier[h], rtol=R_RTOL)
    np.testing.assert_allclose(result.ipa, case.ipa[h][1:], rtol=R_RTOL, atol=1e-12)


@pytest.mark.parametrize(("case", "h"), UNTIED, ids=name_of)
def test_standard_errors_and_differences_match_r(case, h, cohorts):
    result = fit(case, h, cohorts)
    table = check_table(result.tidy())
    errors = table.loc[table["estimand"] == "brier", "std_error"]
    np.testing.assert_allclose(errors, case.brier_std_error[h], rtol=R_ERROR_RTOL)
    pairs = [("first", "null model"), ("second", "null model"), ("second", "first")]
    for position, pair in enumerate(pairs):
        row = check_table(result.contrast(*pair)).iloc[0]
        for column, values in {
            "estimate": case.delta_brier[h],
            "std_error": case.delta_brier_std_error[h],
            "p_value": case.delta_brier_p[h],
        }.items():
            wanted = pytest.approx(values[position], rel=R_ERROR_RTOL)
            assert row[column] == wanted, (pair, column)


def test_the_ipa_is_one_minus_the_ratio_of_errors(both):
    np.testing.assert_allclose(both.ipa, 1 - both.brier[1:] / both.brier[0])


def test_the_null_model_has_the_brier_score_of_its_kaplan_meier_risk(both):
    data = simulate_risks(1, 300)
    curve = fs.kaplan_meier("Surv(time, event) ~ 1", data).at([1.0])
    survival = curve["estimate"][0]
    assert both.brier[0] == pytest.approx(survival * (1 - survival), rel=1e-10)


def test_tidy_tests_the_ipa_against_the_null_model_and_leaves_brier_untested(both):
    table = check_table(both.tidy())
    assert table["term"].tolist() == ["null model", "risk", "flat", "risk", "flat"]
    assert table["estimand"].tolist() == ["brier"] * 3 + ["ipa"] * 2
    assert table["p_value"].isna().tolist() == [True] * 3 + [False] * 2
    row = table.iloc[3]
    z = row["estimate"] / row["std_error"]
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    assert (table["time"] == 1).all()


def test_a_difference_in_ipa_is_that_in_brier_over_the_null_but_for_its_error(both):
    brier, ipa = both.contrast("risk", "flat").to_dict("records")
    assert ipa["estimate"] == pytest.approx(-brier["estimate"] / both.brier[0])
    assert (brier["estimand"], ipa["estimand"]) == ("delta_brier", "delta_ipa")
    back = both.contrast("flat", "risk")
    assert back["estimate"][0] == -brier["estimate"]
    assert back["p_value"][1] == ipa["p_value"]


def test_against_the_null_model_the_difference_in_ipa_is_the_ipa(both):
    table = both.tidy()
    alone = table[table["estimand"] == "ipa"].iloc[0]
    row = both.contrast("risk", "null model").iloc[1]
    for column in ("estimate", "std_error", "p_value"):
        assert row[column] == alone[column]
    back = both.contrast("null model", "risk").iloc[1]
    assert back["estimate"] == -row["estimate"]
    assert back["std_error"] == row["std_error"]


@pytest.mark.parametrize(
    ("a", "b"), [("risk", "twin"), ("risk", "risk"), ("null model", "null model")]
)
def test_equal_predictions_differ_by_zero_without_a_p_value(a, b):
    data = simulate_risks(2, 150).assign(twin=lambda d: d["risk"])
    result = fs.prediction_error("Surv(time, event) ~ risk + twin", data, horizon=1)
    rows = check_table(result.contrast(a, b))
    assert rows[["estimate", "std_error"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert rows["p_value"].isna().all()
    assert rows["note"].str.contains("no variation to test").all()


def test_predictions_worse_than_none_have_a_negative_ipa_and_say_so():
    data = simulate_risks(3, 150).assign(wrong=lambda d: 1 - d["risk"])
    result = fs.prediction_error("Surv(time, event) ~ wrong", data, horizon=1)
    assert result.ipa[0] < 0
    assert result.tidy()["note"].tolist() == ["", "", "worse than the null model"]
    assert "(worse than the null model)" in str(result)


def test_a_constant_risk_is_judged_as_it_is():
    """Its IPA is negative unless it is the Kaplan-Meier risk itself."""
    data = simulate_risks(3, 150).assign(same=0.5)
    result = fs.prediction_error("Surv(time, event) ~ same", data, horizon=1)
    assert result.brier[1] == pytest.approx(0.25, rel=1e-12)
    assert result.ipa[0] <= 0


def test_replicated_rows_equal_whole_weights(lung):
    data = lung.assign(risk=(lung["age"] - 30) / 64)
    copies = data.loc[data.index.repeat(data["frequency"].astype(int))]
    formula = "Surv(time, event) ~ risk"
    weighted = fs.prediction_error(formula, data, horizon=365, weights="frequency")
    many = fs.prediction_error(
        formula, copies.assign(row=copies.index), horizon=365, cluster="row"
    )
    np.testing.assert_allclose(weighted.brier, many.brier, rtol=1e-10)
    np.testing.assert_allclose(weighted.cov, many.cov, rtol=1e-8, atol=1e-14)
    assert many.n_clusters == len(data)


def test_rows_left_out_are_counted_and_data_stay_as_they_are(lung):
    data = lung.assign(risk=lung["ph_ecog"] / 4)
    before = data.copy()
    result = fs.prediction_error("Surv(time, event) ~ risk", data, horizon=365)
    assert check_glance(result.glance()).loc[0, "n_dropped"] == 1
    pd.testing.assert_frame_equal(data, before)


def test_risks_outside_zero_to_one_are_refused(lung):
    message = (
        "`age` is outside 0 to 1 in 228 of 228 complete rows .39 to 82.; give the "
        "predicted probability"
    )
    with pytest.raises(DataError, match=message):
        fs.prediction_error("Surv(time, event) ~ age", lung, horizon=365)


@pytest.mark.parametrize(
    ("horizon", "message"),
    [
        (0, "`horizon` is 0; give one time above 0"),
        ([1, 5], r"`horizon` is \[1, 5\]; give one time"),
        (np.inf, "`horizon` is inf"),
        (99, "Nobody is followed beyond horizon 99"),
        (1e-9, "None of the .* happens by horizon 1e-09"),
    ],
)
def test_horizons_that_nothing_is_known_about_are_refused(horizon, message):
    data = simulate_risks(1, 100)
    with pytest.raises(DataError, match=message):
        fs.prediction_error("Surv(time, event) ~ risk", data, horizon=horizon)


def test_delayed_entry_is_refused(lung):
    data = lung.assign(risk=0.5)
    with pytest.raises(FormulaError, match="has delayed entry"):
        fs.prediction_error("Surv(entry, time, event) ~ risk", data, horizon=365)


def test_an_unknown_prediction_in_a_contrast_is_refused(both):
    message = "There is no prediction `x`; there are `null model`, `risk`, `flat`"
    with pytest.raises(DataError, match=message):
        both.contrast("risk", "x")


def test_an_impossible_confidence_level_is_refused(both):
    with pytest.raises(DataError, match="`conf_level` is 0"):
        both.tidy(conf_level=0)


def test_the_summary_tells_sizes_and_every_prediction(lung):
    data = lung.assign(risk=(lung["age"] - 30) / 64)
    text = str(
        fs.prediction_error(
            "Surv(time, event) ~ risk", data, horizon=365, cluster="inst"
        )
    )
    for part in (
        "at 365",
        "227 rows",
        "1 left out",
        "18 clusters",
        "null model  Brier",
    ):
        assert part in text


def test_the_plot_is_a_figure_that_draws(both, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        both.plot().save(tmp_path / "brier.png", verbose=False, dpi=50)
    assert (tmp_path / "brier.png").stat().st_size > 0


@pytest.mark.slow
def test_intervals_cover_and_the_paired_test_keeps_its_size():
    """600 cohorts of 400; the truths are expectations over 400,000 markers.

    The paired test compares two predictions that are wrong to the same degree.
    """
    marker = np.random.default_rng(7).normal(size=400_000)
    risk = -np.expm1(-np.exp(marker))
    truth = {
        "brier": np.mean(risk * (1 - risk)),
        "ipa": 1 - np.mean(risk * (1 - risk)) / (risk.mean() * (1 - risk.mean())),
    }
    n_sim = 600
    covered, rejected = dict.fromkeys(truth, 0), 0
    for seed in range(1, n_sim + 1):
        data = simulate_risks(seed, 400)
        for name in ("first", "second"):
            data[name] = norm.cdf(data[name] / 2)
        formula = "Surv(time, event) ~ risk + first + second"
        result = fs.prediction_error(formula, data, horizon=1.0)
        std_error = np.sqrt(np.diag(result.cov))
        found = {"brier": (result.brier[1], 1), "ipa": (result.ipa[0], 4)}
        for estimand, (estimate, position) in found.items():
            margin = Z * std_error[position]
            covered[estimand] += abs(estimate - truth[estimand]) <= margin
        delta = result.brier[2] - result.brier[3]
        rejected += abs(delta) > Z * result.delta_std_error[2, 3]
    for count in covered.values():
        assert 0.93 <= count / n_sim <= 0.97
    assert 0.035 <= rejected / n_sim <= 0.065
