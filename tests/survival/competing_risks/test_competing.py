"""Cumulative incidence against R, and in what it says and refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from competing import digest_of, load_competing
from hypothesis import given, settings
from hypothesis import strategies as st
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError, ResultWarning

R_RTOL = 1e-8  # R writes 15 digits; both multiply and sum the same float64 terms
R_ATOL = 1e-15  # R leaves rounding error of a standard error that is 0
CMPRSK_RTOL = 2e-3  # another estimator of the variance; nearer with more at risk

CASES = reference_cases("competing")
INCIDENCE = [case for case in CASES if case.kind == "incidence"]


@pytest.fixture
def mgus2():
    frame = load_competing()["mgus2"]
    return frame.assign(cause=frame["code"].map({1: "malignancy", 2: "death"}))


def curves_of(case, interval="log-log"):
    assert case.digest == digest_of(case.data)
    return fs.cumulative_incidence(
        case.formula,
        load_competing()[case.data],
        cause="cause",
        weights=case.weights,
        interval=interval,
    )


def numbers(values):
    return np.atleast_1d(np.array(values, np.float64))


def rows_at(table, case, cause):
    """Rows of a tidy table at the steps that the reference kept."""
    table = table[table["cause"] == cause]
    codes = pd.factorize(table["group"])[0] + 1
    index = pd.MultiIndex.from_arrays([codes, table["time"]])
    wanted = pd.MultiIndex.from_arrays([numbers(case.group), numbers(case.time)])
    return table.set_index(index).loc[wanted]


@pytest.mark.parametrize("case", INCIDENCE, ids=str)
def test_curves_match_r(case):
    table = curves_of(case).tidy()
    for code, cause in enumerate(("1", "2")):
        rows = rows_at(table, case, cause)
        for ours, name in {"estimate": "incidence", "std_error": "std_error"}.items():
            wanted = numbers(getattr(case, name)[code])
            np.testing.assert_allclose(rows[ours], wanted, rtol=R_RTOL, atol=R_ATOL)
        if case.weights is None:  # R counts rows here, whatever their weights
            np.testing.assert_array_equal(rows["n_at_risk"], numbers(case.at_risk))


@pytest.mark.parametrize("interval", ["log-log", "log", "plain"])
@pytest.mark.parametrize("case", INCIDENCE, ids=str)
def test_limits_match_r(case, interval):
    table = curves_of(case, interval).tidy()
    for code, cause in enumerate(("1", "2")):
        rows = rows_at(table, case, cause)
        inside = rows["estimate"].between(1e-12, 1 - 1e-12).to_numpy()
        for ours, name in {"conf_low": "low", "conf_high": "high"}.items():
            wanted = numbers(case.limits[interval][name][code])
            np.testing.assert_allclose(rows[ours][inside], wanted[inside], rtol=R_RTOL)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind == "martingale"], ids=str
)
def test_cmprsk_has_the_same_incidence_and_almost_the_same_error(case):
    data = load_competing()[case.data]
    table = fs.cumulative_incidence(case.formula, data, cause="cause").at([case.at])
    np.testing.assert_allclose(table["estimate"], case.incidence, rtol=R_RTOL)
    np.testing.assert_allclose(table["std_error"], case.std_error, rtol=CMPRSK_RTOL)


def test_one_cause_is_one_minus_kaplan_meier(lung):
    lung = lung.assign(cause="death")
    incidence = fs.cumulative_incidence("Surv(time, event) ~ sex", lung, cause="cause")
    survival = fs.kaplan_meier("Surv(time, event) ~ sex", lung)
    alive = survival.survival > 0
    np.testing.assert_allclose(incidence.incidence[:, 0], 1 - survival.survival)
    np.testing.assert_allclose(
        incidence.std_error[alive, 0], survival.std_error[alive], rtol=1e-9, atol=1e-12
    )


def test_incidence_is_below_one_minus_kaplan_meier(mgus2):
    """With other causes censored, Kaplan and Meier's estimator is no probability."""
    only = mgus2.assign(event=(mgus2["cause"] == "malignancy") * 1)
    naive = 1 - fs.kaplan_meier("Surv(time, event) ~ 1", only).at([300])["estimate"]
    table = fs.cumulative_incidence("Surv(time, event) ~ 1", mgus2, cause="cause")
    row = table.at([300]).query("cause == 'malignancy'")
    assert row["estimate"].item() < 0.6 * naive.item()


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from(["", "a", "b", "c"])),
        min_size=4,
        max_size=40,
    )
)
def test_all_causes_and_no_event_add_up_to_one(rows):
    data = pd.DataFrame(rows, columns=["time", "cause"])
    data = data.assign(event=(data["cause"] != "") * 1)
    if not data["event"].any() or data["time"].nunique() == 1:
        return
    curves = fs.cumulative_incidence("Surv(time, event) ~ 1", data, cause="cause")
    total = curves.incidence.sum(axis=1) + curves.curves.survival
    np.testing.assert_allclose(total, 1, rtol=1e-13)
    assert (np.diff(curves.incidence, axis=0) >= 0).all()


def test_tied_times_do_not_depend_on_the_order_of_rows(mgus2):
    """Ties are ties: nothing is moved apart, so no order of rows matters."""
    formula = "Surv(years, event) ~ male"
    one = fs.cumulative_incidence(formula, mgus2, cause="cause")
    turned = fs.cumulative_incidence(formula, mgus2[::-1], cause="cause")
    pd.testing.assert_frame_equal(one.tidy(), turned.tidy(), rtol=1e-12)


def test_whole_weights_count_rows(mgus2):
    doubled = pd.concat([mgus2, mgus2])
    formula = "Surv(time, event) ~ male"
    weighted = fs.cumulative_incidence(
        formula, mgus2.assign(w=2), cause="cause", weights="w"
    )
    twice = fs.cumulative_incidence(formula, doubled, cause="cause")
    np.testing.assert_allclose(weighted.std_error, twice.std_error, rtol=1e-9)


def test_every_table_keeps_the_contract(mgus2):
    curves = fs.cumulative_incidence("Surv(time, event) ~ male", mgus2, cause="cause")
    for table in (curves.tidy(), curves.at([12, 120]), curves.at_risk([0, 120])):
        check_table(table)
    glance = check_glance(curves.glance())
    assert glance.loc[0, ["n", "n_events", "n_dropped"]].tolist() == [1384, 975, 0]
    assert curves.causes == ("death", "malignancy")
    assert curves.group_events.tolist() == [[370, 59], [490, 56]]
    assert len(curves.at([12, 120])) == 2 * 2 * 2


def test_counts_at_a_horizon_are_of_the_cause_and_include_it():
    data = pd.DataFrame(
        {
            "time": [1.0, 2, 2, 3, 1, 4],
            "event": [1, 1, 0, 1, 1, 0],
            "cause": ["a", "b", None, "b", "b", None],
            "group": [*"xxxxyy"],
        }
    )
    table = fs.cumulative_incidence("Surv(time, event) ~ group", data, cause="cause")
    found = table.at([2])
    assert found["cause"].tolist() == ["a", "a", "b", "b"]
    assert found["n_events"].tolist() == [1, 0, 1, 1]
    assert found["n_censored"].tolist() == [1, 0, 1, 0]
    assert found["n_at_risk"].tolist() == [3, 1, 3, 1]
    assert found["estimate"].tolist() == [1 / 4, 0, 1 / 4, 1 / 2]


def test_incidence_beyond_follow_up_is_unknown_unless_nobody_is_left():
    data = pd.DataFrame(
        {
            "time": [1.0, 2, 1, 2],
            "event": [1, 1, 1, 0],
            "cause": [*"abab"],
            "group": [*"xxyy"],
        }
    )
    curves = fs.cumulative_incidence("Surv(time, event) ~ group", data, cause="cause")
    table = curves.at([9])
    assert table["estimate"].tolist()[::2] == [0.5, 0.5]
    assert table["estimate"][1::2].isna().all()
    assert table["n_at_risk"].tolist() == [0, 0, 0, 0]


def test_a_group_without_events_of_a_cause_keeps_its_row_at_0(mgus2):
    data = mgus2.assign(
        cause=mgus2["cause"].mask(mgus2["male"] == 1, "death"),
    )
    curves = fs.cumulative_incidence("Surv(time, event) ~ male", data, cause="cause")
    row = curves.at([120]).query("cause == 'malignancy' and group == '1'").iloc[0]
    assert (row["estimate"], row["std_error"], row["n_events"]) == (0, 0, 0)
    assert np.isnan(row["conf_low"])


def test_a_curve_extinct_before_others_enter_is_announced():
    data = pd.DataFrame(
        {
            "entry": [0.0, 3, 3, 4],
            "exit": [2.0, 5, 6, 8],
            "event": [1, 1, 0, 1],
            "cause": [*"abab"],
        }
    )
    with pytest.warns(ResultWarning, match="up to 3 are at risk later"):
        fs.cumulative_incidence("Surv(entry, exit, event) ~ 1", data, cause="cause")


def test_the_summary_tells_sizes_and_incidence(mgus2):
    text = str(
        fs.cumulative_incidence("Surv(time, event) ~ male", mgus2, cause="cause")
    )
    assert "1384 rows, 975 events, 0 left out" in text
    assert "malignancy, by 394" in text
    assert "631 rows, 59 events, 0.199 (0.127 to 0.282)" in text


def test_data_are_not_modified(mgus2):
    before = mgus2.copy()
    fs.cumulative_incidence("Surv(time, event) ~ male", mgus2, cause="cause")
    pd.testing.assert_frame_equal(mgus2, before)


def test_an_unknown_interval_is_refused(mgus2):
    with pytest.raises(DataError, match="`interval` is 'probit'; choose one of"):
        fs.cumulative_incidence(
            "Surv(time, event) ~ 1", mgus2, cause="cause", interval="probit"
        )


def test_causes_among_the_groups_are_refused(mgus2):
    with pytest.raises(FormulaError, match="`cause` names causes and is part of"):
        fs.cumulative_incidence(
            "Surv(time, event) ~ cause", mgus2.fillna({"cause": "none"}), cause="cause"
        )


@pytest.mark.parametrize("conf_level", [0, 1, 95])
def test_an_impossible_confidence_level_is_refused(mgus2, conf_level):
    curves = fs.cumulative_incidence("Surv(time, event) ~ 1", mgus2, cause="cause")
    for ask in (curves.tidy, lambda **given: curves.at([1], **given)):
        with pytest.raises(DataError, match=f"`conf_level` is {conf_level}"):
            ask(conf_level=conf_level)


@pytest.mark.parametrize("times", [[-1], [np.inf], []])
def test_impossible_times_are_refused(mgus2, times):
    curves = fs.cumulative_incidence("Surv(time, event) ~ 1", mgus2, cause="cause")
    with pytest.raises(DataError, match="`times`"):
        curves.at(times)


def test_the_plot_is_a_figure_that_draws(mgus2, tmp_path):
    curves = fs.cumulative_incidence("Surv(time, event) ~ male", mgus2, cause="cause")
    with mpl.rc_context({"backend": "agg"}):
        curves.plot().save(tmp_path / "incidence.png", verbose=False, dpi=50)
    assert (tmp_path / "incidence.png").stat().st_size > 0


def test_times_that_differ_by_rounding_are_the_times_of_the_data(mgus2):
    tenths = mgus2.assign(time=mgus2["time"] * 0.1)
    found, wanted = (
        fs.cumulative_incidence("Surv(time, event) ~ 1", data, cause="cause").at(times)
        for data, times in ((tenths, [0.3, 0.6, 0.7]), (mgus2, [3, 6, 7]))
    )
    pd.testing.assert_frame_equal(
        found.drop(columns="time"), wanted.drop(columns="time")
    )


def test_a_cause_that_is_no_name_is_refused(mgus2):
    with pytest.raises(DataError, match="`cause` is a Series; name a column of `data`"):
        fs.cumulative_incidence("Surv(time, event) ~ 1", mgus2, cause=mgus2["cause"])


def test_the_summary_says_where_there_is_no_interval(mgus2):
    data = mgus2.assign(rare=np.where(mgus2.index < 30, "few", "others"))
    data.loc[data["rare"] == "few", ["time", "event"]] = [2.0, 0]
    curves = fs.cumulative_incidence("Surv(time, event) ~ rare", data, cause="cause")
    assert "few     30 rows, 0 events, 0.000 (no interval)" in str(curves)
