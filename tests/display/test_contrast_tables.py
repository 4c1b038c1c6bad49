# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display.contrast_tables import (
    incidence_at,
    restricted_means,
    survival_differences,
)
from fahrstats.display.display_table import INDENT
from fahrstats.errors import DataError


def of_first(table):
    return table[table["biomarker"] == "flc"]


def test_means_stand_beside_their_differences_from_the_reference(layer, labels):
    shown = restricted_means(layer["rmst"], labels=labels)
    assert list(shown.cells["name"])[:2] == ["Free light chain", f"{INDENT}Q1"]
    assert shown.heads == (0, 5)
    assert list(shown.cells.iloc[1, 3:]) == [
        "4.80 (3.90–4.90)",
        "0 (reference)",
        "–",
        "1 (reference)",
    ]
    assert list(shown.cells.iloc[2, 3:]) == [
        "4.60 (3.90–4.90)",
        "−0.20 (−0.90 to −0.10)",
        "0.016",
        "0.96 (0.93–0.99)",
    ]
    assert shown.notes == ("Mean time without the event in the first 5 years.",)
    table = layer["rmst"]
    early = table["time"].mask(table["biomarker"] == "creatinine", 2.0)
    assert restricted_means(table.assign(time=early), labels=labels).notes == (
        "Mean time without the event in the first 5 years (free light chain) and 2 "
        "years (creatinine).",
    )


def test_a_table_of_one_score_has_no_heads(layer):
    shown = restricted_means(of_first(layer["rmst"]))
    assert shown.heads == ()
    assert list(shown.cells["name"]) == ["Q1", "Q2", "Q3", "Q4"]


def test_survival_differences_stand_below_survival(layer):
    shown = survival_differences(of_first(layer["survival_difference"]))
    assert list(shown.cells["name"]) == [
        *("Q1", "Q2", "Q3", "Q4"),
        *("Q2 minus Q1", "Q3 minus Q1", "Q4 minus Q1"),
    ]
    assert list(shown.headers.values()) == ["", "2 years", "5 years"]
    assert list(shown.cells.iloc[0, 1:]) == ["90.0 (40.0–95.0)"] * 2
    assert list(shown.cells.iloc[4, 1:]) == ["−10.0 (−40.0 to −2.0)"] * 2


def test_a_time_that_was_not_reached_has_its_note(layer):
    table = of_first(layer["survival_difference"]).copy()
    is_late = (table["group"] == "Q1") & (table["time"] == 5.0)
    table.loc[is_late, ["estimate", "conf_low", "conf_high"]] = np.nan
    table.loc[is_late, "note"] = "follow-up ends at 4"
    shown = survival_differences(table)
    assert shown.cells.iloc[0, 2] == "not estimatedᵃ"
    assert shown.notes[-1] == "ᵃ follow-up ends at 4"


def test_incidence_has_the_test_of_its_cause_beside_it(layer):
    table, tests = (of_first(layer[name]) for name in ("incidence_at", "gray"))
    shown = incidence_at(table, tests)
    assert list(shown.cells["name"])[:2] == ["Heart", f"{INDENT}Q1"]
    assert shown.cells["p"].iloc[0] == "0.006"
    assert list(shown.cells.iloc[1, 1:3]) == ["4.0 (3.0–5.0)", "10.0 (7.5–12.5)"]
    assert "p" not in incidence_at(table).headers


def test_incidence_of_several_scores_names_them(layer, labels):
    shown = incidence_at(layer["incidence_at"], layer["gray"], labels=labels)
    assert shown.cells["name"].iloc[0] == "Free light chain: Heart"
    assert "Creatinine: Other" in set(shown.cells["name"])


def test_everyone_together_is_called_so(layer):
    table = of_first(layer["incidence_at"])
    table = table[table["group"] == "Q1"].drop(columns="group")
    assert incidence_at(table).cells["name"].iloc[1] == f"{INDENT}Everyone"


def test_an_absent_column_is_named(layer):
    for draw, name in (
        (restricted_means, "rmst"),
        (survival_differences, "survival_difference"),
        (incidence_at, "incidence_at"),
    ):
        with pytest.raises(DataError, match="no column `time`"):
            draw(layer[name].drop(columns="time"))
