from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.term_tables import shape_tests, term_tests
from fahrstats.errors import DataError


def test_every_term_of_every_model_has_its_test(layer, labels):
    shown = term_tests(layer["term_tests"], labels=labels)
    assert shown.heads == (0, 4)
    assert shown.cells["name"].iloc[0] == "Free light chain, adjusted"
    assert list(shown.cells.iloc[1]) == [
        f"{INDENT}Free light chain",
        "11.33",
        "1",
        "<0.001",
    ]


def test_a_model_of_no_score_is_named_by_its_label(layer, labels):
    table = layer["term_tests"].assign(biomarker="", model="all scores")
    shown = term_tests(table, labels=labels)
    assert shown.cells["name"].iloc[0] == "All scores"


def test_a_term_that_cannot_be_tested_says_why(layer, labels):
    table = layer["term_tests"].assign(statistic=np.nan, note="clusters")
    shown = term_tests(table, labels=labels)
    assert list(shown.cells.iloc[1, 1:]) == [
        "\N{EN DASH}ᵃ",
        "\N{EN DASH}",
        "\N{EN DASH}",
    ]
    assert shown.notes == ("ᵃ clusters",)


def test_any_effect_comes_before_a_bend(layer, labels):
    shown = shape_tests(layer["nonlinearity"], labels=labels)
    assert list(shown.cells["name"])[:4] == [
        "Free light chain",
        f"{INDENT}Any effect, Wald test",
        f"{INDENT}A bend, Wald test",
        f"{INDENT}A bend, likelihood ratio",
    ]
    assert list(shown.cells.iloc[3, 1:]) == ["2.60", "2", "0.27"]


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `df`"):
        term_tests(layer["term_tests"].drop(columns="df"))
    with pytest.raises(DataError, match="no column `variable`"):
        shape_tests(layer["nonlinearity"].drop(columns="variable"))
