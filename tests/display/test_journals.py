# ruff: noqa: RUF001  (dashes, minus and multiplication signs are what is tested)
from __future__ import annotations

import ast
import inspect
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fahrstats.display import figures, journals, sentences, tables
from fahrstats.display.journal_styles import STYLES, journal_style
from fahrstats.display.journals import (
    format_count,
    format_difference,
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

ANNALS, JAMA, LANCET, NEJM = map(journal_style, ("annals", "jama", "lancet", "nejm"))


def bound(text):
    """Return the number in a printed p value, without its sign and marks."""
    return Decimal("0" + text.lstrip("<>").replace("·", ".").removeprefix("0"))


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


# default and Annals, JAMA, Lancet, NEJM; each by hand from the guide's sentence
BORDERS = {
    0.0: ("<0.001", "<.001", "<0·0001", "<0.001"),
    0.00009999: ("<0.001", "<.001", "<0·0001", "<0.001"),
    0.0001: ("<0.001", "<.001", "0·0001", "<0.001"),
    0.0005: ("<0.001", "<.001", "0·0005", "<0.001"),
    0.00099999: ("<0.001", "<.001", "0·0010", "<0.001"),
    0.001: ("0.001", ".001", "0·0010", "0.001"),
    0.00123: ("0.001", ".001", "0·0012", "0.001"),
    0.0015: ("0.002", ".002", "0·0015", "0.002"),
    0.00995: ("0.010", ".010", "0·010", "0.010"),
    0.00999: ("0.010", ".010", "0·010", "0.010"),
    0.01: ("0.010", ".01", "0·010", "0.010"),
    0.010001: ("0.010", ".01", "0·010", "0.01"),
    0.0449: ("0.045", ".04", "0·045", "0.04"),
    0.046: ("0.046", ".046", "0·046", "0.05"),
    0.0496: ("0.050", ".050", "0·050", "0.05"),
    0.05: ("0.050", ".05", "0·050", "0.05"),
    0.0995: ("0.100", ".10", "0·10", "0.10"),
    0.1995: ("0.200", ".20", "0·20", "0.20"),
    0.205: ("0.21", ".21", "0·21", "0.21"),
    0.985: ("0.99", ".99", "0·99", "0.99"),
    0.995: (">0.99", ">.99", ">0·99", ">0.99"),
    0.9996: (">0.99", ">.99", ">0·99", ">0.99"),
    1.0: (">0.99", ">.99", ">0·99", ">0.99"),
}


@pytest.mark.parametrize("p_value", BORDERS)
def test_p_values_at_the_borders_follow_each_guide(p_value):
    ours, jama, lancet, nejm = BORDERS[p_value]
    printed = {name: format_p(p_value, style=style) for name, style in STYLES.items()}
    assert printed == {
        "default": ours,
        "annals": ours,
        "jama": jama,
        "lancet": lancet,
        "nejm": nejm,
    }


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(p_value=st.floats(0, 1))
def test_no_p_value_is_printed_as_zero_or_one(style, p_value):
    text = format_p(p_value, style=style)
    assert 0 < bound(text) < 1
    assert text.startswith("<") == (p_value < style.p_floor)
    assert text.startswith(">") == (p_value > style.p_ceiling)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_a_smaller_p_value_is_never_printed_as_larger(style, first, second):
    low, high = sorted((first, second))
    # 0.2004 prints as 0.20 and 0.1999 as 0.200: equal, never reversed
    assert bound(format_p(low, style=style)) <= bound(format_p(high, style=style))


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(p_value=st.floats(0.0001, 0.99))
def test_a_printed_p_value_is_within_half_a_step(style, p_value):
    text = format_p(p_value, style=style)
    if text[0] not in "<>":
        step = Decimal(1).scaleb(-len(text.partition(style.decimal_mark)[2]))
        assert abs(bound(text) - Decimal(str(p_value))) <= step / 2


@given(st.floats(0.0001, 0.99))
def test_the_lancet_has_two_significant_figures_and_four_decimals_at_most(p_value):
    decimals = format_p(p_value, style=LANCET).partition("·")[2]
    assert len(decimals) <= 4
    assert len(decimals) == 4 or len(decimals.lstrip("0")) == 2


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


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.0004, -0.0026, 0.0034), "0.000 (−0.003 to 0.003)"),
        ((-0.0004, -0.0068, 0.0094), "0.000 (−0.007 to 0.009)"),
        ((-0.0004,), "0.000"),
        # limits that exclude zero, or would read alike
        ((0.0004, 0.0001, 0.0008), "0.0004 (0.0001–0.0008)"),
        ((-0.0004, -0.0026, -0.0001), "−0.0004 (−0.0026 to −0.0001)"),
        ((0.0001, -0.0001, 0.0003), "0.0001 (−0.0001 to 0.0003)"),
        ((0.0, 0.0, 0.0), "0.000 (0.000–0.000)"),
        ((None, -0.1, 0.1), "not estimated"),
    ],
)
def test_differences_gain_decimals_only_where_they_would_mislead(numbers, text):
    assert format_difference(*numbers) == text


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


@pytest.mark.parametrize(
    ("name", "ratio", "difference", "p_value", "count"),
    [
        (
            "default",
            "0.72 (95% CI 0.56–0.92)",
            "−0.04 (95% CI −0.10 to 0.02)",
            "P=0.034",
            "12,345",
        ),
        (
            "annals",
            "0.72 (95% CI, 0.56 to 0.92)",
            "−0.04 (95% CI, −0.10 to 0.02)",
            "P = 0.034",
            "12 345",
        ),
        (
            "jama",
            "0.72 (95% CI, 0.56-0.92)",
            "−0.04 (95% CI, −0.10 to 0.02)",
            "P = .03",
            "12 345",
        ),
        (
            "lancet",
            "0·72 (95% CI 0·56–0·92)",
            "−0·04 (95% CI −0·10 to 0·02)",
            "p=0·034",
            "12 345",
        ),
        (
            "nejm",
            "0.72 (95% CI, 0.56 to 0.92)",
            "−0.04 (95% CI, −0.10 to 0.02)",
            "P=0.03",
            "12,345",
        ),
    ],
)
def test_each_journal_prints_in_its_own_way(name, ratio, difference, p_value, count):
    style = journal_style(name)
    text = format_ratio(0.72, 0.56, 0.92, style=style)
    assert phrase_interval(text, style=style) == ratio
    text = format_interval(-0.04, -0.1, 0.02, style=style)
    assert phrase_interval(text, style=style) == difference
    assert phrase_p(0.034, style=style) == p_value
    assert format_count(12_345, style=style).replace("\u202f", " ") == count
    assert format_ratio(1, style=style).replace("·", ".") == "1.00"


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    decimals=st.integers(0, 4),
)
def test_no_style_prints_a_negative_zero_or_a_hyphen(style, value, decimals):
    text = format_number(value, decimals, style=style)
    assert "-" not in text
    assert not text.startswith("−") or set(text) & set("123456789")


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_in_every_style_what_is_no_number_is_a_word(style):
    assert format_ratio(np.inf, 2.0, np.inf, style=style).endswith("to infinite)")
    assert format_ratio(np.nan, style=style) == "not estimated"
    assert format_p(np.nan, style=style) == "not estimated"
    assert phrase_p(None, style=style) == f"{style.p_symbol} not estimated"


def test_four_digits_are_not_grouped_where_a_journal_groups_from_five():
    assert format_count(9_999, style=JAMA) == "9999"
    assert format_count(10_000, style=NEJM) == "10,000"
    assert format_count(9_999.5, style=NEJM) == "10,000"
    assert format_count(9_999) == "9,999"


DISPLAY = Path(journals.__file__).parent
WORDS_ONLY = {
    "corrected_ages": "names of models",
    "factors_audited": "names of factors and levels",
    "horizons_of": "returns numbers, and prints none",
    "meanings": "what was done, in words",
    "painted_regions": "returns maps, and draws none",
    "verdicts": "returns a result table",
}
"""Public functions that print no number and draw nothing, and what they do instead."""

FORMATTED_BY_HAND = {
    "axes.py": "counts decimals",
    "cohort_tables.py": "names of columns",
    "contrast_tables.py": "names of columns",
    "dose_tables.py": "names of columns",
    "forest_lines.py": "rounds ticks",
    "journals.py": "writes all numbers",
    "planning.py": "keys of rows",
    "saliency_maps.py": "colours",
}
"""Modules with a format of their own, which no reader sees as a number."""


def public_functions():
    for module in (figures, sentences, tables):
        for name in module.__all__:
            if inspect.isfunction(function := getattr(module, name)):
                yield name, function


def parsed():
    for file in sorted(DISPLAY.glob("*.py")):
        yield file.name, ast.parse(file.read_text(encoding="utf-8"))


def arguments(function):
    return {a.arg for a in (*function.args.args, *function.args.kwonlyargs)}


def unstyled(tree, takers):
    """Return the lines of calls that leave out the style that a function takes."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in takers:
            by_keyword = {keyword.arg for keyword in call.keywords}
            names = [n.id for n in call.args if isinstance(n, ast.Name)]
            if not by_keyword & {"style", None} and "style" not in names:
                yield call.lineno


def test_all_that_prints_numbers_or_draws_takes_a_style():
    without = {
        name
        for name, function in public_functions()
        if "style" not in inspect.signature(function).parameters
    }
    assert without == WORDS_ONLY.keys()


def test_every_style_is_passed_on():
    """A name is looked up in its module first: private helpers share names."""
    trees = dict(parsed())
    assert len(trees) > 50
    own = {
        name: {
            node.name: "style" in arguments(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
        }
        for name, tree in trees.items()
    }
    public = {k: v for of in own.values() for k, v in of.items() if k[0] != "_"}
    assert all(public[name] for name in ("format_p", "amount", "tick_numbers", "flow"))
    left_out = []
    for name, tree in trees.items():
        takers = {k for k, takes in {**public, **own[name]}.items() if takes}
        left_out += [f"{name}:{line}" for line in unstyled(tree, takers)]
    assert left_out == []


def test_no_number_of_a_reader_is_formatted_by_hand():
    by_hand = {
        name
        for name, tree in parsed()
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue) and node.format_spec
    }
    assert by_hand == FORMATTED_BY_HAND.keys()


def test_axes_of_numbers_are_written_in_the_style():
    """Each axis of numbers has labels by the style, or no breaks at all."""
    axes = {f"scale_{a}_{kind}" for a in "xy" for kind in ("continuous", "log10")}
    bare = []
    for name, tree in parsed():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in axes:
                given = {k.arg: ast.unparse(k.value) for k in call.keywords}
                if not given.keys() & {"labels", None} and given.get("breaks") != "[]":
                    bare.append(f"{name}:{call.lineno}")
    assert bare == []


def test_a_spread_is_never_written_with_a_plus_minus_sign():
    texts = (file.read_text(encoding="utf-8") for file in DISPLAY.glob("*.py"))
    assert not any("±" in text or "PLUS-MINUS" in text for text in texts)
