# ruff: noqa: RUF001  (dashes are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.display.forest_lines import (
    axis_limits,
    check_limits,
    forest_lines,
    round_ratios,
)
from fahrstats.display.journals import format_count, format_p, format_ratio
from fahrstats.errors import DataError


def test_an_audit_lists_every_row_below_the_name_of_its_variable(tables, labels):
    table = tables["subgroups"]
    lines = forest_lines(table, labels)
    assert list(lines["label"]) == [
        "Overall",
        "Sex",
        "F",
        "M",
        "Age band",
        "under 60",
        "60 to 74",
        "75 or over",
        "missing",
    ]
    assert list(lines["kind"]) == ["overall", "head", *["level"] * 2, "head"] + (
        ["level"] * 4
    )


def test_texts_are_those_of_the_table(tables):
    table = tables["subgroups"]
    ratios = table[table["estimand"] == "hr"].reset_index(drop=True)
    lines = forest_lines(table)
    shown = lines[lines["kind"] != "head"].reset_index(drop=True)
    for row, line in zip(ratios.itertuples(), shown.itertuples(), strict=True):
        assert line.n == format_count(row.n)
        assert line.n_events == format_count(row.n_events)
        if np.isnan(row.estimate):
            assert line.ratio == row.note
        else:
            expected = format_ratio(row.estimate, row.conf_low, row.conf_high)
            assert line.ratio == expected


def test_the_interaction_test_stands_once_per_variable(tables):
    table = tables["subgroups"]
    lines = forest_lines(table)
    tests = table[table["estimand"] == "interaction_chi2"]
    assert list(lines.loc[lines["kind"] == "head", "p"]) == [
        format_p(p_value) for p_value in tests["p_value"]
    ]
    assert set(lines.loc[lines["kind"] != "head", "p"]) == {""}


def test_a_level_too_small_keeps_its_counts_and_says_why(tables):
    lines = forest_lines(tables["subgroups"])
    small = lines[lines["label"] == "missing"].iloc[0]
    assert small["ratio"] == "too few events (7 < 10)"
    assert (small["n"], small["n_events"]) == ("12", "7")


def test_a_long_reason_is_cut_at_its_colon(tables):
    table = tables["subgroups"]
    table = table.assign(
        note=table["note"].where(
            table["level"] != "missing", "not estimated: The likelihood has no maximum."
        )
    )
    lines = forest_lines(table)
    assert lines["ratio"].iloc[-1] == "not estimated"


def test_terms_are_named_with_step_or_reference(labels):
    table = pd.DataFrame(
        {
            "term": ["age", "sex[M]", "flc", "x", "rcs(age, 3)[2]"],
            "reference": [None, "F", None, None, ""],
            "per": [10.0, 1.0, 1.0, "SD", 1.0],
            "estimand": "hr",
            "estimate": 1.5,
            "conf_low": 1.2,
            "conf_high": 1.9,
            "p_value": [0.04, 0.5, 0.0001, np.nan, np.nan],
        }
    )
    lines = forest_lines(table, labels)
    assert list(lines["label"]) == [
        "Age (per 10 years)",
        "Sex: M (vs F)",
        "Free light chain (per mg/dL)",
        "x (per SD)",
        "Age, spline column 2",
    ]
    assert list(lines["p"]) == ["0.040", "0.50", "<0.001", "", ""]
    assert set(lines["n"]) == {""}


def test_an_infinite_estimate_is_followed_by_its_firth_estimate():
    table = pd.DataFrame(
        {
            "term": ["stage[IV]", "stage[IV]"],
            "estimand": ["hr", "hr_firth"],
            "estimate": [np.inf, 14.2],
            "conf_low": [2.2, 2.2],
            "conf_high": [np.inf, 90.0],
        }
    )
    lines = forest_lines(table)
    assert list(lines["label"]) == ["stage: IV", "stage: IV (Firth)"]
    assert list(lines["ratio"]) == ["infinite (2.20 to infinite)", "14.20 (2.20–90.00)"]


def test_log_hazard_ratios_are_refused():
    table = pd.DataFrame(
        {"term": ["x"], "estimand": "log_hr", "estimate": 0.1, "conf_low": 0.0}
    )
    with pytest.raises(DataError, match=r"`log_hr`.*`exponentiate=True`"):
        forest_lines(table)


def lines_of(*ratios):
    names = ["estimate", "conf_low", "conf_high"]
    return pd.DataFrame(ratios, columns=names, dtype=float)


def test_limits_hold_every_estimate_and_one():
    low, high = axis_limits(lines_of((1.5, 1.2, 1.9), (2.5, 2.0, 3.1)))
    assert low < 1
    assert high > 3.1


def test_a_wide_interval_does_not_rule_the_axis():
    low, high = axis_limits(lines_of((1.5, 1.2, 1.9), (1.4, 0.01, 400.0)))
    assert low > 0.3
    assert high < 5


def test_the_finite_limit_stands_in_for_an_infinite_estimate():
    low, high = axis_limits(lines_of((np.inf, 6.0, np.inf), (0.0, np.nan, 0.2)))
    # room for an arrow beyond the limit that is known
    assert low < 0.2 / 2
    assert high > 6 * 2
    assert np.isfinite([low, high]).all()


def test_rows_without_an_estimate_leave_the_limits_alone():
    low, high = axis_limits(lines_of((np.nan, np.nan, np.nan)))
    assert low < 1 < high


@given(st.floats(0.001, 0.99), st.floats(1.01, 1000))
def test_ticks_are_few_and_round_and_hold_one(low, high):
    ticks = round_ratios(low, high)
    assert 1 <= len(ticks) <= 7
    assert 1.0 in ticks
    assert ticks == sorted(set(ticks))
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in ticks)
    assert all(len(f"{tick:g}".replace(".", "").strip("0")) <= 3 for tick in ticks)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 3.2, [0.5, 0.7, 1, 1.5, 2, 3]),
        (0.78, 1.45, [0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4]),
        (0.09, 11, [0.1, 0.2, 0.5, 1, 2, 5, 10]),
        (1e-9, 1e9, [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]),
    ],
)
def test_ticks_of_common_ranges(low, high, expected):
    assert round_ratios(low, high) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("limits", [(2, 1), (0, 3), (-1, 1), (1, np.inf)])
def test_limits_that_a_ratio_axis_cannot_have_are_refused(limits):
    with pytest.raises(DataError, match=r"`limits` is .* two positive numbers"):
        check_limits(limits)


def test_causes_stand_below_their_term_with_step_reference_and_p():
    table = pd.DataFrame(
        {
            "cause": ["stroke", "stroke", "stroke", "other", "other"],
            "term": ["age", "sex[M]", "age", "age", "sex[M]"],
            "reference": ["", "F", "", "", "F"],
            "per": [10.0, 1.0, 10.0, 10.0, 1.0],
            "estimand": ["hr", "hr", "hr_firth", "hr", "hr"],
            "estimate": 1.5,
            "conf_low": 1.2,
            "conf_high": 1.9,
            "p_value": [0.04, 0.5, 0.05, 0.3, 0.02],
        }
    )
    lines = forest_lines(table)
    assert list(zip(lines["kind"], lines["label"], lines["p"], strict=True)) == [
        ("head", "age (per 10 units)", ""),
        ("cause", "stroke", "0.040"),
        ("cause", "stroke (Firth)", "0.050"),
        ("cause", "other", "0.30"),
        ("head", "sex: M (vs F)", ""),
        ("cause", "stroke", "0.50"),
        ("cause", "other", "0.020"),
    ]
