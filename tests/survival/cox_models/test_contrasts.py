"""Contrasts and joint Wald tests: identities, missing estimates and refusals.

Values for real data are compared with matrix algebra in R in
test_cox_rows_against_r.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from simulated import simulate, spared
from tables import check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ x * z + C(site)"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def test_one_weight_of_one_is_the_row_of_the_table(data):
    fit = fs.cox(FORMULA, data)
    row = fit.tidy(conf_level=0.9).set_index("term").loc["x"]
    contrast = check_table(fit.contrast({"x": 1}, conf_level=0.9)).iloc[0]
    for column in ("estimate", "std_error", "statistic", "p_value", "conf_low"):
        assert contrast[column] == pytest.approx(row[column], rel=1e-12)


def test_a_contrast_of_levels_is_that_of_another_reference(data):
    fit = fs.cox("Surv(time, event) ~ x + C(site)", data)
    west, south = "C(site)[T.west]", "C(site)[T.south]"
    found = fit.contrast({west: 1, south: -1}).iloc[0]
    assert found["term"] == f"{west} - {south}"
    data["site"] = data["site"].map({"north": "b", "south": "a", "west": "c"})
    other = fs.cox("Surv(time, event) ~ x + C(site)", data).tidy().set_index("term")
    row = other.loc["C(site)[T.c]"]
    for column in ("estimate", "std_error", "p_value"):
        assert found[column] == pytest.approx(row[column], rel=1e-8)


def test_profiles_differ_by_their_linear_predictors(data):
    fit = fs.cox(FORMULA, data)
    first = {"x": 1.5, "z": 1.0, "site": "west"}
    second = {"x": -0.5, "z": 1.0, "site": "north"}
    found = fit.contrast(first, second).iloc[0]
    predictor = fit.augment(pd.DataFrame([first, second]))["linear_predictor"]
    assert found["estimate"] == pytest.approx(predictor[0] - predictor[1], rel=1e-10)
    assert found["term"] == "x 1.5, site west - x -0.5, site north"
    weights = {"x": 2, "x:z": 2, "C(site)[T.west]": 1}
    same = fit.contrast(weights).iloc[0]
    assert found["std_error"] == pytest.approx(same["std_error"], rel=1e-10)


def test_ratios_have_no_standard_error(data):
    fit = fs.cox(FORMULA, data)
    plain = fit.contrast({"x": 2})
    ratio = check_table(fit.contrast({"x": 2}, exponentiate=True))
    assert ratio["estimand"].tolist() == ["hr"]
    assert ratio["estimate"].item() == pytest.approx(np.exp(plain["estimate"].item()))
    assert plain["term"].item() == "2 x x"


def test_what_has_no_finite_estimate_is_missing_with_a_note(data):
    data = spared(data).assign(twin=2 * data["x"])
    fit = fs.cox("Surv(time, event) ~ x + twin + spared + z", data)
    row = check_table(fit.contrast({"x": 1, "twin": 1})).iloc[0]
    assert np.isnan(row["estimate"])
    assert row["note"] == "no estimate: `twin` is aliased"
    row = fit.contrast({"spared": 1}).iloc[0]
    assert row["note"] == "no estimate: `spared` has an infinite coefficient"
    assert np.isfinite(fit.contrast({"x": 1, "z": 1})["estimate"].item())


def test_identical_profiles_differ_by_nothing(data):
    fit = fs.cox("Surv(time, event) ~ x + z", data)
    row = fit.contrast({"x": 1, "z": 1}, {"x": 1, "z": 1}).iloc[0]
    assert (row["term"], row["estimate"], row["std_error"]) == ("no difference", 0, 0)
    assert np.isnan(row["p_value"])


def test_a_joint_test_of_all_columns_is_the_wald_test(data):
    for cluster in (None, "subject"):
        rows = data.assign(subject=np.arange(len(data)) // 2)
        fit = fs.cox("Surv(time, event) ~ x + C(site)", rows, cluster=cluster)
        row = check_table(fit.joint_test(["x", "site"])).iloc[0]
        assert row["statistic"] == pytest.approx(fit.wald_statistic, rel=1e-10)
        assert (row["term"], row["df"], row["estimand"]) == ("x + site", 3, "wald_chi2")


def test_a_joint_test_of_one_column_is_its_squared_z(data):
    fit = fs.cox(FORMULA, data)
    z = fit.tidy().set_index("term").loc["x", "statistic"]
    assert fit.joint_test("x")["statistic"].item() == pytest.approx(z**2, rel=1e-10)


def test_a_joint_test_finds_the_spline_of_a_variable(data):
    fit = fs.cox("Surv(time, event) ~ rcs(x, 4) + z", data)
    by_name, by_term = fit.joint_test("x"), fit.joint_test("rcs(x, 4)")
    assert by_name["df"].item() == 3
    assert by_name["statistic"].item() == by_term["statistic"].item()


def test_joint_tests_that_cannot_be_say_why(data):
    data = spared(data).assign(twin=2 * data["x"])
    fit = fs.cox("Surv(time, event) ~ x + twin + spared", data)
    assert fit.joint_test(["x", "twin"])["df"].item() == 1
    assert fit.joint_test(["twin"])["note"].item() == "not tested: no estimate"
    row = check_table(fit.joint_test(["x", "spared"])).iloc[0]
    assert row["note"] == "not tested: `spared` has an infinite coefficient"
    fit = fs.cox("Surv(time, event) ~ x + z + x:z", data, cluster="site")
    row = fit.joint_test(["x", "z", "x:z"]).iloc[0]
    assert row["note"] == "not tested: 3 clusters for 3 df"
    assert np.isnan(row["statistic"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.contrast({"y": 1}), "The contrast names `y`; the terms are `x`"),
        (lambda f: f.contrast({"x": "a"}), "weighs `x` by a; give a finite number"),
        (
            lambda f: f.contrast({"x": np.inf}),
            "weighs `x` by inf; give a finite number",
        ),
        (lambda f: f.contrast({"x": 0}), "The contrast weighs no term"),
        (lambda f: f.contrast({"x": 1}, conf_level=1), "`conf_level` is 1"),
        (lambda f: f.contrast(["x"]), r"The contrast is \['x'\]; give weights or val"),
        (lambda f: f.contrast({"x": 1}, "x"), "The contrast is 'x'; give weights or"),
        (
            lambda f: f.contrast({"x": 1, "w": 2}, {"x": 0, "w": 2}),
            "A profile names `w`; the covariates of the model are `x`, `z`, `site`",
        ),
        (lambda f: f.contrast({"x": 1}, {"x": 0}), "`data` has no column `z`, `site`"),
        (
            lambda f: f.contrast(
                {"x": 1, "z": 0, "site": "west"}, {"x": 1, "z": 0, "site": "east"}
            ),
            "`site` has 1 levels unseen at fitting",
        ),
        (
            lambda f: f.contrast(
                {"x": 1, "z": 0, "site": "west"}, {"z": 0, "site": "west"}
            ),
            "A profile has no value of `x`; give every covariate in both",
        ),
        (lambda f: f.joint_test(["y"]), "`terms` names `y`; the terms are"),
        (lambda f: f.joint_test([]), "`terms` names no term"),
    ],
)
def test_wrong_arguments_are_refused(data, call, message):
    with pytest.raises(DataError, match=message):
        call(fs.cox(FORMULA, data))
