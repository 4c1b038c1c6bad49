"""The result of a Cox model: its tables, its linear predictor, its summary."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm
from simulated import simulate, spared
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def test_infinite_estimates_are_shown_with_their_test_and_firths(data):
    fit = fs.cox("Surv(time, event) ~ x + spared", spared(data))
    (monotone,), (estimate,) = fit.monotone, fit.firth
    table = check_table(fit.tidy())
    assert table["estimand"].tolist() == ["log_hr", "log_hr", "log_hr_firth"]
    infinite, firth = table.iloc[1], table.iloc[2]
    assert infinite["estimate"] == -np.inf
    assert np.isnan(
        infinite[["std_error", "conf_low", "conf_high"]].astype(float)
    ).all()
    assert infinite["statistic"] == monotone.lr_statistic
    assert infinite["p_value"] == monotone.p_value
    assert infinite["note"].startswith("infinite: monotone likelihood")
    assert firth["term"] == "spared"
    assert firth["estimate"] == estimate.log_hr
    assert firth["std_error"] == estimate.std_error
    assert firth["statistic"] == estimate.lr_statistic
    assert firth["p_value"] == estimate.p_value
    assert (firth["conf_low"], firth["conf_high"]) == estimate.limits(0.95)
    assert firth["note"] == "Firth's penalised likelihood"
    ratios = check_table(fit.tidy(exponentiate=True, per={"spared": -2}))
    assert ratios["estimand"].tolist() == ["hr", "hr", "hr_firth"]
    assert ratios["estimate"][1] == np.inf
    assert ratios["estimate"][2] == pytest.approx(np.exp(-2 * estimate.log_hr))
    limits = np.exp(-2 * np.array(estimate.limits(0.95)))
    np.testing.assert_allclose(
        ratios.loc[2, ["conf_high", "conf_low"]].astype(float), limits
    )
    text = str(fit)
    assert "spared (Firth)" in text
    assert "spared: infinite: monotone likelihood" in text
    assert "Likelihood ratio: chi-squared" in text
    assert "on 2 df" in text
    assert "on 1 df" in text  # Wald, of the finite coefficient


def test_no_linear_predictor_has_an_infinite_coefficient(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + spared", data)
    with pytest.raises(DataError, match="`spared` has an infinite coefficient"):
        fit.augment(data)


def test_tidy_holds_wald_tests_and_intervals(data):
    fit = fs.cox(FORMULA, data)
    table = check_table(fit.tidy(conf_level=0.9))
    std_error = np.sqrt(np.diag(fit.cov))
    np.testing.assert_array_equal(table["estimate"], fit.log_hr)
    np.testing.assert_array_equal(table["std_error"], std_error)
    z = fit.log_hr / std_error
    np.testing.assert_allclose(table["statistic"], z)
    np.testing.assert_allclose(table["p_value"], 2 * norm.sf(np.abs(z)))
    margin = norm.isf(0.05) * std_error
    np.testing.assert_allclose(table["conf_low"], fit.log_hr - margin)
    np.testing.assert_allclose(table["conf_high"], fit.log_hr + margin)
    assert table["n"].tolist() == [120, 120]
    assert table["estimand"].tolist() == ["log_hr", "log_hr"]


def test_ratios_are_exponentials_without_a_standard_error(data):
    fit = fs.cox(FORMULA, data)
    plain, ratios = fit.tidy(), check_table(fit.tidy(exponentiate=True))
    for column in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_allclose(ratios[column], np.exp(plain[column]))
    assert "std_error" not in ratios
    assert ratios["estimand"].tolist() == ["hr", "hr"]
    np.testing.assert_array_equal(ratios["p_value"], plain["p_value"])


def test_a_step_multiplies_the_coefficient_by_term_or_variable(data):
    fit = fs.cox("Surv(time, event) ~ x + site", data)
    plain = fit.tidy()
    table = check_table(fit.tidy(per={"x": -10, "site[T.west]": 2}))
    assert table["per"].tolist() == [-10, 1, 2]
    np.testing.assert_allclose(table["estimate"], plain["estimate"] * [-10, 1, 2])
    np.testing.assert_allclose(table["std_error"], plain["std_error"] * [10, 1, 2])
    np.testing.assert_allclose(table["p_value"], plain["p_value"])
    assert table["conf_low"][0] == pytest.approx(-10 * plain["conf_high"][0])
    assert fit.tidy(per={"site": 2})["per"].tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("per", "message"),
    [
        ({"y": 10}, "`per` names `y`; the terms are `x`, `z`."),
        ({"x": 0}, "`per` gives `x` a step of 0; give a finite number other than 0."),
        ({"x": np.nan}, "`per` gives `x` a step of nan"),
        ({"x": np.inf}, "`per` gives `x` a step of inf"),
        ({"x": "5"}, "`per` gives `x` a step of 5; give a finite number"),
        (10, '`per` is 10; give steps by name, such as `{"age": 10}`'),
    ],
)
def test_wrong_steps_are_refused(data, per, message):
    with pytest.raises(DataError, match=message):
        fs.cox(FORMULA, data).tidy(per=per)


@pytest.mark.parametrize("conf_level", [0, 1, 95, -0.5, np.nan])
def test_an_impossible_confidence_level_is_refused(data, conf_level):
    with pytest.raises(DataError, match=f"`conf_level` is {conf_level}; give a number"):
        fs.cox(FORMULA, data).tidy(conf_level=conf_level)


def test_glance_is_one_row_of_sizes_likelihoods_and_the_test(data):
    fit = fs.cox(FORMULA, data)
    row = check_glance(fit.glance()).iloc[0]
    assert row["statistic"] == 2 * (fit.log_likelihood - fit.log_likelihood_null)
    assert row["aic"] == pytest.approx(4 - 2 * fit.log_likelihood)
    assert row["p_value"] == pytest.approx(chi2.sf(row["statistic"], 2))
    assert (row["n"], row["n_events"], row["df"]) == (120, fit.n_events, 2)


def test_augment_adds_the_linear_predictor_row_for_row(data):
    fit = fs.cox(FORMULA, data)
    new = data.iloc[[5, 0, 0]].assign(linear_predictor="old")
    new.iloc[1, new.columns.get_loc("x")] = np.nan
    scored = fit.augment(new)
    centred = data[["x", "z"]] - data[["x", "z"]].mean()
    wanted = (centred @ fit.log_hr).iloc[[5, 0]]
    np.testing.assert_allclose(
        scored["linear_predictor"].iloc[[0, 2]], wanted, rtol=1e-12
    )
    assert np.isnan(scored["linear_predictor"].iloc[1])
    assert new["linear_predictor"].eq("old").all()


def test_aliased_columns_add_nothing_to_the_linear_predictor(data):
    data = data.assign(k=2 * data["x"])
    with_twin = fs.cox("Surv(time, event) ~ x + k + z", data).augment(data)
    plain = fs.cox(FORMULA, data).augment(data)
    np.testing.assert_allclose(
        with_twin["linear_predictor"], plain["linear_predictor"], rtol=1e-9
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="x"), "`data` has no column `x`"),
        (lambda d: d.assign(site="east"), r"`site` has 1 levels unseen at fitting"),
        (lambda d: d.assign(x="text"), "cannot be encoded as at fitting"),
    ],
)
def test_new_data_that_do_not_fit_are_refused(data, change, message):
    fit = fs.cox("Surv(time, event) ~ x + site", data)
    with pytest.raises(DataError, match=message):
        fit.augment(change(data))


def test_questions_can_come_in_any_order(data):
    fit = fs.cox(FORMULA, data)
    before = fit.tidy()
    fit.tidy(exponentiate=True, per={"x": 5}, conf_level=0.5)
    fit.glance(), str(fit), fit.augment(data)
    pd.testing.assert_frame_equal(fit.tidy(), before)
    with pytest.raises(AttributeError):
        fit.n = 3


def test_the_plot_is_a_figure_that_draws(data, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        figure = fs.cox("Surv(time, event) ~ x + spared + site", spared(data)).plot()
        figure.save(tmp_path / "cox.png", verbose=False, dpi=50)
    assert (tmp_path / "cox.png").stat().st_size > 0


def test_firths_missing_estimate_is_said_to_be_missing(data):
    fit = fs.cox("Surv(time, event) ~ x + spared", spared(data))
    lost = replace(fit.firth[0], log_hr=np.nan, std_error=np.nan)
    row = check_table(replace(fit, firth=(lost,)).tidy()).iloc[2]
    assert np.isnan(row["estimate"])
    assert row["note"] == "Firth's penalised likelihood reached no maximum"


def test_a_robust_fit_says_what_the_test_of_an_infinite_term_assumes(data):
    fit = fs.cox("Surv(time, event) ~ x + spared", spared(data), covariance="robust")
    note = fit.tidy().loc[1, "note"]
    assert note.endswith(
        "statistic and p from the likelihood ratio of independent rows"
    )
