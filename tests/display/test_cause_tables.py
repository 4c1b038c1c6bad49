# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest

from fahrstats.display.cause_tables import cause_hazard_ratios
from fahrstats.display.display_table import INDENT
from fahrstats.errors import DataError


def test_rates_stand_beside_incidence_where_it_was_modelled(layer, labels):
    shown = cause_hazard_ratios(
        layer["cause_specific"], layer["fine_gray"], labels=labels
    )
    assert shown.heads == (0, 7)
    first, score, *_ = shown.cells.to_numpy().tolist()
    assert first == ["Heart", "", "", "", "", ""]
    assert score == [
        f"{INDENT}Free light chain, per SD",
        "130",
        "1.30 (1.17–1.56)",
        "0.004",
        "1.13 (1.02–1.36)",
        "0.004",
    ]
    assert list(shown.cells.iloc[8, 4:]) == ["–", "–"]


def test_without_models_of_incidence_their_columns_are_left_out(layer, labels):
    shown = cause_hazard_ratios(layer["cause_specific"], labels=labels)
    assert list(shown.headers) == ["name", "n_events", "hr", "p"]
    assert list(shown.spanners) == ["Cause-specific"]


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `cause`"):
        cause_hazard_ratios(layer["cause_specific"].drop(columns="cause"))
