"""Firth's penalised fits and ridge regressions, and when which is chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brute_force import find_denominators, likelihood
from scipy.optimize import brentq, minimize
from scipy.stats import chi2, norm
from simulated import simulate, spared
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import ConvergenceError
from fahrstats.survival.cox_models.penalization import PROFILE_LEVELS

SEARCH_RTOL = 1e-6  # the twin searches without slopes
FORMULA = "Surv(time, event) ~ x + spared"


@pytest.fixture
def data() -> pd.DataFrame:
    return spared(simulate(1))


@pytest.fixture
def twin(data):
    """Firth's penalised log-likelihood of x and spared, written out."""
    rows = data[data["time"] > 0]
    event = rows["event"].to_numpy()
    parts = find_denominators(rows["time"].to_numpy(), event)
    X = rows[["x", "spared"]].to_numpy(float)

    def height(beta):
        here = likelihood(X, np.asarray(beta), parts, event=event)
        return here.value + np.linalg.slogdet(here.information)[1] / 2

    return height


def highest(height, held=None):
    """Search all coefficients, or x alone with that of `spared` held."""
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000}
    if held is None:
        return minimize(
            lambda b: -height(b), [0, -2], method="Nelder-Mead", options=options
        )
    return minimize(
        lambda b: -height([b[0], held]), [0.3], method="Nelder-Mead", options=options
    )


def test_a_firth_fit_is_what_a_search_finds(data, twin):
    """Estimates, penalised likelihoods, test and limits, by search and bisection."""
    fit = fs.cox(FORMULA, data, penalty="firth")
    found = highest(twin)
    np.testing.assert_allclose(fit.log_hr, found.x, rtol=1e-5)
    assert fit.penalty.log_likelihood == pytest.approx(-found.fun, rel=1e-10)
    assert fit.penalty.log_likelihood_null == pytest.approx(twin([0, 0]), rel=1e-12)
    assert fit.lr_statistic == pytest.approx(2 * (-found.fun - twin([0, 0])), rel=1e-8)
    estimate = fit.firth[1]
    at_zero = -highest(twin, held=0.0).fun
    assert estimate.lr_statistic == pytest.approx(
        2 * (-found.fun - at_zero), rel=SEARCH_RTOL
    )
    drop = norm.isf(0.025) ** 2 / 2
    for limit, end in zip(estimate.limits(0.95), (-15, 0), strict=True):
        wanted = brentq(
            lambda b: -highest(twin, held=b).fun + found.fun + drop,
            estimate.log_hr,
            end,
            xtol=1e-8,
        )
        assert limit == pytest.approx(wanted, rel=SEARCH_RTOL)


def test_a_firth_fit_shows_profiles_in_every_row(data):
    fit = fs.cox(FORMULA, data, penalty="firth")
    table = check_table(fit.tidy())
    assert table["estimand"].tolist() == ["log_hr", "log_hr"]
    assert set(table["note"]) == {"Firth's penalised likelihood"}
    np.testing.assert_array_equal(table["estimate"], fit.log_hr)
    np.testing.assert_allclose(table["std_error"], np.sqrt(np.diag(fit.cov)), rtol=1e-9)
    np.testing.assert_allclose(table["p_value"], chi2.sf(table["statistic"], 1))
    wald = table["estimate"] + norm.isf(0.025) * table["std_error"]
    assert abs(table["conf_high"][1] - wald[1]) > 0.05
    ratios = check_table(fit.tidy(exponentiate=True, per={"spared": -1}))
    assert ratios["conf_low"][1] == pytest.approx(np.exp(-table["conf_high"][1]))
    glance = check_glance(fit.glance()).iloc[0]
    assert glance["statistic"] == fit.lr_statistic
    assert glance["df"] == 2
    assert np.isnan(glance["aic"])
    assert np.isnan(fit.score_statistic)
    text = str(fit)
    assert "Firth's penalised likelihood; profile intervals" in text
    assert text.count("Firth's penalised likelihood") == 1
    assert "Wald" not in text


def test_the_columns_of_a_monotone_likelihood_get_the_same_estimate_unasked(data):
    """The rule: Firth's estimate beside the infinite one, of those columns only."""
    plain, firth = fs.cox(FORMULA, data), fs.cox(FORMULA, data, penalty="firth")
    assert plain.penalty is None
    assert [m.term for m in plain.monotone] == ["spared"]
    assert firth.monotone == ()
    (estimate,) = plain.firth
    assert estimate == firth.firth[1]
    finite = fs.cox("Surv(time, event) ~ x + z", data)
    assert finite.firth == ()


@pytest.mark.parametrize("conf_level", PROFILE_LEVELS)
def test_limits_hold_zero_exactly_if_the_test_keeps_it(data, conf_level):
    data = data.assign(noise=np.random.default_rng(6).normal(size=len(data)))
    fit = fs.cox("Surv(time, event) ~ x + z + noise", data, penalty="firth")
    table = fit.tidy(conf_level=conf_level)
    holds = (table["conf_low"] < 0) & (table["conf_high"] > 0)
    np.testing.assert_array_equal(holds, table["p_value"] > 1 - conf_level)


def test_levels_without_profile_limits_say_so(data):
    fit = fs.cox(FORMULA, data, penalty="firth")
    table = check_table(fit.tidy(conf_level=0.8))
    assert table[["conf_low", "conf_high"]].isna().all(axis=None)
    assert table["note"][0] == (
        "Firth's penalised likelihood; profile limits only at conf_level 0.9, 0.95, "
        "0.99"
    )
    lost = replace(fit.firth[0], conf_low=(np.nan,) * 3)
    table = check_table(replace(fit, firth=(lost, fit.firth[1])).tidy())
    assert table["note"][0].endswith("; no profile limit was found")


def test_a_firth_fit_with_aliased_columns_keeps_the_others(data):
    data = data.assign(twin=2 * data["x"])
    fit = fs.cox("Surv(time, event) ~ x + twin + spared", data, penalty="firth")
    plain = fs.cox(FORMULA, data, penalty="firth")
    assert [estimate.term for estimate in fit.firth] == ["x", "spared"]
    np.testing.assert_allclose(fit.log_hr[[0, 2]], plain.log_hr, rtol=1e-8)
    assert check_table(fit.tidy())["note"][1].startswith("aliased")
    # Half the log determinant does not depend on the column that says nothing.
    assert fit.penalty.log_likelihood == pytest.approx(plain.penalty.log_likelihood)


@pytest.mark.parametrize("scale", [1e-3, 1e5])
def test_units_change_a_firth_fit_as_they_should(data, scale):
    plain = fs.cox(FORMULA, data, penalty="firth")
    scaled = fs.cox(FORMULA, data.assign(x=scale * data["x"]), penalty="firth")
    assert scaled.lr_statistic == pytest.approx(plain.lr_statistic, rel=1e-9)
    assert scale * scaled.log_hr[0] == pytest.approx(plain.log_hr[0], rel=1e-8)
    np.testing.assert_allclose(
        np.array(scaled.firth[0].conf_low) * scale, plain.firth[0].conf_low, rtol=1e-7
    )


def test_firth_bears_delayed_entry_strata_whole_weights_and_an_offset(data):
    data = data.assign(known=data["z"] / 3)
    fit = fs.cox(
        "Surv(entry, time, event) ~ x + spared",
        data,
        strata="site",
        weights="w",
        offset="known",
        penalty="firth",
        ties="breslow",
    )
    replicated = data.loc[data.index.repeat(data["w"])]
    again = fs.cox(
        "Surv(entry, time, event) ~ x + spared",
        replicated,
        strata="site",
        offset="known",
        penalty="firth",
        ties="breslow",
    )
    np.testing.assert_allclose(again.log_hr, fit.log_hr, rtol=1e-7)
    np.testing.assert_allclose(
        again.firth[1].conf_low, fit.firth[1].conf_low, rtol=1e-6
    )


def test_a_firth_fit_has_residuals_and_a_linear_predictor(data):
    fit = fs.cox(FORMULA, data, penalty="firth")
    predictor = fit.augment(data)["linear_predictor"]
    assert np.isfinite(predictor).all()
    assert 0.5 < fit.c_index < 1


def test_a_firth_fit_without_a_maximum_is_an_error(data, monkeypatch):
    import fahrstats.survival.cox_models.penalization as module

    found = module.maximize_penalized
    monkeypatch.setattr(
        module,
        "maximize_penalized",
        lambda likelihood: replace(found(likelihood), has_converged=False),
    )
    with pytest.raises(ConvergenceError, match="no maximum of Firth's penalised likel"):
        fs.cox(FORMULA, data, penalty="firth")
    (estimate,) = fs.cox(FORMULA, data).firth
    assert np.isnan(estimate.log_hr)
    assert np.isnan(estimate.limits(0.95)).all()


# ------------------------------------------------------------------- ridge


def test_a_ridge_of_nothing_is_no_ridge(data):
    plain = fs.cox("Surv(time, event) ~ x + z", data)
    tiny = fs.cox("Surv(time, event) ~ x + z", data, ridge=1e-9)
    np.testing.assert_allclose(tiny.log_hr, plain.log_hr, rtol=1e-8)
    np.testing.assert_allclose(tiny.cov, plain.cov, rtol=1e-8)
    assert tiny.effective_df == pytest.approx(2, rel=1e-8)
    assert tiny.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)


def test_a_large_ridge_leaves_nothing(data):
    fit = fs.cox("Surv(time, event) ~ x + z", data, ridge=1e9)
    np.testing.assert_allclose(fit.log_hr, 0, atol=1e-6)
    assert fit.effective_df == pytest.approx(0, abs=1e-6)
    assert fit.penalty.theta == 1e9


def test_the_unit_of_a_column_does_not_change_a_ridge(data):
    plain = fs.cox("Surv(time, event) ~ x + z", data, ridge=10)
    scaled = fs.cox(
        "Surv(time, event) ~ x + z", data.assign(x=data["x"] * 1e4), ridge=10
    )
    assert scaled.log_hr[0] * 1e4 == pytest.approx(plain.log_hr[0], rel=1e-8)
    assert scaled.effective_df == pytest.approx(plain.effective_df, rel=1e-9)


def test_a_ridge_tells_apart_what_the_likelihood_cannot(data):
    """Twins share their effect, and separated columns have a finite one."""
    data = data.assign(twin=data["x"])
    fit = fs.cox("Surv(time, event) ~ x + twin + spared", data, ridge=5)
    assert fit.aliased == ()
    assert fit.monotone == ()
    assert fit.log_hr[0] == pytest.approx(fit.log_hr[1], rel=1e-8)
    assert np.isfinite(fit.log_hr).all()
    constant = fs.cox("Surv(time, event) ~ x + one", data.assign(one=1), ridge=5)
    assert [aliased.term for aliased in constant.aliased] == ["one"]
    assert np.isnan(constant.penalty.sampling_cov[1, 1])


def test_a_ridge_shows_its_effective_degrees_of_freedom(data):
    fit = fs.cox("Surv(time, event) ~ x + z", data, ridge=30)
    glance = check_glance(fit.glance()).iloc[0]
    assert glance["df"] == fit.effective_df < 2
    assert glance["aic"] == pytest.approx(2 * fit.effective_df - 2 * fit.log_likelihood)
    assert glance["p_value"] == pytest.approx(
        chi2.sf(fit.lr_statistic, fit.effective_df)
    )
    text = str(fit)
    assert f"Ridge penalty 30 per standard deviation; {fit.effective_df:.2f}" in text
    assert f"on {fit.effective_df:.2f} df" in text
    assert "Wald" not in text
