# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import pytest

from fahrstats.display.display_table import INDENT
from fahrstats.display.sensitivity_tables import (
    cohorts,
    early_deaths,
    imputed_variables,
    influence,
)
from fahrstats.errors import DataError


def of_first(table):
    return table[table["biomarker"] == "flc"]


def test_cohorts_come_before_their_averages(layer, labels):
    shown = cohorts(of_first(layer["cohorts"]), labels=labels)
    assert list(shown.cells["name"]) == [
        *("A", "B", "C"),
        "Average, random effects",
        "Average, common effect",
        "Prediction for a new cohort",
    ]
    assert list(shown.cells.iloc[0, 1:]) == ["200", "80", "1.20 (1.08–1.44)", "20.0"]
    assert shown.cells["estimate"].iloc[3] == "1.34 (1.21–1.61)"
    assert shown.notes == (
        "I squared, % (95% CI): 30 (0–90). Heterogeneity: chi-squared 1.00 on 2 df, "
        "P=0.61.",
    )


def test_heterogeneity_of_several_scores_is_told_apart(layer, labels):
    shown = cohorts(layer["cohorts"], labels=labels)
    assert shown.heads == (0, 7)
    assert shown.notes[0].startswith("Free light chain. I squared")
    assert shown.notes[1].startswith("Creatinine. I squared")


def test_a_prediction_without_limits_is_no_number(layer, labels):
    table = of_first(layer["cohorts"]).copy()
    is_prediction = table["estimand"] == "hr_prediction"
    table.loc[is_prediction, ["conf_low", "note"]] = [float("nan"), "needs 3 cohorts"]
    shown = cohorts(table, labels=labels)
    assert shown.cells["estimate"].iloc[-1] == "–ᵃ"
    assert shown.notes[-1] == "ᵃ needs 3 cohorts"


def test_concordances_of_cohorts_have_three_decimals(layer, labels):
    table = of_first(layer["cohorts"])
    table = table.assign(estimand=table["estimand"].str.replace("hr", "c_index"))
    shown = cohorts(table, labels=labels)
    assert shown.cells["estimate"].iloc[0] == "1.200 (1.080–1.440)"
    assert shown.headers["estimate"] == "Estimate (95% CI)"


def test_influence_has_its_largest_change_and_what_many_make(layer, labels):
    shown = influence(of_first(layer["influence"]), labels=labels)
    assert shown.cells.to_numpy().tolist()[0] == [
        "Free light chain",
        "0.23",
        "22ᵃ",
        "−0.018",
    ]
    assert shown.notes == ("ᵃ rows beyond 0.08",)


def test_ways_to_treat_the_censored_stand_side_by_side(layer, labels):
    shown = early_deaths(layer["early_deaths"], labels=labels)
    head, score, *_ = shown.cells.to_numpy().tolist()
    assert head[:4] == ["Free light chain, within 1 year", "590", "25", "10"]
    assert score == [
        f"{INDENT}Free light chain, per SD",
        *("", "", ""),
        *("1.35 (1.22–1.62)", "0.004"),
        *("1.36 (1.22–1.63)", "0.004"),
    ]
    assert list(shown.spanners) == [
        "Censored before: excluded",
        "Censored before: weighted",
    ]


def test_a_term_that_one_model_lacks_has_empty_cells(layer, labels):
    table = of_first(layer["early_deaths"])
    is_gone = (table["term"] == "age") & table["model"].str.endswith("weighted")
    shown = early_deaths(table[~is_gone], labels=labels)
    assert list(shown.cells.iloc[2, 6:]) == ["–", "–"]


def test_imputed_variables_have_their_method(layer, labels):
    shown = imputed_variables(layer["imputed_variables"], labels=labels)
    assert shown.cells.to_numpy().tolist() == [
        ["Creatinine", "700", "100", "Predictive mean matching, 5 donors"]
    ]


def test_an_absent_column_is_named(layer):
    for draw, name, column in (
        (cohorts, "cohorts", "cohort"),
        (influence, "influence", "term"),
        (early_deaths, "early_deaths", "n_censored"),
        (imputed_variables, "imputed_variables", "n_missing"),
    ):
        with pytest.raises(DataError, match=f"no column `{column}`"):
            draw(layer[name].drop(columns=column))
    with pytest.raises(DataError, match="no rows; early deaths"):
        early_deaths(layer["early_deaths"].assign(estimand="log_or"))
