"""Calibration against R, in closed form, by simulation, and in what it refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside
from predicted import simulate_risks
from references import reference_cases
from scipy.stats import norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

R_RTOL = 1e-8  # R writes 15 digits; both climb to the same maximum
Z = norm.isf(0.025)

CASES = reference_cases("calibration")
FORMULA = "Surv(time, event) ~ risk"


def with_risk(case, frame):
    """Add the predicted risk that calibration.R makes."""
    risk = {
        "lung": lambda d: (d["age"] - 32) / 64,
        "rotterdam": lambda d: (d["age"] - 16) / 128,
        "flchain": lambda d: d["light_chain"].clip(upper=16000) / 16384,
    }[case.data](frame)
    return frame.assign(risk=risk, time=frame[case.time])


def fit(case, cohorts, **options):
    data = with_risk(case, cohorts[case.data])
    return fs.calibration(FORMULA, data, horizon=case.horizon, **options)


def number(table, estimand, column="estimate", term=None):
    rows = table["estimand"] == estimand
    if term is not None:
        rows &= table["term"] == term
    return table.loc[rows, column].iloc[0]


@pytest.fixture
def good() -> fs.Calibration:
    data = simulate_risks(1, 800, effect=0.6)
    formula = "Surv(time, event) ~ risk + flat"
    return fs.calibration(formula, data, horizon=1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_observed_expected_and_slope_match_r(case, cohorts):
    result = fit(case, cohorts)
    table = check_table(result.tidy())
    assert result.n == case.n
    for estimand, column, value in [
        ("observed_risk", "estimate", case.observed),
        ("observed_risk", "conf_low", case.observed_low),
        ("observed_risk", "conf_high", case.observed_high),
        ("mean_predicted_risk", "estimate", case.expected),
        ("oe_ratio", "estimate", case.observed / case.expected),
        ("calibration_slope", "estimate", case.slope),
        ("calibration_slope", "std_error", case.slope_std_error),
    ]:
        wanted = pytest.approx(value, rel=R_RTOL)
        assert number(table, estimand, column) == wanted, (estimand, column)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_smooth_curve_and_its_distances_match_r(case, cohorts):
    result = fit(case, cohorts)
    curve = result.risks[0].curve
    np.testing.assert_allclose(curve.predicted, case.grid, rtol=R_RTOL)
    np.testing.assert_allclose(curve.log_hazard, case.log_hazard, rtol=R_RTOL)
    np.testing.assert_allclose(curve.std_error, case.std_error, rtol=R_RTOL)
    np.testing.assert_allclose(curve.distances, case.distances, rtol=R_RTOL)
    table = check_table(result.smooth_curve())
    margin = Z * np.array(case.std_error)
    low = -np.expm1(-np.exp(np.array(case.log_hazard) - margin))
    np.testing.assert_allclose(table["conf_low"], low, rtol=R_RTOL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_groups_match_r(case, cohorts):
    table = check_table(fit(case, cohorts, groups=5).by_group())
    for column, values in {
        "predicted": case.group_predicted,
        "estimate": case.group_observed,
        "conf_low": case.group_low,
        "conf_high": case.group_high,
    }.items():
        np.testing.assert_allclose(table[column], values, rtol=R_RTOL)
    assert table["group"].tolist() == [f"Q{k}" for k in range(1, len(table) + 1)]
    assert table["n"].sum() == case.n


def test_ratio_and_difference_compare_the_same_two_risks(good):
    table = good.tidy()
    for term in good.terms:
        observed = number(table, "observed_risk", term=term)
        expected = number(table, "mean_predicted_risk", term=term)
        assert number(table, "oe_ratio", term=term) == pytest.approx(
            observed / expected
        )
        difference = number(table, "observed_minus_predicted", term=term)
        assert difference == pytest.approx(observed - expected)


def test_without_censoring_the_error_of_the_difference_is_that_of_a_mean():
    """Observed minus predicted is then the mean of the outcome minus the risk."""
    data = simulate_risks(2, 300).assign(event=True)
    result = fs.calibration(FORMULA, data, horizon=1)
    residual = (data["time"] <= 1) - data["risk"]
    table = result.tidy()
    row = table[table["estimand"] == "observed_minus_predicted"].iloc[0]
    assert row["estimate"] == pytest.approx(residual.mean(), rel=1e-9)
    assert row["std_error"] == pytest.approx(residual.sem(), rel=1e-9)


def test_true_risks_are_calibrated_and_flat_ones_are_not(good):
    table = good.tidy()
    assert number(table, "calibration_slope", "p_value", "risk") > 0.01
    assert number(table, "calibration_slope", "conf_low", "flat") > 1
    assert number(table, "ici", term="flat") > 2 * number(table, "ici", term="risk")
    assert number(table, "e50", term="flat") <= number(table, "e90", term="flat")


def test_tests_of_ratio_and_slope_are_against_one(good):
    table = good.tidy()
    row = table[table["estimand"] == "calibration_slope"].iloc[0]
    z = (row["estimate"] - 1) / row["std_error"]
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(z)))
    row = table[table["estimand"] == "oe_ratio"].iloc[0]
    log_error = np.log(row["conf_high"] / row["conf_low"]) / (2 * Z)
    assert row["statistic"] == pytest.approx(np.log(row["estimate"]) / log_error)


def test_the_distribution_counts_every_row(good):
    table = check_table(good.distribution())
    assert table.groupby("term")["n"].sum().tolist() == [800, 800]
    widths = table[table["term"] == "risk"]["predicted"].diff().dropna()
    np.testing.assert_allclose(widths, widths.iloc[0])


def test_a_constant_risk_has_no_slope_and_no_curve_and_says_so():
    data = simulate_risks(3, 200).assign(risk=0.5)
    result = fs.calibration(FORMULA, data, horizon=1)
    table = check_table(result.tidy())
    for estimand in ("calibration_slope", "ici", "e50", "e90"):
        assert np.isnan(number(table, estimand))
        note = number(table, estimand, "note")
        assert note == "the predicted risks do not vary between 0 and 1"
    assert np.isfinite(number(table, "oe_ratio"))
    assert check_table(result.smooth_curve()).empty
    assert check_table(result.by_group())["n"].tolist() == [200]
    assert "none: the predicted risks do not vary" in str(result)


@pytest.mark.parametrize("risk", [0.0, 1.0])
def test_the_same_certain_risk_for_everybody_is_judged_as_far_as_it_goes(risk):
    data = simulate_risks(3, 200).assign(risk=risk)
    result = fs.calibration(FORMULA, data, horizon=1)
    table = check_table(result.tidy())
    assert np.isnan(number(table, "oe_ratio")) == (risk == 0)
    assert np.isnan(number(table, "calibration_slope"))
    assert number(table, "mean_predicted_risk") == risk
    with mpl.rc_context({"backend": "agg"}), drawn(result.plot()) as figure:
        assert texts_outside(figure) == []


def test_certain_risks_count_as_the_nearest_other_and_are_said():
    data = simulate_risks(4, 300)
    certain = data.assign(risk=data["risk"].clip(0.1, 0.9))
    at_ends = certain["risk"].isin([0.1, 0.9])
    pushed = certain.assign(risk=certain["risk"].mask(certain["risk"] == 0.9, 1.0))
    almost = data.assign(risk=data["risk"].clip(0.1, certain["risk"][~at_ends].max()))
    table, wanted = (
        fs.calibration(FORMULA, d, horizon=1).tidy() for d in (pushed, almost)
    )
    slope = number(table, "calibration_slope")
    assert slope == pytest.approx(number(wanted, "calibration_slope"), rel=1e-9)
    n_certain = (pushed["risk"] == 1).sum()
    assert number(table, "calibration_slope", "note") == (
        f"{n_certain} predicted risks of exactly 0 or 1 taken as the nearest other"
    )


def test_few_distinct_risks_have_a_slope_but_no_curve():
    data = simulate_risks(5, 300)
    data = data.assign(risk=np.where(data["marker"] > 0, 0.7, 0.3))
    result = fs.calibration(FORMULA, data, horizon=1)
    assert result.risks[0].slope > 0
    assert result.risks[0].curve is None
    table = result.tidy()
    assert number(table, "ici", "note") == (
        "too few distinct predicted risks for a smooth curve"
    )
    assert len(result.by_group()) == 2


def test_predictions_that_separate_the_events_have_no_slope():
    time = np.arange(1.0, 41)
    risk = np.linspace(0.95, 0.05, 40)
    data = pd.DataFrame({"time": time, "event": True, "risk": risk})
    result = fs.calibration(FORMULA, data, horizon=20)
    assert np.isnan(result.risks[0].slope)
    note = number(result.tidy(), "calibration_slope", "note")
    assert note == "the likelihood has no maximum: the predictions separate the events"


def test_a_group_whose_follow_up_ends_early_keeps_its_row():
    data = simulate_risks(6, 300)
    is_low = data["risk"] < data["risk"].quantile(0.1)
    short = data["time"].clip(upper=0.5)
    data = data.assign(
        time=data["time"].mask(is_low, short),
        event=data["event"] & ~(is_low & (data["time"] > 0.5)),
    )
    table = check_table(fs.calibration(FORMULA, data, horizon=1).by_group())
    assert np.isnan(table["estimate"][0])
    assert table["note"][0] == "follow-up ends before the horizon"
    assert table["estimate"][1:].notna().all()


def test_rows_left_out_are_counted_and_data_stay_as_they_are(lung):
    data = lung.assign(risk=(lung["meal_cal"] + 10) / 4000)
    before = data.copy()
    result = fs.calibration(FORMULA, data, horizon=365)
    glance = check_glance(result.glance())
    assert glance.loc[0, "n_dropped"] == lung["meal_cal"].isna().sum()
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"horizon": -1}, DataError, "`horizon` is -1"),
        ({"horizon": 99}, DataError, "Nobody is followed beyond horizon 99"),
        ({"groups": 1}, DataError, "`groups` is 1; give at least 2 groups"),
        ({"formula": "Surv(time, event) ~ marker"}, DataError, "`marker` is outside"),
        ({"formula": "Surv(time, event) ~ 1"}, FormulaError, "names no column"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    data = simulate_risks(1, 100)
    options = {"formula": FORMULA, "horizon": 1} | change
    formula = options.pop("formula")
    with pytest.raises(error, match=message):
        fs.calibration(formula, data, **options)


def test_an_impossible_confidence_level_is_refused(good):
    with pytest.raises(DataError, match="`conf_level` is 2"):
        good.tidy(conf_level=2)


def test_the_summary_tells_sizes_and_every_number(good):
    text = str(good)
    for part in ("800 rows", "at 1: ", "observed over predicted", "ICI", "95% CI"):
        assert part in text


@pytest.mark.parametrize("formula", [FORMULA, "Surv(time, event) ~ risk + same"])
def test_the_plot_is_a_figure_that_draws(formula, tmp_path):
    data = simulate_risks(1, 300).assign(same=0.4)
    result = fs.calibration(formula, data, horizon=1)
    with mpl.rc_context({"backend": "agg"}):
        result.plot().save(tmp_path / "calibration.png", verbose=False, dpi=50)
    assert (tmp_path / "calibration.png").stat().st_size > 0


@pytest.mark.slow
def test_intervals_of_slope_ratio_and_difference_cover():
    """500 cohorts of 400 with true risks: slope 1, ratio 1, difference 0."""
    n_sim, truth = 500, {"calibration_slope": 1.0, "oe_ratio": 1.0}
    truth["observed_minus_predicted"] = 0.0
    covered = dict.fromkeys(truth, 0)
    for seed in range(1, n_sim + 1):
        data = simulate_risks(seed, 400, effect=0.7)
        risk = fs.calibration(FORMULA, data, horizon=1.0).risks[0]
        away = {
            "calibration_slope": (risk.slope - 1) / risk.slope_std_error,
            "oe_ratio": np.log(risk.observed / risk.expected)
            / risk.log_ratio_std_error,
            "observed_minus_predicted": (risk.observed - risk.expected)
            / risk.difference_std_error,
        }
        for name, z in away.items():
            covered[name] += abs(z) <= Z
    for name, count in covered.items():
        assert 0.93 <= count / n_sim <= 0.97, name


def test_risks_of_zero_have_no_ratio_and_say_why(lung):
    fit = fs.calibration("Surv(time, event) ~ none", lung.assign(none=0.0), horizon=300)
    row = fit.tidy().set_index("estimand").loc["oe_ratio"]
    assert np.isnan(row["estimate"])
    assert row["note"] == "the mean predicted risk is 0"
