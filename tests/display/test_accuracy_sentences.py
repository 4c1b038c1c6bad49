# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from layer_tables import BASE, LARGE, SMALL

from fahrstats.display import sentences
from fahrstats.display.journal_styles import NEJM
from fahrstats.errors import DataError


def comparison(difference, low, high, p_value):
    rows = [
        {"model": "Covariates", "term": "", "estimand": "c_index", "estimate": 0.7782},
        {
            "model": "Covariates + A",
            "term": "",
            "estimand": "c_index",
            "estimate": 0.79,
        },
        {
            "model": "",
            "term": "Covariates + A - Covariates",
            "estimand": "delta_c_index",
            "estimate": difference,
            "conf_low": low,
            "conf_high": high,
            "p_value": p_value,
        },
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (
            (0.0117, 0.0093, 0.0141, 1e-20),
            "The C-index rose from 0.778 with covariates to 0.790 with covariates + A: "
            "difference 0.012 (95% CI 0.009–0.014), P<0.001.",
        ),
        (
            (-0.0117, -0.0141, -0.0093, 1e-20),
            "The C-index fell from 0.778 with covariates to 0.790 with covariates + A: "
            "difference −0.012 (95% CI −0.014 to −0.009), P<0.001.",
        ),
        (
            (0.0001, -0.0001, 0.0003, 0.3169),
            "The C-index was 0.778 with covariates and 0.790 with covariates + A, no "
            "clear change: difference 0.0001 (95% CI −0.0001 to 0.0003), P=0.32.",
        ),
    ],
)
def test_added_value_is_told_with_both_models(numbers, expected):
    text = sentences.added_value(
        comparison(*numbers), smaller="Covariates", larger="Covariates + A"
    )
    assert text == expected


def test_models_are_found_by_labels_that_have_line_breaks():
    table = comparison(0.0117, 0.0093, 0.0141, 1e-20)
    broken = table.replace({"Covariates ": "Covariates\n"}, regex=True)
    text = sentences.added_value(broken, smaller="Covariates", larger="Covariates + A")
    assert text.startswith("The C-index rose")


def test_models_that_were_not_compared_are_said():
    text = sentences.added_value(
        comparison(0.1, 0.1, 0.1, 0.1), smaller="Covariates", larger="B"
    )
    assert text == "The models Covariates and B were not compared."


def test_a_score_is_ranked_on_its_own(tables, labels):
    table = tables["concordance"]
    estimate = table["estimate"].iloc[0]
    text = sentences.concordance(table, "flc", labels=labels)
    assert text.startswith(
        f"On its own, free light chain had a C-index of {estimate:.3f} (95% CI "
    )


def test_what_is_corrected_for_optimism_stands_beside_what_is_apparent(layer):
    text = sentences.added_value(layer["comparison"], smaller=BASE, larger=SMALL)
    assert text == (
        "The C-index rose from 0.700 with covariates to 0.710 with covariates + free "
        "light chain: difference 0.012 (95% CI 0.002–0.032), apparent; corrected for "
        "optimism 0.012 (95% CI 0.002–0.032); likelihood ratio, P=0.036."
    )


def test_accuracy_at_a_horizon_is_told_with_what_is_new(layer):
    text = sentences.added_accuracy(
        layer["comparison"], smaller=BASE, larger=SMALL, horizon=5.0
    )
    assert text == (
        "With covariates + free light chain in place of covariates, the AUC at 5 years "
        "changed by 0.017 (95% CI 0.007–0.037), apparent; corrected for "
        "optimism 0.017 (95% CI 0.007–0.037); the index of prediction accuracy (IPA) "
        "changed by 1.7 (95% CI 0.7–3.7) percentage points (apparent). Of what "
        "covariates + free light chain tell of the outcome, 8.4% (95% CI 7.4–10.4) is "
        "not in covariates."
    )


def test_no_clear_change_of_accuracy_is_called_so(layer):
    table = layer["comparison"].assign(conf_low=-0.02)
    text = sentences.added_accuracy(table, smaller=BASE, larger=SMALL, horizon=5.0)
    assert "the AUC at 5 years did not clearly change: 0.017 (95% CI −0.020" in text
    assert "(IPA) did not clearly change: 1.7 (95% CI −2.0 to 3.7)" in text


def test_without_a_clear_gain_no_share_of_information_is_told(layer):
    table = layer["comparison"]
    unclear = table.assign(p_value=table["p_value"].mask(table["p_value"].notna(), 0.3))
    text = sentences.added_accuracy(unclear, smaller=BASE, larger=SMALL, horizon=7.0)
    assert text == (
        "The data do not tell whether covariates + free light chain say more of the "
        "outcome than covariates (likelihood ratio, P=0.30)."
    )


def test_without_a_horizon_nothing_is_said_of_it(layer):
    table = layer["comparison"]
    text = sentences.added_accuracy(table, smaller=BASE, larger=SMALL, horizon=7.0)
    assert text.startswith("Of what covariates + free light chain tell")


def test_calibration_is_told_corrected_where_it_can_be(layer):
    table = layer["comparison"]
    text = sentences.calibration(table, model=LARGE, horizon=5.0)
    assert text == (
        "Corrected for optimism, covariates + free light chain + creatinine had at 5 "
        "years a calibration slope of 1.03 (95% CI 1.02–1.05), a ratio of observed to "
        "expected events of 0.10 (95% CI 0.09–0.12) and a mean distance of 10.0 "
        "percentage points between predicted and observed risk."
    )
    apparent = table[table["validation"] != "optimism-corrected"]
    text = sentences.calibration(apparent, model=LARGE, horizon=5.0)
    assert text.startswith("Apparently, ")
    assert "slope" not in text  # it is 1 by construction


def test_calibration_that_was_not_estimated_is_said(layer):
    text = sentences.calibration(layer["comparison"], model="M", horizon=5.0)
    assert text == "The calibration of M was not estimated."


def test_tests_of_ranking_are_listed_by_subgroup(layer, labels):
    table = layer["concordance_by"]
    text = sentences.ranking_by_subgroup(table, "flc", labels=labels)
    assert text == (
        "Free light chain. Tests of equal C-indices across levels: sex P=0.74."
    )
    untested = table.assign(p_value=np.nan)
    text = sentences.ranking_by_subgroup(untested, "flc", labels=labels)
    assert text == "Free light chain. No test of equal C-indices across levels."
    assert sentences.ranking_by_subgroup(table, "flc", style=NEJM) == ""


def test_an_absent_column_is_named():
    with pytest.raises(DataError, match="no column `term`"):
        sentences.added_value(
            pd.DataFrame({"model": ["a"]}), smaller=BASE, larger=SMALL
        )
