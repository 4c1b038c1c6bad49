# ruff: noqa: RUF001  (dashes, minus and multiplication signs are what is tested)
from __future__ import annotations

import ast
import dataclasses
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.display import journals
from fahrstats.display.journals import (
    DEFAULT,
    STYLES,
    format_count,
    format_interval,
    format_number,
    format_p,
    format_percent,
    format_ratio,
    phrase_interval,
    phrase_p,
    round_half_up,
)
from fahrstats.errors import DataError

LANCET_LIKE = dataclasses.replace(
    DEFAULT,
    name="midline dot",
    decimal_mark="·",
    p_floor=0.0001,
    p_bands=((0.01, 4), (0.1, 3), (1.0, 2)),
)
JAMA_LIKE = dataclasses.replace(
    DEFAULT, name="no zero", p_leading_zero=False, range_mark="-"
)


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.125, 2, "0.13"),
        (2.675, 2, "2.68"),  # the double lies below the half
        (1.005, 2, "1.01"),
        (0.045, 2, "0.05"),
        (-0.125, 2, "-0.13"),
        (-0.004, 2, "0.00"),
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (1, 2, "1.00"),
        (1e22, 0, "10000000000000000000000"),
    ],
)
def test_a_half_is_rounded_away_from_zero(value, decimals, expected):
    assert round_half_up(value, decimals) == Decimal(expected)
    assert str(round_half_up(value, decimals)) == expected


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [
        (0.0, "<0.001"),
        (1e-300, "<0.001"),
        (0.00099999, "<0.001"),
        (0.001, "0.001"),
        (0.0015, "0.002"),
        (0.0494, "0.049"),
        (0.0495, "0.050"),
        (0.1999, "0.200"),
        (0.2, "0.200"),
        (0.20001, "0.20"),
        (0.2049, "0.20"),
        (0.205, "0.21"),
        (0.985, "0.99"),
        (0.99, "0.99"),
        (0.9900001, ">0.99"),
        (1.0, ">0.99"),
        (None, "not estimated"),
        (np.nan, "not estimated"),
        (pd.NA, "not estimated"),
    ],
)
def test_p_values_follow_the_bands_of_the_unrounded_value(p_value, expected):
    assert format_p(p_value) == expected


@given(st.floats(0, 1))
def test_no_p_value_is_printed_as_zero_or_one(p_value):
    for style in (DEFAULT, LANCET_LIKE, JAMA_LIKE):
        text = format_p(p_value, style=style).replace("·", ".")
        assert 0 < float(text.lstrip("<>")) < 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_printed_p_values_keep_their_order(first, second):
    low, high = sorted((first, second))
    bound = float(format_p(low).lstrip("<>")), float(format_p(high).lstrip("<>"))
    # 0.2004 prints as 0.20 and 0.1999 as 0.200: equal, never reversed
    assert bound[0] <= bound[1]


@pytest.mark.parametrize("p_value", [-1e-12, 1.0000001, 38.2])
def test_a_number_outside_zero_to_one_is_not_a_p_value(p_value):
    with pytest.raises(DataError, match=r"`p_value` is .* between 0 and 1"):
        format_p(p_value)


def test_a_p_value_in_a_sentence_has_its_sign():
    assert phrase_p(0.0314) == "P=0.031"
    assert phrase_p(0.0001) == "P<0.001"
    assert phrase_p(0.999) == "P>0.99"
    assert phrase_p(None) == "P not estimated"


def test_intervals_use_a_dash_unless_a_limit_is_negative():
    assert format_interval(1.214, 1.1, 1.336) == "1.21 (1.10–1.34)"
    assert format_interval(0.004, -0.001, 0.009, decimals=3) == (
        "0.004 (−0.001 to 0.009)"
    )
    assert format_interval(-0.5, -0.75, -0.25) == "−0.50 (−0.75 to −0.25)"
    # a limit that rounds to zero has no sign left
    assert format_interval(0.3, -0.001, 0.6) == "0.30 (0.00–0.60)"


def test_an_estimate_without_limits_stands_alone():
    assert format_interval(0.79, None, np.nan) == "0.79"
    assert format_ratio(1.5) == "1.50"


def test_what_was_not_estimated_is_a_word():
    assert format_interval(None, 1.0, 2.0) == "not estimated"
    assert format_ratio(np.nan, np.nan, np.nan) == "not estimated"
    assert format_number(pd.NA) == "not estimated"
    assert format_percent(None, 10) == "not estimated"


def test_a_monotone_likelihood_has_an_infinite_estimate():
    assert format_ratio(np.inf, 2.314, np.inf) == "infinite (2.31 to infinite)"
    assert format_ratio(np.inf) == "infinite"
    assert format_ratio(0.0, 0.0, 0.432) == "0 (0–0.43)"
    assert format_number(-np.inf) == "−infinite"


def test_ratios_gain_decimals_where_two_would_mislead():
    assert format_ratio(1.0004, 1.0001, 1.0007) == "1.0004 (1.0001–1.0007)"
    assert format_ratio(1.0131, 1.0120, 1.0142) == "1.013 (1.012–1.014)"
    assert format_ratio(0.0012, 0.0001, 0.3) == "0.001 (<0.001 to 0.300)"
    assert format_ratio(1.0, 0.998, 1.002) == "1.000 (0.998–1.002)"
    assert format_ratio(1.47, 1.003, 2.1) == "1.47 (1.00–2.10)"


def test_huge_limits_are_powers_of_ten():
    assert format_ratio(3.0, 0.001, 3.25e9) == "3.00 (<0.01 to 3.3×10⁹)"
    assert format_ratio(99_960) == "1.0×10⁵"
    assert format_ratio(9_999) == "9,999.00"


@given(st.floats(1e-12, 1e12), st.floats(0, 1, exclude_min=True), st.floats(1, 1e6))
def test_no_positive_ratio_is_printed_as_zero(estimate, down, up):
    text = format_ratio(estimate, estimate * down, estimate * up)
    point = text.split(" (")[0]
    assert set(point) & set("123456789")


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 4))
def test_rounding_moves_a_number_by_at_most_half_a_step(value, decimals):
    error = abs(round_half_up(value, decimals) - Decimal(str(value)))
    assert error <= Decimal(1).scaleb(-decimals) / 2


def test_percentages_have_a_decimal_in_large_groups_only():
    assert format_percent(12.345, 199) == "12%"
    assert format_percent(12.345, 200) == "12.3%"
    assert format_percent(100.0, 50) == "100%"


def test_counts_have_marks_between_thousands():
    assert format_count(7874) == "7,874"
    assert format_count(1_234_567.0) == "1,234,567"
    assert format_count(np.int64(12)) == "12"


def test_a_phrase_names_the_level_of_the_interval():
    text = format_ratio(1.214, 1.1, 1.336)
    assert phrase_interval(text) == "1.21 (95% CI 1.10–1.34)"
    assert phrase_interval(text, 0.9) == "1.21 (90% CI 1.10–1.34)"
    assert phrase_interval("infinite") == "infinite"


def test_a_style_is_data_and_changes_marks_bands_and_zeros():
    assert format_ratio(0.72, 0.56, 0.92, style=LANCET_LIKE) == "0·72 (0·56–0·92)"
    assert format_p(0.00123, style=LANCET_LIKE) == "0·0012"
    assert format_p(0.00005, style=LANCET_LIKE) == "<0·0001"
    assert format_p(0.034, style=JAMA_LIKE) == ".034"
    assert format_p(0.0001, style=JAMA_LIKE) == "<.001"
    assert format_interval(0.72, 0.56, 0.92, style=JAMA_LIKE) == "0.72 (0.56-0.92)"


def test_every_style_names_its_source():
    assert all(
        style.source and STYLES[style.name] is style for style in STYLES.values()
    )


DISPLAY = Path(journals.__file__).parent
WRITE = {name for name in dir(journals) if name.startswith(("format_", "phrase_"))}


def unstyled(file):
    """Return calls that write a number in the default style, where another is asked."""
    for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        taken = function.args.args + function.args.kwonlyargs
        if "style" not in {argument.arg for argument in taken}:
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in WRITE:
                given = {keyword.arg for keyword in call.keywords}
                if not given & {"style", None}:
                    yield f"{file.name}:{call.lineno}"


def test_who_is_given_a_style_writes_every_number_in_it():
    files = sorted(DISPLAY.glob("*.py"))
    assert len(files) > 50
    assert [place for file in files for place in unstyled(file)] == []
