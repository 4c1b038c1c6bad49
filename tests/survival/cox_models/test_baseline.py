"""Baseline hazards and predicted survival: closed forms, identities and refusals.

Values for real data are compared with R in test_cox_rows_against_r.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, overlapping, texts_outside, words
from simulated import simulate, spared
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError

FORMULA = "Surv(time, event) ~ x + z"
NEW = pd.DataFrame({"x": [0.0, 1.0], "z": [1.0, 0.0]}, index=["mild", "severe"])


@pytest.fixture
def data() -> pd.DataFrame:
    return simulate(1)


def test_without_covariates_it_is_the_nelson_aalen_estimate():
    """Ten rows, one event at each of the first five times."""
    data = pd.DataFrame({"time": np.arange(1.0, 11), "event": [1] * 5 + [0] * 5})
    table = fs.cox("Surv(time, event) ~ 1", data).baseline(data).tidy()
    at_events = table[table["time"].between(1, 5)]
    at_risk = np.arange(10, 5, -1)
    np.testing.assert_allclose(at_events["estimate"], np.cumsum(1 / at_risk))
    np.testing.assert_allclose(
        at_events["std_error"], np.sqrt(np.cumsum(1 / at_risk**2))
    )
    assert table["estimate"].iloc[-1] == pytest.approx(np.sum(1 / at_risk))
    assert table["n_at_risk"].tolist() == [10, *range(10, 0, -1)]


def test_survival_of_a_row_is_exp_minus_hazard_times_its_ratio(data):
    fit = fs.cox(FORMULA, data, ties="breslow")
    baseline = fit.baseline(data)
    table = baseline.tidy().set_index("time")
    times = [5.0, 20.0, 40.0]
    steps = [table.loc[:time, "estimate"].iloc[-1] for time in times]
    ratio = np.exp(fit.augment(NEW)["linear_predictor"])
    found = baseline.survival(NEW, times)
    wanted = np.exp(-np.outer(ratio, steps)).ravel()
    np.testing.assert_allclose(found["estimate"], wanted, rtol=1e-12)
    assert found["group"].tolist() == ["mild"] * 3 + ["severe"] * 3


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_expected_events_of_the_fitted_rows_are_the_observed_ones(data, ties):
    """Hazard at the end of follow-up is the event less the martingale residual.

    Up to Efron's correction for events at their own time, so with Breslow's ties.
    """
    data = data[data["time"] > 0].reset_index(drop=True)
    fit = fs.cox(FORMULA, data, strata="site", ties=ties)
    baseline = fit.baseline(data)
    martingale = fit.residuals(data, "martingale")["martingale"]
    rows = range(0, len(data), 10)
    for row in rows:
        survival = baseline.survival(data.iloc[[row]], [data["time"][row]])
        expected = -np.log(survival["estimate"].item())
        if ties == "breslow" or not data["event"][row]:
            wanted = data["event"][row] - martingale[row]
            assert expected == pytest.approx(wanted, rel=1e-9)


def test_standard_errors_are_the_delta_method_by_differences(data):
    """Refit with every weight moved in turn: the infinitesimal jackknife comes near."""
    fit = fs.cox(FORMULA, data, ties="breslow")
    table = fit.baseline(data).survival(NEW, [20.0])
    changes = []
    for row in range(len(data)):
        rest = data.drop(index=row)
        other = fs.cox(FORMULA, rest, ties="breslow").baseline(rest)
        changes.append(other.survival(NEW, [20.0])["estimate"] - table["estimate"])
    jackknife = np.sqrt((np.array(changes) ** 2).sum(axis=0))
    np.testing.assert_allclose(table["std_error"], jackknife, rtol=0.15)


def test_units_of_covariates_and_order_of_rows_do_not_matter(data):
    plain = fs.cox(FORMULA, data).baseline(data).survival(NEW, [20.0, 40.0])
    changed = data.assign(x=1e6 * data["x"] + 7).sample(frac=1, random_state=1)
    fit = fs.cox(FORMULA, changed)
    other = fit.baseline(changed).survival(NEW.assign(x=1e6 * NEW["x"] + 7), [20, 40])
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(other[column], plain[column], rtol=1e-8)


def test_whole_weights_are_replicated_rows(data):
    replicated = data.loc[data.index.repeat(data["w"])].reset_index(drop=True)
    weighted = fs.cox(FORMULA, data, weights="w", ties="breslow").baseline(data)
    wanted = fs.cox(FORMULA, replicated, ties="breslow").baseline(replicated)
    found = weighted.survival(NEW, [20.0])
    for column in ("estimate", "std_error", "n_at_risk"):
        np.testing.assert_allclose(
            found[column], wanted.survival(NEW, [20.0])[column], rtol=1e-9
        )


def test_new_rows_come_from_their_own_stratum_or_from_every_one(data):
    baseline = fs.cox(FORMULA, data, strata="site").baseline(data)
    assert baseline.strata_levels == ("north", "south", "west")
    everywhere = check_table(baseline.survival(NEW, [20.0]))
    assert everywhere["level"].tolist() == ["north", "south", "west"] * 2
    own = baseline.survival(NEW.assign(site=["west", "north"]), [20.0])
    assert own["level"].tolist() == ["west", "north"]
    assert own["group"].tolist() == ["mild", "severe"]
    assert own["estimate"].tolist() == everywhere["estimate"].iloc[[2, 3]].tolist()


def test_strata_that_are_numbers_are_found_with_and_without_gaps(data):
    data["centre"] = data["site"].map({"north": 1, "south": 2, "west": 3})
    with_gaps = data.assign(centre=data["centre"].where(data.index != 3))
    baseline = fs.cox(FORMULA, with_gaps, strata="centre").baseline(with_gaps)
    found = baseline.survival(NEW.assign(centre=[1, 3]), [20.0])
    assert found["level"].tolist() == ["1.0", "3.0"]


def test_labels_of_several_levels_name_the_rows(data):
    baseline = fs.cox(FORMULA, data).baseline(data)
    labels = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    table = baseline.survival(NEW.set_axis(labels), [10.0])
    assert table["group"].tolist() == ["('a', 1)", "('b', 2)"]


@pytest.mark.parametrize(("x", "survival"), [(-1e4, 1.0), (1e4, 0.0)])
def test_far_from_the_data_survival_is_certain_and_one_at_the_start(data, x, survival):
    baseline = fs.cox("Surv(time, event) ~ x", data).baseline(data)
    table = baseline.survival(pd.DataFrame({"x": [x]}), [0.0, 20.0])
    assert table["estimate"].tolist() == [1.0, survival]
    assert table["std_error"].tolist() == [0.0, 0.0]


def test_risk_is_one_less_survival(data):
    baseline = fs.cox(FORMULA, data).baseline(data)
    survival = baseline.survival(NEW, [20.0], interval="logit", conf_level=0.9)
    risk = check_table(baseline.risk(NEW, 20, interval="logit", conf_level=0.9))
    assert risk["estimand"].tolist() == ["risk"] * 2
    np.testing.assert_allclose(risk["estimate"], 1 - survival["estimate"])
    np.testing.assert_allclose(risk["conf_low"], 1 - survival["conf_high"])
    np.testing.assert_allclose(risk["conf_high"], 1 - survival["conf_low"])
    np.testing.assert_allclose(risk["std_error"], survival["std_error"])


@pytest.mark.parametrize("interval", ["plain", "log", "log-log", "logit", "arcsine"])
def test_intervals_hold_the_estimate(data, interval):
    table = fs.cox(FORMULA, data).baseline(data).survival(NEW, interval=interval)
    known = check_table(table).dropna(subset="conf_low")
    assert len(known) > len(table) / 2
    assert (known["conf_low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["conf_high"]).all()


def test_what_is_not_known_is_missing_with_a_note(data):
    baseline = fs.cox(FORMULA, data).baseline(data)
    last = data["time"].max()
    new = pd.DataFrame({"x": [0.0, np.nan], "z": 1.0})
    table = check_table(baseline.survival(new, [20.0, last, last + 1]))
    assert table["estimate"].notna().tolist() == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    beyond = f"beyond the last follow-up, {last:g}"
    missing = "a covariate is missing"
    assert table["note"].tolist() == ["", "", beyond, missing, missing, missing]
    assert table[["std_error", "conf_low"]].iloc[2:].isna().all(axis=None)


def test_survival_is_one_before_the_first_event(data):
    table = fs.cox(FORMULA, data).baseline(data).survival(NEW, [0.0])
    assert table["estimate"].tolist() == [1, 1]
    assert table["std_error"].tolist() == [0, 0]
    assert table["conf_low"].isna().all()


def test_aliased_columns_contribute_nothing(data):
    plain = fs.cox(FORMULA, data).baseline(data).survival(NEW, [20.0])
    data["twin"] = 2 * data["x"]
    fit = fs.cox("Surv(time, event) ~ x + twin + z", data)
    new = NEW.assign(twin=2 * NEW["x"])
    found = fit.baseline(data).survival(new, [20.0])
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(found[column], plain[column], rtol=1e-8)


def test_an_offset_is_needed_and_counts(data):
    plain = fs.cox(FORMULA, data)
    shifted = data.assign(known=plain.log_hr[0] * data["x"] + 3)
    fit = fs.cox("Surv(time, event) ~ z", shifted, offset="known")
    baseline = fit.baseline(shifted)
    new = NEW.assign(known=plain.log_hr[0] * NEW["x"] + 3)
    np.testing.assert_allclose(
        baseline.survival(new, [20.0])["estimate"],
        plain.baseline(data).survival(NEW, [20.0])["estimate"],
        rtol=1e-6,
    )
    with pytest.raises(DataError, match="`data` has no column `known`"):
        baseline.survival(NEW, [20.0])


def test_exact_ties_have_breslows_baseline(data):
    fit = fs.cox(FORMULA, data, ties="exact")
    table = fit.baseline(data).survival(NEW, [20.0])
    breslow = fs.cox(FORMULA, data, ties="breslow").baseline(data)
    np.testing.assert_allclose(
        table["estimate"], breslow.survival(NEW, [20.0])["estimate"], atol=0.05
    )


def test_tidy_glance_and_summary(data):
    baseline = fs.cox(FORMULA, data, strata="site").baseline(data)
    table = check_table(baseline.tidy())
    assert (
        table.groupby("level")["estimate"]
        .apply(lambda h: h.is_monotonic_increasing)
        .all()
    )
    assert check_glance(baseline.glance())["n"].item() == 120
    text = str(baseline)
    assert text.startswith("Baseline hazard (Efron): Surv(time, event) ~ x + z")
    assert "north: " in text
    assert "survival at the column means" in text


def test_each_row_and_stratum_has_a_curve_in_the_figure(data):
    baseline = fs.cox(FORMULA, data, strata="site").baseline(data)
    with drawn(baseline.plot()) as figure:
        assert {"north", "south", "west", "Predicted survival"} <= set(words(figure))
        assert not texts_outside(figure)
    new = NEW.assign(site=["north", "west"])
    with drawn(baseline.plot(new)) as figure:
        assert {"mild, site north", "severe, site west"} <= set(words(figure))
        assert not overlapping(figure)
    with drawn(fs.cox(FORMULA, data).baseline(data).plot(NEW)) as figure:
        assert {"mild", "severe"} <= set(words(figure))


def test_other_data_and_infinite_coefficients_are_refused(data):
    fit = fs.cox(FORMULA, data)
    with pytest.raises(DataError, match="`data` are not those of the fit"):
        fit.baseline(data.iloc[:60])
    data = spared(data)
    with pytest.raises(DataError, match="`spared` has an infinite coefficient"):
        fs.cox("Surv(time, event) ~ x + spared", data).baseline(data)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.survival(NEW, [-1.0]), "`times` holds -1"),
        (lambda b: b.survival(NEW.iloc[:0]), "`new_data` has no rows."),
        (lambda b: b.survival(NEW, interval="exact"), "`interval` is 'exact'; choose"),
        (lambda b: b.survival(NEW, conf_level=95), "`conf_level` is 95"),
        (lambda b: b.tidy(conf_level=0), "`conf_level` is 0"),
        (lambda b: b.risk(NEW, np.nan), "`horizon` is nan; give a time of follow-up."),
        (
            lambda b: b.risk(NEW, [1, 2]),
            r"`horizon` is \[1, 2\]; give a time of follow",
        ),
        (lambda b: b.survival({"x": 1}, [1.0]), "New data are a dict; give a pandas"),
        (lambda b: b.survival(NEW[["x"]], [1.0]), "`data` has no column `z`."),
        (
            lambda b: b.survival(NEW.assign(site=["east", "west"]), [1.0]),
            r"`site` is missing or a stratum unseen at fitting in 1 of 2 rows",
        ),
    ],
)
def test_wrong_arguments_are_refused(data, call, message):
    baseline = fs.cox(FORMULA, data, strata="site").baseline(data)
    with pytest.raises(DataError, match=message):
        call(baseline)


def test_a_linear_predictor_of_any_span_is_refused():
    rng = np.random.default_rng(1)
    x = np.sort(rng.normal(size=40))[::-1]
    time = np.arange(1.0, 41)
    time[[5, 6, 20, 21]] = time[[6, 5, 21, 20]]
    x[-1] = -1e4
    data = pd.DataFrame({"time": time, "event": 1, "x": x})
    fit = fs.cox("Surv(time, event) ~ x", data)
    with pytest.raises(DataError, match="too much for one baseline hazard"):
        fit.baseline(data)
