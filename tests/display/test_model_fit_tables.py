# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pytest
from layer_tables import BASE, OTHER, SMALL

from fahrstats.display.display_table import INDENT
from fahrstats.display.model_fit_tables import model_fits
from fahrstats.errors import DataError


def row(table, name):
    return list(table.cells[table.cells["name"] == INDENT + name].iloc[0])[1:]


def test_models_come_first_and_their_comparisons_below(tables, cohort):
    shown = model_fits(tables["comparison"])
    assert list(shown.cells["name"]) == [
        "Models",
        f"{INDENT}covariates",
        f"{INDENT}covariates + flc",
        "Comparisons",
        f"{INDENT}covariates + flc minus covariates",
    ]
    assert row(shown, "covariates")[:2] == ["−1,402.3", "2,810.6"]
    cells = row(shown, "covariates + flc minus covariates")
    assert cells == ["", "", "12.42 (1)", "<0.001", "–"]
    assert shown.notes == (
        f"All on the same rows: n = {len(cohort)}, {cohort['event'].sum()} events.",
    )


def test_nested_models_have_new_information_and_others_a_test_of_their_own(layer):
    shown = model_fits(layer["comparison"])
    nested = row(shown, f"{SMALL} minus {BASE}")
    assert nested[2:] == ["2.10 (1)", "0.036", "8.4 (7.4–10.4)"]
    other = row(shown, f"{OTHER} minus {SMALL}")
    assert other[2:] == ["z = 2.10ᵃ", "0.036", "–"]
    assert shown.notes[-1].startswith("ᵃ not nested: z of the difference")


def test_a_test_that_cannot_be_made_has_its_reason_as_note(tables):
    table = tables["comparison"].copy()
    is_test = table["estimand"] == "lr_chi2"
    table.loc[is_test, ["statistic", "df", "p_value"]] = np.nan
    table.loc[is_test, "note"] = "`a` is not nested in `b`"
    shown = model_fits(table)
    assert row(shown, "covariates + flc minus covariates")[2:4] == ["–ᵃ", "–"]
    assert shown.notes[-1] == "ᵃ a is not nested in b"


def test_an_absent_column_is_named(tables):
    with pytest.raises(DataError, match=r"no column `statistic`"):
        model_fits(tables["comparison"].drop(columns="statistic"))
