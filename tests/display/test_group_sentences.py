# ruff: noqa: RUF001  (dashes and minus signs are what is tested)
from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fahrstats.display import sentences
from fahrstats.errors import DataError


def of_first(table):
    return table[table["biomarker"] == "flc"]


def test_time_without_the_event_is_told_of_the_outer_groups(layer):
    text = sentences.time_lived(of_first(layer["rmst"]))
    assert text == (
        "In the first 5 years, people in Q4 were without the event for 4.20 years on "
        "average and those in Q1 4.80: difference −0.60 (95% CI −0.90 to −0.10), "
        "P=0.016."
    )


def test_times_that_hardly_differ_are_no_clear_difference(layer):
    table = of_first(layer["rmst"]).assign(conf_high=0.2)
    assert "4.80: no clear difference, −0.60" in sentences.time_lived(table)


def test_times_that_were_not_compared_are_said(layer):
    table = of_first(layer["rmst"])
    text = sentences.time_lived(table[table["estimand"] == "rmst"])
    assert text == "The mean time lived was not compared."


def shares(estimand, late_low=0.9):
    rows = [
        *(("Q1", 5.0, 0.95, 0.92, 0.97), ("Q2", 5.0, 0.8, 0.7, 0.9)),
        *(("Q3", 5.0, 0.625, 0.5, 0.7), ("Q1", 9.0, late_low, 0.8, 0.95)),
        *(("Q2", 9.0, 0.7, 0.6, 0.8), ("Q3", 9.0, np.nan, np.nan, np.nan)),
    ]
    names = ["group", "time", "estimate", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=names).assign(estimand=estimand)


def test_the_lowest_and_the_highest_group_are_told_while_both_are_followed():
    assert sentences.groups_at(shares("survival")) == (
        "After 5 years, 95.0% (95% CI 92.0–97.0) of the lowest group (Q1) and 62.5% "
        "(95% CI 50.0–70.0) of the highest (Q3) were without the event."
    )
    of_cause = sentences.groups_at(shares("cumulative_incidence"))
    assert of_cause.startswith("By 5 years, 95.0%")
    assert of_cause.endswith("(Q3) had the event, while other causes compete.")
    one = shares("survival").assign(group="overall")
    assert sentences.groups_at(one) == ""
    none = shares("survival").assign(estimate=np.nan)
    assert sentences.groups_at(none) == ""


def test_competing_risks_are_told_by_rate_and_by_risk(layer, labels):
    text = sentences.competing_risks(
        of_first(layer["fine_gray"]),
        of_first(layer["cause_specific"]),
        "flc",
        labels=labels,
    )
    assert text == (
        "Free light chain, cause Heart (130 events, 110 of other causes): "
        "cause-specific hazard ratio 1.30 (95% CI 1.17–1.56) per SD and "
        "subdistribution hazard ratio 1.13 (95% CI 1.02–1.36) per SD."
    )


def test_a_cause_without_estimates_is_said(layer, labels):
    tables = [
        of_first(layer[name]).assign(estimate=np.nan)
        for name in ("fine_gray", "cause_specific")
    ]
    text = sentences.competing_risks(*tables, "flc", labels=labels)
    assert text == "Free light chain has no estimate for Heart."


def test_a_correlation_is_told_as_it_is_and_given_the_covariates(layer, labels):
    text = sentences.correlation(layer["score_correlation"], labels=labels)
    assert text == (
        "Spearman's correlation of free light chain and creatinine was 0.29 (95% CI "
        "0.26–0.35); given the covariates it was 0.24 (95% CI 0.22–0.29)."
    )


def test_two_scores_are_told_given_each_other(layer, labels):
    text = sentences.given_each_other(layer["joint_groups"], labels=labels)
    assert text == (
        "With free light chain, creatinine and the covariates in one model, hazard "
        "ratios were 1.29 (95% CI 1.16–1.55) per SD of free light chain and 0.98 (95% "
        "CI 0.88–1.18) per SD of creatinine (no clear association)."
    )


def test_an_absent_column_is_named(layer):
    with pytest.raises(DataError, match="no column `per`"):
        sentences.given_each_other(layer["joint_groups"].drop(columns="per"))
