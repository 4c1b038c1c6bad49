"""Likelihood-ratio tests of leaving out each term.

Values for real data are compared with R in test_cox_rows_against_r.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from simulated import simulate, spared
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_each_row_is_the_ratio_of_two_fits(data, ties):
    fit = fs.cox("Surv(time, event) ~ x + C(site)", data, strata="z", ties=ties)
    table = check_table(fit.drop1(data))
    assert table["term"].tolist() == ["x", "C(site)"]
    assert table["variable"].tolist() == ["x", "site"]
    assert table["df"].tolist() == [1, 2]
    for other, statistic, df, p_value in zip(
        ["C(site)", "x"], table["statistic"], table["df"], table["p_value"], strict=True
    ):
        smaller = fs.cox(f"Surv(time, event) ~ {other}", data, strata="z", ties=ties)
        wanted = 2 * (fit.log_likelihood - smaller.log_likelihood)
        assert statistic == pytest.approx(wanted, rel=1e-8)
        assert p_value == pytest.approx(chi2.sf(statistic, df), rel=1e-12)


def test_every_fit_is_to_the_rows_of_the_whole_model(data):
    """A row missing in x alone stays out of the fit without x."""
    data.loc[:9, "x"] = np.nan
    fit = fs.cox("Surv(time, event) ~ x + z", data)
    complete = data.dropna(subset="x")
    without = fs.cox("Surv(time, event) ~ z", complete)
    wanted = 2 * (fit.log_likelihood - without.log_likelihood)
    assert fit.drop1(data)["statistic"].iloc[0] == pytest.approx(wanted, rel=1e-8)


def test_the_only_term_is_tested_against_no_covariates(data):
    fit = fs.cox("Surv(time, event) ~ x", data)
    found = fit.drop1(data)["statistic"].item()
    assert found == pytest.approx(fit.lr_statistic, rel=1e-10)


def test_parts_of_a_product_are_not_tested(data):
    table = check_table(fs.cox("Surv(time, event) ~ x * z", data).drop1(data))
    assert table["note"].tolist() == ["not tested: part of `x:z`"] * 2 + [""]
    assert table["statistic"].notna().tolist() == [False, False, True]


def test_robust_fits_have_robust_wald_tests(data):
    data["subject"] = np.arange(len(data)) // 2
    fit = fs.cox("Surv(time, event) ~ x + C(site)", data, cluster="subject")
    table = check_table(fit.drop1(data))
    assert table["estimand"].tolist() == ["wald_chi2"] * 2
    assert table["note"].str.startswith("robust Wald test").all()
    wanted = fit.joint_test(["site"])["statistic"].item()
    assert table["statistic"].iloc[1] == pytest.approx(wanted, rel=1e-12)


def test_terms_without_an_estimate_of_their_own_are_not_tested(data):
    data["twin"] = 2 * data["x"]
    fit = fs.cox("Surv(time, event) ~ x + twin + z", data)
    table = check_table(fit.drop1(data))
    assert table["df"].tolist() == [0, 0, 1]
    assert table["note"].iloc[0] == "not tested: no estimate of its own"
    data["only"] = "a"
    table = fs.cox("Surv(time, event) ~ x + C(only)", data).drop1(data)
    assert table["df"].tolist() == [1, 0]


def test_an_infinite_coefficient_has_its_likelihood_ratio(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + spared", data)
    table = check_table(fit.drop1(data))
    wanted = fit.monotone[0].lr_statistic
    assert table["statistic"].iloc[1] == pytest.approx(wanted, rel=1e-6)


def test_other_rows_of_an_infinite_fit_are_refused_and_another_order_is_not(data):
    data = spared(data)
    fit = fs.cox("Surv(time, event) ~ x + spared", data)
    again = fit.drop1(data.sample(frac=1, random_state=1))["statistic"]
    np.testing.assert_allclose(again, fit.drop1(data)["statistic"], rtol=1e-6)
    with pytest.raises(DataError, match=r"its log-likelihood is .* with these rows"):
        fit.drop1(data.assign(x=data["x"].to_numpy()[::-1]))


def test_wrong_data_and_models_are_refused(data):
    fit = fs.cox("Surv(time, event) ~ x + z", data)
    with pytest.raises(DataError, match="`data` are not those of the fit"):
        fit.drop1(data.iloc[:50])
    reversed_x = data.assign(x=data["x"].to_numpy()[::-1])
    with pytest.raises(DataError, match=r"its log-likelihood is .* with these rows"):
        fit.drop1(reversed_x)
    with pytest.raises(DataError, match="has no term to leave out"):
        fs.cox("Surv(time, event) ~ 1", data).drop1(data)
    with pytest.raises(DataError, match="was fitted with a penalty"):
        fs.cox("Surv(time, event) ~ x + z", data, ridge=1.0).drop1(data)
