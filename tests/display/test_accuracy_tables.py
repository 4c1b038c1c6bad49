# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest
from layer_tables import BASE, MODELS, SMALL, WARNING

from fahrstats.display.accuracy_tables import (
    accuracy,
    accuracy_differences,
    horizons_of,
    reclassification,
)
from fahrstats.display.display_table import INDENT
from fahrstats.errors import DataError


def test_apparent_measures_stand_above_those_corrected_for_optimism(layer):
    shown = accuracy(layer["comparison"], horizon=5.0)
    names = list(shown.cells["name"])
    models = [INDENT + model for model in MODELS]
    assert names == ["Apparent", *models, "Corrected for optimism", *models]
    assert shown.heads == (0, 5)
    assert list(shown.headers.values()) == [
        "",
        "C-index",
        "AUC\nat 5 years",
        "IPA\nat 5 years, %",
    ]
    assert list(shown.cells.iloc[1, 1:]) == [
        "0.700 (0.690–0.720)",
        "0.100 (0.090–0.120)",
        "10.0 (9.0–12.0)",
    ]


def test_a_slope_on_the_rows_of_the_fit_is_marked_as_no_finding(layer):
    table = layer["comparison"]
    shown = accuracy(table, measures=("calibration_slope", "ici"), horizon=2.0)
    assert shown.cells["calibration_slope"].iloc[1].endswith("ᵃ")
    assert not shown.cells["calibration_slope"].iloc[6].endswith("ᵃ")
    assert shown.notes[-1] == "ᵃ 1 by construction on the rows of the fit"


def test_a_comparison_without_horizons_has_its_c_index(tables):
    shown = accuracy(tables["comparison"])
    assert list(shown.headers) == ["name", "c_index"]
    assert list(shown.cells["name"]) == ["covariates", "covariates + flc"]
    assert shown.heads == ()


def test_differences_are_shown_from_one_model_or_of_every_pair(layer):
    table = layer["comparison"]
    shown = accuracy_differences(table, against=BASE, horizons=[5.0])
    assert list(shown.cells["name"])[:4] == [
        f"{SMALL} minus {BASE}",
        f"{INDENT}C-index",
        f"{INDENT}AUC at 5 years",
        f"{INDENT}IPA at 5 years, % points",
    ]
    assert list(shown.cells.iloc[1, 1:]) == [
        "0.012 (0.002–0.032)",
        "0.036",
        "0.012 (0.002–0.032)",
    ]
    assert shown.cells["apparent"].iloc[3] == "1.70 (0.70–3.70)"
    assert len(shown.heads) == 3
    every = accuracy_differences(table)
    assert len(every.heads) == 6
    assert f"{INDENT}AUC at 2 years" in set(every.cells["name"])


def test_without_draws_there_is_no_corrected_column(tables):
    shown = accuracy_differences(tables["comparison"])
    assert list(shown.headers) == ["name", "apparent", "p"]


def test_reclassification_has_its_warning_once_and_no_p(layer):
    shown = reclassification(layer["comparison"], against=BASE, horizons=[5.0])
    assert list(shown.headers) == ["name", "apparent", "corrected"]
    assert list(shown.cells["name"])[:3] == [
        f"{SMALL} minus {BASE}, at 5 years",
        f"{INDENT}IDI, % points",
        f"{INDENT}Continuous NRI",
    ]
    assert shown.cells["apparent"].iloc[1] == "5.00 (4.00–7.00)"
    assert shown.notes[-1] == WARNING
    assert sum(WARNING in note for note in shown.notes) == 1


def test_a_draw_without_value_is_a_note_beside_the_warning(layer):
    table = layer["comparison"].copy()
    table.loc[(table["estimand"] == "idi").idxmax(), "note"] = "no value in 2 draws"
    shown = reclassification(table)
    assert shown.cells["apparent"].iloc[1] == "5.00 (4.00–7.00)ᵃ"
    assert shown.notes[-2:] == (WARNING, "ᵃ no value in 2 draws")


def test_horizons_are_those_with_an_estimate(layer, tables):
    table = layer["comparison"]
    late = table["time"] == 5.0
    assert horizons_of(table) == [2.0, 5.0]
    assert horizons_of(table.assign(estimate=table["estimate"].mask(late))) == [2.0]
    assert horizons_of(tables["comparison"]) == []


def test_what_a_table_lacks_is_named(layer, tables):
    with pytest.raises(DataError, match="none of auc at 7 years"):
        accuracy(layer["comparison"], measures=("auc",), horizon=7.0)
    with pytest.raises(DataError, match="`measures` holds `d`"):
        accuracy(layer["comparison"], measures=("d",))
    with pytest.raises(DataError, match="no difference from `a`"):
        accuracy_differences(layer["comparison"], against="a")
    with pytest.raises(DataError, match="no IDI or NRI"):
        reclassification(tables["comparison"])
    with pytest.raises(DataError, match="no column `model`"):
        accuracy(layer["comparison"].drop(columns="model"))
