"""Decision curves against R, by their meaning, and in what they refuse."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from predicted import simulate_risks
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError

R_RTOL = 1e-8  # R writes 15 digits; both multiply the same factors
R_ATOL = 1e-12  # net benefits near 0 are differences of numbers of order 0.1

CASES = reference_cases("net_benefit")
FORMULA = "Surv(time, event) ~ risk"


@pytest.fixture(scope="module")
def both() -> fs.DecisionCurve:
    data = simulate_risks(1, 400)
    return fs.decision_curve(
        "Surv(time, event) ~ risk + flat", data, horizon=1, n_boot=60, seed=3
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_net_benefit_matches_r(case, cohorts):
    data = cohorts[case.data]
    risk = {
        "lung": lambda d: (d["age"] - 32) / 64,
        "rotterdam": lambda d: (d["age"] - 16) / 128,
        "flchain": lambda d: d["light_chain"].clip(upper=16000) / 16384,
    }[case.data](data)
    data = data.assign(risk=risk, time=data[case.time])
    result = fs.decision_curve(
        FORMULA,
        data,
        horizon=case.horizon,
        thresholds=case.thresholds,
        weights=case.weights,
    )
    wanted = np.column_stack([case.model, case.all])
    np.testing.assert_allclose(result.net_benefit, wanted, rtol=R_RTOL, atol=R_ATOL)


def test_every_strategy_has_a_row_at_every_threshold(both):
    table = check_table(both.tidy())
    assert table["term"].unique().tolist() == [
        *("risk", "flat", "treat all", "treat none")
    ]
    assert (table.groupby("term").size() == 99).all()
    none = table[table["term"] == "treat none"]
    assert (none["estimate"] == 0).all()
    assert (table["estimand"] == "net_benefit").all()


def test_without_draws_there_are_no_limits():
    data = simulate_risks(1, 200)
    table = check_table(fs.decision_curve(FORMULA, data, horizon=1).tidy())
    assert table[["conf_low", "conf_high", "std_error"]].isna().all(axis=None)


def test_limits_are_percentiles_of_the_draws(both):
    row = both.tidy(conf_level=0.9).iloc[20]
    wanted = np.quantile(both.draws[:, 20, 0], [0.05, 0.95])
    np.testing.assert_allclose(row[["conf_low", "conf_high"]].astype(float), wanted)
    assert row["std_error"] == pytest.approx(both.draws[:, 20, 0].std(ddof=1))


def test_a_draw_is_the_curve_of_the_rows_drawn(both):
    """The first draw is taken again by hand, each row as often as it was drawn."""
    from fahrstats.resampling import draw_counts

    data = simulate_risks(1, 400)
    taken = data.loc[data.index.repeat(draw_counts(3, 60, 400)[0]())]
    again = fs.decision_curve("Surv(time, event) ~ risk + flat", taken, horizon=1)
    np.testing.assert_allclose(again.net_benefit, both.draws[0], rtol=1e-9, atol=1e-12)


def test_the_seed_decides_the_draws(both):
    data = simulate_risks(1, 400)
    formula = "Surv(time, event) ~ risk + flat"
    options = {"horizon": 1, "n_boot": 60}
    same = fs.decision_curve(formula, data, seed=3, **options)
    other = fs.decision_curve(formula, data, seed=4, **options)
    np.testing.assert_array_equal(same.draws, both.draws)
    assert not np.array_equal(other.draws, both.draws, equal_nan=True)


def test_a_contrast_uses_the_same_draws_for_both(both):
    table = check_table(both.contrast("risk", "flat"))
    difference = both.net_benefit[:, 0] - both.net_benefit[:, 1]
    np.testing.assert_allclose(table["estimate"], difference)
    draws = both.draws[:, 40, 0] - both.draws[:, 40, 1]
    assert table["conf_low"][40] == pytest.approx(np.quantile(draws, 0.025))
    back = both.contrast("flat", "risk")
    np.testing.assert_allclose(back["conf_high"], -table["conf_low"], atol=1e-14)


def test_against_treating_none_the_difference_is_the_net_benefit(both):
    table = both.contrast("risk", "treat none")
    np.testing.assert_array_equal(table["estimate"], both.net_benefit[:, 0])
    assert (both.contrast("treat all", "treat all")["estimate"] == 0).all()


def test_identical_predictions_differ_by_zero():
    data = simulate_risks(2, 150).assign(twin=lambda d: d["risk"])
    result = fs.decision_curve("Surv(time, event) ~ risk + twin", data, horizon=1)
    assert set(result.contrast("risk", "twin")["estimate"].dropna()) == {0.0}


def test_below_every_risk_the_model_treats_all():
    data = simulate_risks(2, 150)
    low = data["risk"].min() / 2
    result = fs.decision_curve(FORMULA, data, horizon=1, thresholds=[low])
    assert result.net_benefit[0, 0] == result.net_benefit[0, 1]
    assert result.n_treated.tolist() == [[150, 150]]


def test_nobody_treated_is_no_benefit_and_said():
    data = simulate_risks(2, 150).assign(risk=0.3)
    result = fs.decision_curve(FORMULA, data, horizon=1, thresholds=[0.2, 0.4])
    rows = result.tidy().iloc[:2]
    assert rows["estimate"][1] == 0
    assert rows["note"].tolist() == ["", "nobody is treated"]


def test_follow_up_that_ends_early_leaves_the_benefit_missing_and_is_said():
    data = simulate_risks(3, 200)
    is_high = data["risk"] >= 0.9
    ends = is_high & (data["time"] > 0.5)
    data = data.assign(time=data["time"].mask(ends, 0.5), event=data["event"] & ~ends)
    result = fs.decision_curve(
        FORMULA, data, horizon=1, thresholds=[0.5, 0.9], n_boot=20
    )
    rows = check_table(result.tidy()).iloc[:2]
    assert np.isnan(rows["estimate"][1])
    assert np.isnan(rows["conf_low"][1])
    assert rows["note"][1] == "follow-up of those treated ends before the horizon"
    assert "follow-up" in result.contrast("risk", "treat all")["note"][1]


def test_rows_left_out_are_counted_and_data_stay_as_they_are(lung):
    data = lung.assign(risk=lung["ph_ecog"] / 4)
    before = data.copy()
    result = fs.decision_curve(FORMULA, data, horizon=365)
    assert check_glance(result.glance()).loc[0, "n_dropped"] == 1
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"thresholds": [0.1, 1.0]}, DataError, "`thresholds` holds 1; give risks"),
        ({"thresholds": [0.0]}, DataError, "`thresholds` holds 0"),
        ({"thresholds": [np.nan]}, DataError, "`thresholds` holds nan"),
        ({"thresholds": []}, DataError, "`thresholds` is empty"),
        ({"horizon": 0}, DataError, "`horizon` is 0"),
        ({"horizon": 99}, DataError, "Nobody is followed beyond horizon 99"),
        ({"n_boot": 1}, DataError, "`n_boot` is 1"),
        ({"formula": "Surv(time, event) ~ marker"}, DataError, "`marker` is outside"),
        ({"formula": "Surv(time, event) ~ 1"}, FormulaError, "names no column"),
    ],
)
def test_bad_input_is_refused(change, error, message):
    data = simulate_risks(1, 100)
    options = {"formula": FORMULA, "horizon": 1} | change
    formula = options.pop("formula")
    with pytest.raises(error, match=message):
        fs.decision_curve(formula, data, **options)


def test_an_unknown_strategy_in_a_contrast_is_refused(both):
    message = "There is no strategy `x`; there are `risk`, `flat`, `treat all`"
    with pytest.raises(DataError, match=message):
        both.contrast("x", "risk")


def test_an_impossible_confidence_level_is_refused(both):
    with pytest.raises(DataError, match="`conf_level` is 2"):
        both.tidy(conf_level=2)


def test_the_summary_tells_where_a_model_is_of_use(both):
    text = str(both)
    assert "99 thresholds from 0.01 to 0.99; 60 bootstrap draws" in text
    above = both.net_benefit[:, 0] > np.maximum(both.net_benefit[:, -1], 0)
    last = both.thresholds[np.flatnonzero(above)[-1]]
    line = next(line for line in text.splitlines() if line.startswith("  risk"))
    assert line.endswith(f"to {last:g}")


def test_a_model_that_is_of_no_use_is_said_to_be_so():
    data = simulate_risks(2, 200).assign(risk=0.01)
    text = str(fs.decision_curve(FORMULA, data, horizon=1, thresholds=[0.2, 0.4]))
    assert "above treating all and none: nowhere" in text


@pytest.mark.parametrize("n_boot", [0, 20])
def test_the_plot_is_a_figure_that_draws(n_boot, tmp_path):
    data = simulate_risks(1, 200)
    result = fs.decision_curve(FORMULA, data, horizon=1, n_boot=n_boot)
    with mpl.rc_context({"backend": "agg"}):
        result.plot().save(tmp_path / "decision.png", verbose=False, dpi=50)
    assert (tmp_path / "decision.png").stat().st_size > 0
