# ruff: noqa: RUF001  (dashes and dots are what is tested)
"""Printed numbers against each other, in the styles of journals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from drawings import drawn, texts_outside, words
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from tables import check_glance, check_table

import fahrstats as fs
from fahrstats.errors import DataError


def row_of(printed, **options):
    (row,) = check_table(fs.check_published(printed, **options).tidy()).to_dict(
        "records"
    )
    return row


def test_a_misplaced_decimal_of_a_published_abstract_is_found():
    """HR 1.151 (1.056-1.254) with P=0.013 in print; the interval implies 0.0013."""
    row = row_of("HR 1.151, 95% CI 1.056–1.254, P=0.013")
    assert row["p_value"] == pytest.approx(0.00133, abs=0.00001)
    assert row["p_low"] < 0.00133 < row["p_high"] < 0.0015
    assert row["note"].startswith(
        "P 0.013 in print, but the interval implies 0.0013 (0.0012 to 0.0015)"
    )
    assert row["note"].endswith(": a misplaced decimal?")
    assert row_of("HR 1.151 (1.056–1.254), P=0.0013")["note"] == ""


def test_p_and_interval_follow_from_each_other_by_hand():
    """Log HR 0.2 with SE 0.1: z is 2, p 0.0455, the interval exp(0.2 -+ 0.196)."""
    low, high = np.exp(0.2 + 0.1 * norm.isf(0.025) * np.array([-1, 1]))
    row = row_of(
        pd.DataFrame(
            {
                "estimate": [f"{math.exp(0.2):.8f}"],
                "conf_low": [f"{low:.8f}"],
                "conf_high": [f"{high:.8f}"],
                "p_value": [f"{2 * norm.sf(2):.10f}"],
            }
        )
    )
    assert row["statistic"] == pytest.approx(2, rel=1e-6)
    assert row["p_value"] == pytest.approx(2 * norm.sf(2), rel=1e-5)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low, high), rel=1e-6)
    assert row["note"] == ""


@given(
    log_hr=st.floats(-1.5, 1.5),
    std_error=st.floats(0.03, 0.8),
    decimals=st.integers(2, 4),
)
def test_correctly_rounded_rows_are_never_flagged(log_hr, std_error, decimals):
    half = norm.isf(0.025) * std_error
    hr, low, high = (
        f"{math.exp(b):.{decimals}f}" for b in (log_hr, log_hr - half, log_hr + half)
    )
    p = 2 * norm.sf(abs(log_hr / std_error))
    text = "<0.001" if p < 0.001 else f"={p:.3f}"
    if float(low) == float(high):
        return
    row = row_of(f"{hr} ({low}-{high}), p{text}")
    assert row["note"] == ""
    assert row["p_low"] <= p * (1 + 1e-9)
    assert row["p_high"] >= p * (1 - 1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "HR 1.15 (95% CI 1.06-1.25; P=0.001)",
        "HR 1·15 (95% CI 1·06–1·25), p=0·001",
        "hazard ratio, 1.15; 95% CI, 1.06 to 1.25; P = .001",
        "1.15 [1.06, 1.25] p-value = 1e-3",
        "1.15 (1.06—1.25), P = 1 × 10⁻³",
        "aHR 1.15 (95% confidence interval: 1.06; 1.25), p value=0.001",
        "P=0.001 for HR 1.15, 1.06–1.25",
    ],
)
def test_journals_write_the_same_row_in_many_ways(text):
    row = row_of(text)
    numbers = [row[name] for name in ("published", "published_low", "published_high")]
    assert numbers == [1.15, 1.06, 1.25]
    assert float(row["published_p"].replace("·", ".").split(" ")[0]) in (1.0, 0.001)
    assert row["note"] == ""


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "HR: 1.15; 95% confidence interval [CI]: 1.06-1.25; p = 0.001",
            (1.15, 1.06, 1.25),
        ),
        ("HR 1,15 (IC 95% 1,06-1,25); p=0,001", (1.15, 1.06, 1.25)),
        ("HR 1,15 (95%-KI 1,06; 1,25)", (1.15, 1.06, 1.25)),
        ("HR 1.15 (CI 95%: 1.06, 1.25)", (1.15, 1.06, 1.25)),
        ("HR 1.15 (CI 1.06-1.25)", (1.15, 1.06, 1.25)),
        ("HR 1.15 (95% CrI 1.06-1.25)", (1.15, 1.06, 1.25)),
        ("cost 1,234.5 (1,100.2 to 1,400.1)", (1234.5, 1100.2, 1400.1)),
        (
            "Median 12.3 months (95% CI 10.1-14.2) vs 9; HR 0.81 (95% CI 0.70-0.93)",
            (0.81, 0.70, 0.93),
        ),
    ],
)
def test_no_number_is_cut_or_taken_for_another(text, numbers):
    row = fs.check_published(text).tidy().iloc[0]
    read = row[["published", "published_low", "published_high"]]
    assert tuple(read) == numbers


def test_a_table_of_our_own_agrees_with_itself(lung):
    own = fs.cox("Surv(time, event) ~ age + sex", lung).tidy(exponentiate=True)
    assert fs.check_published(own).n_flagged == 0


def test_bounds_of_p_are_bounds():
    assert row_of("2.10 (1.60-2.76), P<0.001")["note"] == ""
    assert row_of("2.10 (1.60-2.76), P≤.001")["note"] == ""
    assert row_of("1.01 (0.80-1.28), P>0.90")["note"] == ""
    note = row_of("1.10 (0.90-1.34), P<0.001")["note"]
    assert "P <0.001 in print, but the interval implies 0.35" in note
    assert "the interval includes 1, yet P is below 0.05" in note
    assert np.isnan(row_of("2.10 (1.60-2.76), P<0.001")["conf_low"])


def test_an_interval_and_p_that_tell_different_stories():
    note = row_of("1.30 (1.02-1.66), P=0.35")["note"]
    assert note.endswith("the interval excludes 1, yet P is above 0.05")


def test_a_one_sided_p_is_recognised():
    """Z = 1.8: two-sided 0.072, one-sided 0.036."""
    low, high = np.exp(0.18 + 0.1 * norm.isf(0.025) * np.array([-1, 1]))
    note = row_of(f"{math.exp(0.18):.3f} ({low:.3f}-{high:.3f}), P=0.036")["note"]
    assert "a one-sided test?" in note


def test_another_test_makes_a_small_difference():
    note = row_of("1.151 (1.056-1.254), P=0.0017")["note"]
    assert note.endswith("slightly apart, another test?")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("1.15 (1.25-1.06), P=0.001", "the limits are swapped"),
        ("1.15 (1.15-1.15)", "the limits are equal"),
        ("1.35 (1.06-1.25)", "the estimate lies outside its interval"),
        ("-1.15 (1.06-1.25)", "a ratio must be positive"),
        ("1.15 (1.06-1.25), P=1.3", "P 1.3 is no probability"),
        (
            "1.20 (1.06-1.25)",
            "the estimate 1.20 is away from the geometric middle of its interval, "
            "1.151: a misprint, or no Wald interval",
        ),
    ],
)
def test_other_misprints_are_named(text, note):
    row = row_of(text)
    assert row["note"] == note


def test_swapped_limits_still_give_p():
    swapped, right = (row_of(f"1.15 ({ends})") for ends in ("1.25-1.06", "1.06-1.25"))
    assert swapped["p_value"] == right["p_value"]


def test_differences_are_symmetric_themselves():
    row = row_of("−0.04 (−0.07 to −0.01), P=0.009", scale="difference")
    assert row["statistic"] == pytest.approx(-0.04 / (0.06 / (2 * norm.isf(0.025))))
    assert row["note"] == ""
    assert row["conf_low"] < -0.04 < row["conf_high"] < 0
    note = row_of("0.03 (0.01 to 0.09)", scale="difference")["note"]
    assert "away from the middle of its interval, 0.05" in note


def test_a_level_in_print_comes_first():
    at_99 = row_of("1.50 (99% CI 1.10-2.05)")
    at_95 = row_of("1.50 (1.10-2.05)")
    assert at_99["p_value"] < at_95["p_value"]
    assert row_of("1.50 (1.10-2.05)", conf_level=0.99)["p_value"] == at_99["p_value"]


def test_numbers_of_a_table_share_the_decimals_of_their_row():
    """1.10 reads as 1.1, but its neighbours have two decimals."""
    numbers = pd.DataFrame(
        {"estimate": [1.1], "conf_low": [1.02], "conf_high": [1.19], "p_value": [0.01]}
    )
    texts = numbers.assign(estimate="1.10", conf_low="1.02", conf_high="1.19")
    ours, theirs = row_of(numbers), row_of(texts)
    assert ours["p_low"] == pytest.approx(theirs["p_low"], rel=1e-12)
    assert ours["p_high"] == pytest.approx(theirs["p_high"], rel=1e-12)


def test_rows_without_p_or_without_an_interval_are_kept():
    table = pd.DataFrame(
        {
            "term": ["age", "sex", "stage"],
            "estimate": ["1.02", "0.80", "2.0"],
            "conf_low": ["1.00", None, ""],
            "conf_high": ["1.04", None, ""],
            "p_value": [None, "0.03", "<0.001"],
        }
    )
    result = fs.check_published(table)
    tidy = check_table(result.tidy())
    assert list(tidy["term"]) == ["age", "sex", "stage"]
    assert np.isfinite(tidy.loc[0, "p_value"])
    assert np.isnan(tidy.loc[1, "p_value"])
    assert tidy.loc[1, "conf_low"] < 0.8 < tidy.loc[1, "conf_high"] < 1
    assert np.isnan(tidy.loc[2, "conf_low"])
    assert check_glance(result.glance()).loc[0].tolist() == [3, 0]


def test_no_effect_in_print_has_no_interval_from_p():
    assert np.isnan(row_of("1.00 (0.90-1.11), P=0.99")["conf_low"])


def test_a_limit_that_rounds_to_zero_leaves_p_open():
    row = row_of("0.20 (0.00-9.00)")
    assert row["p_high"] == pytest.approx(1)


def test_the_summary_and_the_figure_show_what_is_flagged():
    texts = [
        "HR per decade 1.151 (1.056–1.254), P=0.013",
        "HR of the highest quartile, adjusted for age, 3.22 (2.61–3.97), P<0.001",
        "HR 1.117 (1.02–1.22), P=0.02",
    ]
    result = fs.check_published(texts)
    assert str(result).startswith("3 rows in print, 1 flagged\n")
    assert f"  {texts[2]}: no disagreement" in str(result)
    assert result.n_flagged == 1
    with drawn(result.plot()) as figure:
        assert texts_outside(figure) == []
        assert "see its note" in words(figure)


@pytest.mark.parametrize(
    ("printed", "options", "message"),
    [
        ("no numbers here", {}, "holds no estimate with its interval; write it as"),
        ([], {}, "`printed` holds nothing to check"),
        (None, {}, "`printed` holds None; give text, or a table"),
        ([1.15], {}, "`printed` holds 1.15; give text, or a table"),
        (
            "HR 1.15 (1.06-1.25), p<0.001; HR 1.20 (1.0-1.4), p=0.05",
            {},
            "holds several estimates with intervals; give each in a text of its own",
        ),
        ("1.15 (1.06-1.25)", {"scale": "odds"}, "`scale` is 'odds'; choose one of"),
        ("1.15 (1.06-1.25)", {"conf_level": 95}, "`conf_level` is 95; give a number"),
        (
            pd.DataFrame({"hr": [1]}),
            {},
            "no column `conf_high`, `conf_low`, `estimate`",
        ),
        (
            pd.DataFrame({"estimate": [1.0], "conf_low": [0.5]}),
            {},
            "`printed` has no column `conf_high`",
        ),
        (
            pd.DataFrame({"estimate": ["about 2"], "p_value": ["0.1"]}),
            {},
            "Row 1, `estimate`: `about 2` is no printed number",
        ),
        (
            pd.DataFrame({"estimate": [None], "p_value": ["0.1"]}),
            {},
            "Row 1 has no `estimate`",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(printed, options, message):
    with pytest.raises(DataError, match=message):
        fs.check_published(printed, **options)
