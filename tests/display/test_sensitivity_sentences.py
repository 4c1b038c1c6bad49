# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pytest

from fahrstats.display import sentences
from fahrstats.display.journal_styles import journal_style
from fahrstats.errors import DataError


def of_first(table):
    return table[table["biomarker"] == "flc"]


def test_no_bend_that_the_data_show_is_no_proof_of_a_line(layer, labels):
    text = sentences.shape(layer["nonlinearity"], "flc", labels=labels)
    assert text == (
        "Free light chain. The data do not show a bend in the log hazard (P=0.27), "
        "which does not prove a straight line."
    )


def test_a_bend_makes_one_ratio_a_summary(layer, labels):
    bent = layer["nonlinearity"].assign(p_value=0.0004)
    text = sentences.shape(bent, "flc", labels=labels)
    assert "The log hazard is no straight line in the score (P<0.001)" in text
    few = sentences.shape(bent.assign(n_events=20), "flc", labels=labels)
    assert "(P<0.001, from only 20 events for 3 coefficients)" in few
    untested = layer["nonlinearity"].assign(p_value=np.nan)
    text = sentences.shape(untested, "flc", labels=labels)
    assert text == "Free light chain. Whether the effect bends was not tested."


def test_imputed_rows_stand_beside_complete_ones(layer, labels):
    text = sentences.completed_rows(of_first(layer["imputed"]), "flc", labels=labels)
    assert text == (
        "Free light chain. Hazard ratio 1.26 (95% CI 1.13–1.51) in 700 people with "
        "missing values imputed, 1.25 (95% CI 1.13–1.50) in the 600 with none missing."
    )


def test_without_imputed_rows_this_is_said(layer, labels):
    table = of_first(layer["imputed"])
    complete = table[table["model"] == "complete case"]
    text = sentences.completed_rows(complete, "flc", labels=labels)
    assert text == "Free light chain. Missing values were not imputed."


def test_cohorts_are_told_with_the_interval_for_a_new_one(layer, labels):
    text = sentences.across_cohorts(of_first(layer["cohorts"]), labels=labels)
    assert text == (
        "Free light chain. Average hazard ratio over 3 cohorts 1.34 (95% CI 1.21–1.61)"
        "; 95% prediction interval for a new cohort 1.21 to 1.61."
    )


def test_a_cohort_without_weight_takes_no_part_in_the_average(layer, labels):
    table = of_first(layer["cohorts"])
    without = table.assign(weight=table["weight"].mask(table["cohort"] == "B"))
    text = sentences.across_cohorts(without, labels=labels)
    assert "over 2 of 3 cohorts 1.34" in text
    unweighted = sentences.across_cohorts(table.drop(columns="weight"), labels=labels)
    assert "over 3 cohorts 1.34" in unweighted


def test_weights_that_are_not_published_do_not_tell_who_takes_part(layer, labels):
    table = of_first(layer["cohorts"]).assign(weight=float("nan"))
    text = sentences.across_cohorts(table, labels=labels)
    assert "Average hazard ratio over the cohorts 1.34" in text


def test_two_cohorts_have_no_prediction(layer, labels):
    table = of_first(layer["cohorts"])
    is_prediction = table["estimand"] == "hr_prediction"
    without = table.assign(conf_low=table["conf_low"].mask(is_prediction))
    text = sentences.across_cohorts(without, labels=labels)
    assert text.endswith("1.34 (95% CI 1.21–1.61).")


def test_the_person_who_moves_most_is_told_in_standard_errors(layer, labels):
    table = of_first(layer["influence"])
    text = sentences.largest_influence(table, "flc", labels=labels)
    assert text == (
        "Free light chain. No single person moves its coefficient by more than 0.23 "
        "standard errors."
    )


def test_few_early_events_are_called_few(layer, labels):
    table = of_first(layer["early_deaths"])
    text = sentences.early(table, "flc", labels=labels)
    assert text == (
        "Free light chain. Odds ratio of the event within 1 year 1.35 (95% CI "
        "1.22–1.62), from 25 events, few for 3 coefficients; 10 people censored before "
        "were left out."
    )
    many = sentences.early(table.assign(n_events=30), "flc", labels=labels)
    assert "from 30 events; 10" in many


def test_withheld_events_are_not_called_few(layer, labels):
    bent = layer["nonlinearity"].assign(p_value=0.0004, n_events=np.nan)
    text = sentences.shape(bent, "flc", labels=labels)
    assert "in the score (P<0.001), so" in text
    early = of_first(layer["early_deaths"])
    no_events = sentences.early(early.assign(n_events=np.nan), "flc", labels=labels)
    assert no_events.endswith("1.22–1.62); 10 people censored before were left out.")
    neither = early.assign(n_events=np.nan, n_censored=np.nan)
    assert sentences.early(neither, "flc", labels=labels).endswith(
        "1.22–1.62); those censored before were left out."
    )


def test_gaps_are_told_with_their_outer_groups(layer):
    text = sentences.age_gaps(of_first(layer["gaps"]), name="PhenoAge")
    assert text == (
        "PhenoAge. Predicted minus actual age was −3.60 (95% CI −3.96 to −2.88) years "
        "on average; 46.7% were at least 5 years younger and 5.0% were at least 10 "
        "years older."
    )


def test_a_study_is_measured_by_the_most_demanding_size(layer):
    table = layer["sample_size"]
    assert sentences.large_enough(table) == (
        "With 600 people the study is smaller than 1 of 3 demands on its largest model "
        "asks for; the most demanding asks for 875."
    )
    enough = sentences.large_enough(table[~table["term"].str.startswith("shrink")])
    assert enough == (
        "With 600 people the study is as large as every demand on its largest model; "
        "the most demanding asks for 415."
    )
    nothing = sentences.large_enough(table[table["term"] == "this study"])
    assert nothing == "The size that the study needed was not estimated."


def test_published_lines_that_disagree_with_themselves_are_counted(layer):
    table = layer["published_check"]
    assert sentences.printed_agreement(table) == (
        "1 of 2 published lines disagrees with itself."
    )
    sound = sentences.printed_agreement(table.assign(note=""))
    assert sound == "None of 2 published lines disagrees with itself."


def test_a_refusal_names_the_score_or_the_time(labels):
    row = {"biomarker": "flc", "model": "adjusted", "time": None}
    row |= {"note": "not estimated: `flc` is constant."}
    assert sentences.refusal(row, labels=labels) == (
        "Free light chain, adjusted. Not estimated: Free light chain is constant."
    )
    lancet = journal_style("lancet")
    row = {"note": "not estimated: follow-up ends at 9.083"}
    assert sentences.refusal(row, style=lancet).endswith("ends at 9·083")
    at = sentences.refusal({"model": "M", "time": 10.0, "note": "not estimated: late."})
    assert at == "At 10 years. Not estimated: late."


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `cohort`"):
        sentences.across_cohorts(layer["cohorts"].drop(columns="cohort"))
