"""Hazard ratios as a curve over one variable."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from simulated import simulate, spared
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ rcs(x, 4) + z"


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1, 300)


def test_a_curve_of_a_line_is_the_line(data):
    fit = fs.cox("Surv(time, event) ~ x + z", data)
    curve = fit.curve("x", reference=1, at=[-1, 0, 1, 3])
    np.testing.assert_allclose(curve.log_hr, fit.log_hr[0] * np.array([-2, -1, 0, 2]))
    std_error = np.sqrt(fit.cov[0, 0]) * np.array([2, 1, 0, 2])
    np.testing.assert_allclose(curve.std_error, std_error)
    table = check_table(curve.tidy())
    assert table["value"].tolist() == [-1, 0, 1, 3]
    assert table["reference"].tolist() == ["1"] * 4
    at_reference = table.loc[2, ["estimate", "std_error", "conf_low", "conf_high"]]
    assert at_reference.tolist() == [0, 0, 0, 0]
    assert np.isnan(table.loc[2, "p_value"])


def test_a_spline_that_is_told_to_be_a_line_is_one(data):
    """Differences of the linear predictor between two rows that differ in x only."""
    fit = fs.cox(FORMULA, data)
    curve = fit.curve("x", reference=0.2, at=[-1.5, 0.9])
    rows = pd.DataFrame({"x": [-1.5, 0.9, 0.2], "z": 1.0})
    predictor = fit.augment(rows)["linear_predictor"]
    np.testing.assert_allclose(curve.log_hr, predictor[:2] - predictor[2], rtol=1e-10)


def test_standard_errors_are_those_of_a_contrast(data):
    fit = fs.cox(FORMULA, data, covariance="robust")
    curve = fit.curve("x", reference=0.2, at=[-1.5])
    row = fit.contrast({"x": -1.5, "z": 0}, {"x": 0.2, "z": 0}).iloc[0]
    assert curve.log_hr[0] == pytest.approx(row["estimate"], rel=1e-10)
    assert curve.std_error[0] == pytest.approx(row["std_error"], rel=1e-10)


def test_the_choice_of_reference_moves_the_curve_only(data):
    fit = fs.cox(FORMULA, data)
    first, second = (fit.curve("x", reference=r, at=[-1, 1]) for r in (-1, 1))
    assert np.diff(first.log_hr) == pytest.approx(np.diff(second.log_hr))
    assert first.log_hr[1] == pytest.approx(-second.log_hr[0])
    assert first.std_error[1] == pytest.approx(second.std_error[0])


def test_without_values_a_curve_spans_the_rows_of_the_fit(data):
    curve = fs.cox(FORMULA, data).curve("x")
    low, middle, high = np.percentile(data["x"], [2.5, 50, 97.5])
    assert curve.reference == pytest.approx(middle)
    assert (curve.values[0], curve.values[-1]) == (low, high)
    assert curve.values.size == 101
    np.testing.assert_allclose(
        curve.knots, np.quantile(data["x"], [0.05, 0.35, 0.65, 0.95])
    )
    row = check_glance(curve.glance()).iloc[0]
    assert (row["variable"], row["n"]) == ("x", 300)
    ratios = check_table(curve.tidy(exponentiate=True, conf_level=0.9))
    assert set(ratios["estimand"]) == {"hr"}
    assert "std_error" not in ratios


@pytest.mark.parametrize(
    "term", ["np.log(x + 9)", "I(x ** 2) + x", "bs(x, df=4)", "rcs(np.exp(x), 3)"]
)
def test_any_transform_is_followed(data, term):
    fit = fs.cox(f"Surv(time, event) ~ {term} + z", data)
    curve = fit.curve("x", reference=0, at=[-1, 1])
    rows = pd.DataFrame({"x": [-1.0, 1, 0], "z": 0.0})
    predictor = fit.augment(rows)["linear_predictor"]
    np.testing.assert_allclose(curve.log_hr, predictor[:2] - predictor[2], rtol=1e-9)
    assert curve.knots == ()  # of x itself there are none


def test_columns_that_repeat_others_add_nothing(data):
    with_twin = fs.cox("Surv(time, event) ~ rcs(x, 3) + I(2 * x) + z", data)
    plain = fs.cox("Surv(time, event) ~ rcs(x, 3) + z", data)
    one, other = (fit.curve("x", reference=0, at=[1.0]) for fit in (with_twin, plain))
    np.testing.assert_allclose(one.log_hr, other.log_hr, rtol=1e-8)
    np.testing.assert_allclose(one.std_error, other.std_error, rtol=1e-7)


def test_an_infinite_coefficient_leaves_no_curve(data):
    fit = fs.cox("Surv(time, event) ~ x + spared", spared(data))
    curve = fit.curve("spared", reference=0, at=[0.5, 1])
    table = check_table(curve.tidy())
    assert table["estimate"].isna().all()
    assert set(table["note"]) == {"no estimate: `spared` has an infinite coefficient"}
    assert str(curve).splitlines()[1] == table["note"][0]
    assert np.isfinite(fit.curve("x", reference=0, at=[1]).log_hr).all()


def test_a_curve_tells_its_ratios_and_knots(data):
    text = str(fs.cox(FORMULA, data).curve("x", reference=0, at=[-1, 0, 1]))
    lines = text.splitlines()
    assert lines[0] == f"Hazard ratio by `x`, relative to 0: {FORMULA}"
    assert lines[2] == "0: 1.00 (1.00\N{EN DASH}1.00)"
    assert lines[4].startswith("Knots at ")


def test_a_transform_without_a_value_at_zero_has_a_curve(data):
    data["marker"] = 50 + 5 * data["x"]
    fit = fs.cox("Surv(time, event) ~ bs(marker, df=4)", data)
    at = pd.DataFrame({"marker": [48.0, 55, 50]})
    predictor = fit.augment(at)["linear_predictor"]
    curve = fit.curve("marker", reference=50, at=[48, 55])
    wanted = predictor[:2] - predictor[2]
    np.testing.assert_allclose(curve.log_hr, wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "arguments", "message"),
    [
        ("x + z", {"variable": "x"}, "`x` enters `Surv.*` as it is, and the fit keeps"),
        ("x + z", {"variable": "w"}, "No term holds `w`; the covariates are `x`, `z`"),
        ("x * z", {"variable": "x"}, "`x` acts together with `z` in `x:z`"),
        ("site + x", {"variable": "site"}, "`site` is a factor in `site`"),
        (
            "rcs(x, 4)",
            {"variable": "x", "at": []},
            r"`at` is \[\]; give finite numbers",
        ),
        ("rcs(x, 4)", {"variable": "x", "at": [1, np.nan]}, "give finite numbers"),
        ("rcs(x, 4)", {"variable": "x", "at": 3}, "`at` is 3; give numbers"),
        (
            "rcs(x, 4)",
            {"variable": "x", "reference": "a"},
            "`reference` is .*; give num",
        ),
        (
            "bs(x, df=4)",
            {"variable": "x", "reference": 0, "at": [0, 99]},
            "A transform of `x` has no value somewhere between 0 and 99: Some field",
        ),
        (
            "np.log(x + 9)",
            {"variable": "x", "at": [-20, 1]},
            "`x` has 1 values in `at` or `reference` that its transform does not fit",
        ),
    ],
)
def test_curves_that_do_not_exist_are_refused(data, formula, arguments, message):
    fit = fs.cox(f"Surv(time, event) ~ {formula}", data)
    with pytest.raises(DataError, match=message):
        fit.curve(**arguments)


def test_the_plot_is_a_figure_that_draws(data, tmp_path):
    with mpl.rc_context({"backend": "agg"}):
        figure = fs.cox(FORMULA, data).curve("x").plot(x_label="Marker, units")
        figure.save(tmp_path / "curve.png", verbose=False, dpi=50)
    assert (tmp_path / "curve.png").stat().st_size > 0
