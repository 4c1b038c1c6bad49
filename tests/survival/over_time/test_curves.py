"""Kaplan-Meier curves against R, and in what they say and refuse."""

from __future__ import annotations

from typing import get_args

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from references import reference_cases
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError, FormulaError, ResultWarning
from fahrstats.kernels.product_limit import Interval

R_RTOL = 1e-8  # R writes 15 digits; both multiply and sum the same float64 terms
R_ATOL = 1e-13  # numbers at risk that R leaves at rounding error instead of 0

CASES = reference_cases("survfit")
INTERVALS = get_args(Interval)


def curves_of(case, cohorts, interval="log-log"):
    return fs.kaplan_meier(
        case.formula, cohorts[case.data], weights=case.weights, interval=interval
    )


def numbers(values):
    return np.atleast_1d(np.array(values, np.float64))


def rows_at(table, curve):
    """Rows of a tidy table at the steps that the reference kept."""
    codes = pd.factorize(table["group"])[0] + 1
    index = pd.MultiIndex.from_arrays([codes, table["time"]])
    wanted = pd.MultiIndex.from_arrays(
        [numbers(curve["group"]), numbers(curve["time"])]
    )
    return table.set_index(index).loc[wanted]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_curves_match_r(case, cohorts):
    curves = curves_of(case, cohorts)
    np.testing.assert_array_equal(curves.group_n, numbers(case.n))
    rows = rows_at(curves.tidy(), case.curve)
    for ours, name in {
        "n_at_risk": "at_risk",
        "n_events": "events",
        "n_censored": "censored",
        "estimate": "survival",
    }.items():
        wanted = numbers(case.curve[name])
        np.testing.assert_allclose(rows[ours], wanted, rtol=R_RTOL, atol=R_ATOL)
    std_error = np.where(rows["estimate"] > 0, numbers(case.curve["std_error"]), np.nan)
    np.testing.assert_allclose(rows["std_error"], std_error, rtol=R_RTOL)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_limits_match_r(case, interval, cohorts):
    rows = rows_at(curves_of(case, cohorts, interval).tidy(), case.curve)
    alive = (rows["estimate"] > 0).to_numpy()
    for ours, name in {"conf_low": "low", "conf_high": "high"}.items():
        wanted = numbers(case.limits[interval][name])
        np.testing.assert_allclose(rows[ours][alive], wanted[alive], rtol=R_RTOL)
        assert rows[ours][~alive].isna().all()


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_quantiles_and_their_limits_match_r(case, interval, cohorts):
    """With delayed entry a limit can rise again; R then reports a later quantile."""
    curves = curves_of(case, cohorts, interval)
    table, steps = curves.quantiles(), curves.tidy().groupby("group", sort=False)
    for ours, (name, curve) in {
        "estimate": ("quantile", "estimate"),
        "conf_low": ("lower", "conf_low"),
        "conf_high": ("upper", "conf_high"),
    }.items():
        wanted = numbers(case.quantiles[interval][name])
        rises = steps[curve].apply(lambda s: (s.diff() > 0).any()).to_numpy()
        found = table[ours].to_numpy()
        is_same = np.isclose(found, wanted, rtol=R_RTOL, atol=0, equal_nan=True)
        assert (is_same | (np.repeat(rises, 3) & (found < wanted))).all()
        assert "delayed" in case.name or is_same.all()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_survival_at_horizons_matches_r(case, cohorts):
    times = np.unique(numbers(case.at["time"]))
    table = curves_of(case, cohorts).at(times)
    is_known = table["estimate"].notna().to_numpy() & (table["estimate"] > 0)
    for ours, name in {
        "estimate": "survival",
        "std_error": "std_error",
        "conf_low": "low",
        "conf_high": "high",
    }.items():
        wanted = numbers(case.at[name])[is_known]
        if ours.startswith("conf"):  # R's summary has 1 before a group's first time
            wanted[table["estimate"][is_known] == 1] = np.nan
        np.testing.assert_allclose(table[ours][is_known], wanted, rtol=R_RTOL)
    if "delayed" not in case.name:  # R counts entries up to its next step, too
        wanted = numbers(case.at["at_risk"])
        np.testing.assert_allclose(table["n_at_risk"], wanted, rtol=R_RTOL)


def test_every_table_keeps_the_contract(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ sex", lung)
    for table in (
        curves.tidy(),
        curves.at([100, 400]),
        curves.at_risk([0, 100, 400]),
        curves.quantiles(),
        curves.median(),
    ):
        check_table(table)
    check_glance(curves.glance())
    assert len(curves.at([100, 400])) == 4
    assert curves.median()["quantile"].tolist() == [0.5, 0.5]


def test_a_curve_starts_at_time_0_with_everybody(lung):
    table = fs.kaplan_meier("Surv(time, event) ~ sex", lung).tidy()
    first = table[table["time"] == 0]
    assert first["group"].tolist() == ["1", "2"]
    assert first["estimate"].tolist() == [1, 1]
    assert first[["conf_low", "conf_high"]].isna().all(axis=None)
    assert first["n_at_risk"].tolist() == first["n"].tolist() == [138, 90]


def test_no_group_is_overall(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    assert curves.groups == ("overall",)


def test_groups_of_several_columns_are_their_combinations(lung):
    data = lung.assign(sex=lung["sex"].map({1: "men", 2: "women"}))
    curves = fs.kaplan_meier("Surv(time, event) ~ sex + ph_ecog", data)
    assert curves.groups[:2] == ("men, 0", "men, 1")
    assert curves.n_dropped == 1


def test_groups_keep_the_order_of_categories(cohorts):
    data = cohorts["veteran"]
    assert fs.kaplan_meier("Surv(time, event) ~ celltype", data).groups == (
        "squamous",
        "smallcell",
        "adeno",
        "large",
    )


def test_at_risk_censored_and_failed_add_up_to_the_group(lung):
    lung = lung.assign(time=np.ceil(lung["time"] / 100))
    table = fs.kaplan_meier("Surv(time, event) ~ sex", lung).at_risk([0, 3, 5, 8, 99])
    total = table["n_at_risk"] + table["n_censored"] + table["n_events"]
    assert total.tolist() == [138] * 5 + [90] * 5


def test_numbers_at_risk_follow_delayed_entry():
    data = pd.DataFrame(
        {
            "entry": [0.0, 0, 2, 2, 5],
            "exit": [4.0, 9, 6, 9, 9],
            "event": [1, 0, 1, 0, 0],
        }
    )
    curves = fs.kaplan_meier("Surv(entry, exit, event) ~ 1", data)
    table = curves.at_risk([0, 1, 2, 3, 4, 5, 5.5, 9, 10])
    assert table["n_at_risk"].tolist() == [2, 2, 2, 4, 4, 3, 4, 3, 0]
    assert curves.survival[-1] == (3 / 4) * (3 / 4)


def test_counts_at_a_horizon_include_it():
    data = pd.DataFrame({"time": [1.0, 2, 2, 3], "event": [1, 1, 0, 0]})
    row = fs.kaplan_meier("Surv(time, event) ~ 1", data).at([2]).iloc[0]
    assert row[["n_at_risk", "n_censored", "n_events"]].tolist() == [3, 1, 2]
    assert row["estimate"] == 0.75 * (2 / 3)


def test_survival_beyond_follow_up_is_unknown_unless_it_is_0():
    data = pd.DataFrame(
        {"time": [1.0, 2, 1, 2], "event": [1, 1, 1, 0], "group": [*"aabb"]}
    )
    table = fs.kaplan_meier("Surv(time, event) ~ group", data).at([1.5, 5])
    assert table["estimate"].tolist()[:3] == [0.5, 0, 0.5]
    assert np.isnan(table["estimate"].iloc[3])
    assert table["n_at_risk"].tolist() == [1, 0, 1, 0]


def test_a_curve_that_dies_before_others_enter_is_announced():
    data = pd.DataFrame(
        {"entry": [0.0, 3, 3, 4], "exit": [2.0, 5, 6, 8], "event": [1, 1, 0, 1]}
    )
    message = "Survival of `overall` is 0 from 2 on .* up to 3 are at risk later"
    with pytest.warns(ResultWarning, match=message):
        fs.kaplan_meier("Surv(entry, exit, event) ~ 1", data)


def test_fractional_weights_ask_for_the_jackknife(lung):
    whole = lung.assign(w=2.0)
    scaled = lung.assign(w=0.5)
    one = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    two = fs.kaplan_meier("Surv(time, event) ~ 1", whole, weights="w")
    half = fs.kaplan_meier("Surv(time, event) ~ 1", scaled, weights="w")
    np.testing.assert_allclose(half.std_error, one.std_error, rtol=R_RTOL)
    np.testing.assert_allclose(two.std_error, one.std_error / np.sqrt(2), rtol=R_RTOL)


def test_a_median_that_is_not_reached_is_missing_and_said_so(lung):
    data = lung.assign(event=(lung["time"] < 50).astype(int))
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", data)
    assert curves.median()["estimate"].isna().all()
    assert "median not reached" in str(curves)


def test_the_summary_tells_sizes_and_medians(lung):
    text = fs.kaplan_meier("Surv(time, event) ~ sex", lung).summary()
    assert "228 rows, 165 events, 0 left out" in text
    assert "1  138 rows, 112 events, median 270 (210 to 306)" in text


def test_data_are_not_modified(lung):
    before = lung.copy()
    fs.kaplan_meier("Surv(time, event) ~ sex + ph_ecog", lung, weights="weight")
    pd.testing.assert_frame_equal(lung, before)


def test_a_repeated_subject_is_refused(lung):
    with pytest.raises(DataError, match="`inst` repeats in 209 of 228 rows"):
        fs.kaplan_meier("Surv(time, event) ~ sex", lung, id="inst")


def test_an_unknown_interval_is_refused(lung):
    message = '`interval` is \'arcsin\'; choose one of "log-log", .*, "arcsine"'
    with pytest.raises(DataError, match=message):
        fs.kaplan_meier("Surv(time, event) ~ 1", lung, interval="arcsin")


@pytest.mark.parametrize("right", ["C(sex)", "sex:ph_ecog", "log(age)"])
def test_anything_but_columns_is_refused_as_a_group(lung, right):
    with pytest.raises(FormulaError, match="must name grouping columns"):
        fs.kaplan_meier(f"Surv(time, event) ~ {right}", lung)


def test_a_number_that_makes_no_groups_is_refused(lung):
    message = "`age` has 42 levels in 228 complete rows, too many for groups"
    with pytest.raises(DataError, match=message):
        fs.kaplan_meier("Surv(time, event) ~ age", lung)


def test_an_absent_group_is_refused(lung):
    with pytest.raises(DataError, match="`data` has no column `quartile`"):
        fs.kaplan_meier("Surv(time, event) ~ quartile", lung)


@pytest.mark.parametrize("times", [[-1], [100, np.inf], [np.nan]])
def test_impossible_times_are_refused(lung, times):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    with pytest.raises(DataError, match="`times` holds"):
        curves.at(times)


def test_no_times_are_refused(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    with pytest.raises(DataError, match="`times` is empty; give at least one"):
        curves.at_risk([])


@pytest.mark.parametrize("probability", [0, 1, 50])
def test_impossible_quantiles_are_refused(lung, probability):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    with pytest.raises(DataError, match=f"`probabilities` holds {probability}"):
        curves.quantiles([probability])


def test_an_impossible_confidence_level_is_refused(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    with pytest.raises(DataError, match="`conf_level` is 0"):
        curves.tidy(conf_level=0)


def test_the_plot_is_a_figure_that_draws(lung, tmp_path):
    curves = fs.kaplan_meier("Surv(time, event) ~ sex", lung)
    with mpl.rc_context({"backend": "agg"}):
        curves.plot().save(tmp_path / "km.png", verbose=False, dpi=50)
    assert (tmp_path / "km.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ("all", {"At risk", "Censored", "Events"}),
        ("at_risk", {"At risk"}),
        ("none", set()),
    ],
)
def test_the_table_below_the_curves_holds_the_counts_asked_for(lung, counts, shown):
    curves = fs.kaplan_meier("Surv(time, event) ~ sex", lung)
    with (
        mpl.rc_context({"backend": "agg"}),
        drawn(curves.plot(counts=counts)) as figure,
    ):
        found = set(words(figure))
        assert texts_outside(figure) == []
    assert found & {"At risk", "Censored", "Events"} == shown


def test_unknown_counts_are_refused(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ sex", lung)
    with pytest.raises(DataError, match="`counts` is 'events'; choose one of \"all\""):
        curves.plot(counts="events")


def test_times_that_differ_by_rounding_are_the_times_of_the_data(lung):
    """Tenths of a unit: three of them are 0.30000000000000004, not 0.3."""
    tenths = fs.kaplan_meier(
        "Surv(time, event) ~ 1", lung.assign(time=lung["time"] * 0.1)
    )
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    asked = np.array([5, 60, 61, 310, 1022])
    for method in ("at", "at_risk"):
        found = getattr(tenths, method)(asked / 10)
        assert found["time"].tolist() == (asked / 10).tolist()
        wanted = getattr(curves, method)(asked)
        pd.testing.assert_frame_equal(
            found.drop(columns="time"), wanted.drop(columns="time")
        )


@pytest.mark.parametrize("times", ["soon", [[1, 2]], ["a"]], ids=str)
def test_times_that_are_no_list_of_numbers_are_refused(lung, times):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    with pytest.raises(DataError, match=r"`times` is .*; give a number or a list of"):
        curves.at(times)


def test_one_quantile_may_be_asked_for_and_none_may_not(lung):
    curves = fs.kaplan_meier("Surv(time, event) ~ 1", lung)
    pd.testing.assert_frame_equal(curves.quantiles(0.5), curves.median())
    with pytest.raises(DataError, match="`probabilities` is empty"):
        curves.quantiles([])
    with pytest.raises(DataError, match="`probabilities` is 'half'; give a number"):
        curves.quantiles("half")


def test_the_summary_keeps_names_and_says_what_is_not_reached_once(lung):
    data = lung.assign(nanny=np.where(lung["sex"] == 1, "Hernandez", "b"))
    data.loc[data["sex"] == 2, "event"] = 0
    text = fs.kaplan_meier("Surv(time, event) ~ nanny", data).summary()
    assert "~ nanny" in text
    assert "Hernandez  138 rows, 112 events, median 270 (210 to 306)" in text
    assert text.endswith("b          90 rows, 0 events, median not reached")


def test_sums_of_huge_weights_are_not_cut_to_integers(lung):
    data = lung.assign(heavy=1e30)
    table = fs.kaplan_meier("Surv(time, event) ~ 1", data, weights="heavy").tidy()
    assert table["n_at_risk"].iloc[0] == pytest.approx(228e30)
