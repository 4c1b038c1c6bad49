# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest

from fahrstats.display.planning_tables import printed_check, sample_sizes
from fahrstats.errors import DataError


def test_the_study_stands_beside_what_each_demand_takes(layer):
    shown = sample_sizes(layer["sample_size"])
    assert shown.cells.to_numpy().tolist() == [
        ["This study", "600", "200", "60.0"],
        ["Shrinkage of at least 0.9", "875", "291", "52.5"],
        ["Risk at 5 years to within 0.05", "207", "69", "12.4"],
        ["C-index with a standard error of 0.0255", "415", "138", "not estimated"],
    ]


def test_print_stands_beside_what_it_implies(layer, labels):
    shown = printed_check(layer["published_check"], labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        ["Death", "", "", ""],
        ["Free light chain, everyone", "1.47 (1.42–1.51)", "<0.001", "<0.001"],
        ["Free light chain, Sex: Mᵃ", "1.20 (0.90–1.50)", "0.162", "0.073 to 0.36"],
    ]
    assert shown.heads == (0,)
    assert shown.notes == ("ᵃ P differs",)


def test_a_printed_p_has_a_column_where_there_is_one(layer):
    table = layer["published_check"].assign(published_p=["<0.001", ""])
    shown = printed_check(table.drop(columns=["outcome", "subgroup", "level"]))
    assert list(shown.cells["printed"]) == ["<0.001", "–"]
    assert list(shown.cells["name"]) == ["flc", "flcᵃ"]


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `estimand`"):
        sample_sizes(layer["sample_size"].drop(columns="estimand"))
    with pytest.raises(DataError, match="no column `p_low`"):
        printed_check(layer["published_check"].drop(columns="p_low"))
