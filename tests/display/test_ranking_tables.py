# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.journals import format_p
from fahrstats.display.ranking_tables import comparison, concordance
from fahrstats.errors import DataError


def row(table, name):
    return list(table.cells[table.cells["name"] == name].iloc[0])[1:]


def test_models_come_first_and_what_they_add_below(tables, cohort):
    shown = comparison(tables["comparison"])
    assert list(shown.cells["name"]) == [
        "Models",
        f"{INDENT}covariates",
        f"{INDENT}covariates + flc",
        "Differences",
        f"{INDENT}covariates + flc minus covariates",
    ]
    assert row(shown, f"{INDENT}covariates")[0] == "0.661 (0.637–0.685)"
    assert row(shown, f"{INDENT}covariates")[2:4] == ["−1,402.3", "2,810.6"]
    assert shown.notes == (
        f"All on the same rows: n = {len(cohort)}, {cohort['event'].sum()} events.",
    )


def test_a_difference_has_its_paired_test_and_likelihood_ratio(tables):
    shown = comparison(tables["comparison"])
    cells = row(shown, f"{INDENT}covariates + flc minus covariates")
    assert cells == [
        "0.013 (−0.001 to 0.027)",
        "0.061",
        "",
        "",
        "12.42 (1)",
        "<0.001",
    ]


def test_a_small_difference_does_not_read_as_zero(tables):
    table = tables["comparison"].copy()
    is_difference = table["estimand"] == "delta_c_index"
    limits = ["estimate", "conf_low", "conf_high"]
    table.loc[is_difference, limits] = [0.00011, -0.0001, 0.0003]
    cells = row(comparison(table), f"{INDENT}covariates + flc minus covariates")
    assert cells[0] == "0.0001 (−0.0001 to 0.0003)"


def test_a_test_that_cannot_be_made_has_its_reason_as_note(tables):
    table = tables["comparison"].copy()
    is_test = table["estimand"] == "lr_chi2"
    table.loc[is_test, ["statistic", "df", "p_value"]] = np.nan
    table.loc[is_test, "note"] = "`a` is not nested in `b`"
    shown = comparison(table)
    assert row(shown, f"{INDENT}covariates + flc minus covariates")[4:] == ["–ᵃ", "–"]
    assert shown.notes[-1] == "ᵃ a is not nested in b"


def test_only_differences_of_scores_have_a_test(tables, labels):
    table = tables["concordance"]
    shown = concordance(table, labels=labels)
    p_value = table["p_value"].iloc[-1]
    assert row(shown, "Free light chain")[1] == "–"
    assert row(shown, "Free light chain minus Age")[1] == format_p(p_value)


def test_an_absent_column_is_named(tables):
    with pytest.raises(DataError, match=r"no column `statistic`"):
        comparison(tables["comparison"].drop(columns="statistic"))
