# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.gap_tables import gaps
from fahrstats.errors import DataError


def test_every_kind_of_gap_has_its_groups(layer, labels):
    shown = gaps(layer["gaps"], labels=labels)
    assert len(shown.heads) == 6
    head, everyone, younger, *_ = shown.cells.to_numpy().tolist()
    assert head[0] == "Free light chain: Predicted minus actual age, years"
    assert everyone == [
        f"{INDENT}Everyone",
        "600",
        "−3.60 (−3.96 to −2.88)",
        "6.30",
        "−4.7 (−7.8 to −0.8)",
    ]
    assert younger[0] == f"{INDENT}at least 5 years younger"


def test_a_gap_that_was_not_measured_is_left_out(layer, labels):
    table = layer["gaps"].copy()
    is_residual = table["variable"] == "residual_gap"
    table.loc[is_residual, "estimate"] = np.nan
    shown = gaps(table, labels=labels)
    assert not shown.cells["name"].str.contains("Residual").any()


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `group`"):
        gaps(layer["gaps"].drop(columns="group"))
