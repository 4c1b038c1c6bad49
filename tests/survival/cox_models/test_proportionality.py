"""The proportional-hazards test against the likelihood with an added term g(t) x.

Its values for real data are compared with R in test_hazards_against_r.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from scipy.stats import chi2, norm, rankdata
from tables import check_glance, check_table

from fahrstats.errors import ConvergenceError, DataError, FormulaError
from fahrstats.kernels.natural_spline import natural_spline
from fahrstats.survival.cox_models.hazards import cox
from fahrstats.survival.cox_models.proportionality import ph_test

STEP_RTOL = 1e-4  # second differences of a likelihood, step 1e-4
FORMULA = "Surv(time, event) ~ x + z"


@pytest.fixture
def data() -> pd.DataFrame:
    """Sixty rows with ties; the effect of x changes with time."""
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=60), rng.integers(0, 2, 60)
    time = np.ceil(20 * rng.exponential(np.exp(-0.5 * x)))
    return pd.DataFrame(
        {
            "time": time,
            "event": rng.random(60) < 0.7,
            "x": x,
            "z": z * 1.0,
            "group": rng.choice(["a", "b", "c"], 60),
            "w": rng.integers(1, 4, 60),
        }
    )


def breslow(data: pd.DataFrame, beta, added, g) -> float:
    """Twin: Breslow's log-likelihood with x'beta + g(t) x'added, event by event."""
    X = data[["x", "z"]].to_numpy()
    time, event = data["time"].to_numpy(), data["event"].to_numpy()
    total = 0.0
    for t in np.unique(time[event]):
        values = X @ beta + g[t] * (X @ added)
        dies, at_risk = event & (time == t), time >= t
        total += values[dies].sum()
        total -= dies.sum() * np.log(np.exp(values[at_risk]).sum())
    return total


def scales(data: pd.DataFrame) -> dict[str, dict[float, float]]:
    """Twin: the functions of time, each as a table, uncentred."""
    time, event = data["time"], data["event"]
    times = np.unique(time[event])
    km, survival = {}, 1.0
    for t in times:
        km[t] = 1 - survival
        survival *= 1 - (event & (time == t)).sum() / (time >= t).sum()
    ranks = rankdata(time)
    return {
        "identity": {t: t for t in times},
        "log": {t: np.log(t) for t in times},
        "rank": {t: ranks[(time == t).to_numpy()][0] for t in times},
        "km": km,
    }


@pytest.mark.parametrize("transform", ["km", "identity", "rank", "log"])
def test_the_statistic_is_the_score_test_of_an_added_term(data, transform):
    """Gradient and information of both terms by differences of the likelihood."""
    g = scales(data)[transform]
    deaths = data.loc[data["event"], "time"]
    centre = np.mean([g[t] for t in deaths])
    spread = np.std([g[t] for t in deaths])
    scaled = {t: (value - centre) / spread for t, value in g.items()}
    beta = cox(FORMULA, data, ties="breslow").log_hr

    def value(theta):
        return breslow(data, beta + theta[:2], theta[2:], scaled)

    h, unit = 1e-4, np.eye(4)
    slope = np.array([(value(h * u) - value(-h * u)) / (2 * h) for u in unit])
    bend = np.array(
        [
            [
                (
                    value(h * (u + v))
                    - value(h * (u - v))
                    - value(h * (v - u))
                    + value(-h * (u + v))
                )
                / (4 * h**2)
                for v in unit
            ]
            for u in unit
        ]
    )
    wanted = slope @ np.linalg.solve(-bend, slope)
    test = ph_test(FORMULA, data, ties="breslow", transform=transform)
    assert test.terms == ("x", "z", "global")
    assert test.statistic[-1] == pytest.approx(wanted, rel=STEP_RTOL)
    x_only = [0, 1, 2]
    wanted = slope[x_only] @ np.linalg.solve(
        -bend[np.ix_(x_only, x_only)], slope[x_only]
    )
    assert test.statistic[0] == pytest.approx(wanted, rel=STEP_RTOL)


@pytest.mark.parametrize("transform", ["km", "rank"])
@pytest.mark.parametrize("unit", [1e-9, 1 / 365.25, 1e6])
def test_the_unit_of_time_does_not_matter(data, transform, unit):
    plain = ph_test(FORMULA, data, transform=transform)
    scaled = ph_test(
        FORMULA, data.assign(time=unit * data["time"]), transform=transform
    )
    np.testing.assert_allclose(scaled.statistic, plain.statistic, rtol=1e-9)


def test_units_of_covariates_and_order_of_rows_do_not_matter(data):
    plain = ph_test(FORMULA, data)
    changed = data.assign(x=1e8 * data["x"] + 7, z=-1e-8 * data["z"])
    other = ph_test(FORMULA, changed.sample(frac=1, random_state=1))
    np.testing.assert_allclose(other.statistic, plain.statistic, rtol=1e-8)


def test_whole_weights_are_replicated_rows_for_scales_that_weights_leave_alone(data):
    replicated = data.loc[data.index.repeat(data["w"])]
    for transform in ("identity", "log"):
        weighted = ph_test(
            FORMULA, data, weights="w", ties="breslow", transform=transform
        )
        wanted = ph_test(FORMULA, replicated, ties="breslow", transform=transform)
        np.testing.assert_allclose(weighted.statistic, wanted.statistic, rtol=1e-8)


def test_columns_of_a_factor_are_tested_together(data):
    test = ph_test("Surv(time, event) ~ x + group", data)
    assert test.terms == ("x", "group", "global")
    assert test.df.tolist() == [1, 2, 3]
    np.testing.assert_allclose(test.p_value, chi2.sf(test.statistic, test.df))


def test_aliased_and_infinite_columns_are_not_tested(data):
    data["twin"] = 2 * data["x"]
    data["spared"] = (~data["event"] & (data.index % 2 == 0)) * 1.0
    test = ph_test("Surv(time, event) ~ x + twin + spared + z", data)
    assert test.df.tolist() == [1, 0, 0, 1, 2]
    assert np.isnan(test.statistic[[1, 2]]).all()
    assert np.isnan(test.p_value[[1, 2]]).all()
    rest = ph_test(FORMULA, data[data["spared"] == 0], transform="identity")
    with_spared = ph_test(
        "Surv(time, event) ~ x + spared + z", data, transform="identity"
    )
    np.testing.assert_allclose(
        with_spared.statistic[[0, 2, 3]], rest.statistic, rtol=1e-6
    )
    assert "twin: not tested: no finite estimate" in str(test)


def test_events_at_one_time_tell_no_change(data):
    data["time"] = np.where(data["event"], 5, 9)
    test = ph_test("Surv(time, event) ~ x + z", data)
    assert test.df.tolist() == [0, 0, 0]
    assert np.isnan(test.statistic).all()
    assert np.isnan(test.p_value).all()
    assert "x: not tested: no finite estimate, or it cannot vary in time" in str(test)


def test_a_column_that_varies_at_one_event_time_is_not_tested(data):
    """Among those at risk later it is constant, so nothing tells a change."""
    data["early"] = 0.0
    first = data["time"] == data.loc[data["event"], "time"].min()
    data.loc[first, "early"] = np.arange(first.sum()) % 2
    data.loc[first, "event"] = True
    test = ph_test("Surv(time, event) ~ x + early", data, transform="identity")
    assert test.df.tolist() == [1, 0, 1]
    assert test.statistic[2] == pytest.approx(test.statistic[0], rel=1e-9)


def test_an_interaction_with_time_is_found():
    rng = np.random.default_rng(2)
    x = np.repeat([0.0, 1.0], 400)
    time = np.where(x == 1, rng.weibull(3, 800), rng.weibull(0.7, 800))
    data = pd.DataFrame({"time": time, "event": 1, "x": x, "z": rng.normal(size=800)})
    test = ph_test(FORMULA, data)
    assert test.p_value[0] < 1e-10
    assert test.p_value[1] > 1e-3


def test_tidy_has_a_row_for_each_variable_and_all_together(data):
    table = check_table(ph_test(FORMULA, data).tidy())
    assert table["term"].tolist() == ["x", "z", "global"]
    assert table["estimand"].tolist() == ["ph_chi2"] * 3
    assert table["n"].tolist() == [60] * 3


def test_an_offset_stands_for_a_known_coefficient(data):
    """With the estimate of x as its offset, z has the estimate of the whole model."""
    fit = cox(FORMULA, data)
    known = data.assign(known=5 + fit.log_hr[0] * data["x"])
    test = ph_test("Surv(time, event) ~ z", known, offset="known")
    assert test.terms == ("z", "global")
    assert test.smooth.constant == pytest.approx(fit.log_hr[1:], rel=1e-6)


def test_glance_is_the_test_of_all_together(data):
    test = ph_test(FORMULA, data)
    table = check_glance(test.glance())
    assert table["statistic"].item() == test.statistic[-1]
    assert table["df"].item() == 2


@pytest.mark.parametrize("transform", ["km", "identity", "rank", "log"])
def test_a_smooth_of_the_spline_itself_is_returned(data, transform):
    """Least squares on each event's scaled residual, row by row."""
    fit = cox(FORMULA, data)
    test = ph_test(FORMULA, data, transform=transform)
    residuals = fit.residuals(data, "scaled_schoenfeld")
    table = scales(data)[transform]
    g = np.array([table[t] for t in residuals["time"]])
    grid = np.linspace(g.min(), g.max(), 40)
    knots = np.quantile(np.concatenate([grid, g]), [0, 1 / 3, 2 / 3, 1])
    basis, at = (
        np.column_stack([np.ones(v.size), natural_spline(v, knots)]) for v in (g, grid)
    )
    wanted = at @ np.linalg.lstsq(basis, residuals[["x", "z"]].to_numpy())[0]
    np.testing.assert_allclose(test.smooth.log_hr, wanted, rtol=1e-7, atol=1e-9)
    assert test.smooth.time[0] == residuals["time"].min()
    assert test.smooth.time[-1] == residuals["time"].max()


def test_the_band_is_that_of_the_estimate_over_time(data):
    test = ph_test(FORMULA, data)
    table = check_table(test.over_time(conf_level=0.9))
    assert table["term"].tolist() == ["x"] * 40 + ["z"] * 40
    half = (table["conf_high"] - table["conf_low"]) / 2
    np.testing.assert_allclose(half, norm.isf(0.05) * table["std_error"])
    ratios = check_table(test.over_time(exponentiate=True))
    np.testing.assert_allclose(ratios["estimate"], np.exp(table["estimate"]))
    with pytest.raises(DataError, match="`conf_level` is 2"):
        test.over_time(conf_level=2)


def test_too_few_times_have_a_test_and_no_curve(data):
    data["time"] = 1 + data["time"] % 3
    test = ph_test(FORMULA, data, transform="identity")
    assert np.isfinite(test.statistic).all()
    assert np.isnan(test.smooth.log_hr).all()
    check_table(test.over_time())


def test_the_figure_has_a_panel_for_each_column(data):
    name = "a rather long name of a covariate, with a comma and much more behind it"
    data[name] = data["x"]
    test = ph_test(f"Surv(time, event) ~ `{name}` + group", data)
    with drawn(test.plot()) as figure:
        assert {"group: b", "group: c", "Hazard ratio", "Time"} <= set(words(figure))
        assert not texts_outside(figure)
        assert not overlapping(figure)


def test_the_summary_names_the_scale_and_every_test(data):
    text = str(ph_test(FORMULA, data, transform="rank"))
    assert text.startswith(
        "Proportional hazards, score tests of a change with the rank of time"
    )
    assert "z: chi-squared " in text
    assert "global: chi-squared " in text
    assert "on 2 df" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transform": "sqrt"}, "`transform` is 'sqrt'; choose one of"),
        ({"ties": "exact"}, "`ties` is 'exact'; choose one of"),
        (
            {"formula": "Surv(time, event) ~ 1"},
            "has no covariate whose proportionality",
        ),
        ({"strata": "nowhere"}, "`data` has no column `nowhere`."),
    ],
)
def test_wrong_arguments_are_refused(data, arguments, message):
    formula = arguments.pop("formula", FORMULA)
    with pytest.raises(DataError, match=message):
        ph_test(formula, data, **arguments)


def test_the_gate_is_passed_first(data):
    with pytest.raises(FormulaError, match="must start with an outcome"):
        ph_test("time ~ x", data)
    data.loc[data["time"].idxmin(), ["time", "event", "x"]] = 0.5, True, 1e9
    with pytest.raises(ConvergenceError, match="look for extreme values among `x`"):
        ph_test("Surv(time, event) ~ x", data)


def test_data_are_not_modified(data):
    before = data.copy(deep=True)
    ph_test(FORMULA, data, strata="group", weights="w")
    pd.testing.assert_frame_equal(data, before)
