"""Tests of the non-linear columns of splines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from simulated import simulate
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ rcs(x, 4) + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1, 300)


def test_every_spline_has_its_tests(data):
    data = data.assign(y=np.random.default_rng(2).normal(size=300))
    formula = "Surv(time, event) ~ rcs(x, 4) + z + rcs(y, 3)"
    fit = fs.cox(formula, data)
    table = check_table(fit.nonlinearity(data))
    assert table["term"].tolist() == [
        *(["rcs(x, 4)"] * 2 + ["rcs(y, 3)"] * 2),
        *("rcs(x, 4)", "rcs(y, 3)"),
    ]
    assert table["df"].tolist() == [3, 2, 2, 1, 2, 1]
    straight = fs.cox("Surv(time, event) ~ x + z + rcs(y, 3)", data)
    ratio = 2 * (fit.log_likelihood - straight.log_likelihood)
    assert table["statistic"][4] == pytest.approx(ratio, rel=1e-9)
    assert table["p_value"][4] == pytest.approx(chi2.sf(ratio, 2))
    one = fit.joint_test(["rcs(x, 4)[2]", "rcs(x, 4)[3]"]).iloc[0]
    assert table["statistic"][1] == pytest.approx(one["statistic"], rel=1e-12)


def test_without_data_there_are_wald_tests(data):
    table = fs.cox(FORMULA, data).nonlinearity()
    assert table["estimand"].tolist() == ["wald_chi2", "nonlinear_wald_chi2"]


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (
            {"cluster": "site"},
            "not tested: clusters or weights leave no likelihood ratio",
        ),
        ({"ridge": 1.0}, "not tested: a penalty leaves no likelihood ratio"),
    ],
)
def test_where_there_is_no_likelihood_ratio_the_row_says_so(data, arguments, note):
    if "cluster" in arguments:
        data = data.assign(site=np.arange(300) % 20)
    fit = fs.cox(FORMULA, data, **arguments)
    row = check_table(fit.nonlinearity(data)).iloc[2]
    assert row["note"] == note
    assert np.isnan(row["p_value"])


def test_a_spline_with_an_exact_likelihood_is_tested(data):
    data = data.assign(time=np.ceil(data["time"] / 8))
    fit = fs.cox(FORMULA, data, ties="exact")
    straight = fs.cox("Surv(time, event) ~ x + z", data, ties="exact")
    row = fit.nonlinearity(data).iloc[2]
    assert row["statistic"] == pytest.approx(
        2 * (fit.log_likelihood - straight.log_likelihood), rel=1e-9
    )


def test_a_model_without_a_spline_and_other_data_are_refused(data):
    with pytest.raises(DataError, match=r"has no spline; write `rcs\(x, 4\)` for one"):
        fs.cox("Surv(time, event) ~ x + z", data).nonlinearity()
    with pytest.raises(DataError, match="`data` are not those of the fit"):
        fs.cox(FORMULA, data).nonlinearity(data.iloc[5:])
    with pytest.raises(DataError, match=r"its log-likelihood is .* with these rows"):
        fs.cox(FORMULA, data).nonlinearity(data.assign(x=data["x"].to_numpy()[::-1]))
